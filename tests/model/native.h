/*
 * The world of the model clients as ordinary programs: see model.h. The threads of a case start
 * together, after random delays, and are delayed at random where they make system calls.
 */
#ifndef MODEL_NATIVE_H
#define MODEL_NATIVE_H

#include "support/chance.h"
#include "support/check.h"

#define MODEL_CHECK(condition, ...) CHECK(condition, __VA_ARGS__)
#define MODEL_ASSUME(condition) CHECK(condition, "a thread was woken and yet slept on")

/* For what a thread that runs will do. */
#define MODEL_AWAIT(condition)                                                                     \
	do                                                                                         \
		sched_yield();                                                                     \
	while (!(condition))

static pthread_cond_t model_changed = PTHREAD_COND_INITIALIZER;
static unsigned model_awake;       /* threads that can still act. Guarded by model_lock */
static bool model_going;           /* who was started may run. Guarded by model_lock */
static uint64_t model_repetitions; /* of the case, so far */
static _Thread_local struct chance model_chance;

static void model_delay(void)
{
	chance_pause(&model_chance);
}

static inline long model_membarrier(int command)
{
	model_delay();
	return model_lazy ? (syscall)(SYS_membarrier, command, 0, 0) : -1;
}

static void model_born(void)
{
	pthread_mutex_lock(&model_lock);
	model_awake++;
	pthread_mutex_unlock(&model_lock);
}

static void model_enter(struct model_thread *self)
{
	model_chance = chance_stream(chance_seed(), model_repetitions * MODEL_THREADS + self->id);
	pthread_mutex_lock(&model_lock);
	while (!model_going)
		pthread_cond_wait(&model_changed, &model_lock);
	pthread_mutex_unlock(&model_lock);
	model_delay();
}

static void model_go(void)
{
	pthread_mutex_lock(&model_lock);
	model_going = true;
	pthread_cond_broadcast(&model_changed);
	pthread_mutex_unlock(&model_lock);
}

/* Lock held. */
static void model_drop(void)
{
	model_awake--;
	pthread_cond_broadcast(&model_changed);
}

static void model_leave(void)
{
	pthread_mutex_lock(&model_lock);
	model_drop();
	pthread_mutex_unlock(&model_lock);
}

#define model_bound_sleeps(self) ((void)(self))

/* Lock held: until woken, or it is late, or nobody is left who could do it. */
static void model_suspend(struct model_thread *self, bool timed)
{
	struct timespec soon;

	if (timed) {
		self->timed_sleeps++;
		pthread_cond_broadcast(&model_changed);
		(clock_gettime)(CLOCK_REALTIME, &soon);
		if (chance_below(&model_chance, 2) == 0)
			pthread_cond_timedwait(&model_changed, &model_lock, &soon);
		model_awake -= self->sleeps_on == NULL;
		return;
	}
	model_drop();
	while (self->sleeps_on != NULL && model_awake > 0)
		pthread_cond_wait(&model_changed, &model_lock);
}

/* Lock held: a thread was woken. */
static void model_resume(void)
{
	model_awake++;
	pthread_cond_broadcast(&model_changed);
}

/* Lock held. A thread that sleeps for a while may be awake again. */
static void model_await_sleep(const struct model_thread *thread)
{
	while (thread->sleeps_on == NULL && thread->timed_sleeps == 0)
		pthread_cond_wait(&model_changed, &model_lock);
}

#endif
