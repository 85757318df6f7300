/*
 * Sleeping and waking by the futex of Linux, and fences in all threads by its membarrier.
 */
#ifndef SPMCQ_SYS_LINUX_H
#define SPMCQ_SYS_LINUX_H

#include "internal.h"

#include "futex.h"

#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_include) && !defined(SPMCQ_MODEL)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define HAVE_SINGLE_THREADED
#endif
#endif

/* A word that threads sleep on. */
struct sys_word {
	_Atomic uint32_t value; /* a waking thread changes it, then calls sys_wake() */
};

/* Returns 0 or -ENOMEM. */
static int sys_word_init(struct sys_word *word)
{
	atomic_init(&word->value, 0);
	return 0;
}

static void sys_word_destroy(struct sys_word *word)
{
	(void)word;
}

/* Sleep while the word's value equals `seen`, at most until the deadline. Returns true if a signal
 * handler ended the sleep. May return for no reason. Blocks nobody else. */
static bool sys_sleep(struct sys_word *word, uint32_t seen, const struct timespec *deadline)
{
	return futex_sleep(&word->value, seen, deadline, FUTEX_PRIVATE_FLAG);
}

/* Wake up to n of the threads that sleep on word, after its value was changed. Never blocks. */
static void sys_wake(struct sys_word *word, uint32_t n)
{
	futex_wake(&word->value, n, FUTEX_PRIVATE_FLAG);
}

static bool register_for_fences(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Registering takes milliseconds once the process has threads, and nearly no time before. So the
 * library registers the process when the program starts; if that was too late, the first fence
 * does. */
#ifndef SPMCQ_MODEL
__attribute__((constructor)) static void register_early(void)
{
#ifdef HAVE_SINGLE_THREADED
	if (!__libc_single_threaded)
		return;
#endif
	register_for_fences();
}
#endif

/* Returns whether sys_fence_all() works here. */
static bool sys_can_fence_all(void)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
}

/* Make every thread of the process execute a full fence, wherever it is. Takes microseconds; the
 * first call takes milliseconds if the library was loaded after the process had begun other
 * threads. Aborts the process if the system refuses the call, having allowed it before. */
static void sys_fence_all(void)
{
	/* The call fails if the process is not registered. Without the fence items could be
	 * lost. */
	while (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		if (!register_for_fences()) {
			fputs("spmcq: membarrier is refused, and was not when the queue was made\n",
			      stderr);
			abort();
		}
}

#endif
