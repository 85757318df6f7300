/*
 * The futex of Linux: the kernel compares a word and puts the thread to sleep in one step. scope:
 * FUTEX_PRIVATE_FLAG for a word of this process, 0 for a word in memory that processes share.
 */
#ifndef SPMCQ_FUTEX_H
#define SPMCQ_FUTEX_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* 32-bit systems whose time_t has 64 bits have a call of their own, which kernels before 5.1 lack
 * and some filters refuse. Some of these systems have only that call. */
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

/* Sleep while *word equals seen, at most until the deadline. Returns true if a signal handler ended
 * the sleep. May return for no reason. */
static inline bool futex_sleep(_Atomic uint32_t *word, uint32_t seen,
                               const struct timespec *deadline, int scope)
{
	/* WAIT_BITSET, unlike WAIT, takes an absolute CLOCK_MONOTONIC time. */
	long r = syscall(FUTEX_CALL, word, FUTEX_WAIT_BITSET | scope, seen, deadline, NULL,
	                 FUTEX_BITSET_MATCH_ANY);

#if defined(SYS_futex) && defined(SYS_futex_time64) && !defined(__LP64__)
	/* Try the older call, whose times are of type long. */
	if (r != 0 && (errno == ENOSYS || errno == EPERM)) {
		long time[2] = {LONG_MAX, 0};

		if (deadline != NULL && deadline->tv_sec < LONG_MAX) {
			time[0] = (long)deadline->tv_sec;
			time[1] = deadline->tv_nsec;
		}
		r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | scope, seen,
		            deadline != NULL ? time : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
	}
#endif
	/* After EAGAIN and ETIMEDOUT the caller looks again. Any other error but EINTR means that
	 * we cannot sleep here: let other threads run, at least. */
	if (r != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
		sched_yield();
	return r != 0 && errno == EINTR;
}

/* Wake up to n of the threads that sleep on word. Returns how many were woken. */
static inline uint32_t futex_wake(_Atomic uint32_t *word, uint32_t n, int scope)
{
	int most = n > INT_MAX ? INT_MAX : (int)n;
	long woken = syscall(FUTEX_WAKE_CALL, word, FUTEX_WAKE | scope, most, NULL, NULL, 0);

	return woken > 0 ? (uint32_t)woken : 0;
}

#endif
