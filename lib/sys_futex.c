/*
 * The system calls of Linux: futex and membarrier. The kernel compares the word and puts the thread
 * to sleep in one step.
 */
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_include) && !defined(SPMCQ_MODEL)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define HAVE_SINGLE_THREADED
#endif
#endif

/* A 32-bit system with 64-bit time has its own call, which kernels before 5.1 do not know, and
 * some filters refuse. Some such systems have no other. */
#if defined(SYS_futex_time64) && !defined(__LP64__)
#define FUTEX_CALL (sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex)
#else
#define FUTEX_CALL SYS_futex
#endif
#ifdef SYS_futex
#define FUTEX_WAKE_CALL SYS_futex
#else
#define FUTEX_WAKE_CALL SYS_futex_time64
#endif

INTERNAL int sys_word_init(struct sys_word *word)
{
	atomic_init(&word->value, 0);
	return 0;
}

INTERNAL void sys_word_destroy(struct sys_word *word)
{
	(void)word;
}

/* By the older call, if there is one that takes another kind of time: what the kernel says. */
static long sleep_by_long_time(struct sys_word *word, uint32_t seen,
                               const struct timespec *deadline)
{
#if defined(SYS_futex) && defined(SYS_futex_time64) && !defined(__LP64__)
	long time[2] = {LONG_MAX, 0};

	if (deadline != NULL && deadline->tv_sec < LONG_MAX) {
		time[0] = (long)deadline->tv_sec;
		time[1] = deadline->tv_nsec;
	}
	return syscall(SYS_futex, &word->value, FUTEX_WAIT_BITSET_PRIVATE, seen,
	               deadline != NULL ? time : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
#else
	(void)word;
	(void)seen;
	(void)deadline;
	return -1;
#endif
}

INTERNAL bool sys_sleep(struct sys_word *word, uint32_t seen, const struct timespec *deadline)
{
	/* WAIT_BITSET, unlike WAIT, takes an absolute CLOCK_MONOTONIC time. */
	long r = syscall(FUTEX_CALL, &word->value, FUTEX_WAIT_BITSET_PRIVATE, seen, deadline, NULL,
	                 FUTEX_BITSET_MATCH_ANY);

	if (r != 0 && (errno == ENOSYS || errno == EPERM))
		r = sleep_by_long_time(word, seen, deadline);
	/* EAGAIN and ETIMEDOUT are for the caller to look into. Anything else but EINTR means that
	 * we cannot sleep here: let others run, at least. */
	if (r != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
		sched_yield();
	return r != 0 && errno == EINTR;
}

INTERNAL void sys_wake(struct sys_word *word, uint32_t n)
{
	int most = n > INT_MAX ? INT_MAX : (int)n;

	syscall(FUTEX_WAKE_CALL, &word->value, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
}

static bool register_for_fences(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Registering takes milliseconds once the process has threads, and nothing before. So it is done
 * when the program starts; if that was too late, by the first fence. */
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

INTERNAL bool sys_can_fence_all(void)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return commands > 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
}

INTERNAL void sys_fence_all(void)
{
	/* It fails before the process is registered, which a fork undoes. Without the fence items
	 * could be lost. */
	while (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		if (!register_for_fences()) {
			fputs("spmcq: membarrier is refused, and was not when the queue was made\n",
			      stderr);
			abort();
		}
}
