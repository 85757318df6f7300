/*
 * Who the calling thread is. The only thread-local state: a cache, fit to be lost.
 */
#ifndef SPMCQ_SELF_H
#define SPMCQ_SELF_H

#include "internal.h"

#include <stddef.h>
#include <stdint.h>

/* Initial-exec: one instruction to reach, in a program as in a shared library. */
#define THREAD_CACHE static _Thread_local __attribute__((tls_model("initial-exec")))

struct self {
	uint64_t id; /* 0: not asked yet; else unlike that of any other living thread */
	size_t cell; /* where it last found its cell, in bytes from the first; see cell.h */
};
THREAD_CACHE struct self self_known;

/* No thread's id, nor the 0 of one that has not asked. */
#define NOBODY UINT64_MAX

SLOW_PATH INTERNAL uint64_t self_ask(void);

/* Neither 0 nor NOBODY. */
static inline uint64_t self_id(void)
{
	return self_known.id != 0 ? self_known.id : self_ask();
}

#endif
