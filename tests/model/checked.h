/*
 * The world of the model clients under a model checker, GenMC: see model.h.
 */
#ifndef MODEL_CHECKED_H
#define MODEL_CHECKED_H

#include <genmc.h>

#define MODEL_CHECK(condition, ...) assert(condition)
#define MODEL_ASSUME(condition) __VERIFIER_assume(condition)

/* Not yet: that is another execution. */
#define MODEL_AWAIT(condition) __VERIFIER_assume(condition)

/* It reads no inline assembly, which is in the headers of CK. */
#define CK_MD_H
#define CK_PR_H
#define CK_MD_CACHELINE 64
#define ck_pr_stall() ((void)0)

/* It takes a double cast to an integer and back for the same double, but for smaller integers. */
#define time_t int32_t

/* Items are of 8 bytes: what is copied is one, or a run of them. */
static void model_copy(void *to, const void *from, size_t bytes)
{
	assert(bytes % sizeof(uint64_t) == 0);
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] = ((const uint64_t *)from)[i];
}
#undef memcpy
#define memcpy(to, from, bytes) model_copy(to, from, bytes)
#define sched_yield() 0

/* The membarrier makes every thread pass a fence at some instant of the call: either what a thread
 * did before one of its compiler fences is visible after the membarrier, or what was done before
 * the membarrier is visible after the compiler fence. So each pair of the two is an update of the
 * thread's word by both, in one order or the other. Between two compiler fences nothing is
 * ordered, as between two real ones. The thread that starts the others is left out: it does nothing
 * else meanwhile. */
static _Atomic unsigned model_fences[MODEL_THREADS];

static void model_compiler_fence(void)
{
	if (model_lazy)
		atomic_fetch_add_explicit(&model_fences[model_self], 1, memory_order_acq_rel);
}

static long model_membarrier(int command)
{
	if (!model_lazy)
		return -1;
	if (command == MEMBARRIER_CMD_QUERY)
		return MEMBARRIER_CMD_PRIVATE_EXPEDITED;
	if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		for (unsigned i = 1; i < MODEL_THREADS; i++)
			if (i != model_self)
				atomic_fetch_add_explicit(&model_fences[i], 1,
				                          memory_order_acq_rel);
	atomic_thread_fence(memory_order_seq_cst);
	return 0;
}
#undef atomic_signal_fence
#define atomic_signal_fence(order) model_compiler_fence()

/* Woken by now, or never: each is an execution. */
static void model_suspend(struct model_thread *self, bool timed)
{
	(void)self;
	(void)timed;
	pthread_mutex_unlock(&model_lock);
	pthread_mutex_lock(&model_lock);
}

/* A thread that sleeps for a while, and again, as long as another has not gone on: as often as that
 * is another execution. */
enum { MODEL_TIMED_SLEEPS = 2 };

static void model_bound_sleeps(struct model_thread *self)
{
	MODEL_ASSUME(self->timed_sleeps++ < MODEL_TIMED_SLEEPS);
}

static void model_await_sleep(const struct model_thread *thread)
{
	MODEL_AWAIT(thread->sleeps_on != NULL);
}

/* What only the native world does. */
#define model_delay() ((void)0)
#define model_born() ((void)0)
#define model_enter(self) ((void)(self))
#define model_go() ((void)0)
#define model_leave() ((void)0)
#define model_resume() ((void)0)

#endif
