/*
 * POSIX semaphores, for systems without a futex. There is no way to make all threads execute a
 * fence. The functions do what sys_linux.h says of them.
 *
 * A sleeper that finds the value unchanged waits for the semaphore. A waking thread first changes
 * the value and then posts the semaphore. So each change after the sleeper read the value is
 * followed by a post. A post may wake another sleeper than the one that it was meant for;
 * whichever is woken looks again.
 */
#ifndef SPMCQ_SYS_SEMAPHORE_H
#define SPMCQ_SYS_SEMAPHORE_H

#include "internal.h"

#include "deadline.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

struct sys_word {
	_Atomic uint32_t value; /* a waking thread changes it, then calls sys_wake() */
	sem_t posts;            /* one for each thread to wake; more only wake threads in vain */
};

static int sys_word_init(struct sys_word *word)
{
	atomic_init(&word->value, 0);
	return sem_init(&word->posts, 0, 0) == 0 ? 0 : -ENOMEM;
}

static void sys_word_destroy(struct sys_word *word)
{
	sem_destroy(&word->posts);
}

/* Returns 0 after a post, or -1 with errno. */
static int await_post(sem_t *posts, const struct timespec *deadline)
{
	if (deadline == NULL)
		return sem_wait(posts);
#ifdef HAVE_SEM_CLOCKWAIT
	return sem_clockwait(posts, CLOCK_MONOTONIC, deadline);
#else
	/* sem_timedwait() goes by the time of day, which may be set back meanwhile. */
	while (sem_trywait(posts) != 0) {
		const struct timespec ms = {.tv_nsec = 1000000};

		if (errno != EAGAIN)
			return -1;
		if (deadline_has_passed(deadline)) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (nanosleep(&ms, NULL) != 0)
			return -1;
	}
	return 0;
#endif
}

static bool sys_sleep(struct sys_word *word, uint32_t seen, const struct timespec *deadline)
{
	bool interrupted;
	int before;

	/* Pairs with the change of the value, which the waking thread makes before its posts. */
	if (atomic_load_explicit(&word->value, memory_order_seq_cst) != seen)
		return false;
	/* No cancellation here: a thread that is cancelled in the wait would never add 1 to `left`
	 * of its gate. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	interrupted = await_post(&word->posts, deadline) != 0 && errno == EINTR;
	pthread_setcancelstate(before, NULL);
	return interrupted;
}

static void sys_wake(struct sys_word *word, uint32_t n)
{
	while (n-- > 0)
		sem_post(&word->posts);
}

static bool sys_can_fence_all(void)
{
	return false;
}

static void sys_fence_all(void)
{
}

#endif
