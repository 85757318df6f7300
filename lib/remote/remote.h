/*
 * A handle, and what its modules share. The library is one translation unit: see spmcq_remote.c.
 *
 * Words of this folder:
 *   message    what the server stores and delivers: 1 to items_per_message items, sealed as one.
 *              Files that need not tell the two apart call a message an item.
 *   position   the number that the stream gives to a message (the server calls it a sequence)
 *   held       said of an item from its delivery to a thread until the thread reports it
 *   desk       the data of one thread in a handle: its inbox, and the messages that it holds
 *              (desk.c)
 *   rest       the items of a message that its thread has not got yet
 *   bell       the subject to which a handle publishes a message after shutdown; the message makes
 *              waiting gets ask the server whether the queue is shut down
 *   run        up to RUN_MOST messages that are sent before their answers are waited for
 *   doubt      items are in doubt if they were sent and the answer was lost, so that the producer
 *              does not know whether the server has stored them, or will. To settle the doubt is
 *              to ask the server how many it has stored, and to compare the next put with the
 *              items (producer.c).
 *   leader     in a cluster, the server that orders the messages of a stream and answers for it
 *   set aside  said of an item that was moved to a stream of its own, because it was delivered too
 *              often or cannot be opened
 *   repair     to remove items that were reported but that the server still has: after a restart
 *              of the server (log.c), and while a thread waits in vain (repair.c). In names, and
 *              in the subject where a repair is noted, the word is "mended".
 */
#ifndef SPMCQ_REMOTE_INTERNAL_H
#define SPMCQ_REMOTE_INTERNAL_H

#include <nats/nats.h>
#include <spmcq_remote.h>
#include <spmcq_seal.h>

#include <pthread.h>
#include <stdatomic.h>

#include "limit.h"

enum {
	NAME_MOST = 64,  /* bytes of a queue's name */
	PLACE_MOST = 96, /* bytes of the name of a subject, stream or bucket */
	ID_MOST = 64,    /* bytes of a message's id, or of the id of a producer */

	RUN_MOST = 1024, /* messages that are sent before the first answer is waited for */

	LINGER_MS = 1000, /* how long a close waits for messages that are still on their way */
};

/* The names of a queue's parts on the server. */
struct places {
	char stream[PLACE_MOST]; /* holds the items */
	char item[PLACE_MOST];   /* the subject items are put to */
	/* The stream's subject after shutdown; no stream has the subject of items then. */
	char closed[PLACE_MOST];
	char bell[PLACE_MOST];       /* see above */
	char aside[PLACE_MOST];      /* the stream of items set aside */
	char aside_item[PLACE_MOST]; /* its subject */
	char log[PLACE_MOST];        /* the stream of the log of reports (log.c) */
	char log_record[PLACE_MOST]; /* its subject */
	/* Its second subject: the id of the server that was running when the queue was last
	 * repaired. */
	char log_mended[PLACE_MOST];
	char bucket[PLACE_MOST];    /* holds the producer's lease */
	char next[PLACE_MOST + 64]; /* the subject of requests for items */
};

struct settings {
	size_t capacity;
	size_t item_size;
	/* The id of the queue that the key is for; "": items are not sealed. */
	char key[2 * SPMCQ_QUEUE_ID + 1];
	/* With defaults instead of 0; the pointers are NULL once the queue is open. */
	struct spmcq_remote_options options;
};

/* The connection, and what its callbacks have counted. */
struct connection {
	natsConnection *nats;
	jsCtx *js;
	natsSubscription *bell;
	_Atomic unsigned lost;    /* how often the connection was lost */
	_Atomic unsigned rung;    /* messages at the bell, and reconnects (see on_again()) */
	_Atomic unsigned refused; /* how often the server refused this handle a subject */
	pthread_mutex_t lock;     /* guards the rest */
	pthread_cond_t ended;     /* callers == 0 */
	unsigned callers;         /* connections and subscriptions whose callbacks may still run */
	struct left *left;        /* subscriptions that have ended and are not freed */
	char refusal[160];        /* the server's words when it last refused a subject */
};

/* A run of messages that was sent, and its answers. */
struct run {
	pthread_mutex_t lock;
	pthread_cond_t answered_all;
	/* Guarded by lock. */
	char id[ID_MOST];   /* the part that the ids of all its messages begin with */
	uint64_t first;     /* position of its first message */
	size_t n;           /* messages; 0: no run */
	size_t answered;    /* messages that were answered */
	size_t stored;      /* answers that say that the message was stored */
	size_t first_fault; /* the first message that was not stored; n: all were stored */
	int answer;         /* the answer to that message: an enum answer of publish.c */
};

/* The producer side of a handle. Fields are used by the owner alone if nothing else is said. */
struct producer {
	_Atomic(uintptr_t) owner; /* the thread of this handle that may put; 0: none */
	_Atomic bool inside;      /* a put is going on */

	/* The lease. */
	bool is_held;
	char me[ID_MOST]; /* the value of the lease while this handle holds it */
	/* The revision of the lease when this handle took it; differs each time that it is taken.
	 */
	uint64_t epoch;
	_Atomic uint64_t revision; /* the revision of the lease now; the renewer writes it */
	/* False -> true by the renewer or a put, when another handle holds the lease. */
	_Atomic bool is_lost;
	pthread_t renewer;
	pthread_mutex_t lock; /* guards is_ending */
	pthread_cond_t ending;
	bool is_ending;
	kvStore *bucket;

	uint64_t last; /* the newest position that this producer knows of */
	/* How many messages this producer may put before it asks the server for their number. */
	size_t room;
	/* Part of the ids of messages; grows when other items are put to positions of a run in
	 * doubt. */
	uint64_t attempt;
	struct run run;

	char *sealed; /* room for a sealed message; NULL: items are not sealed */

	/* The items in doubt, and their number. Their positions follow last. */
	char *doubt;
	size_t doubt_n; /* 0: no doubt */
	/* An answer was lost since the server was last asked how many of them it has stored. */
	bool is_unsettled;
};

/* A set of positions from first to first + n - 1, with a bit for each. */
struct positions {
	uint64_t first, n;
	unsigned char *bits;
};

/* The log of reports, see log.c. */
struct log {
	bool is_kept;
	_Atomic int64_t look_at;   /* when to check next whether old records can be removed */
	_Atomic int64_t repair_at; /* when repair_look() checks next */
	pthread_mutex_t lock;      /* guards the rest */
	char server[64];           /* the id of the server that again and newest are about */
	/* Items that were reported before that server was started, and that it has all the same. */
	struct positions again;
	bool is_clean; /* the items of again have been removed */
	/* A producer also made sure that no position is given to two items (fill.c). */
	bool is_mended;
	/* The newest position in the log; 0: the log is empty, or was not read because of
	 * is_mended. */
	uint64_t newest;
	uint64_t record; /* the number of the last record to be removed; 0: none is to be removed */
	uint64_t position; /* no record up to that number has a position after this one */
	/* The oldest unfinished and the newest position of the stream when repair_look() last found
	 * that items are unfinished but none is queued or held. idle_first is 0 if it did not find
	 * that. */
	uint64_t idle_first, idle_last;
};

/* A message that was delivered. */
struct held {
	natsMsg *message; /* its reply subject acknowledges it */
	uint64_t position;
	unsigned deliveries;
	size_t n; /* its items; set when it is taken from the inbox */
};

struct spmcq_remote {
	struct places places;
	struct settings settings;
	bool is_replicated; /* more than one server stores the queue */
	struct connection connection;
	size_t overhead;                            /* bytes that sealing adds to a message */
	const struct spmcq_remote_sealing *sealing; /* NULL: items are not sealed */
	struct sealer *sealer;
	struct producer producer;
	struct log log;
	_Atomic bool is_closed; /* false -> true once, when the queue is known to be shut down */
	/* connection.rung when a get last asked the server whether the queue is shut down. */
	_Atomic unsigned rung_seen;
	_Atomic uint64_t seen; /* the newest position that a server has ever named to this handle */
	_Atomic size_t inside; /* threads inside a call */
	_Atomic size_t held;   /* messages that threads of this handle hold */
	struct desk *desks;    /* of all threads; guarded by desks_lock of desk.c */
};

#define INTERNAL static

#endif
