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

#include <errno.h>

INTERNAL void tally_init(struct tally *tally, uint64_t first, enum tally_way way)
{
	atomic_init(&tally->shared, first & ~RING_OPEN);
	atomic_init(&tally->way, way);
	atomic_init(&tally->overrun, 0);
}

/* The compare-and-swap fails when others report here, and then the sum is taken anew. A report in a
 * cell that began before that can still slip in after the sum: then join finds it. */
SLOW_PATH INTERNAL int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring)
{
	uint64_t shared, done;

	atomic_store_explicit(&tally->way, TALLY_STRICT, memory_order_seq_cst);
	do {
		int64_t open;

		shared = atomic_load_explicit(&tally->shared, memory_order_seq_cst);
		done = tally_position(tally, ring);
		/* The ring after the sum: what is missing now was missing then. */
		open = ring_distance(done, ring_head(ring));
		if (open < 0)
			atomic_store_explicit(&tally->overrun, 1, memory_order_relaxed);
		if (open < 0 || (uint64_t)open < n)
			return -ERANGE;
		/* R5. */
	} while (!atomic_compare_exchange_strong_explicit(
	        &tally->shared, &shared, shared + n, memory_order_seq_cst, memory_order_relaxed));
	return 0;
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
	/* In this order: the count only grows, and never passes head, nor head tail. So if the sum,
	 * taken first, equals a tail read last, it did so when the sum was complete. */
	uint64_t done = tally_position(tally, ring);
	uint64_t head = ring_head(ring);
	uint64_t tail = ring_tail(ring);

	if (ring_distance(done, head) < 0)
		atomic_store_explicit(&tally->overrun, 1, memory_order_relaxed);
	/* Relaxed, here and above: says that the count is wrong, orders nothing. */
	if (atomic_load_explicit(&tally->overrun, memory_order_relaxed))
		return -ERANGE;
	return done == tail ? 0 : -EAGAIN;
}
