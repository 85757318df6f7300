/*
 * Sleeping by a pthread mutex and condition variable, for systems without a futex. Looking at the
 * word and going to sleep are one step under the mutex; a waker takes the mutex once, so that it
 * cannot fall between the two.
 */
#include "park.h"

#include <errno.h>

INTERNAL int park_init(struct park *park)
{
	pthread_condattr_t attr;
	int r;

	atomic_init(&park->word, 0);
	if (pthread_condattr_init(&attr) != 0)
		return -ENOMEM;
	r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (r == 0)
		r = pthread_cond_init(&park->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (r != 0)
		return -ENOMEM;
	if (pthread_mutex_init(&park->mutex, NULL) != 0) {
		pthread_cond_destroy(&park->changed);
		return -ENOMEM;
	}
	return 0;
}

INTERNAL void park_destroy(struct park *park)
{
	pthread_cond_destroy(&park->changed);
	pthread_mutex_destroy(&park->mutex);
}

INTERNAL void park_sleep(struct park *park, uint32_t seen, const struct timespec *deadline)
{
	int before;

	/* A thread cancelled in the wait would leave the mutex locked and the gate miscounted. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	pthread_mutex_lock(&park->mutex);
	/* Pairs with the wakers' change of word before they take the mutex. */
	if (atomic_load_explicit(&park->word, memory_order_relaxed) == seen) {
		if (deadline == NULL)
			pthread_cond_wait(&park->changed, &park->mutex);
		else
			pthread_cond_timedwait(&park->changed, &park->mutex, deadline);
	}
	pthread_mutex_unlock(&park->mutex);
	pthread_setcancelstate(before, NULL);
}

INTERNAL void park_wake_one(struct park *park)
{
	pthread_mutex_lock(&park->mutex);
	pthread_cond_signal(&park->changed);
	pthread_mutex_unlock(&park->mutex);
}

INTERNAL void park_wake_all(struct park *park)
{
	pthread_mutex_lock(&park->mutex);
	pthread_cond_broadcast(&park->changed);
	pthread_mutex_unlock(&park->mutex);
}

INTERNAL bool park_may_fence_all(void)
{
	return false;
}

INTERNAL void park_fence_all(void)
{
}
