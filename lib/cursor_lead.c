/*
 * How a lead begins and ends. The protocol is in cursor_lead.h.
 */
#include "cursor_lead.h"

/* A consumer begins a lead after it took this many items alone. A lead saves some 10 ns an item;
 * ending it may take 45 us. */
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 4096
#endif

static void lead_cell_init(struct cell *cell, unsigned index)
{
	atomic_init(&cell->lead_head, 0);
	atomic_init(&cell->verdict, 0);
	atomic_init(&cell->lead_id, LEAD | index);
	atomic_init(&cell->alone_since_got, 0);
}

/* Steps 3 and 4. Decide that the leader has taken the items up to got, unless another thread has
 * decided before. */
static void decide(struct cursor *cursor, uint64_t lead, uint64_t got)
{
	struct cell *cell = &cursor->cells.cell[lead % LEAD_STEP];
	/* Written before the lead began. If it was written later, the owner had read that head
	 * holds another value, so the update of head below fails. */
	uint64_t base = CELL_GET(cell, head_minus_got);
	uint64_t verdict = lead;

	got &= POSITION_MASK;
	if (!atomic_compare_exchange_strong_explicit(&cell->verdict, &verdict, got,
	                                             memory_order_seq_cst, memory_order_seq_cst))
		got = verdict;
	/* R2, as cursor_move_head(). */
	if (!(got & LEAD))
		atomic_compare_exchange_strong_explicit(&cursor->head, &lead,
		                                        (base + got) & POSITION_MASK,
		                                        memory_order_seq_cst, memory_order_relaxed);
}

SLOW_PATH static void lead_end(struct cursor *cursor, uint64_t lead)
{
	const struct cell *cell = &cursor->cells.cell[lead % LEAD_STEP];
	uint64_t state = lead;

	/* Step 1. Fails if another thread did it. */
	atomic_compare_exchange_strong_explicit(&cursor->state, &state, ENDING(lead),
	                                        memory_order_seq_cst, memory_order_relaxed);
	sys_fence_all();
	/* A6, pairs with R6 in leader_counts(). */
	decide(cursor, lead, atomic_load_explicit(&cell->got, memory_order_acquire));
	/* All threads have passed a fence: a thread that reads this state sees every put that
	 * relied on the leader. A thread that still reads a lead in it, or an ending one, calls
	 * cursor_see_puts() instead. */
	state = ENDING(lead);
	atomic_compare_exchange_strong_explicit(&cursor->state, &state, CURSOR_SHARED,
	                                        memory_order_seq_cst, memory_order_relaxed);
}

INTERNAL void cursor_claim(struct cursor *cursor, struct cell *cell, bool final,
                           struct claim *claim)
{
	claim->leads = !final && cursor_is_held_by(cursor, cell);
	if (claim->leads) {
		claim->at = CELL_GET(cell, lead_head);
		return;
	}
	/* A3, as in cursor_claim_at_once(); sequentially consistent for lead_begin(). */
	while ((claim->at = atomic_load_explicit(&cursor->head, memory_order_seq_cst)) & LEAD)
		lead_end(cursor, claim->at);
	if (final) {
		/* The consumer must take many items alone before it leads again. */
		CELL_SET(cell, alone_since_got, (uint32_t)CELL_GET(cell, got));
		/* A lead may be in state but not in head yet, and puts rely on it already. */
		cursor_see_puts(cursor);
	}
}

SLOW_PATH INTERNAL bool cursor_settle(struct cursor *cursor, struct cell *cell, uint64_t n)
{
	uint64_t got = CELL_GET(cell, got);

	decide(cursor, CELL_GET(cell, lead_id), got);
	/* Relaxed: it is decided, and only we begin another lead in this cell. */
	if (CELL_GET(cell, verdict) == (got & POSITION_MASK)) {
		leader_advances(cell, n);
		return true;
	}
	atomic_store_explicit(&cell->got, got - n, memory_order_release);
	return false;
}

INTERNAL void cursor_see_puts(struct cursor *cursor)
{
	if (cursor_is_held(cursor))
		sys_fence_all();
}

INTERNAL void cursor_see_takes(struct cursor *cursor)
{
	/* Sequentially consistent: if head holds no lead now, a later update puts it there, so that
	 * its leader sees that we sleep. */
	if (atomic_load_explicit(&cursor->head, memory_order_seq_cst) & LEAD)
		sys_fence_all();
}

SLOW_PATH INTERNAL void cursor_share(struct cursor *cursor)
{
	/* As in cursor_claim(). */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);

	if (head & LEAD)
		lead_end(cursor, head);
}

SLOW_PATH INTERNAL void cursor_share_for_good(struct cursor *cursor)
{
	uint64_t state;

	/* Pairs with lead_begin(): it reads this, or we see its lead. */
	atomic_store_explicit(&cursor->may_lead, false, memory_order_seq_cst);
	cursor_share(cursor);
	/* The id of the lead may be in state only, not in head yet or not any more, because the
	 * thread that begins or ends the lead is stopped. */
	state = atomic_load_explicit(&cursor->state, memory_order_seq_cst);
	if (state > CURSOR_ASKED)
		lead_end(cursor, state | LEAD);
}

/* Returns whether the consumer has taken enough items alone. */
static bool has_been_alone_for_long(const struct cell *cell, uint64_t head)
{
	uint64_t got = CELL_GET(cell, got);

	return CELL_GET(cell, alone) &&
	       ((head - got) & POSITION_MASK) == CELL_GET(cell, head_minus_got) &&
	       (uint32_t)got - CELL_GET(cell, alone_since_got) >= SPMCQ_LEAD_AFTER;
}

/* Returns true if the lead's id was in `state`, even if the lead was ended at once: puts may have
 * relied on it. */
SLOW_PATH static bool lead_begin(struct cursor *cursor, struct cell *cell)
{
	/* A3, as in cursor_claim(): what we read of the ring next is not older than this head. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);
	uint64_t lead = CELL_GET(cell, lead_id) + LEAD_STEP;
	uint64_t none = CURSOR_SHARED;

	if (head & LEAD)
		return false;
	CELL_SET(cell, alone, false);
	CELL_SET(cell, alone_since_got, (uint32_t)CELL_GET(cell, got));
	CELL_SET(cell, lead_id, lead);
	/* R8: a thread that has read this cell's previous lead in head may read this value; it must
	 * not read an older tail after that. */
	atomic_store_explicit(&cell->lead_head, head, memory_order_release);
	/* Relaxed: published by the updates below. */
	CELL_SET(cell, head_minus_got, (head - CELL_GET(cell, got)) & POSITION_MASK);
	CELL_SET(cell, verdict, lead);
	if (!atomic_compare_exchange_strong_explicit(&cursor->state, &none, lead,
	                                             memory_order_seq_cst, memory_order_relaxed)) {
		/* If another lead is ending, the thread that ends it may be stopped. */
		if (none > CURSOR_ASKED && !(none & LEAD))
			lead_end(cursor, none | LEAD);
		return false;
	}
	if (!atomic_compare_exchange_strong_explicit(&cursor->head, &head, lead,
	                                             memory_order_seq_cst, memory_order_relaxed) ||
	    !atomic_load_explicit(&cursor->may_lead, memory_order_seq_cst))
		lead_end(cursor, lead);
	return true;
}

INTERNAL bool cursor_hold(struct cursor *cursor, struct cell *cell)
{
	/* Relaxed, both: lead_begin() looks again. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_relaxed);

	return !(head & LEAD) && !cell_is_shared(&cursor->cells, cell) &&
	       atomic_load_explicit(&cursor->may_lead, memory_order_relaxed) &&
	       has_been_alone_for_long(cell, head) && lead_begin(cursor, cell);
}
