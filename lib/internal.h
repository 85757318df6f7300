/*
 * What every module of the library shares. Only this file includes Concurrency Kit, for the size of
 * a cache line and the pause instruction of the processor, ck_pr_stall(), which takes 10 to 65 ns.
 */
#ifndef SPMCQ_INTERNAL_H
#define SPMCQ_INTERNAL_H

#include <ck_md.h>
#include <ck_pr.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CACHE_LINE CK_MD_CACHELINE

_Static_assert(
        ATOMIC_LLONG_LOCK_FREE == 2,
        "spmcq needs atomic operations on 64 bits without a lock, which this processor lacks");

/* Used by lib/shared, for functions that other files of that library call. */
#define INTERNAL static

/* Always inlined: at each call some arguments are constants. */
#define FAST_PATH static inline __attribute__((always_inline))

/* Execute 8 pause instructions, so that more items, or more free slots, gather before the next
 * look. A consumer that looks right after each put takes a cache line from the producer for a few
 * items each time; a producer that looks right after each take takes one from the consumer. With
 * try calls on both sides and 1 consumer: 14 M items/s, and 6 without this. */
static inline void let_gather(void)
{
	enum { STALLS = 8 };

	for (int i = 0; i < STALLS; i++)
		ck_pr_stall();
}

/* Returns whether a look at head found so few free slots, of a ring with this capacity, that the
 * next try_put calls let_gather() before it looks. */
static inline bool is_little_room(uint64_t found, uint64_t capacity)
{
	enum { ROOM = 8 };

	return found > 0 && found < ROOM && found < capacity / 4;
}

/* Not inlined into the fast path, which then needs no stack frame. */
#define SLOW_PATH __attribute__((noinline, cold))

#endif
