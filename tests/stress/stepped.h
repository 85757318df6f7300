/*
 * A thread that is held after so many instructions of a call, so that other threads act meanwhile.
 * The processor's trap flag makes it raise a signal after each instruction; the handler counts
 * them, and waits. One such thread at a time. Only on x86_64 Linux.
 */
#ifndef STEPPED_H
#define STEPPED_H

#include "support/worker.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* A call is held at two instructions: a fault that shows at one often needs an act of another
 * thread at an earlier one. */
enum { HOLDS = 2 };

#define TRAP_FLAG 0x100

static struct {
	unsigned after[HOLDS];  /* instructions to each hold, since the last or the call's begin */
	_Atomic unsigned held;  /* how often it was held */
	_Atomic unsigned freed; /* how often it may have gone on */
	_Atomic unsigned news;  /* goes up when the state of the thread changes */
} steps;

static _Thread_local unsigned steps_left; /* until it is held next */

/* Sleeps while word is seen, but not for long. Looking all the time would take the processor from
 * whom we wait for. */
static void await_change(_Atomic unsigned *word, unsigned seen)
{
	struct timespec moment = {0, 200000};

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, &moment, NULL, 0);
}

static void set_and_wake(_Atomic unsigned *word, unsigned value)
{
	atomic_store(word, value);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* For the thread. */
static void tell_news(void)
{
	set_and_wake(&steps.news, atomic_load(&steps.news) + 1);
}

/* Only lock-free atomics and system calls: fit for a handler. */
static void on_step(int signal, siginfo_t *info, void *context)
{
	ucontext_t *stepped = context;
	int before = errno;
	unsigned hold, freed;

	(void)signal;
	(void)info;
	if (--steps_left > 0)
		return;
	hold = atomic_fetch_add(&steps.held, 1);
	tell_news();
	while ((freed = atomic_load(&steps.freed)) <= hold)
		await_change(&steps.freed, freed);
	steps_left = hold + 1 < HOLDS ? steps.after[hold + 1] : 0;
	if (steps_left == 0)
		stepped->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	errno = before;
}

static void catch_steps(void)
{
	struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};

	sigaction(SIGTRAP, &action, NULL);
}

/* Before the thread starts. */
static void plan_steps(unsigned first, unsigned second)
{
	steps.after[0] = first;
	steps.after[1] = second;
	atomic_store(&steps.held, 0);
	atomic_store(&steps.freed, 0);
	atomic_store(&steps.news, 0);
}

/* Makes the call, held as planned. For the thread. */
static void step_through(void (*call)(void))
{
	steps_left = steps.after[0];
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
	call();
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)TRAP_FLAG);
}

/* Lets the thread go on after having been held so often. */
static void free_steps(unsigned times)
{
	set_and_wake(&steps.freed, times);
}

static volatile unsigned stepped_over;

static void step_over(void)
{
	for (stepped_over = 0; stepped_over < 100; stepped_over = stepped_over + 1)
		;
}

/* An emulator may know no trap flag. */
static bool can_step(void)
{
	plan_steps(50, 50);
	catch_steps();
	free_steps(HOLDS);
	step_through(step_over);
	return atomic_load(&steps.held) == HOLDS;
}

#endif
