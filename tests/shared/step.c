/*
 * See step.h.
 */
#define _GNU_SOURCE
#include "step.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && !CHECK_SANITIZED
#include <ucontext.h>

#define TRAP_FLAG 0x100

static volatile unsigned steps, last_step;
static volatile int deed;

/* Makes system calls only, so it may run in a signal handler. */
static void on_step(int signal)
{
	(void)signal;
	steps = steps + 1;
	if (steps != last_step)
		return;
	if (deed == 0)
		syscall(SYS_exit_group, EXIT_FAILURE);
	kill(getpid(), deed);
}

/* Single steps begin at the instruction at which the signal came. The value of the signal is the
 * last step. */
static void on_start(int signal, siginfo_t *info, void *context)
{
	ucontext_t *stepped = context;

	(void)signal;
	steps = 0;
	last_step = (unsigned)info->si_value.sival_int;
	stepped->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void prepare(const struct call *call)
{
	struct sigaction step = {.sa_handler = on_step};
	struct sigaction start = {.sa_sigaction = on_start, .sa_flags = SA_SIGINFO};

	sigaction(SIGTRAP, &step, NULL);
	sigaction(SIGUSR2, &start, NULL);
	steps = 0;
	last_step = call->at;
	deed = call->deed;
}

static long finish(struct call *call, long result)
{
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)TRAP_FLAG);
	call->steps = steps;
	return result;
}

long act_stepped(struct call *call)
{
	prepare(call);
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
	return finish(call, call->stepped(call));
}

long act_stepped_later(struct call *call)
{
	prepare(call);
	return finish(call, call->stepped(call));
}
#else
long act_stepped(struct call *call)
{
	return call->stepped(call);
}

long act_stepped_later(struct call *call)
{
	return call->stepped(call);
}
#endif

bool can_step(void)
{
	struct call call = {.stepped = act_nothing};

	act_stepped(&call);
	return call.steps > 0;
}

void tell_stepped(struct puppet *puppet, long (*stepped)(struct call *), size_t n, unsigned at,
                  int by)
{
	puppet->call.stepped = stepped;
	puppet->call.at = at;
	puppet->call.deed = by;
	tell(puppet, act_stepped, n);
}

void tell_ending(struct puppet *puppet, long (*call)(struct call *), size_t n, struct end end)
{
	puppet->call.stepped = call;
	puppet->call.at = end.when == FROM_START ? end.at : 0;
	puppet->call.deed = end.deed;
	tell(puppet, end.when == FROM_START ? act_stepped : act_stepped_later, n);
}

void end_sleeper(struct puppet *puppet, struct end end)
{
	if (end.when == WHILE_ASLEEP)
		kill(puppet->process, SIGKILL);
	else if (end.when == AFTER_SLEEP)
		sigqueue(puppet->process, SIGUSR2, (union sigval){.sival_int = (int)end.at});
}
