/*
 * The lead. While one consumer takes all the items, and nobody sleeps who would have to be woken
 * for them, neither it nor the producer needs a locked instruction:
 *
 *   The leader takes an item by a plain store, and then looks whether it still leads.
 *   The producer publishes one by a plain store, and then looks whether somebody leads: who does
 *   looks for items by itself, so nobody must be rung.
 *
 * A consumer that wants an item itself, or is about to sleep, ends the lead first: 1 it marks the
 * lead in mode as ENDING, 2 it makes all threads pass a full fence (membarrier), 3 it settles how
 * far the leader got, 4 it puts that into head, where it was before, 5 it clears mode. Several
 * threads may do these steps at once; if one stops in between, the next begins again at 1.
 *
 * While a lead is ENDING the producer no longer relies on the leader, and whoever is about to say
 * that the ring is empty fences first, as during a lead: a put that did rely on it may have
 * returned, and its store may be visible only after step 2.
 *
 * Why no item is lost or got twice. The leader says how far it got before it looks at mode, and 2
 * falls before that look or after that word. If before, the leader sees that its lead has ended. If
 * after, it is seen at 3 how far the leader got. Both may happen; so what is settled at 3 is
 * written to verdict by a compare-and-swap, which the leader tries, too, if it saw that its lead
 * has ended. The verdict starts as the lead, which is unlike all others, so a late one fails.
 */
#include "lead.h"

/* Items to have taken alone. A lead saves some 10 ns an item, and ending it may take 45 us. */
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 4096
#endif

/* Steps 3 and 4. */
static void settle(struct ring *ring, uint64_t lead, uint64_t got)
{
	struct cell *cell = &ring->cells.cell[lead & (CELLS - 1)];
	/* Set before the lead began. If it is that of a later one, this one is not in head. */
	uint64_t base = atomic_load_explicit(&cell->base, memory_order_relaxed);
	uint64_t verdict = lead;

	got &= ~LEAD;
	if (!atomic_compare_exchange_strong_explicit(&cell->verdict, &verdict, got,
	                                             memory_order_seq_cst, memory_order_seq_cst))
		got = verdict;
	/* R2, as move_head(). */
	if (!(got & LEAD))
		atomic_compare_exchange_strong_explicit(&ring->head, &lead, (base + got) & ~LEAD,
		                                        memory_order_seq_cst, memory_order_relaxed);
}

SLOW_PATH INTERNAL void lead_end(struct ring *ring, uint64_t lead)
{
	const struct cell *cell = &ring->cells.cell[lead & (CELLS - 1)];
	uint64_t mode = lead;

	/* Fails if somebody was here before. */
	atomic_compare_exchange_strong_explicit(&ring->mode, &mode, ENDING(lead),
	                                        memory_order_seq_cst, memory_order_relaxed);
	park_fence_all();
	/* A6, pairs with R6 in cell_set_got(). */
	settle(ring, lead, atomic_load_explicit(&cell->got, memory_order_acquire));
	/* Now that all threads have passed a fence, every put that relied on the leader is seen by
	 * whoever reads the 0. Before, ring_is_led() tells them to fence. */
	mode = ENDING(lead);
	atomic_compare_exchange_strong_explicit(&ring->mode, &mode, 0, memory_order_seq_cst,
	                                        memory_order_relaxed);
}

SLOW_PATH INTERNAL bool lead_settle_claim(struct ring *ring, struct cell *cell, uint64_t n)
{
	uint64_t got = cell_got(cell);

	settle(ring, CELL_GET(cell, led), got);
	/* Settled, and only we begin another. */
	if (atomic_load_explicit(&cell->verdict, memory_order_relaxed) == (got & ~LEAD))
		return true;
	cell_set_got(cell, got - n);
	return false;
}

INTERNAL bool lead_is_due(struct ring *ring, struct cell *cell)
{
	/* A guess. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t got, base;

	if (cell == NULL || !ring->may_lead || head & LEAD)
		return false;
	got = cell_got(cell);
	base = (head - got) & ~LEAD;
	if (CELL_GET(cell, alone) &&
	    base == atomic_load_explicit(&cell->base, memory_order_relaxed))
		return (uint32_t)got - CELL_GET(cell, since) >= SPMCQ_LEAD_AFTER;
	atomic_store_explicit(&cell->base, base, memory_order_relaxed);
	CELL_SET(cell, since, (uint32_t)got);
	CELL_SET(cell, alone, true);
	return false;
}

SLOW_PATH INTERNAL bool lead_begin(struct ring *ring, struct cell *cell)
{
	/* A3, as in ring_take(): what we see of the ring next is not older. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_seq_cst);
	uint64_t got = cell_got(cell);
	uint64_t lead = (CELL_GET(cell, led) + CELLS) | LEAD;
	uint64_t none = 0;

	if (head & LEAD)
		return false;
	CELL_SET(cell, alone, false);
	CELL_SET(cell, led, lead);
	/* R8, pairs with A8: who still sees the last lead of this cell in head reads this, too, and
	 * must not find an older tail next. */
	atomic_store_explicit(&cell->at, head, memory_order_release);
	/* Relaxed: the updates below make them known. */
	atomic_store_explicit(&cell->base, (head - got) & ~LEAD, memory_order_relaxed);
	atomic_store_explicit(&cell->verdict, lead, memory_order_relaxed);
	if (!atomic_compare_exchange_strong_explicit(&ring->mode, &none, lead, memory_order_seq_cst,
	                                             memory_order_relaxed)) {
		/* Another's lead; if it is being ended, that thread may be stopped. */
		if (none > RING_CLOSED && !(none & LEAD))
			lead_end(ring, none | LEAD);
		return false;
	}
	if (atomic_compare_exchange_strong_explicit(&ring->head, &head, lead, memory_order_seq_cst,
	                                            memory_order_relaxed))
		return true;
	lead_end(ring, lead);
	return false;
}
