/*
 * The completion counter. Who pairs with whom:
 *
 *   R5 a report adds to a cell or to shared -> A5 tally_position() sums them: what the reporter
 *      wrote before is visible to the joiner
 *
 * R5 and A5 are sequentially consistent for the gate that joiners wait at (see gate.h): a report is
 * what is brought there, and tally_check() is the look.
 */
#include "tally.h"

#include "park.h"

#include <errno.h>

INTERNAL void tally_init(struct tally *tally, uint64_t first, bool lazy)
{
	atomic_init(&tally->shared, first & ~RING_OPEN);
	atomic_init(&tally->strict, lazy ? 0 : TALLY_ORDERED);
}

/* Add n to shared, if they were taken and not reported: 0 or -ERANGE. */
static int report_shared(struct tally *tally, uint64_t n, const struct ring *ring)
{
	uint64_t shared;

	do {
		int64_t open;
		uint64_t done;

		shared = atomic_load_explicit(&tally->shared, memory_order_seq_cst);
		done = tally_position(tally, ring);
		/* The ring after the sum: what is missing now was missing then. */
		open = ring_distance(done, ring_head(ring));
		if (open < 0 || (uint64_t)open < n)
			return -ERANGE;
		/* R5. It fails when others report here; then the sum is taken anew. */
	} while (!atomic_compare_exchange_strong_explicit(
	        &tally->shared, &shared, shared + n, memory_order_seq_cst, memory_order_relaxed));
	return 0;
}

/* An over-call changes nothing: only while it lasts do others' reports go here, too. */
SLOW_PATH INTERNAL int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring)
{
	uint32_t before;
	int r;

	/* Pairs with both looks in tally_done_own(), as explained there. */
	before = atomic_fetch_add_explicit(&tally->strict, TALLY_CALLER, memory_order_seq_cst);
	if (!(before & (TALLY_CROSSED | TALLY_ORDERED)))
		park_fence_all();
	r = report_shared(tally, n, ring);
	/* Before we leave, so that cells never count alone in between. */
	if (r == 0 && !(before & TALLY_CROSSED))
		atomic_fetch_or_explicit(&tally->strict, TALLY_CROSSED, memory_order_seq_cst);
	atomic_fetch_sub_explicit(&tally->strict, TALLY_CALLER, memory_order_seq_cst);
	return r;
}

INTERNAL void tally_order(struct tally *tally)
{
	/* An update, so that of two callers the second reads the first's, and with it all that the
	 * first reported before. Changes nothing. */
	atomic_fetch_add_explicit(&tally->shared, 0, memory_order_seq_cst);
}

INTERNAL void tally_discard(struct tally *tally, uint64_t n)
{
	/* R5. */
	atomic_fetch_add_explicit(&tally->shared, n, memory_order_seq_cst);
}

INTERNAL uint64_t tally_position(const struct tally *tally, const struct ring *ring)
{
	/* A5, all of them. */
	uint64_t sum = atomic_load_explicit(&tally->shared, memory_order_seq_cst);

	uint64_t used = atomic_load_explicit(&ring->cells.used, memory_order_seq_cst);

	for (; used != 0; used &= used - 1) {
		const struct cell *cell = &ring->cells.cell[__builtin_ctzll(used)];

		sum += atomic_load_explicit(&cell->done, memory_order_seq_cst);
	}
	return sum & ~RING_OPEN;
}

INTERNAL int tally_check(struct tally *tally, struct ring *ring)
{
	/* In this order: the count only grows, but for a report that is taken back to be made
	 * again, and never passes head, nor head tail. So if the sum, taken first, equals a tail
	 * read last, it did so when the sum was complete. */
	uint64_t done = tally_position(tally, ring);
	uint64_t tail = ring_tail(ring);

	return done == tail ? 0 : -EAGAIN;
}
