/*
 * Functions of the C library that wait for other threads, and that the simulator does not replace.
 * They would wait for ever, because all simulated threads run in one real thread. A call of one of
 * them ends the run, with a message that names it. Outside a run the real function is called.
 * meson.build lists the same names.
 */
#include "simulate/cores.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* As many arguments as these can have, whether given or not. */
#define REFUSED(call)                                                                              \
	long __real_##call(long a, long b, long c, long d, long e);                                \
	long __wrap_##call(long a, long b, long c, long d, long e)                                 \
	{                                                                                          \
		if (self)                                                                          \
			cores_abandon(#call);                                                      \
		return __real_##call(a, b, c, d, e);                                               \
	}

/* clang-format off */
REFUSED(pthread_mutex_timedlock)
REFUSED(pthread_mutex_clocklock)
REFUSED(pthread_cond_clockwait)
REFUSED(pthread_rwlock_rdlock)
REFUSED(pthread_rwlock_wrlock)
REFUSED(pthread_rwlock_tryrdlock)
REFUSED(pthread_rwlock_trywrlock)
REFUSED(pthread_rwlock_timedrdlock)
REFUSED(pthread_rwlock_timedwrlock)
REFUSED(pthread_rwlock_unlock)
REFUSED(pthread_barrier_wait)
REFUSED(pthread_spin_lock)
REFUSED(pthread_spin_trylock)
REFUSED(pthread_spin_unlock)
REFUSED(pthread_join)
REFUSED(sem_clockwait)
REFUSED(mtx_lock)
REFUSED(mtx_timedlock)
REFUSED(mtx_trylock)
REFUSED(mtx_unlock)
REFUSED(cnd_wait)
REFUSED(cnd_timedwait)
REFUSED(cnd_signal)
REFUSED(cnd_broadcast)
REFUSED(thrd_sleep)
REFUSED(sleep)
REFUSED(pause)
REFUSED(poll)
REFUSED(ppoll)
REFUSED(select)
REFUSED(epoll_wait)
REFUSED(read)
/* clang-format on */
