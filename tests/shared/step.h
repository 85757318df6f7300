/*
 * Ends a process after a chosen instruction of a call. The processor's trap flag raises a signal
 * after each instruction; the handler counts them, and after the chosen one it sends a signal to
 * its own process, or ends it by exit_group. This works on x86_64 Linux only.
 */
#ifndef STEP_H
#define STEP_H

#include "puppet.h"

#if CHECK_SANITIZED
#define CANNOT_STEP "the instructions of a sanitizer are no part of the library"
#elif !defined(__x86_64__)
#define CANNOT_STEP "only x86_64 can stop a process after an instruction"
#else
#define CANNOT_STEP "no signal came for the processor's trap flag"
#endif

/* Makes call->stepped in a puppet. After instruction number call->at the puppet gets the signal
 * call->deed, or ends if that is 0. Sets call->steps to the number of instructions. Returns what
 * call->stepped returned. */
long act_stepped(struct call *call);

/* As act_stepped(), but single steps begin only at end_sleeper(), because they are slow. */
long act_stepped_later(struct call *call);

/* Returns whether single steps work on this machine. */
bool can_step(void);

/* From where the instructions of a call are counted, or that the puppet is killed in its sleep. */
enum when { FROM_START, WHILE_ASLEEP, AFTER_SLEEP };
struct end {
	enum when when;
	unsigned at; /* the number of the instruction, counted from there */
	int deed;    /* SIGKILL; 0: exit_group */
};

/* Tells the puppet to make the call, and to be killed in it as `end` says. */
void tell_ending(struct puppet *puppet, long (*call)(struct call *), size_t n, struct end end);
/* Called when the puppet sleeps in the call. Kills it, or makes single steps begin, if `end` says
 * so. */
void end_sleeper(struct puppet *puppet, struct end end);

/* Tells the puppet to make the call, and to send itself the signal `deed` after instruction number
 * `at`; with at 0, to send none. */
void tell_stepped(struct puppet *puppet, long (*stepped)(struct call *), size_t n, unsigned at,
                  int deed);

#endif
