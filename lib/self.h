/*
 * Who the calling thread is. The only thread-local state: a cache, fit to be lost.
 */
#ifndef SPMCQ_SELF_H
#define SPMCQ_SELF_H

#include "internal.h"

#include <stdint.h>

/* Initial-exec: one instruction to reach, in a program as in a shared library. */
#define THREAD_CACHE static _Thread_local __attribute__((tls_model("initial-exec")))

/* 0: not asked yet; else unlike that of any other living thread. */
THREAD_CACHE uint64_t self_known_id;

/* Where this thread last found its cell (see cell.h). */
THREAD_CACHE unsigned self_cell_hint;

SLOW_PATH INTERNAL uint64_t self_ask(void);

/* Never 0. */
static inline uint64_t self_id(void)
{
	return self_known_id != 0 ? self_known_id : self_ask();
}

#endif
