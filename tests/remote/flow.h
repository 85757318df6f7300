/*
 * A flow of numbered items from a producer through consumers in other processes (peers), with a
 * ledger that says what happened to each item. The ledger is shared memory: a peer writes to it
 * what it has before it goes on, so that the entry is there when the peer is killed.
 */
#ifndef FLOW_H
#define FLOW_H

#include "server.h"

#include <spmcq_remote.h>
#include <stdatomic.h>
#include <stdint.h>

/* What happened to one item. */
struct fate {
	_Atomic uint16_t got;       /* times a peer got the item */
	_Atomic uint16_t reporting; /* times a peer began to report the item */
	_Atomic uint16_t done;  /* times task_done returned 0 for the last item of its message */
	_Atomic uint16_t again; /* times a peer got it after its report */
	/* Times that a report took long, or that the server was killed between the get and the
	 * answer to the report. Another peer may have got the item meanwhile. */
	_Atomic uint16_t straddled;
};

struct ledger {
	_Atomic uint64_t done;  /* items reported, by all peers together */
	_Atomic uint64_t lost;  /* items that came with a number that was never put */
	_Atomic unsigned epoch; /* changes before and after the server is killed */
	_Atomic int error;      /* a result that stopped a peer */
	struct fate fate[];
};

struct flow {
	const char *url;
	const char *name;
	size_t items, capacity;
	size_t bulk; /* items in a put, and in a get if gets is 0 */
	size_t gets; /* items in a get */
	struct spmcq_remote_options options;
	char path[PATH_LENGTH];
	struct ledger *ledger;
	struct spmcq_remote *q;
};

void flow_begin(struct flow *flow);
/* Returns what open returns; may be called again after an error. */
int flow_try_begin(struct flow *flow);
pid_t flow_consumer(const struct flow *flow);

/* Puts the items from..to-1. */
void flow_put(struct flow *flow, uint64_t from, uint64_t to);

/* Waits until `done` items are reported by all peers together. Fails if a consumer stops, or after
 * 50 s. */
void flow_await_done(const struct flow *flow, uint64_t done);

/* Called after join has returned. Checks that each item was got, and that a peer reported it or had
 * begun to. */
void flow_check_joined(const struct flow *flow);

/* Called after the consumers have ended. Checks that no item was got again after its report, and
 * that each was reported once, unless a fault happened during its report. unwritten: a consumer
 * that was killed may have reported items and not written that to the ledger, and its items may
 * have been delivered to two others; this many such items are allowed. */
void flow_check(const struct flow *flow, size_t unwritten);
void flow_end(struct flow *flow);

extern const struct peer_role flow_role;

#endif
