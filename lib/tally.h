/*
 * The completion counter behind task_done and join: how many items were reported as done.
 *
 * A thread counts what it got, and what it reported of that, in its cell (see cell.h). So a report
 * moves no cache line. A report of an item that another thread got goes to one shared counter,
 * after comparing the sum of all with what was taken from the ring. From the first of these on all
 * reports go there: a thread can no longer trust that its own items are still its own to report.
 */
#ifndef SPMCQ_TALLY_H
#define SPMCQ_TALLY_H

#include "internal.h"

#include "ring.h"

/* strict: something was reported in shared; there is no membarrier, so reports in cells are locked
 * instructions; and the number of threads inside tally_done_any(). */
#define TALLY_CROSSED UINT32_C(1)
#define TALLY_ORDERED UINT32_C(2)
#define TALLY_CALLER UINT32_C(4)

struct tally {
	/* Written by threads that report what others got. */
	alignas(CACHE_LINE) _Atomic uint64_t shared; /* starts at the ring's first position */
	/* New reports go to cells only while there are no callers, the threads in tally_done_any(),
	 * and it is not CROSSED, which is set once; ORDERED is set by tally_init() or never. */
	_Atomic uint32_t strict;
};

/* lazy: reports in cells are plain stores. They may be invisible when the reporter looks for
 * joiners; so a joiner fences all, and a reporter that sees a joiner calls tally_order(). */
INTERNAL void tally_init(struct tally *tally, uint64_t first, bool lazy);

/* Report n items in the caller's own cell. Returns false, and reports nothing, if they were not all
 * got there, or cells do not count now. Wait-free.
 *
 * A report in shared at the same time must not count the same items. It raises strict, makes all
 * threads fence if reports are lazy, and only then adds up the cells. If the fence comes after our
 * store, the store is part of the sum; if before our second look at strict, we take it back. */
static inline bool tally_done_own(struct tally *tally, bool lazy, struct cell *cell, uint64_t n)
{
	uint32_t free = lazy ? 0 : TALLY_ORDERED;
	uint64_t done;

	/* Acquire, pairs with the update in tally_done_any(): after a report there has returned,
	 * reports go there, too. */
	if (cell == NULL || atomic_load_explicit(&tally->strict, memory_order_acquire) != free)
		return false;
	/* Only we write both. */
	done = CELL_GET(cell, done);
	if (CELL_GET(cell, got) - done < n)
		return false;
	/* Both stores are R5 (see tally.c); the second looks pair with the update in
	 * tally_done_any(). */
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

/* The same in a cell that threads share. Lock-free. */
INTERNAL bool tally_done_shared_cell(struct tally *tally, struct cell *cell, uint64_t n);

/* Returns whether reports in cells are lazy. */
static inline bool tally_is_lazy(const struct tally *tally)
{
	/* Relaxed: that bit never changes. */
	return !(atomic_load_explicit(&tally->strict, memory_order_relaxed) & TALLY_ORDERED);
}

/* Order the reports in this cell before what the caller reads next. held: the cursor is held. */
INTERNAL void tally_order(struct tally *tally, struct cell *cell, bool held);

/* Report n items that any threads got. Returns 0, or -ERANGE if fewer were taken and not reported.
 * Lock-free; tens of microseconds if reports are lazy. */
INTERNAL int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring);

/* Report n items that the caller took itself, in shared. */
INTERNAL void tally_discard(struct tally *tally, uint64_t n);

/* Returns the first position plus the number of items reported or discarded. A lower bound by the
 * time it returns. */
INTERNAL uint64_t tally_sum(const struct tally *tally, const struct ring *ring);

/* Returns whether at an instant during the call nothing was unfinished. */
INTERNAL bool tally_is_all_done(struct tally *tally, struct ring *ring);

#endif
