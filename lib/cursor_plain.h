/*
 * The plain cursor, for builds without leads: consumers move head by compare-and-swap, the producer
 * moves tail by an exchange, and each call is visible to all threads when it returns. cursor_lead.h
 * has the same functions, and comments that say more.
 */
#ifndef SPMCQ_CURSOR_PLAIN_H
#define SPMCQ_CURSOR_PLAIN_H

#include "cursor.h"

/* Publish the items before tail. Wait-free. */
static inline enum cursor_put cursor_publish(struct cursor *cursor, uint64_t state, uint64_t tail)
{
	(void)state;
	return cursor_publish_shared(cursor, tail);
}

/* Read or guess head. Returns false if the items were discarded. Wait-free. */
static inline bool cursor_claim_at_once(const struct cursor *cursor, const struct cell *cell,
                                        struct claim *claim)
{
	claim->leads = false;
	claim->at = cursor_guess_head(cursor, cell);
	return claim->at <= POSITION_MASK;
}

/* Read head. final makes no difference here. */
static inline void cursor_claim(struct cursor *cursor, struct cell *cell, bool final,
                                struct claim *claim)
{
	(void)cell;
	(void) final;
	claim->leads = false;
	/* A3, pairs with R2: the tail that the caller reads next is not behind this head.
	 * Sequentially consistent for the gate of consumers. */
	claim->at = atomic_load_explicit(&cursor->head, memory_order_seq_cst);
}

/* Take the n items from claim.at on. Wait-free. */
static inline enum ring_take cursor_take(struct cursor *cursor, struct cell *cell,
                                         struct claim claim, uint64_t n)
{
	return cursor_take_shared(cursor, cell, claim.at, n);
}

static inline bool cursor_settle(struct cursor *cursor, struct cell *cell, uint64_t n)
{
	(void)cursor;
	(void)cell;
	(void)n;
	return false;
}

/* Returns head: all items before it were taken. Wait-free. */
static inline uint64_t cursor_head(const struct cursor *cursor)
{
	/* A2, pairs with R2; sequentially consistent for the gates. */
	return atomic_load_explicit(&cursor->head, memory_order_seq_cst) & POSITION_MASK;
}

static inline void cursor_see_puts(struct cursor *cursor)
{
	(void)cursor;
}

static inline void cursor_see_takes(struct cursor *cursor)
{
	(void)cursor;
}

static inline void cursor_share(struct cursor *cursor)
{
	(void)cursor;
}

static inline void cursor_share_for_good(struct cursor *cursor)
{
	(void)cursor;
}

static inline bool cursor_is_held_by(const struct cursor *cursor, const struct cell *cell)
{
	(void)cursor;
	(void)cell;
	return false;
}

static inline bool cursor_is_held(const struct cursor *cursor)
{
	(void)cursor;
	return false;
}

static inline bool cursor_hold(struct cursor *cursor, struct cell *cell)
{
	(void)cursor;
	(void)cell;
	return false;
}

#endif
