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

/* If not 0: so many instructions later than when it is set, the deed is done. In memory that is
 * shared with the puppet, to which it is for calls that sleep: set it before waking. */
extern _Atomic unsigned *step_later;

/* Whether this works here. */
bool can_step(void);

/* Tells the puppet so. */
void tell_stepped(struct puppet *puppet, long (*stepped)(struct call *), size_t n, unsigned at,
                  int deed);

#endif
