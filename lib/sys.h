/*
 * What the library asks of the system: to put a thread to sleep until a word changes, to wake it,
 * and to make all threads of the process execute a fence. sys_futex.c and sys_membarrier.c use the
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
	_Atomic uint32_t value; /* a waking thread changes it, then calls sys_wake() */
#ifdef SPMCQ_GATE_SEMAPHORE
	sem_t posts; /* one for each thread to wake; more only wake threads in vain */
#endif
};

/* Returns 0 or -ENOMEM. */
INTERNAL int sys_word_init(struct sys_word *word);
INTERNAL void sys_word_destroy(struct sys_word *word);

/* Sleep while the word's value equals `seen`, at most until the deadline. Returns true if a signal
 * handler ended the sleep. May return for no reason. Blocks nobody else. */
INTERNAL bool sys_sleep(struct sys_word *word, uint32_t seen, const struct timespec *deadline);

/* Wake up to n of the threads that sleep on word, after its value was changed. Never blocks. */
INTERNAL void sys_wake(struct sys_word *word, uint32_t n);

/* Returns whether sys_fence_all() works here. */
INTERNAL bool sys_can_fence_all(void);

/* Make every thread of the process execute a full fence, wherever it is. Takes microseconds; the
 * first call takes milliseconds if the library was loaded after the process had begun other
 * threads. Aborts the process if the system refuses the call, having allowed it before. */
INTERNAL void sys_fence_all(void);

#endif
