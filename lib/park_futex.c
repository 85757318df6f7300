/*
 * Sleeping by the Linux futex. The kernel compares the word and goes to sleep in one step.
 */
#include "park.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

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

INTERNAL int park_init(struct park *park)
{
	atomic_init(&park->word, 0);
	return 0;
}

INTERNAL void park_destroy(struct park *park)
{
	(void)park;
}

/* By the older call, if there is one that takes another kind of time: what the kernel says. */
static long sleep_by_long_time(struct park *park, uint32_t seen, const struct timespec *deadline)
{
#if defined(SYS_futex) && defined(SYS_futex_time64) && !defined(__LP64__)
	long time[2] = {LONG_MAX, 0};

	if (deadline != NULL && deadline->tv_sec < LONG_MAX) {
		time[0] = (long)deadline->tv_sec;
		time[1] = deadline->tv_nsec;
	}
	return syscall(SYS_futex, &park->word, FUTEX_WAIT_BITSET_PRIVATE, seen,
	               deadline != NULL ? time : NULL, NULL, FUTEX_BITSET_MATCH_ANY);
#else
	(void)park;
	(void)seen;
	(void)deadline;
	return -1;
#endif
}

INTERNAL void park_sleep(struct park *park, uint32_t seen, const struct timespec *deadline)
{
	/* WAIT_BITSET, unlike WAIT, takes an absolute CLOCK_MONOTONIC time. */
	long r = syscall(FUTEX_CALL, &park->word, FUTEX_WAIT_BITSET_PRIVATE, seen, deadline, NULL,
	                 FUTEX_BITSET_MATCH_ANY);

	if (r != 0 && (errno == ENOSYS || errno == EPERM))
		r = sleep_by_long_time(park, seen, deadline);
	/* EAGAIN, EINTR and ETIMEDOUT are for the caller to look into. Anything else means that
	 * we cannot sleep here: let others run, at least. */
	if (r != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
		sched_yield();
}

static void wake(struct park *park, int n)
{
	syscall(FUTEX_WAKE_CALL, &park->word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

INTERNAL void park_wake_one(struct park *park)
{
	wake(park, 1);
}

INTERNAL void park_wake_all(struct park *park)
{
	wake(park, INT_MAX);
}

INTERNAL bool park_may_fence_all(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

INTERNAL void park_fence_all(void)
{
	/* After a fork it may have to be asked for again. Without the fence items could be lost. */
	while (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		if (!park_may_fence_all()) {
			fputs("spmcq: membarrier is refused, and was not when the queue was made\n",
			      stderr);
			abort();
		}
}
