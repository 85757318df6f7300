/*
 * The cursor with a lead: the right of one consumer, the leader, to take items by plain stores
 * while no other thread takes any.
 *
 * While there is a leader, and nobody sleeps who would have to be woken for each item, neither the
 * leader nor the producer needs a locked instruction:
 *
 *   The leader counts an item as its own by a plain store to got, and then reads whether it still
 *   leads.
 *   The producer publishes an item by a plain store to tail, and then reads whether there is a
 *   leader. A leader polls for items itself, so no sleeper needs to be woken.
 *
 * Any other consumer that wants an item ends the lead first:
 *   1 mark the lead in state as ending,
 *   2 make all threads pass a full fence (membarrier),
 *   3 decide how many items the leader got,
 *   4 store the position after them into head, in place of the lead's id,
 *   5 clear state.
 * Several threads may run these steps at once; if one stops halfway, the next starts again at 1.
 *
 * Why no item is lost or taken twice. The membarrier falls either before the leader's read of
 * state, which then sees the end, or after its store of got, which step 3 then sees. Both may be
 * the case; so the decision is written to verdict by a compare-and-swap, and a leader that sees the
 * end tries the same, for what it counted. verdict starts as the lead's id. Ids are never used
 * again, so a thread that still ends an earlier lead fails there.
 *
 * Why no put is missed. While a lead is ending, the producer no longer relies on the leader. But a
 * put that did may have returned, and its store be visible only after step 2. So a thread that is
 * about to say that the ring is empty, or all is done, makes all threads fence, from the beginning
 * of a lead to step 5: cursor_see_puts().
 *
 *   R6 leader_counts() raises got        -> A6 lead_end() reads it:    slots were read out
 *   R8 leader_advances() moves lead_head -> A8 cursor_head() reads it: as R2, while head is a lead
 */
#ifndef SPMCQ_CURSOR_LEAD_H
#define SPMCQ_CURSOR_LEAD_H

#include "cursor.h"

#include "sys.h"

/* A lead's id: this bit, a number never used before, and the index of the leader's cell. */
#define LEAD (UINT64_C(1) << 63)
/* In state only: this lead is ending. Without the bit, and more than CURSOR_ASKED. */
#define ENDING(lead) ((lead) & ~LEAD)
/* The numbers start here, so that ENDING() of each exceeds CURSOR_ASKED. */
enum { LEAD_STEP = 128 };
_Static_assert((int)CELLS <= (int)LEAD_STEP, "an id has room for the index of a cell");

/* Returns whether the consumer leads. It may learn later that it no longer does. */
static inline bool cursor_is_held_by(const struct cursor *cursor, const struct cell *cell)
{
	/* Relaxed: leader_counts() looks again. */
	return atomic_load_explicit(&cursor->state, memory_order_relaxed) ==
	       CELL_GET(cell, lead_id);
}

/* Publish if there is a leader: false if it may have ended. */
static inline bool publish_watched(struct cursor *cursor, uint64_t tail)
{
	/* R1. */
	atomic_store_explicit(&cursor->tail, tail, memory_order_release);
	/* The membarrier of a thread that ends the lead falls before our next load, which then sees
	 * that it has ended, or after our store, which that thread then sees. */
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

/* The leader takes n items in two steps. 1 Count them: false if the lead may have ended. */
static inline bool leader_counts(const struct cursor *cursor, struct cell *cell, uint64_t n)
{
	/* R6, pairs with A6 in lead_end(): the slots were read before. */
	atomic_store_explicit(&cell->got, CELL_GET(cell, got) + n, memory_order_release);
	/* As in publish_watched(). */
	atomic_signal_fence(memory_order_seq_cst);
	return cursor_is_held_by(cursor, cell);
}

/* 2 Let the others see it. */
static inline void leader_advances(struct cell *cell, uint64_t n)
{
	/* R8, pairs with A8: the slots were read before. */
	atomic_store_explicit(&cell->lead_head, (CELL_GET(cell, lead_head) + n) & POSITION_MASK,
	                      memory_order_release);
	/* The caller reads next whether the producer sleeps, which made all threads fence before it
	 * looked how far we got: see cursor_see_takes(). */
	atomic_signal_fence(memory_order_seq_cst);
}

/* Begin a claim: where the next item to take is. False if another consumer leads, or asked for a
 * turn. */
static inline bool cursor_claim_at_once(const struct cursor *cursor, const struct cell *cell,
                                        struct claim *claim)
{
	/* Relaxed, as in cursor_is_held_by(). */
	uint64_t state = atomic_load_explicit(&cursor->state, memory_order_relaxed);

	claim->leads = state == CELL_GET(cell, lead_id);
	/* A3, pairs with R2: the tail we read next is not behind this head. */
	claim->at = claim->leads ? CELL_GET(cell, lead_head)
	                         : atomic_load_explicit(&cursor->head, memory_order_acquire);
	return !(claim->at & LEAD) && state != CURSOR_ASKED;
}

/* The same, never false: ends the lead of another. final: the caller will not look again by itself,
 * so it must not lead, as puts rely on a leader to look again. Lock-free. */
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

/* After CURSOR_DISPUTED: whether the n items are the caller's. Wait-free. */
INTERNAL bool cursor_settle(struct cursor *cursor, struct cell *cell, uint64_t n);

/* The head: everything before it was taken. Wait-free. */
static inline uint64_t cursor_head(const struct cursor *cursor)
{
	/* A2, pairs with R2; sequentially consistent for the gates. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);

	if (!(head & LEAD))
		return head;
	/* A8, pairs with R8; sequentially consistent, as above. Of an earlier lead of this cell, or
	 * a later one: either was the head at some time since head was read. */
	return atomic_load_explicit(&cursor->cells.cell[head % LEAD_STEP].lead_head,
	                            memory_order_seq_cst);
}

/* After it, all puts that have returned are visible to the caller. Wait-free; tens of microseconds
 * if there is a leader. */
INTERNAL void cursor_see_puts(struct cursor *cursor);

/* After it, all takes of a leader that led before are visible to the caller, and takes that come
 * later see what the caller did before. As cursor_see_puts(). */
INTERNAL void cursor_see_takes(struct cursor *cursor);

/* End the lead, if there is one. Wait-free but for leads that begin meanwhile; tens of us. */
INTERNAL void cursor_share(struct cursor *cursor);

/* The same, and let nobody lead again. */
INTERNAL void cursor_share_for_good(struct cursor *cursor);

/* Returns whether there is a leader, or one's lead is ending. */
static inline bool cursor_is_held(const struct cursor *cursor)
{
	/* Pairs with lead_begin(): a put that relies on it comes later. */
	return atomic_load_explicit(&cursor->state, memory_order_seq_cst) > CURSOR_ASKED;
}

/* For the slow path of a consumer: make it the leader if it has taken so many items alone that this
 * pays. Returns true if it became the leader, or might have been one for a moment, which puts may
 * have relied on. */
INTERNAL bool cursor_hold(struct cursor *cursor, struct cell *cell);

#endif
