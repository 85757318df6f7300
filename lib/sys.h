/*
 * What the library asks of the system: to put a thread to sleep until a word changes, to wake it,
 * and to make all threads of the process pass a fence. sys_futex.c and sys_membarrier.c use the
 * calls of Linux, sys_semaphore.c POSIX semaphores.
 */
#ifndef SPMCQ_SYS_H
#define SPMCQ_SYS_H

#include "internal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#ifdef SPMCQ_GATE_SEMAPHORE
#include <semaphore.h>
#endif

/* A word that threads sleep on. */
struct sys_word {
	_Atomic uint32_t value; /* the owner's; it changes the value, then wakes */
#ifdef SPMCQ_GATE_SEMAPHORE
	sem_t kicks; /* one for each thread to wake; too many only wake in vain */
#endif
};

/* Returns 0 or -ENOMEM. */
INTERNAL int sys_word_init(struct sys_word *word);
INTERNAL void sys_word_destroy(struct sys_word *word);

/* Sleep while the value is seen, at most until the deadline. Returns true if a signal handler
 * ended the sleep. May return for no reason. Blocks nobody else. */
INTERNAL bool sys_sleep(struct sys_word *word, uint32_t seen, const struct timespec *deadline);

/* Wake up to n of the threads that sleep on word, after its value was changed. Never blocks. */
INTERNAL void sys_wake(struct sys_word *word, uint32_t n);

/* Returns whether sys_fence_all() works here. */
INTERNAL bool sys_can_fence_all(void);

/* Make every thread of the process pass a full fence, wherever it is. Takes microseconds; the first
 * call of a process milliseconds. Ends the process if it worked before and is refused now. */
INTERNAL void sys_fence_all(void);

#endif
