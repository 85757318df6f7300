/*
 * The completion counter behind task_done and join: how many items were reported as done.
 *
 * A thread counts what it got, and what it reported of that, in its cell (see cell.h). So a report
 * moves no cache line. A report of an item that another thread got goes to one shared counter,
 * after the sum of all reports was compared with the number of items taken. Once such a report has
 * succeeded, all reports go to the shared counter, because another thread may have reported a
 * thread's own items.
 */
#ifndef SPMCQ_TALLY_H
#define SPMCQ_TALLY_H

#include "internal.h"

#include "ring.h"

/* Bits of strict. CROSSED: a report was made in shared. ORDERED: there is no membarrier, so reports
 * in cells are sequentially consistent. The other bits count the threads inside tally_done_any(),
 * in units of CALLER. */
#define TALLY_CROSSED UINT32_C(1)
#define TALLY_ORDERED UINT32_C(2)
#define TALLY_CALLER UINT32_C(4)

struct tally {
	/* Written by threads that report items that other threads got. */
	alignas(CACHE_LINE) _Atomic uint64_t shared; /* starts at the ring's first position */
	/* Reports go to cells only while no thread is inside tally_done_any() and CROSSED is not
	 * set. CROSSED is set once. ORDERED is set by tally_init() or never. */
	_Atomic uint32_t strict;
};

/* lazy: reports in cells are plain stores. A report may be invisible to other threads when the
 * reporter looks for joiners; so a joiner fences all, and a reporter that sees a joiner calls
 * tally_order(). */
INTERNAL void tally_init(struct tally *tally, uint64_t first, bool lazy);

/* Report n items in the caller's own cell. Returns false, and reports nothing, if the cell has
 * fewer than n unreported items, or if reports must go to shared now. Wait-free.
 *
 * A report in shared at the same time must not count the same items. It raises strict, makes all
 * threads fence if reports are lazy, and only then adds up the cells. If we execute that fence
 * after our store, the sum includes our report. If we execute it before our second load of strict,
 * that load finds the change, and we withdraw our report. */
static inline bool tally_done_own(struct tally *tally, bool lazy, struct cell *cell, uint64_t n)
{
	uint32_t free = lazy ? 0 : TALLY_ORDERED;
	uint64_t done;

	/* Acquire, pairs with the update in tally_done_any(): after a report there has returned,
	 * our reports go to shared, too. */
	if (cell == NULL || atomic_load_explicit(&tally->strict, memory_order_acquire) != free)
		return false;
	/* Only we write both. */
	done = CELL_GET(cell, done);
	if (CELL_GET(cell, got) - done < n)
		return false;
	/* Both stores are R5 (see tally.c); the second loads of strict pair with the update in
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

/* As tally_done_own(), in a cell that threads share. Lock-free. */
INTERNAL bool tally_done_shared_cell(struct tally *tally, struct cell *cell, uint64_t n);

/* Returns whether reports in cells are lazy. */
static inline bool tally_is_lazy(const struct tally *tally)
{
	/* Relaxed: TALLY_ORDERED never changes. */
	return !(atomic_load_explicit(&tally->strict, memory_order_relaxed) & TALLY_ORDERED);
}

/* Order the reports in this cell before the caller's next loads. held: the cursor is held (see
 * cursor_is_held()). */
INTERNAL void tally_order(struct tally *tally, struct cell *cell, bool held);

/* Report n items that any threads got. Returns 0, or -ERANGE if fewer than n items were taken and
 * not reported. Lock-free; tens of microseconds if reports are lazy and CROSSED is not set. */
INTERNAL int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring);

/* Report n items that the caller took itself, in shared. */
INTERNAL void tally_discard(struct tally *tally, uint64_t n);

/* Returns the first position plus the number of items reported or discarded. When it returns, more
 * items may have been reported. */
INTERNAL uint64_t tally_sum(const struct tally *tally, const struct ring *ring);

/* Returns whether at an instant during the call nothing was unfinished. */
INTERNAL bool tally_is_all_done(struct tally *tally, struct ring *ring);

#endif
