/*
 * The completion counter. What pairs with what:
 *
 *   R5 a report adds to a cell or to shared -> A5 tally_sum() adds them up: what the reporter wrote
 *      before is visible to the joiner
 *
 * R5 and A5 are sequentially consistent for the gate of joiners (see gate.h; a lazy R5 is so after
 * tally_order()): the report is what the waking thread publishes.
 */
#include "tally.h"

#include "sys.h"

#include <errno.h>

INTERNAL void tally_init(struct tally *tally, uint64_t first, bool lazy)
{
	atomic_init(&tally->shared, first & POSITION_MASK);
	atomic_init(&tally->strict, lazy ? 0 : TALLY_ORDERED);
}

INTERNAL bool tally_done_shared_cell(struct tally *tally, struct cell *cell, uint64_t n)
{
	/* Acquire, here and when the update below fails, pairs with R5: so got, read next, is not
	 * less than done. */
	uint64_t done = atomic_load_explicit(&cell->done, memory_order_acquire);

	/* As in tally_done_own(). */
	if (atomic_load_explicit(&tally->strict, memory_order_acquire) & ~TALLY_ORDERED)
		return false;
	do {
		/* Other threads only raise got. */
		if (atomic_load_explicit(&cell->got, memory_order_relaxed) - done < n)
			return false;
		/* R5. */
	} while (!atomic_compare_exchange_weak_explicit(
	        &cell->done, &done, done + n, memory_order_seq_cst, memory_order_acquire));
	if (!(atomic_load_explicit(&tally->strict, memory_order_seq_cst) & ~TALLY_ORDERED))
		return true;
	atomic_fetch_sub_explicit(&cell->done, n, memory_order_seq_cst);
	return false;
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
		/* Read head after the sum: if fewer than n items are unreported by this, fewer than
		 * n were so when the sum was complete. */
		open = position_distance(sum, cursor_head(&ring->cursor));
		if (open < 0 || (uint64_t)open < n)
			return -ERANGE;
		/* R5. It fails if another thread has reported in shared; then the sum is made
		 * anew. */
	} while (!atomic_compare_exchange_strong_explicit(
	        &tally->shared, &shared, shared + n, memory_order_seq_cst, memory_order_relaxed));
	return 0;
}

SLOW_PATH INTERNAL int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring)
{
	uint32_t before;
	int r;

	/* Pairs with both loads of strict in tally_done_own(), as explained there. */
	before = atomic_fetch_add_explicit(&tally->strict, TALLY_CALLER, memory_order_seq_cst);
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

INTERNAL void tally_order(struct tally *tally, struct cell *cell, bool held)
{
	/* An atomic add of 0, as a fence: of two threads that make it and then add up the cells and
	 * read head, one sees all that the other did. A leader's take is not a sequentially
	 * consistent update of head; so while the cursor is held both add 0 to the same variable,
	 * and the second acquires from the first. */
	atomic_fetch_add_explicit(held ? &tally->shared : &cell->done, 0, memory_order_seq_cst);
}

INTERNAL void tally_discard(struct tally *tally, uint64_t n)
{
	/* R5. */
	atomic_fetch_add_explicit(&tally->shared, n, memory_order_seq_cst);
}

INTERNAL uint64_t tally_sum(const struct tally *tally, const struct ring *ring)
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

INTERNAL bool tally_is_all_done(struct tally *tally, struct ring *ring)
{
	/* The order matters. The sum only grows (except for a report that is withdrawn and made
	 * again). It is never greater than head, and head is never greater than tail. So if the
	 * sum, made first, equals a tail that is read last, it did so when the sum was complete. */
	uint64_t sum = tally_sum(tally, ring);

	return sum == cursor_tail(&ring->cursor);
}
