/*
 * The completion counter behind task_done and join: how many items were reported as done.
 *
 * A thread that gets items has a cell of its own, where it counts what it got and what it reported
 * of that; nobody else writes there, so a report moves no cache line. A report of what others got,
 * or by a thread without a cell, goes to one shared counter, after comparing the sum of all with
 * what was taken from the ring. From the first of these on all reports go there: a thread can no
 * longer trust that its own items are still its own to report.
 */
#ifndef SPMCQ_TALLY_H
#define SPMCQ_TALLY_H

#include "internal.h"

#include "ring.h"

/* What strict is made of: something was reported in shared; reports in cells are not lazy; and one
 * for each thread inside tally_done_any(). */
#define TALLY_CROSSED UINT32_C(1)
#define TALLY_ORDERED UINT32_C(2)
#define TALLY_CALLER UINT32_C(4)

struct tally {
	/* Written by threads that report what others got, or have no cell. */
	alignas(CACHE_LINE) _Atomic uint64_t shared; /* starts at the ring's first position */
	/* Without CROSSED and callers cells alone count. CROSSED comes once; ORDERED is set by
	 * tally_init() or never. */
	_Atomic uint32_t strict;
};

/* lazy: reports in cells are not ordered before what the reporter reads next, which saves the one
 * locked instruction there. Whoever needs that order makes all threads fence; a reporter that sees
 * a joiner calls tally_order(). */
INTERNAL void tally_init(struct tally *tally, uint64_t first, bool lazy);

/* Report n items in the caller's cell (NULL: it has none): false, and nothing is reported, if it
 * has not got that many, or cells alone do not count any more. Wait-free.
 *
 * A report in shared that comes at the same time must not count the same items. It says so in
 * strict, makes all threads fence if reports are lazy, and only then adds up the cells. So either
 * the fence falls after our store, which is then part of the sum, or before our second look at
 * strict, and we take the store back. */
static inline bool tally_done_own(struct tally *tally, bool lazy, struct cell *cell, uint64_t n)
{
	uint32_t free = lazy ? 0 : TALLY_ORDERED;
	uint64_t done;

	/* Acquire, pairs with the update in tally_done_any(): after a report there has returned,
	 * reports go there, too. */
	if (cell == NULL || atomic_load_explicit(&tally->strict, memory_order_acquire) != free)
		return false;
	/* Only we write it. */
	done = atomic_load_explicit(&cell->done, memory_order_relaxed);
	if (cell_got(cell) - done < n)
		return false;
	/* R5, both; the second looks pair with the update in tally_done_any(). */
	if (lazy) {
		atomic_store_explicit(&cell->done, done + n, memory_order_release);
		atomic_signal_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&tally->strict, memory_order_relaxed) == free)
			return true;
	} else {
		atomic_store_explicit(&cell->done, done + n, memory_order_seq_cst);
		if (atomic_load_explicit(&tally->strict, memory_order_seq_cst) == free)
			return true;
	}
	atomic_store_explicit(&cell->done, done, memory_order_release);
	return false;
}

/* Whether reports in cells are lazy. */
static inline bool tally_is_lazy(const struct tally *tally)
{
	/* Relaxed: that bit never changes. */
	return !(atomic_load_explicit(&tally->strict, memory_order_relaxed) & TALLY_ORDERED);
}

/* Order the caller's reports before what it reads next, and after those of others who did so. */
INTERNAL void tally_order(struct tally *tally);

/* Report n items that anybody got: 0, or -ERANGE if that is more than ring says were taken and not
 * yet reported. Lock-free; tens of microseconds if reports are lazy. */
INTERNAL int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring);

/* Report n items as done that the caller knows were taken. */
INTERNAL void tally_discard(struct tally *tally, uint64_t n);

/* The position up to which items would be done if they were done in order: what was reported. It
 * was at least this when the call ended. */
INTERNAL uint64_t tally_position(const struct tally *tally, const struct ring *ring);

/* 0: at an instant during the call nothing was unfinished. -EAGAIN: something was. */
INTERNAL int tally_check(struct tally *tally, struct ring *ring);

#endif
