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

	RUN_MOST = 1024, /* items that are sent before the first answer is waited for */

	LINGER_MS = 1000, /* time at the end for the last messages to arrive */
};

/* The names of a queue's parts on the server. */
struct places {
	char stream[PLACE_MOST]; /* holds the items */
	char item[PLACE_MOST];   /* the subject items are put to */
	char closed[PLACE_MOST]; /* the stream's subject from shutdown on: puts then find no stream
	                          */
	char bell[PLACE_MOST];   /* the subject of a hint to look whether the queue is shut down */
	char aside[PLACE_MOST];  /* the stream of items set aside */
	char aside_item[PLACE_MOST]; /* its subject */
	char log[PLACE_MOST];        /* the stream of reports */
	char log_record[PLACE_MOST]; /* its subject */
	char log_mended[PLACE_MOST]; /* the subject of a note: for which server the queue was mended
	                              */
	char bucket[PLACE_MOST];     /* holds the producer's lease */
	char next[PLACE_MOST + 64];  /* the subject of requests for items */
};

struct settings {
	size_t capacity;
	size_t item_size;
	char key[2 * SPMCQ_QUEUE_ID + 1]; /* the id of the key's queue; "": items are not sealed */
	struct spmcq_remote_options options; /* with the defaults put in; without its pointers */
};

/* The connection, and what its callbacks have counted. */
struct connection {
	natsConnection *nats;
	jsCtx *js;
	natsSubscription *bell;
	_Atomic unsigned lost;    /* how often the connection was lost */
	_Atomic unsigned rung;    /* how often the bell rang, or may have while we could not hear */
	_Atomic unsigned refused; /* how often the server refused us a subject */
	pthread_mutex_t lock;     /* guards the rest */
	pthread_cond_t ended;     /* callers == 0 */
	unsigned callers;         /* connections and subscriptions whose callbacks may still run */
	char refusal[160];        /* the server's words when it last refused a subject */
};

/* A run of items that was sent, and its answers. */
struct run {
	pthread_mutex_t lock;
	pthread_cond_t answered_all;
	/* Guarded by lock. */
	char id[ID_MOST];   /* the beginning of its messages' ids */
	uint64_t first;     /* position of its first item */
	size_t n;           /* items; 0: no run */
	size_t answered;    /* messages with an answer */
	size_t stored;      /* of those: messages that the server kept */
	size_t first_fault; /* the first item that was not kept; n: none */
	int answer;         /* the answer to that item: an enum answer of publish.c */
};

/* The producer side of a handle. Fields without a remark are used by the owner only. */
struct producer {
	_Atomic(uintptr_t) owner; /* a thread; 0: none */
	_Atomic bool inside;      /* a put is going on */

	/* The lease. */
	bool is_held;
	char me[ID_MOST];          /* the value that marks it as ours */
	uint64_t epoch;            /* its revision when we got it; no two are alike */
	_Atomic uint64_t revision; /* its newest revision; written by the renewer */
	_Atomic bool is_lost;      /* false -> true by the renewer or a put: another has it */
	pthread_t renewer;
	pthread_mutex_t lock; /* guards is_ending */
	pthread_cond_t ending;
	bool is_ending;
	kvStore *bucket;

	uint64_t last;    /* the newest position in the stream, as far as we know */
	size_t room;      /* items that the queue has room for, as far as we know */
	uint64_t attempt; /* part of ids: one more when other items come to positions in doubt */
	struct run run;

	char *sealed; /* room for a sealed item; NULL: items are not sealed */

	/* A run that may have been put after last: its answer was lost. */
	char *doubt;
	size_t doubt_n; /* 0: no doubt */
};

/* A set of positions within first..first + n - 1: a bit for each. */
struct positions {
	uint64_t first, n;
	unsigned char *bits;
};

/* The log of reports, see log.c. */
struct log {
	bool is_kept;
	_Atomic int64_t look_at;   /* when to look next if it can be cut */
	_Atomic int64_t repair_at; /* when repair_look() looks next */
	pthread_mutex_t lock;      /* guards the rest */
	char server[64];           /* the id of the server for which again is known */
	struct positions again; /* items that were reported before that server was started, and were
	                         * there then */
	bool is_clean;          /* they are removed */
	bool is_mended;         /* and no position will be given twice */
	uint64_t newest;        /* the newest position reported; 0: none, or is_mended */
	uint64_t record;        /* the last record to be cut off; 0: no cut goes on */
	uint64_t position;      /* no record up to that one has a later position than this */
	/* The stream's positions when repair_look() found the queue idle; 0: it was not. */
	uint64_t idle_first, idle_last;
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
	_Atomic bool is_closed;     /* false -> true once: the server says it is shut down */
	_Atomic unsigned rung_seen; /* connection.rung when a get last looked */
	_Atomic uint64_t seen;      /* the newest position that the server has told us of */
	_Atomic size_t inside;      /* threads inside a call */
	_Atomic size_t held;        /* items that threads of this handle hold */
	struct desk *desks;         /* of all threads; guarded by desks_lock of desk.c */
};

#define INTERNAL static

#endif
