/*
 * A flow of numbered items through peers, with a ledger of what became of each. The ledger is
 * shared memory: a peer writes down what it has before it goes on, so that it is there when the
 * peer is killed.
 */
#ifndef FLOW_H
#define FLOW_H

#include "server.h"

#include <spmcq_remote.h>
#include <stdatomic.h>
#include <stdint.h>

/* Of an item. */
struct fate {
	_Atomic uint16_t got;       /* times it came out */
	_Atomic uint16_t reporting; /* times a peer began to report it */
	_Atomic uint16_t done;      /* times task_done said 0 for it */
	_Atomic uint16_t again;     /* times it came out when it had been reported */
	_Atomic uint16_t straddled; /* times a report was long under way, or the server was killed
	                             * between the get and its end: the item may have come to
	                             * another meanwhile */
};

struct ledger {
	_Atomic uint64_t done;  /* reports, of all */
	_Atomic uint64_t lost;  /* items with a number that none has */
	_Atomic unsigned epoch; /* changes before and after the server is killed */
	_Atomic int error;      /* a result that stopped a peer */
	struct fate fate[];
};

struct flow {
	const char *url;
	const char *name;
	size_t items, capacity, bulk;
	struct spmcq_remote_options options;
	char path[PATH_LENGTH];
	struct ledger *ledger;
	struct spmcq_remote *q;
};

void flow_begin(struct flow *flow);
int flow_try_begin(struct flow *flow); /* what open returned; can be called again */
pid_t flow_consumer(const struct flow *flow);

/* Puts the items from..to-1. */
void flow_put(struct flow *flow, uint64_t from, uint64_t to);

/* Waits until so many reports are made in all; fails if a consumer stops, or after 50 s. */
void flow_await_done(const struct flow *flow, uint64_t done);

/* When join has returned: every item came out, and somebody reported it, or was about to. */
void flow_check_joined(const struct flow *flow);

/* When the consumers have ended: none came out again after it had been reported, and each was
 * reported once, but if its report straddled a fault. Of consumers that were killed at most
 * unwritten were reported before they wrote that down; and at most so many, which they held, may
 * have been delivered to two others. */
void flow_check(const struct flow *flow, size_t unwritten);
void flow_end(struct flow *flow);

extern const struct peer_role flow_role;

#endif
