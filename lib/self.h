/*
 * Who the calling thread is. The only thread-local state: a cache, fit to be lost.
 */
#ifndef SPMCQ_SELF_H
#define SPMCQ_SELF_H

#include "internal.h"

#include <stdint.h>

struct self {
	uint64_t id;        /* 0: not asked yet; else unlike that of any other living thread */
	unsigned cell_hint; /* where this thread last found its cell (see tally.c) */
};

/* Initial-exec: one instruction to reach, in a program as in a shared library. */
static _Thread_local struct self spmcq_self __attribute__((tls_model("initial-exec")));

INTERNAL uint64_t self_ask(void);

/* Never 0. */
static inline uint64_t self_id(void)
{
	return spmcq_self.id != 0 ? spmcq_self.id : self_ask();
}

#endif
