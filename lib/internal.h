/*
 * What every module of the library shares. It alone includes Concurrency Kit: the size of a cache
 * line, and the processor's pause.
 */
#ifndef SPMCQ_INTERNAL_H
#define SPMCQ_INTERNAL_H

#include <ck_md.h>
#include <ck_pr.h>

#include <stdatomic.h>

#define CACHE_LINE CK_MD_CACHELINE

_Static_assert(
        ATOMIC_LLONG_LOCK_FREE == 2,
        "spmcq needs atomic operations on 64 bits without a lock, which this processor lacks");

/* Called by other modules, unknown outside: the library is one translation unit, see spmcq.c. */
#define INTERNAL static

/* Called in the fast path, where arguments are constants. */
#define FAST_PATH static inline __attribute__((always_inline))

/* Less than half a microsecond, so that more items, or more room, gather before the next look: a
 * call that looks close behind the other side takes a cache line from it for a few items each
 * time. */
static inline void let_gather(void)
{
	enum { STALLS = 8 };

	for (int i = 0; i < STALLS; i++)
		ck_pr_stall();
}

/* Kept out of the fast path, which then needs no stack. */
#define SLOW_PATH __attribute__((noinline, cold))

#endif
