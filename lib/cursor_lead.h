/*
 * The cursor with leads. A lead is the exclusive right of one consumer, the leader, to take items
 * by plain stores.
 *
 *   The leader counts an item as its own by a plain store to got, and then reads whether it still
 *   leads.
 *   The producer publishes an item by a plain store to tail, and then reads whether there is a
 *   leader. If there is one, it wakes nobody: the leader looks again before it sleeps, and any
 *   other consumer ends the lead and looks after that.
 *
 * Any other consumer that wants an item ends the lead first:
 *   1 mark the lead in state as ending,
 *   2 make all threads pass a full fence (membarrier),
 *   3 decide how many items the leader took,
 *   4 store the position after them into head, in place of the lead's id,
 *   5 clear state.
 * Several threads may run these steps at once; if one is stopped halfway, the next starts again at
 * 1. lib/DESIGN.md, "The lead", proves that no item is lost or taken twice, and that no put is
 * overlooked.
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

/* A lead's id consists of this bit, a number that grows with each lead of the same cell, and the
 * index of the leader's cell. */
#define LEAD (UINT64_C(1) << 63)
/* The value of state while a lead ends. */
#define ENDING(lead) ((lead) & ~LEAD)
/* The ids of a cell's leads differ by this step, and the first number is the step itself: so the
 * low 9 bits are free for the cell's index, and ENDING() of a lead is always greater than
 * CURSOR_ASKED, the greatest of the states that are not leads. */
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

/* Publish by a plain store, relying on the leader to look again. Returns false if the lead may have
 * ended. */
static inline bool publish_watched(struct cursor *cursor, uint64_t tail)
{
	cursor->own_tail = tail;
	/* R1. */
	atomic_store_explicit(&cursor->tail, tail, memory_order_release);
	/* A thread that ends the lead makes us execute a fence (membarrier). If we execute it
	 * before our next load, we read that the lead has ended. If we execute it after our store,
	 * that thread reads our tail. */
	atomic_signal_fence(memory_order_seq_cst);
	return atomic_load_explicit(&cursor->state, memory_order_relaxed) & LEAD;
}

/* Publish the items before tail. state: as the caller read it a moment ago. */
static inline enum cursor_put cursor_publish(struct cursor *cursor, uint64_t state, uint64_t tail)
{
	if (state & LEAD && publish_watched(cursor, tail))
		return CURSOR_PUT_WATCHED;
	return cursor_publish_shared(cursor, tail);
}

/* The leader takes n items in two steps. 1 Count them. Returns false if the lead may have ended. */
static inline bool leader_counts(const struct cursor *cursor, struct cell *cell, uint64_t n)
{
	/* R6: the slots were read before. */
	atomic_store_explicit(&cell->got, CELL_GET(cell, got) + n, memory_order_release);
	/* As in publish_watched(). */
	atomic_signal_fence(memory_order_seq_cst);
	return cursor_is_held_by(cursor, cell);
}

/* 2 Advance, so that other threads see the new head. */
static inline void leader_advances(struct cell *cell, uint64_t n)
{
	/* R8: the slots were read before. */
	atomic_store_explicit(&cell->lead_head, (CELL_GET(cell, lead_head) + n) & POSITION_MASK,
	                      memory_order_release);
	/* The caller reads next whether the producer sleeps. The producer announces that it sleeps,
	 * makes all threads fence, and then reads lead_head: see cursor_see_takes(). */
	atomic_signal_fence(memory_order_seq_cst);
}

/* Read state into *claim, and read or guess head. Returns false if another consumer leads, or asked
 * for a turn. */
static inline bool cursor_claim_at_once(const struct cursor *cursor, const struct cell *cell,
                                        struct claim *claim)
{
	/* Relaxed, as in cursor_is_held_by(). */
	uint64_t state = atomic_load_explicit(&cursor->state, memory_order_relaxed);

	claim->leads = state == CELL_GET(cell, lead_id);
	claim->at = claim->leads ? CELL_GET(cell, lead_head) : cursor_guess_head(cursor, cell);
	return !(claim->at & LEAD) && state != CURSOR_ASKED;
}

/* As cursor_claim_at_once(), but claim even if a consumer asked for a turn, and end the lead of
 * another consumer first. final: the caller may sleep next, so its own lead ends, too, because a
 * put wakes nobody while there is a leader. Lock-free. */
INTERNAL void cursor_claim(struct cursor *cursor, struct cell *cell, bool final,
                           struct claim *claim);

/* Take n items from the claim on. */
static inline enum cursor_take cursor_take(struct cursor *cursor, struct cell *cell,
                                           struct claim claim, uint64_t n)
{
	if (!claim.leads)
		return cursor_take_shared(cursor, cell, claim.at, n) ? CURSOR_TAKEN : CURSOR_LOST;
	if (!leader_counts(cursor, cell, n))
		return CURSOR_DISPUTED;
	leader_advances(cell, n);
	return CURSOR_TAKEN;
}

/* After CURSOR_DISPUTED: returns whether the n items are the caller's. Wait-free. */
INTERNAL bool cursor_settle(struct cursor *cursor, struct cell *cell, uint64_t n);

/* Returns the position of head, also while head holds the id of a lead: all items before it were
 * taken. Wait-free. */
static inline uint64_t cursor_head(const struct cursor *cursor)
{
	/* A2, pairs with R2; sequentially consistent for the gates. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);

	if (!(head & LEAD))
		return head;
	/* A8, pairs with R8; sequentially consistent, as above. If that lead has ended meanwhile,
	 * and another lead of this cell has begun, the value was still the head at some moment
	 * during this call. */
	return atomic_load_explicit(&cursor->cells.cell[head % LEAD_STEP].lead_head,
	                            memory_order_seq_cst);
}

/* Make all puts that have returned visible to the caller. Wait-free; tens of microseconds if the
 * cursor is held. */
INTERNAL void cursor_see_puts(struct cursor *cursor);

/* Make a leader's takes that have returned visible to the caller, and the caller's earlier stores
 * visible to later takes. The cost is that of cursor_see_puts(). */
INTERNAL void cursor_see_takes(struct cursor *cursor);

/* End the lead whose id is in head, if there is one. Wait-free; tens of microseconds. */
INTERNAL void cursor_share(struct cursor *cursor);

/* As cursor_share(), and forbid all later leads. */
INTERNAL void cursor_share_for_good(struct cursor *cursor);

/* Returns whether there is a lead, or one is ending. */
static inline bool cursor_is_held(const struct cursor *cursor)
{
	/* Pairs with lead_begin(). If this load finds no lead, every put that relies on a later
	 * lead is ordered after it. */
	return atomic_load_explicit(&cursor->state, memory_order_seq_cst) > CURSOR_ASKED;
}

/* Make the consumer the leader, if it has taken enough items alone. Returns true if it became the
 * leader, even if its lead has ended at once: puts may have relied on it. */
INTERNAL bool cursor_hold(struct cursor *cursor, struct cell *cell);

#endif
