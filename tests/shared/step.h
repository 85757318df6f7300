/*
 * A call that is broken off behind one of its instructions. The processor's trap flag makes the
 * puppet raise a signal after each; the handler counts them, and at the one that was named it sends
 * a signal to its own process, or ends it by a system call. Only on x86_64 Linux.
 */
#ifndef STEP_H
#define STEP_H

#include "puppet.h"

#if CHECK_SANITIZED
#define CANNOT_STEP "the instructions of a sanitizer are no part of the library"
#elif !defined(__x86_64__)
#define CANNOT_STEP "only x86_64 can stop a process behind an instruction"
#else
#define CANNOT_STEP "no signal came for the processor's trap flag"
#endif

/* For a puppet: call->stepped is made, call->at and call->deed say what happens to it. call->steps
 * is set to how many instructions there were. Returns what it returned. */
long act_stepped(struct call *call);

/* The same, but stepping begins only at end_sleeper(), because single steps are slow. */
long act_stepped_later(struct call *call);

/* Whether this works here. */
bool can_step(void);

/* When a puppet is killed in a call. */
enum when { FROM_START, WHILE_ASLEEP, AFTER_SLEEP };
struct end {
	enum when when;
	unsigned at; /* instruction from there */
	int deed;    /* SIGKILL, or 0: exit_group */
};

/* Tells the puppet to make the call, and to end so. */
void tell_ending(struct puppet *puppet, long (*call)(struct call *), size_t n, struct end end);
/* It sleeps now: the call may end here, or goes on to its end. */
void end_sleeper(struct puppet *puppet, struct end end);

/* Tells the puppet so, with any signal for a deed. at 0: nothing is done. */
void tell_stepped(struct puppet *puppet, long (*stepped)(struct call *), size_t n, unsigned at,
                  int deed);

#endif
