/*
 * task_done and join for competitors that have none.
 *
 * It costs each competitor little: the producer counts with a plain store, every consumer with one
 * locked add on a cache line of its own, and no thread makes a system call until the producer
 * sleeps in join. A single counter for all would move its cache line for every item, and slow the
 * competitor down.
 *
 * Competitors in C++ include this too, so its atomics are the compiler's, not those of stdatomic.h.
 */
#ifndef BENCH_COMPLETION_H
#define BENCH_COMPLETION_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COMPLETION_LINE 64
#define COMPLETION_OWN_LINE __attribute__((aligned(COMPLETION_LINE)))

struct completion_count {
	COMPLETION_OWN_LINE uint64_t done; /* atomic; added to by its consumer only */
};

struct completion {
	/* Set by completion_init(), then only read; counts[] by its consumers. */
	size_t consumers;
	struct completion_count *counts;

	/* Written by the producer, while it sleeps or goes to sleep. */
	COMPLETION_OWN_LINE uint64_t awaited; /* atomic: items done that end the sleep; 0: awake */
	pthread_mutex_t lock;
	pthread_cond_t all_done;

	/* Written by the producer for every item. */
	COMPLETION_OWN_LINE uint64_t put;
};

int completion_init(struct completion *completion, size_t consumers); /* 0 or -ENOMEM */
void completion_destroy(struct completion *completion);

/* The producer put n items. */
static inline void completion_put(struct completion *completion, size_t n)
{
	completion->put += n;
}

void completion_wake(struct completion *completion);

/* Consumer number finished n items. */
static inline void completion_done(struct completion *completion, size_t number, size_t n)
{
	/* 1 count, 2 look whether the producer sleeps, with the one total order of seq_cst, against
	 * completion_join()'s 1 announce, 2 look at the counts: one of the two sees the other. */
	__atomic_fetch_add(&completion->counts[number].done, n, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&completion->awaited, __ATOMIC_SEQ_CST) != 0)
		completion_wake(completion);
}

/* Sleep until every item that was put is done. Only the producer may call it. */
void completion_join(struct completion *completion);

#ifdef __cplusplus
}
#endif

#endif
