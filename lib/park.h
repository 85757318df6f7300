/*
 * Putting a thread to sleep until a word changes: the one place that calls the system.
 * park_futex.c does it with the Linux futex, park_condvar.c with a mutex and condition variable.
 */
#ifndef SPMCQ_PARK_H
#define SPMCQ_PARK_H

#include "internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct park {
	_Atomic uint32_t word; /* the owner's; change it, then wake */
#ifdef SPMCQ_GATE_CONDVAR
	pthread_mutex_t mutex; /* held between looking at word and sleeping */
	pthread_cond_t changed;
#endif
};

/* 0 or -ENOMEM. */
INTERNAL int park_init(struct park *park);
INTERNAL void park_destroy(struct park *park);

/* Sleep while word is seen, at most until deadline (absolute CLOCK_MONOTONIC; NULL: for ever).
 * May return for no reason. */
INTERNAL void park_sleep(struct park *park, uint32_t seen, const struct timespec *deadline);

/* Wake one sleeper, or all. The word was changed before. */
INTERNAL void park_wake_one(struct park *park);
INTERNAL void park_wake_all(struct park *park);

/* Ask for park_fence_all(); false: it cannot be had here. */
INTERNAL bool park_may_fence_all(void);

/* Make every thread of the process pass a full fence, wherever it is. Some microseconds. Ends the
 * process if that was granted and is refused now. */
INTERNAL void park_fence_all(void);

#endif
