/*
 * The calls of spmcq.h on a shared queue: put.c, get.c, finish.c, close.c, facts.c.
 */
#ifndef SPMCQ_SHARED_CALLS_H
#define SPMCQ_SHARED_CALLS_H

#include "life.h"
#include "take.h"

/* Returns whether the producer's process is gone; false in the producer's process. Each call makes
 * system calls, until one has returned true; later calls make none. */
INTERNAL bool producer_is_gone(struct handle *h);

/* Called after a report or a discard: wake joiners if all is done; with redeliver, wake the
 * producer. */
INTERNAL void after_report(struct handle *h);

/* Return how many items are finished (settled, or reported by any seat), and how many were put.
 * Both count from create on. */
INTERNAL uint64_t sum_of_reports(const struct handle *h);
INTERNAL uint64_t sum_of_puts(const struct handle *h);

/* The calls themselves: see struct elsewhere. */
INTERNAL ssize_t shared_put(struct spmcq *q, const void *items, size_t n,
                            const struct timespec *deadline, bool try);
INTERNAL ssize_t shared_get(struct spmcq *q, void *items, size_t max,
                            const struct timespec *deadline, bool try);
INTERNAL int shared_put_item(struct spmcq *q, const void *item, const struct timespec *deadline,
                             bool try);
INTERNAL int shared_get_item(struct spmcq *q, void *item, const struct timespec *deadline,
                             bool try);
INTERNAL int shared_task_done(struct spmcq *q, size_t n);
INTERNAL int shared_join(struct spmcq *q, const struct timespec *deadline);
INTERNAL int shared_shutdown(struct spmcq *q, bool now);
INTERNAL int shared_release_producer(struct spmcq *q);
INTERNAL int shared_take_producer(struct spmcq *q);
INTERNAL int shared_destroy(struct spmcq *q);

static const struct elsewhere shared_calls; /* in facts.c */

/* Returns whether this is a handle, and not a queue between threads. */
static inline bool is_shared(const struct handle *h)
{
	return h->face.table.put == shared_put;
}

#endif
