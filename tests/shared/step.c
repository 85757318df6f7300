/*
 * A call that is broken off behind one of its instructions.
 */
#define _GNU_SOURCE
#include "step.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

_Atomic unsigned *step_later;

#if defined(__x86_64__) && !CHECK_SANITIZED
#include <ucontext.h>

#define TRAP_FLAG 0x100

static volatile unsigned steps, last_step, slept;
static volatile int deed;

/* Only system calls: fit for a handler. */
static void on_step(int signal)
{
	(void)signal;
	steps = steps + 1;
	if (step_later && *step_later) {
		slept = steps;
		last_step = steps + *step_later - 1;
		*step_later = 0;
	}
	if (steps != last_step)
		return;
	if (deed == 0)
		syscall(SYS_exit_group, EXIT_FAILURE);
	kill(getpid(), deed);
}

long act_stepped(struct call *call)
{
	struct sigaction action = {.sa_handler = on_step};
	long result;

	sigaction(SIGTRAP, &action, NULL);
	steps = 0;
	last_step = call->at;
	deed = call->deed;
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | TRAP_FLAG);
	result = call->stepped(call);
	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)TRAP_FLAG);
	call->steps = steps;
	call->awake = steps - slept;
	return result;
}
#else
long act_stepped(struct call *call)
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
