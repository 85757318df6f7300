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

/* A 32-bit system with 64-bit time has its own call. */
#if defined(SYS_futex_time64) && !defined(__LP64__)
#define FUTEX_CALL (sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex)
#else
#define FUTEX_CALL SYS_futex
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

INTERNAL void park_sleep(struct park *park, uint32_t seen, const struct timespec *deadline)
{
	/* WAIT_BITSET, unlike WAIT, takes an absolute CLOCK_MONOTONIC time. */
	long r = syscall(FUTEX_CALL, &park->word, FUTEX_WAIT_BITSET_PRIVATE, seen, deadline, NULL,
	                 FUTEX_BITSET_MATCH_ANY);

	/* EAGAIN, EINTR and ETIMEDOUT are for the caller to look into. Anything else means that
	 * we cannot sleep here: let others run, at least. */
	if (r != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
		sched_yield();
}

static void wake(struct park *park, int n)
{
	syscall(FUTEX_CALL, &park->word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
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
