/*
 * A handle, and what its modules share. The library is one translation unit: see spmcq_remote.c.
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
	PLACE_MOST = 96, /* of a subject, a stream or a bucket made of it */
	ID_MOST = 64,    /* of a message id, or of a producer's */

	RUN_MOST = 1024, /* items that are sent before their answers are waited for */

	LINGER_MS = 1000, /* at the end, for what was sent last to arrive */
};

/* What a queue is called on the server. */
struct places {
	char stream[PLACE_MOST]; /* holds the items */
	char item[PLACE_MOST];   /* the subject items are put to */
	char closed[PLACE_MOST]; /* what the stream listens to after shutdown: nobody puts there */
	char bell[PLACE_MOST];   /* a hint, kept nowhere: look whether the queue is shut down */
	char aside[PLACE_MOST];  /* the stream of what was delivered too often */
	char aside_item[PLACE_MOST]; /* its subject */
	char log[PLACE_MOST];        /* the stream of what was reported */
	char log_record[PLACE_MOST]; /* its subject */
	char log_mended[PLACE_MOST]; /* the subject of the note beside them */
	char bucket[PLACE_MOST];     /* holds the producer's lease */
	char next[PLACE_MOST + 64];  /* asks for the next items */
};

struct settings {
	size_t capacity;
	size_t item_size;
	char key[2 * SPMCQ_QUEUE_ID + 1]; /* the id of the key's queue; "": items are not sealed */
	struct spmcq_remote_options options; /* no zero left; its strings are not kept */
};

/* The connection, and what its callbacks noted. */
struct connection {
	natsConnection *nats;
	jsCtx *js;
	natsSubscription *bell;
	_Atomic unsigned lost;    /* times that the connection was lost */
	_Atomic unsigned rung;    /* times that the bell rang, or may have without our hearing it */
	_Atomic unsigned refused; /* times that the server refused us a subject */
	pthread_mutex_t lock;     /* guards the rest */
	pthread_cond_t ended;     /* callers == 0 */
	unsigned callers;         /* of callbacks of ours that will end with a last one */
	char refusal[160];        /* what the server said when it refused a subject the last time */
};

/* A run of items that was sent, and the answers. */
struct run {
	pthread_mutex_t lock;
	pthread_cond_t answered_all;
	/* Guarded by lock. */
	char id[ID_MOST];   /* what the ids of its messages begin with */
	uint64_t first;     /* position of its first item */
	size_t n;           /* items; 0: no run */
	size_t answered;    /* messages */
	size_t stored;      /* of those: kept by the server */
	size_t first_fault; /* the first item that was not kept; n: none */
	int answer;         /* to that, an enum answer */
};

/* The producer side of a handle. Only its owner touches what has no word on it. */
struct producer {
	_Atomic(uintptr_t) owner; /* a thread; 0: none */
	_Atomic bool inside;      /* a put is going on */

	/* The lease. */
	bool is_held;
	char me[ID_MOST];          /* the value that says it is ours */
	uint64_t epoch;            /* the revision we got it with: no two are alike */
	_Atomic uint64_t revision; /* its newest; the renewer's */
	_Atomic bool is_lost;      /* false -> true once, by the renewer or a put: another has it */
	pthread_t renewer;
	pthread_mutex_t lock; /* guards is_ending */
	pthread_cond_t ending;
	bool is_ending;
	kvStore *bucket;

	uint64_t last;    /* the newest position in the stream, as far as known */
	uint64_t attempt; /* of other items at positions that are in doubt: makes ids differ */
	struct run run;

	char *sealed; /* room for a sealed item; NULL: items are not sealed */

	/* Items that may have been put after last: the answer was lost. */
	char *doubt;
	size_t doubt_n; /* 0: no doubt */
};

/* The log of reports, see log.c. */
struct log {
	bool is_kept;
	_Atomic int64_t look_at;   /* when to look next whether it can be cut */
	_Atomic int64_t repair_at; /* when to look next whether the queue is in order */
	pthread_mutex_t lock;      /* guards the rest */
	char mended[64];           /* the id of the server that is known to be whole; "": none */
	uint64_t record;           /* up to which it is to be cut; 0: none */
	uint64_t position;         /* none of those records is beyond it */
	uint64_t idle_first, idle_last; /* the stream when repair_look() found it idle; 0: not */
};

/* An item that was delivered. */
struct held {
	natsMsg *message; /* its reply subject acknowledges the item */
	uint64_t position;
	unsigned deliveries;
};

struct spmcq_remote {
	struct places places;
	struct settings settings;
	bool is_replicated; /* more than one server keeps it */
	struct connection connection;
	size_t payload_size;                        /* bytes of an item in a message */
	const struct spmcq_remote_sealing *sealing; /* NULL: items are not sealed */
	struct sealer *sealer;
	struct producer producer;
	struct log log;
	_Atomic bool is_closed;     /* false -> true once: shut down, as the server said */
	_Atomic unsigned rung_seen; /* connection.rung, when it was last looked into */
	_Atomic size_t inside;      /* threads inside a call */
	_Atomic size_t held;        /* items that threads of this handle hold */
	struct desk *desks;         /* of all threads; guarded by desks_lock of desk.c */
};

#define INTERNAL static

#endif
