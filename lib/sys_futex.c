/*
 * Sleeping and waking by the futex of Linux: the kernel compares the word and puts the thread to
 * sleep in one step. SYS_FUTEX_SHARED: the words lie in memory that processes share.
 */
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_FUTEX_SHARED
enum { SCOPE = 0 };
#else
enum { SCOPE = FUTEX_PRIVATE_FLAG };
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
	return syscall(SYS_futex, &word->value, FUTEX_WAIT_BITSET | SCOPE, seen,
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
	long r = syscall(FUTEX_CALL, &word->value, FUTEX_WAIT_BITSET | SCOPE, seen, deadline, NULL,
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

	syscall(FUTEX_WAKE_CALL, &word->value, FUTEX_WAKE | SCOPE, most, NULL, NULL, 0);
}
