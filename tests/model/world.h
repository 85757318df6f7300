/*
 * The world of the model clients. The library is compiled in as it is (model.h the queue between
 * threads, processes.h the one between processes), and the system calls it makes are modelled here:
 * the futex, the membarrier, the clock and the identity of a thread.
 *
 * With MODEL_CHECKED a model checker explores every execution of a case. Without it the case is
 * repeated, with random delays, by ordinary threads (see main.h).
 *
 * A thread that sleeps ends there, unless it is woken. So when all threads of a case have ended, a
 * thread that still sleeps would sleep for ever, and the case says whether it may.
 */
#ifndef WORLD_H
#define WORLD_H

#define _GNU_SOURCE

/* All that lib/ includes, before its calls are replaced. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* At most, the one that starts the others included. */
#ifndef MODEL_THREADS
#define MODEL_THREADS 4
#endif

/* What a case keeps of a thread. */
static struct model_thread {
	pthread_t handle;
	void (*run)(void *arg);
	void *arg;
	unsigned id;
	unsigned timed_sleeps; /* so far */
	bool ended_asleep;     /* the thread's own */
	bool is_joined;        /* its end is known to the thread that started it */
	const void *sleeps_on; /* a word, or NULL. Guarded by model_lock */
} model_threads[MODEL_THREADS];

static unsigned model_started;            /* threads, without the one that starts them */
static _Thread_local unsigned model_self; /* 0: the one that starts the others */
static _Thread_local long model_clock;    /* in us; each thread has its own time */
static bool model_lazy;                   /* whether there is a membarrier; set by a case */
static bool model_patient; /* whether deadlines never pass in a sleep; set by a case */
static pthread_mutex_t model_lock = PTHREAD_MUTEX_INITIALIZER;

#ifdef MODEL_CHECKED
#include "checked.h"
#else
#include "native.h"
#endif

/* --- the system calls --- */

/* A struct of two words may be returned in registers, and then written otherwise than it is read,
 * which a model checker takes for an error; one of three is not. */
struct model_timespec {
	time_t tv_sec;
	long tv_nsec;
	long unused;
};
#define timespec model_timespec

static int model_gettime(struct timespec *t)
{
	model_clock++;
	t->tv_sec = model_clock / 1000000;
	t->tv_nsec = model_clock % 1000000 * 1000;
	t->unused = 0;
	return 0;
}

/* Sleep on word while it is seen. Looking and going to sleep are one step, as in the kernel. */
static void model_futex_wait(_Atomic uint32_t *word, uint32_t seen, const struct timespec *deadline)
{
	struct model_thread *self = &model_threads[model_self];

	model_delay();
	if (deadline != NULL)
		model_bound_sleeps(self);
	pthread_mutex_lock(&model_lock);
	if (atomic_load_explicit(word, memory_order_relaxed) == seen) {
		self->sleeps_on = word;
		model_suspend(self, deadline != NULL);
		if (self->sleeps_on != NULL && deadline == NULL) {
			self->ended_asleep = true;
			pthread_mutex_unlock(&model_lock);
			pthread_exit(NULL);
		}
		if (self->sleeps_on != NULL)
			model_clock = deadline->tv_sec * 1000000 + deadline->tv_nsec / 1000 + 1;
		self->sleeps_on = NULL;
	}
	pthread_mutex_unlock(&model_lock);
}

/* Returns how many were woken. */
static long model_futex_wake(const void *word, uint32_t most)
{
	long woken = 0;

	model_delay();
	pthread_mutex_lock(&model_lock);
	for (unsigned i = 0; i < MODEL_THREADS && woken < (long)most; i++) {
		if (model_threads[i].sleeps_on == word) {
			model_threads[i].sleeps_on = NULL;
			model_resume();
			woken++;
		}
	}
	pthread_mutex_unlock(&model_lock);
	return woken;
}

static long model_futex(_Atomic uint32_t *word, int operation, uint32_t value,
                        const struct timespec *deadline)
{
	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAKE)
		return model_futex_wake(word, value);
	model_futex_wait(word, value, model_patient ? NULL : deadline);
	return 0;
}

/* The number of arguments tells the two calls that lib/ makes apart. */
#define MODEL_FUTEX(number, word, operation, value, deadline, unused, bits)                        \
	model_futex(word, operation, (uint32_t)(value), deadline)
#define MODEL_MEMBARRIER(number, command, flags, cpu) model_membarrier(command)
#define MODEL_CALL(a, b, c, d, e, f, g, call, ...) call
#define syscall(...) MODEL_CALL(__VA_ARGS__, MODEL_FUTEX, , , MODEL_MEMBARRIER, , , )(__VA_ARGS__)
#define clock_gettime(clock, t) model_gettime(t)
#define pthread_self() model_thread_id(model_self)

/* Threads 1 and 2 look for their cells at different places first, thread 3 where thread 1 does. */
static inline uintptr_t model_thread_id(unsigned thread)
{
	return (uintptr_t)(thread + 1) << 12;
}

/* --- cases --- */

static void *model_thread(void *arg)
{
	struct model_thread *self = arg;

	model_self = self->id;
	model_enter(self);
	self->run(self->arg);
	model_leave();
	return NULL;
}

/* The next thread of the case. */
static void model_start(void (*run)(void *arg), void *arg)
{
	struct model_thread *thread = &model_threads[++model_started];

	thread->run = run;
	thread->arg = arg;
	thread->id = model_started;
	model_born();
	pthread_create(&thread->handle, NULL, model_thread, thread);
}

/* Until the thread started last sleeps. */
static inline void model_until_asleep(void)
{
	model_go();
	pthread_mutex_lock(&model_lock);
	model_await_sleep(&model_threads[model_started]);
	pthread_mutex_unlock(&model_lock);
}

/* The next thread of the case, and until it sleeps. */
static inline void model_start_asleep(void (*run)(void *arg), void *arg)
{
	model_start(run, arg);
	model_until_asleep();
}

/* Until a thread has come to its end. */
static inline void model_await_end(unsigned thread)
{
	if (model_threads[thread].is_joined)
		return;
	pthread_join(model_threads[thread].handle, NULL);
	model_threads[thread].is_joined = true;
}

/* Until every thread has come to its end, or sleeps. */
static void model_end(void)
{
	model_go();
	model_leave();
	for (unsigned i = 1; i <= model_started; i++)
		model_await_end(i);
	/* Who was woken would go on: that is another execution. */
	for (unsigned i = 1; i <= model_started; i++)
		MODEL_ASSUME(!model_threads[i].ended_asleep || model_threads[i].sleeps_on != NULL);
}

/* How many threads sleep for ever on a word. */
static inline unsigned model_asleep_on(const _Atomic uint32_t *word)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= model_started; i++)
		n += model_threads[i].ended_asleep && model_threads[i].sleeps_on == word;
	return n;
}

#endif
