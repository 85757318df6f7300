/*
 * Mutexes, condition variables and semaphores of the simulated machine, in the place of the C
 * library's, which are not compiled with hooks. The mutex is glibc's: 0 free, 1 locked, 2 locked
 * and perhaps somebody sleeps (Drepper, "Futexes are tricky", 2011, mutex 2). The condition
 * variable is simpler than glibc's (one sequence instead of two groups of waiters), and costs the
 * same: a signal is a load if no thread waits, and otherwise a locked instruction and a system
 * call. This file is itself compiled with hooks.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "simulate/system.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

struct mutex {
	_Atomic uint32_t word;
};

struct condition {
	_Atomic uint32_t sequence;
	_Atomic uint32_t waiters;
};

struct semaphore {
	_Atomic uint32_t value, waiters;
};

_Static_assert(sizeof(struct mutex) <= sizeof(pthread_mutex_t), "");
_Static_assert(sizeof(struct condition) <= sizeof(pthread_cond_t), "");
_Static_assert(sizeof(struct semaphore) <= sizeof(sem_t), "");

int __wrap_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attributes)
{
	(void)attributes;
	atomic_init(&((struct mutex *)lock)->word, 0);
	return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *lock)
{
	(void)lock;
	return 0;
}

static void lock_contended(struct mutex *lock)
{
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		system_futex_wait((uint32_t *)&lock->word, 2, SIM_NEVER);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	struct mutex *lock = (struct mutex *)mutex;
	uint32_t free = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->word, &free, 1, memory_order_acquire,
	                                             memory_order_relaxed))
		lock_contended(lock);
	return 0;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	uint32_t free = 0;

	return atomic_compare_exchange_strong(&((struct mutex *)mutex)->word, &free, 1) ? 0 : EBUSY;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	struct mutex *lock = (struct mutex *)mutex;

	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		system_futex_wake((uint32_t *)&lock->word, 1);
	return 0;
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
	struct condition *c = (struct condition *)condition;

	(void)attributes;
	atomic_init(&c->sequence, 0);
	atomic_init(&c->waiters, 0);
	return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *condition)
{
	(void)condition;
	return 0;
}

static int wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, sim_time deadline)
{
	struct condition *c = (struct condition *)condition;
	uint32_t seen = atomic_load_explicit(&c->sequence, memory_order_relaxed);

	atomic_fetch_add(&c->waiters, 1);
	__wrap_pthread_mutex_unlock(mutex);
	int error = system_futex_wait((uint32_t *)&c->sequence, seen, deadline);
	__wrap_pthread_mutex_lock(mutex);
	return error == -ETIMEDOUT ? ETIMEDOUT : 0;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	return wait_until(condition, mutex, SIM_NEVER);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *deadline)
{
	return wait_until(condition, mutex, system_time(deadline));
}

/* A waiter whose time was up stays counted: it costs one needless signal, never one too few. */
int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
	struct condition *c = (struct condition *)condition;
	uint32_t waiters = atomic_load(&c->waiters);

	do {
		if (waiters == 0)
			return 0;
	} while (!atomic_compare_exchange_weak(&c->waiters, &waiters, waiters - 1));
	atomic_fetch_add(&c->sequence, 1);
	system_futex_wake((uint32_t *)&c->sequence, 1);
	return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
	struct condition *c = (struct condition *)condition;

	if (atomic_load(&c->waiters) == 0)
		return 0;
	atomic_store(&c->waiters, 0);
	atomic_fetch_add(&c->sequence, 1);
	system_futex_wake((uint32_t *)&c->sequence, SIM_THREADS);
	return 0;
}

int __wrap_sem_init(sem_t *semaphore, int shared, unsigned value)
{
	struct semaphore *s = (struct semaphore *)semaphore;

	(void)shared;
	atomic_init(&s->value, value);
	atomic_init(&s->waiters, 0);
	return 0;
}

int __wrap_sem_destroy(sem_t *semaphore)
{
	(void)semaphore;
	return 0;
}

int __wrap_sem_trywait(sem_t *semaphore)
{
	struct semaphore *s = (struct semaphore *)semaphore;
	uint32_t value = atomic_load_explicit(&s->value, memory_order_relaxed);

	while (value > 0)
		if (atomic_compare_exchange_weak(&s->value, &value, value - 1))
			return 0;
	errno = EAGAIN;
	return -1;
}

int __wrap_sem_timedwait(sem_t *semaphore, const struct timespec *deadline)
{
	struct semaphore *s = (struct semaphore *)semaphore;
	int error = 0;

	while (__wrap_sem_trywait(semaphore) != 0 && error != -ETIMEDOUT) {
		atomic_fetch_add(&s->waiters, 1);
		error = system_futex_wait((uint32_t *)&s->value, 0,
		                          deadline ? system_time(deadline) : SIM_NEVER);
		atomic_fetch_sub(&s->waiters, 1);
	}
	if (error != -ETIMEDOUT)
		return 0;
	errno = ETIMEDOUT;
	return -1;
}

int __wrap_sem_wait(sem_t *semaphore)
{
	return __wrap_sem_timedwait(semaphore, NULL);
}

int __wrap_sem_post(sem_t *semaphore)
{
	struct semaphore *s = (struct semaphore *)semaphore;

	atomic_fetch_add(&s->value, 1);
	if (atomic_load(&s->waiters) > 0)
		system_futex_wake((uint32_t *)&s->value, 1);
	return 0;
}
