/*
 * What a competitor is: one const table of functions, at the end of one file of queues/.
 *
 * create() makes the queue and whatever each thread needs. Every thread then asks once for its
 * handle, with producer() or consumer(), and passes it to each call; a table without these two
 * passes the queue itself. One thread puts and joins; any thread may get. destroy()
 * comes when no thread uses the queue any more.
 *
 * For a queue between processes, create() is called before the other processes are forked.
 * producer(), join() and shutdown() are called in the process that puts, and consumer(), at the
 * same time, in each process that gets; destroy() frees what the first process has.
 *
 * Results are those of the library: 0 or a count on success, -errno otherwise.
 */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a queue can do by itself. The harness or a helper does the rest, and reports name it. */
enum bench_can {
	BENCH_BULK = 1 << 0,    /* moves several items per call; else the harness goes one by one */
	BENCH_BOUNDED = 1 << 1, /* put waits for room; else memory grows with the backlog */
	BENCH_BLOCKING = 1 << 2, /* waiting threads sleep; else they look and yield (polling.h) */
	BENCH_FIFO = 1 << 3,     /* each consumer gets ascending items; the harness checks it */
	BENCH_JOIN = 1 << 4,     /* counts unfinished items itself; else completion.h does */

	/* What it is. */
	BENCH_YARDSTICK = 1 << 5, /* no queue, but a bound on queues; left out unless named */
	BENCH_ELSEWHERE = 1 << 6, /* another program, which checks its squares itself */
	BENCH_MACHINES = 1 << 8,  /* goes through a server: only with --between machines */
	BENCH_PROCESSES = 1 << 9, /* each consumer is a process: only with --between processes */
	BENCH_SIMULATED = 1 << 7, /* all of its code can be compiled for the simulated machine */
};

/* Whether it is between the threads of one process. */
static inline bool bench_is_between_threads(unsigned can)
{
	return !(can & (BENCH_MACHINES | BENCH_PROCESSES));
}

struct bench_shape {
	size_t capacity;  /* >= 1 */
	size_t item_size; /* bytes, >= 8 */
	size_t consumers; /* >= 1 */
	size_t bulk;      /* items that each call moves at most; 0 or 1: one */
};

struct results;
struct usage;

/* The squares, for a table that does all of the work by itself. */
struct bench_squares_job {
	struct bench_shape shape;
	uint64_t items; /* the numbers 0 .. items - 1 */
	size_t bulk;
	const pthread_attr_t *producer,
	        *consumer; /* attributes that place the threads on their processors */

	struct results *results; /* out: what a consumer found; not by BENCH_ELSEWHERE */
	struct usage *usage;     /* out: from the first number to the last square */
};

struct bench_queue {
	const char *name; /* as in --queue */
	const char *note; /* what a reader of its numbers must know; NULL: nothing */
	unsigned can;     /* of enum bench_can */
	const char *type; /* the struct that create() makes; the simulator names its fields */

	int (*create)(void **queue, const struct bench_shape *shape);
	void (*destroy)(void *queue);

	/* Handles: asked for once by the thread that uses it, freed by destroy(). May be NULL. They
	 * return NULL, and set errno, if there is none to be had. */
	void *(*producer)(void *queue);
	void *(*consumer)(void *queue, size_t number); /* 0 .. shape->consumers - 1 */

	/* The producer's. put waits for room. put_many waits until there is room for one item, puts
	 * as many of n as fit, at least one, and returns how many. -ESHUTDOWN after shutdown. */
	int (*put)(void *handle, const void *item);
	ssize_t (*put_many)(void *handle, const void *items,
	                    size_t n); /* NULL without BENCH_BULK */

	/* A consumer's. get waits for an item, get_many for the first of up to max.
	 * -ESHUTDOWN once shut down and drained. */
	int (*get)(void *handle, void *item);
	ssize_t (*get_many)(void *handle, void *items, size_t max); /* NULL without BENCH_BULK */
	int (*task_done)(void *handle, size_t n);

	int (*join)(void *queue);     /* by the producer's thread: waits until all items are done */
	int (*shutdown)(void *queue); /* by the producer's thread: no put follows */

	/* NULL, or in place of all the calls above, which are then NULL: only the squares workload
	 * has a use for such a table. Returns NULL, or what went wrong. */
	const char *(*squares)(const struct bench_squares_job *job);

	/* Of a queue with BENCH_BOUNDED: the most items that it holds if it is created with this
	 * capacity. NULL: no more than the capacity. SIZE_MAX: the queue is bounded by bytes. The
	 * harness checks it. */
	size_t (*most)(size_t capacity);
};

/* The list, in the order of reports. Ends with NULL. */
extern const struct bench_queue *const bench_queues[];

/* What the others are compared with. */
extern const struct bench_queue bench_mutex;

/* NULL when no queue has that name. */
const struct bench_queue *bench_queue_named(const char *name);

#ifdef __cplusplus
}
#endif

#endif
