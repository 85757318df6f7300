/*
 * The completion counter behind task_done and join: how many items were reported as done.
 *
 * A thread counts what it got, and what it reported of that, in its cell (see cell.h), so that its
 * report moves no cache line. Other reports go to one shared counter: see "The completion counter"
 * in lib/DESIGN.md. Which release (R) pairs with which acquire (A):
 *
 *   R5 a report adds to a cell or to shared -> A5 tally_sum() adds them up: what the reporter wrote
 *      before is visible to the joiner
 *
 * For the gate of joiners a report is what W1 publishes (see gate.h), so R5 and A5 are sequentially
 * consistent. But a lazy R5 is a release store; if its thread sees a joiner, it calls tally_order()
 * next.
 */
#ifndef SPMCQ_TALLY_H
#define SPMCQ_TALLY_H

#include "internal.h"

#include "ring.h"
#include "sys.h"

#include <errno.h>

/* Bits of strict. CROSSED: a report in shared has succeeded. ORDERED: there is no membarrier, so
 * reports in cells are sequentially consistent. The other bits count the threads inside
 * tally_done_any(), in units of CALLER. */
#define TALLY_CROSSED UINT32_C(1)
#define TALLY_ORDERED UINT32_C(2)
#define TALLY_CALLER UINT32_C(4)

struct tally {
	/* Written by reports that cells do not take, and by tally_order(). */
	alignas(CACHE_LINE) _Atomic uint64_t shared; /* starts at the ring's first position */
	/* Reports go to cells only while no thread is inside tally_done_any() and CROSSED is not
	 * set. CROSSED is set once. ORDERED is set by tally_init() or never. */
	_Atomic uint32_t strict;
};

/* lazy: reports in cells are plain stores. A report may be invisible to other threads when the
 * reporter looks for joiners; so a joiner fences all, and a reporter that sees a joiner calls
 * tally_order(). */
static void tally_init(struct tally *tally, uint64_t first, bool lazy)
{
	atomic_init(&tally->shared, first & POSITION_MASK);
	atomic_init(&tally->strict, lazy ? 0 : TALLY_ORDERED);
}

/* Returns whether reports in cells are lazy. */
static inline bool tally_is_lazy(const struct tally *tally)
{
	/* Relaxed: TALLY_ORDERED never changes. */
	return !(atomic_load_explicit(&tally->strict, memory_order_relaxed) & TALLY_ORDERED);
}

/* Report n items in the caller's own cell, by a plain store. Returns false, and reports nothing, if
 * the cell has fewer than n unreported items, or if the report must not be lazy or must go to
 * shared now. Wait-free. */
static inline bool tally_done_own(struct tally *tally, struct cell *cell, uint64_t n)
{
	uint64_t done;

	/* Acquire, pairs with the update in tally_done_any(): after a report there has returned,
	 * our reports go to shared, too. */
	if (cell == NULL || atomic_load_explicit(&tally->strict, memory_order_acquire) != 0)
		return false;
	/* Only we write both. */
	done = CELL_GET(cell, done);
	if (CELL_GET(cell, got) - done < n)
		return false;
	/* R5. The second load of strict pairs with the update in tally_done_any(): row 5 of the
	 * table in lib/DESIGN.md, "The lead". The fence also orders the caller's look for joiners
	 * (row 4). */
	atomic_store_explicit(&cell->done, done + n, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&tally->strict, memory_order_relaxed) == 0)
		return true;
	atomic_store_explicit(&cell->done, done, memory_order_release);
	return false;
}

/* As tally_done_own(), by a locked instruction: if the cell is shared, or reports are not lazy.
 * Lock-free; wait-free in the caller's own cell. */
static bool tally_done_ordered(struct tally *tally, struct cell *cell, uint64_t n)
{
	/* Acquire, here and when the update below fails, pairs with R5: so got, read next, is not
	 * less than done. */
	uint64_t done = atomic_load_explicit(&cell->done, memory_order_acquire);

	/* As in tally_done_own(). */
	if (atomic_load_explicit(&tally->strict, memory_order_acquire) & ~TALLY_ORDERED)
		return false;
	do {
		/* Relaxed: other threads only raise got. */
		if (atomic_load_explicit(&cell->got, memory_order_relaxed) - done < n)
			return false;
		/* R5. It fails if another thread has reported in this cell. */
	} while (!atomic_compare_exchange_strong_explicit(
	        &cell->done, &done, done + n, memory_order_seq_cst, memory_order_acquire));
	/* Pairs with the update in tally_done_any(). */
	if (!(atomic_load_explicit(&tally->strict, memory_order_seq_cst) & ~TALLY_ORDERED))
		return true;
	atomic_fetch_sub_explicit(&cell->done, n, memory_order_seq_cst);
	return false;
}

/* Order the reports in this cell before the caller's next loads. held: the cursor is held (see
 * cursor_is_held()). */
static void tally_order(struct tally *tally, struct cell *cell, bool held)
{
	/* An atomic add of 0. It rewrites done: of two reporters, the one whose add comes later in
	 * the order of all sequentially consistent accesses reads the report of the other, and
	 * the head that the other moved.
	 * A leader moves head by a plain store; so while the cursor is held both add 0 to the same
	 * variable, and the later add acquires from the earlier. */
	atomic_fetch_add_explicit(held ? &tally->shared : &cell->done, 0, memory_order_seq_cst);
}

/* Returns the first position plus the number of items reported. When it returns, more items may
 * have been reported. */
static uint64_t tally_sum(const struct tally *tally, const struct ring *ring)
{
	const struct cells *cells = &ring->cursor.cells;
	/* A5, all of them. */
	uint64_t sum = atomic_load_explicit(&tally->shared, memory_order_seq_cst);
	uint64_t used = atomic_load_explicit(&cells->used, memory_order_seq_cst);

	for (; used != 0; used &= used - 1) {
		const struct cell *group = &cells->cell[__builtin_ctzll(used) * CELL_GROUP];

		for (unsigned i = 0; i < CELL_GROUP; i++)
			sum += atomic_load_explicit(&group[i].done, memory_order_seq_cst);
	}
	if (atomic_load_explicit(&cells->are_shared, memory_order_seq_cst))
		for (unsigned i = OWN_CELLS; i < CELLS; i++)
			sum += atomic_load_explicit(&cells->cell[i].done, memory_order_seq_cst);
	return sum & POSITION_MASK;
}

/* Add n to shared. Returns 0, or -ERANGE if fewer than n items were taken and not reported. */
static int report_shared(struct tally *tally, uint64_t n, const struct ring *ring)
{
	uint64_t shared;

	do {
		int64_t open;
		uint64_t sum;

		shared = atomic_load_explicit(&tally->shared, memory_order_seq_cst);
		sum = tally_sum(tally, ring);
		/* Read head after the sum. Head may have grown meanwhile, so `open` is at least the
		 * number of items that were unreported when the sum was complete. */
		open = position_distance(sum, cursor_head(&ring->cursor));
		if (open < 0 || (uint64_t)open < n)
			return -ERANGE;
		/* R5. It fails if another thread has reported in shared; then the sum is made
		 * anew. */
	} while (!atomic_compare_exchange_strong_explicit(
	        &tally->shared, &shared, shared + n, memory_order_seq_cst, memory_order_relaxed));
	return 0;
}

/* Report n items that any threads got. Returns 0, or -ERANGE if fewer than n items were taken and
 * not reported. Lock-free; tens of microseconds if reports are lazy and CROSSED is not set. */
SLOW_PATH static int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring)
{
	uint32_t before;
	int r;

	/* Pairs with both loads of strict in tally_done_own() and tally_done_ordered(). */
	before = atomic_fetch_add_explicit(&tally->strict, TALLY_CALLER, memory_order_seq_cst);
	/* Row 5 of the table in lib/DESIGN.md, "The lead": no report in a cell counts the same
	 * items. */
	if (!(before & (TALLY_CROSSED | TALLY_ORDERED)))
		sys_fence_all();
	r = report_shared(tally, n, ring);
	/* Set this before TALLY_CALLER is subtracted, so that no report goes to a cell in
	 * between. */
	if (r == 0 && !(before & TALLY_CROSSED))
		atomic_fetch_or_explicit(&tally->strict, TALLY_CROSSED, memory_order_seq_cst);
	atomic_fetch_sub_explicit(&tally->strict, TALLY_CALLER, memory_order_seq_cst);
	return r;
}

/* Returns whether at an instant during the call nothing was unfinished. */
static bool tally_is_all_done(struct tally *tally, struct ring *ring)
{
	/* The order matters. The sum only grows, except for reports that are withdrawn. If none
	 * was, the head read after the sum is at least the sum: each reported item had been taken
	 * before its report, and A5 acquires what came before the report. Tail, read after head, is
	 * at least that head. So once all is done the three are equal; and if they are equal, then
	 * when the sum was complete all items were taken and as many reports were made. A sum
	 * greater than head includes a report that will be withdrawn, of an item that two threads
	 * report: such a sum proves nothing, even if it equals tail. (If a third thread has not
	 * reported its item, it may equal head: see Gaps in lib/DESIGN.md.) The thread that
	 * withdraws the report looks for joiners after that. */
	uint64_t sum = tally_sum(tally, ring);

	if (sum != cursor_head(&ring->cursor))
		return false;
	return sum == cursor_last(&ring->cursor, cursor_tail(&ring->cursor));
}

#endif
