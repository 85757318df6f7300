/*
 * The lead: what a consumer has that takes items alone, for as long as nobody else wants any.
 */
#ifndef SPMCQ_LEAD_H
#define SPMCQ_LEAD_H

#include "ring.h"

#include "park.h"

/* Whether the consumer with this cell (NULL: none) leads. It may learn later that it no more does.
 */
static inline bool lead_is_of(const struct ring *ring, const struct cell *cell)
{
	/* Relaxed: lead_claim() looks again. */
	return cell != NULL &&
	       atomic_load_explicit(&ring->mode, memory_order_relaxed) == CELL_GET(cell, led);
}

/* The head, for the leader, who alone moves it. */
static inline uint64_t lead_at(const struct cell *cell)
{
	return atomic_load_explicit(&cell->at, memory_order_relaxed);
}

/* The head, for everybody else: it was this at some time since the lead began. */
static inline uint64_t lead_seen(const struct ring *ring, uint64_t lead)
{
	/* A8, pairs with R8; sequentially consistent as ring_head(). */
	return atomic_load_explicit(&ring->cells.cell[lead & (CELLS - 1)].at, memory_order_seq_cst);
}

/* The leader takes n items in three steps. 1 Say so: false if the lead may have ended. */
static inline bool lead_claim(const struct ring *ring, struct cell *cell, uint64_t n)
{
	cell_set_got(cell, cell_got(cell) + n);
	/* Who ends the lead makes all threads fence in between: before this load, which then sees
	 * it, or after the store above, which it then sees. */
	atomic_signal_fence(memory_order_seq_cst);
	return atomic_load_explicit(&ring->mode, memory_order_relaxed) == CELL_GET(cell, led);
}

/* 2 If it may have: whether they are ours nevertheless. */
INTERNAL bool lead_settle_claim(struct ring *ring, struct cell *cell, uint64_t n);

/* 3 Let the others see it. */
static inline void lead_advance(struct cell *cell, uint64_t n)
{
	/* R8, pairs with A8: the slots were read before. */
	atomic_store_explicit(&cell->at, (lead_at(cell) + n) & ~LEAD, memory_order_release);
	/* The caller looks whether the producer sleeps, who made all threads fence before it looked
	 * at how far we got: see ring_room_exactly(). */
	atomic_signal_fence(memory_order_seq_cst);
}

/* All three: false if the lead has ended and they are not ours. Wait-free. */
static inline bool lead_take(struct ring *ring, struct cell *cell, uint64_t n)
{
	if (!lead_claim(ring, cell, n) && !lead_settle_claim(ring, cell, n))
		return false;
	lead_advance(cell, n);
	return true;
}

/* The consumer sleeps, or will not look for items soon: it must take many alone to lead again. */
static inline void lead_rest(struct cell *cell)
{
	if (cell != NULL)
		CELL_SET(cell, alone, false);
}

/* Whether the consumer took so many items alone that it had better lead. For its slow path. */
INTERNAL bool lead_is_due(struct ring *ring, struct cell *cell);

/* Make the consumer the leader, if it can be. false: not; a put may have relied on it meanwhile. */
INTERNAL bool lead_begin(struct ring *ring, struct cell *cell);

/* End this lead. Lock-free; tens of microseconds. */
INTERNAL void lead_end(struct ring *ring, uint64_t lead);

#endif
