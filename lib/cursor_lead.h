/*
 * The cursor with leads: while one consumer, the leader, takes all items, neither it nor the
 * producer needs a locked instruction. "The lead" in lib/DESIGN.md has the five steps by which a
 * lead ends, the rows 1 to 3 that the comments below name, and the proof.
 *
 *   R6 leader_counts() raises got        -> A6 lead_end() reads it:    slots were read out
 *   R8 leader_advances() moves lead_head -> A8 cursor_head() reads it: slots were read out
 *
 * R8 and A8 do what R2 and A2 of cursor.h do, while head holds the id of a lead.
 */
#ifndef SPMCQ_CURSOR_LEAD_H
#define SPMCQ_CURSOR_LEAD_H

#include "cursor.h"

#include "sys.h"

/* The value of state while a lead ends. */
#define ENDING(lead) ((lead) & ~LEAD)
/* An id consists of the top bit, a number, and in its low 9 bits the index of the cell. Each lead
 * of a cell raises the number by 1, that is, the id by this step. The first one has the number 1,
 * so ENDING() of any lead is greater than CURSOR_CLOSED, the greatest of the other states. */
enum { LEAD_STEP = 512 };
_Static_assert((int)CELLS <= (int)LEAD_STEP, "an id has room for the index of a cell");

/* Returns whether the consumer leads. The result may be out of date at once, as other consumers can
 * end the lead. */
static inline bool cursor_is_held_by(const struct cursor *cursor, const struct cell *cell)
{
	/* Relaxed: leader_counts() looks again. */
	return atomic_load_explicit(&cursor->state, memory_order_relaxed) ==
	       CELL_GET(cell, lead_id);
}

/* Returns whether there is a lead, or one is ending. */
static inline bool cursor_is_held(const struct cursor *cursor)
{
	/* Sequentially consistent; pairs with lead_begin(). If this load finds no lead, every put
	 * that relies on a later lead is ordered after it. */
	return atomic_load_explicit(&cursor->state, memory_order_seq_cst) > CURSOR_CLOSED;
}

/* Make all puts that have returned visible to the caller. Wait-free; tens of microseconds if the
 * cursor is held. */
static void cursor_see_puts(struct cursor *cursor)
{
	if (cursor_is_held(cursor))
		sys_fence_all();
}

/* Publish by a plain store, relying on the leader to look again. Returns false if the lead may have
 * ended. Thread X of row 2. */
static inline bool publish_watched(struct cursor *cursor, uint64_t tail)
{
	cursor->own_tail = tail;
	/* R1. */
	atomic_store_explicit(&cursor->tail, tail, memory_order_release);
	/* Pairs with sys_fence_all() in lead_end(), cursor_see_puts() and cursor_end(). */
	atomic_signal_fence(memory_order_seq_cst);
	/* Relaxed: ordered by that fence. */
	return atomic_load_explicit(&cursor->state, memory_order_relaxed) & LEAD;
}

/* Publish the items before tail. state: as the caller read it a moment ago. Wait-free. */
static inline enum cursor_put cursor_publish(struct cursor *cursor, uint64_t state, uint64_t tail)
{
	if (state & LEAD && publish_watched(cursor, tail))
		return CURSOR_PUT_WATCHED;
	return cursor_publish_shared(cursor, tail);
}

/* The leader takes n items in two steps. First it counts them. Returns false if the lead may have
 * ended. Thread X of row 1. */
static inline bool leader_counts(const struct cursor *cursor, struct cell *cell, uint64_t n)
{
	/* R6, pairs with A6 in lead_end(): the slots were read before. */
	atomic_store_explicit(&cell->got, CELL_GET(cell, got) + n, memory_order_release);
	/* Pairs with sys_fence_all() in lead_end(). */
	atomic_signal_fence(memory_order_seq_cst);
	return cursor_is_held_by(cursor, cell);
}

/* The second step of the leader: it advances, so that other threads see the new head. Thread X of
 * row 3: the caller reads next whether the producer sleeps. */
static inline void leader_advances(struct cell *cell, uint64_t n)
{
	/* R8, pairs with A8 in cursor_head(): the slots were read before. */
	atomic_store_explicit(&cell->lead_head, (CELL_GET(cell, lead_head) + n) & POSITION_MASK,
	                      memory_order_release);
	/* Pairs with sys_fence_all() in cursor_see_takes(). */
	atomic_signal_fence(memory_order_seq_cst);
}

/* Set *claim: whether the caller leads, and where it expects head. Returns false if head holds the
 * id of a lead that is not the caller's any more, or never was; or if the items were discarded.
 * Wait-free. */
static inline bool cursor_claim_at_once(const struct cursor *cursor, const struct cell *cell,
                                        struct claim *claim)
{
	/* Relaxed, as in cursor_is_held_by(). */
	uint64_t state = atomic_load_explicit(&cursor->state, memory_order_relaxed);

	claim->leads = state == CELL_GET(cell, lead_id);
	claim->at = claim->leads ? CELL_GET(cell, lead_head) : cursor_guess_head(cursor, cell);
	return claim->at <= POSITION_MASK;
}

/* Take the n items from claim.at on. Wait-free. */
static inline enum ring_take cursor_take(struct cursor *cursor, struct cell *cell,
                                         struct claim claim, uint64_t n)
{
	if (!claim.leads)
		return cursor_take_shared(cursor, cell, claim.at, n);
	if (!leader_counts(cursor, cell, n))
		return RING_DISPUTED;
	leader_advances(cell, n);
	return RING_TAKEN;
}

/* Returns the position of head, also while head holds the id of a lead: all items before it were
 * taken. Wait-free. */
static inline uint64_t cursor_head(const struct cursor *cursor)
{
	/* A2, pairs with R2; sequentially consistent for the gates. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);

	if (!(head & LEAD))
		return head & POSITION_MASK;
	/* A8, pairs with R8; sequentially consistent, as above. If the owner of the cell has begun
	 * a new lead since our load of head, we read the lead_head of that one. lead_begin() set it
	 * to a head that it read after our load, so it is new enough. */
	return atomic_load_explicit(&cursor->cells.cell[head % LEAD_STEP].lead_head,
	                            memory_order_seq_cst);
}

/* Make a leader's takes that have returned visible to the caller, and the caller's earlier stores
 * visible to later takes. The cost is that of cursor_see_puts(). */
static void cursor_see_takes(struct cursor *cursor)
{
	/* Sequentially consistent: if head holds no lead now, any lead that begins later writes
	 * head after this load, so its leader sees that we are about to sleep. */
	if (atomic_load_explicit(&cursor->head, memory_order_seq_cst) & LEAD)
		sys_fence_all();
}

/* Steps 3 and 4. Decide that the leader has taken the items up to got, unless another thread has
 * decided before. Wait-free. */
static void decide(struct cursor *cursor, uint64_t lead, uint64_t got)
{
	struct cell *cell = &cursor->cells.cell[lead % LEAD_STEP];
	/* Relaxed: the owner wrote this before the lead began. The owner writes it again only after
	 * it has read from head that the lead is over; then the update of head below fails. */
	uint64_t base = CELL_GET(cell, head_minus_got);
	uint64_t verdict = lead;

	got &= POSITION_MASK;
	/* Sequentially consistent; pairs with itself: the first thread's update decides. */
	if (!atomic_compare_exchange_strong_explicit(&cell->verdict, &verdict, got,
	                                             memory_order_seq_cst, memory_order_seq_cst))
		got = verdict;
	/* R2, as cursor_move_head(). (If verdict holds the id of a later lead of this cell, this
	 * one ended long ago.) */
	if (!(got & LEAD))
		atomic_compare_exchange_strong_explicit(&cursor->head, &lead,
		                                        (base + got) & POSITION_MASK,
		                                        memory_order_seq_cst, memory_order_relaxed);
}

/* End a lead: the five steps. lead: its id. Wait-free; tens of microseconds. */
SLOW_PATH static void lead_end(struct cursor *cursor, uint64_t lead)
{
	const struct cell *cell = &cursor->cells.cell[lead % LEAD_STEP];
	uint64_t state = lead;

	/* Step 1. Fails if another thread did it. Sequentially consistent, as is step 5; thread Y
	 * of rows 1 and 2. */
	atomic_compare_exchange_strong_explicit(&cursor->state, &state, ENDING(lead),
	                                        memory_order_seq_cst, memory_order_relaxed);
	sys_fence_all();
	/* A6, pairs with R6. */
	decide(cursor, lead, atomic_load_explicit(&cell->got, memory_order_acquire));
	/* Step 5; pairs with cursor_is_held(). All threads have passed a fence, so a thread that
	 * reads this value from state sees every put that relied on the leader. A thread that reads
	 * a lead, or an ending lead, from state must fence all: see cursor_see_puts(). */
	state = ENDING(lead);
	atomic_compare_exchange_strong_explicit(&cursor->state, &state, CURSOR_SHARED,
	                                        memory_order_seq_cst, memory_order_relaxed);
}

/* As cursor_claim_at_once(), but end the lead of another consumer first. final: this is a final
 * look, so the caller's own lead ends, too. If the items were discarded, claim->at says so.
 * Lock-free. */
static void cursor_claim(struct cursor *cursor, struct cell *cell, bool final, struct claim *claim)
{
	claim->leads = !final && cursor_is_held_by(cursor, cell);
	if (claim->leads) {
		claim->at = CELL_GET(cell, lead_head);
		return;
	}
	/* A3, pairs with R2: the tail that the caller reads next is not behind this head.
	 * Sequentially consistent for lead_begin(). */
	while ((claim->at = atomic_load_explicit(&cursor->head, memory_order_seq_cst)) & LEAD)
		lead_end(cursor, claim->at);
	if (final) {
		/* The consumer must take many items alone before it leads again. */
		CELL_SET(cell, alone_since_got, (uint32_t)CELL_GET(cell, got));
		/* A lead may be in state but not in head yet, and puts rely on it already. */
		cursor_see_puts(cursor);
	}
}

/* After RING_DISPUTED: returns whether the n items are the caller's. Wait-free. */
SLOW_PATH static bool cursor_settle(struct cursor *cursor, struct cell *cell, uint64_t n)
{
	uint64_t got = CELL_GET(cell, got);

	decide(cursor, CELL_GET(cell, lead_id), got);
	/* Relaxed: it is decided, and only we begin another lead in this cell. */
	if (CELL_GET(cell, verdict) == (got & POSITION_MASK)) {
		leader_advances(cell, n);
		return true;
	}
	/* As R6. Relaxed would do: the items beyond the verdict are not ours. */
	atomic_store_explicit(&cell->got, got - n, memory_order_release);
	return false;
}

/* End the lead whose id is in head, if there is one. Wait-free; tens of microseconds. */
SLOW_PATH static void cursor_share(struct cursor *cursor)
{
	/* As in cursor_claim(). */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);

	if (head & LEAD)
		lead_end(cursor, head);
}

/* As cursor_share(), and forbid all later leads. Wait-free. */
SLOW_PATH static void cursor_share_for_good(struct cursor *cursor)
{
	uint64_t state;

	/* Sequentially consistent; pairs with lead_begin(): it reads this, or we see its lead. */
	atomic_store_explicit(&cursor->may_lead, false, memory_order_seq_cst);
	cursor_share(cursor);
	/* The id of the lead may be in state only: not in head yet, or not any more, because the
	 * thread that begins or ends the lead is stopped. Sequentially consistent, as above. */
	state = atomic_load_explicit(&cursor->state, memory_order_seq_cst);
	if (state > CURSOR_CLOSED)
		lead_end(cursor, state | LEAD);
}

/* A consumer begins a lead after it took this many items alone: a lead saves some 10 ns an item,
 * and ending it may take 45 us. */
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 4096
#endif

/* Begin a lead. Returns true if the lead's id was in state, even if the lead was ended at once:
 * puts may have relied on it. Wait-free. */
SLOW_PATH static bool lead_begin(struct cursor *cursor, struct cell *cell)
{
	/* A3, as in cursor_claim(): the tail that we read next is not behind this head. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);
	uint64_t lead = CELL_GET(cell, lead_id) + LEAD_STEP;
	uint64_t none = CURSOR_SHARED;

	if (head > POSITION_MASK)
		return false;
	CELL_SET(cell, alone, false);
	CELL_SET(cell, losses, 0); /* a leader takes no turns */
	CELL_SET(cell, alone_since_got, (uint32_t)CELL_GET(cell, got));
	CELL_SET(cell, lead_id, lead);
	/* R8, pairs with A8: a thread that read the id of this cell's previous lead from head may
	 * read this lead_head; the tail that that thread reads next must not be behind it. */
	atomic_store_explicit(&cell->lead_head, head, memory_order_release);
	/* Relaxed: published by the updates of state and head below. */
	CELL_SET(cell, head_minus_got, (head - CELL_GET(cell, got)) & POSITION_MASK);
	CELL_SET(cell, verdict, lead);
	/* Sequentially consistent; pairs with cursor_is_held() and cursor_share_for_good(). */
	if (!atomic_compare_exchange_strong_explicit(&cursor->state, &none, lead,
	                                             memory_order_seq_cst, memory_order_relaxed)) {
		/* If another lead is ending, the thread that ends it may be stopped, and no lead
		 * could ever begin: so end it here. */
		if (none > CURSOR_CLOSED && !(none & LEAD))
			lead_end(cursor, none | LEAD);
		return false;
	}
	/* Sequentially consistent; the update pairs with cursor_claim() and cursor_see_takes(), the
	 * load with cursor_share_for_good(). */
	if (!atomic_compare_exchange_strong_explicit(&cursor->head, &head, lead,
	                                             memory_order_seq_cst, memory_order_relaxed) ||
	    !atomic_load_explicit(&cursor->may_lead, memory_order_seq_cst))
		lead_end(cursor, lead);
	return true;
}

/* Make the consumer the leader, if it has taken enough items alone. The result is that of
 * lead_begin(). Wait-free. */
static bool cursor_hold(struct cursor *cursor, struct cell *cell)
{
	/* Relaxed, both: lead_begin() looks again. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_relaxed);
	uint64_t got = CELL_GET(cell, got);

	if (head > POSITION_MASK || !atomic_load_explicit(&cursor->may_lead, memory_order_relaxed))
		return false;
	/* A thread that uses a shared cell is never alone. */
	return CELL_GET(cell, alone) &&
	       ((head - got) & POSITION_MASK) == CELL_GET(cell, head_minus_got) &&
	       (uint32_t)got - CELL_GET(cell, alone_since_got) >= SPMCQ_LEAD_AFTER &&
	       lead_begin(cursor, cell);
}

#endif
