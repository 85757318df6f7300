/*
 * POSIX semaphores, for systems without a futex. There is no way to make all threads fence.
 *
 * A sleeper that finds the value unchanged takes a kick, or waits for one; a waker changes the
 * value first and adds the kicks then. So a change after the sleeper's look has a kick behind it. A
 * kick may reach another sleeper than the one it was meant for; either of them looks again.
 */
#include "sys.h"

#include "deadline.h"

#include <errno.h>
#include <pthread.h>

INTERNAL int sys_word_init(struct sys_word *word)
{
	atomic_init(&word->value, 0);
	return sem_init(&word->kicks, 0, 0) == 0 ? 0 : -ENOMEM;
}

INTERNAL void sys_word_destroy(struct sys_word *word)
{
	sem_destroy(&word->kicks);
}

/* Returns 0 after a kick, or -1 with errno. */
static int await_kick(sem_t *kicks, const struct timespec *deadline)
{
	if (deadline == NULL)
		return sem_wait(kicks);
#ifdef HAVE_SEM_CLOCKWAIT
	return sem_clockwait(kicks, CLOCK_MONOTONIC, deadline);
#else
	/* sem_timedwait() goes by the time of day, which may be set back meanwhile. */
	while (sem_trywait(kicks) != 0) {
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

INTERNAL bool sys_sleep(struct sys_word *word, uint32_t seen, const struct timespec *deadline)
{
	bool interrupted;
	int before;

	/* Pairs with the waker's change of the value, which comes before its kicks. */
	if (atomic_load_explicit(&word->value, memory_order_seq_cst) != seen)
		return false;
	/* A thread cancelled in the wait would leave the gate miscounted. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	interrupted = await_kick(&word->kicks, deadline) != 0 && errno == EINTR;
	pthread_setcancelstate(before, NULL);
	return interrupted;
}

INTERNAL void sys_wake(struct sys_word *word, uint32_t n)
{
	while (n-- > 0)
		sem_post(&word->kicks);
}

INTERNAL bool sys_can_fence_all(void)
{
	return false;
}

INTERNAL void sys_fence_all(void)
{
}
