/*
 * A queue that lies elsewhere than in this process's private memory has the same type and the same
 * public calls. Each public call then calls a function of the queue's table, struct elsewhere. In a
 * queue between threads the table's `put` is NULL. This library calls lib/shared only by the table,
 * so it can be built without lib/shared.
 */
#ifndef SPMCQ_ELSEWHERE_H
#define SPMCQ_ELSEWHERE_H

#include "spmcq.h"

#include "internal.h"

#include <stdalign.h>

/* Turns the result of a call for many items into that of a call for one: 0 for a count, and an
 * error as it is. */
static inline int count_to_status(ssize_t r)
{
	return r < 0 ? (int)r : 0;
}

struct elsewhere_facts {
	size_t capacity;
	size_t item_size;
	size_t size;
	size_t unfinished;
	bool is_shutdown;
};

struct elsewhere {
	/* For one item or more. try: do not wait; deadline is NULL then. */
	ssize_t (*put)(struct spmcq *q, const void *items, size_t n,
	               const struct timespec *deadline, bool try);
	ssize_t (*get)(struct spmcq *q, void *items, size_t max, const struct timespec *deadline,
	               bool try);
	/* The same for one item. Return 0 or an error. */
	int (*put_item)(struct spmcq *q, const void *item, const struct timespec *deadline,
	                bool try);
	int (*get_item)(struct spmcq *q, void *item, const struct timespec *deadline, bool try);
	int (*task_done)(struct spmcq *q, size_t n);
	int (*join)(struct spmcq *q, const struct timespec *deadline);
	int (*shutdown)(struct spmcq *q, bool now);
	int (*release_producer)(struct spmcq *q);
	int (*take_producer)(struct spmcq *q);
	void (*look)(const struct spmcq *q, struct elsewhere_facts *facts);
	int (*stats)(const struct spmcq *q, struct spmcq_stats *out);
	int (*destroy)(struct spmcq *q);
};

/* What such a queue begins with: the table, and zeros for as many bytes as a queue between
 * threads has. By these zeros no thread is the producer, and no thread has a cell. So the fast
 * paths of the calls go to their slow paths, which check whether the queue lies elsewhere. A get of
 * one item checks it if the thread has no cell at its home. The table is not behind a pointer,
 * which each call would have to load first: a put between processes takes 8.8 ns with one, and 7.6
 * without. */
struct elsewhere_face {
	alignas(2 * CACHE_LINE) struct elsewhere table;
	unsigned char zeros[370 * CACHE_LINE - sizeof(struct elsewhere)];
};

#endif
