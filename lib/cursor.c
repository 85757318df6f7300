/*
 * What both kinds of cursor have in common: reading tail, and closing. The protocol is in cursor.h.
 */
#include "cursor.h"

#include "sys.h"

#include <errno.h>

INTERNAL void cursor_init(struct cursor *cursor, uint64_t first, bool can_lead)
{
	atomic_init(&cursor->tail, first);
	cursor->own_tail = first;
	atomic_init(&cursor->state, CURSOR_SHARED);
	atomic_init(&cursor->end, NO_END);
#ifndef SPMCQ_LEAD
	can_lead = false;
#endif
	cursor->can_lead = can_lead;
	atomic_init(&cursor->may_lead, can_lead);
	atomic_init(&cursor->head, first);
	atomic_init(&cursor->tail_seen, first);
	atomic_init(&cursor->batch, 0);
	cells_init(&cursor->cells);
}

SLOW_PATH INTERNAL ssize_t cursor_kept(struct cursor *cursor, uint64_t n)
{
	uint64_t tail = cursor_own_tail(cursor);
	uint64_t end = NO_END;

	/* Pairs with cursor_end(). */
	if (atomic_compare_exchange_strong_explicit(&cursor->end, &end, tail, memory_order_seq_cst,
	                                            memory_order_seq_cst))
		return (ssize_t)n;
	return position_distance(tail, end) >= 0 ? (ssize_t)n : -ESHUTDOWN;
}

SLOW_PATH INTERNAL uint64_t cursor_end(struct cursor *cursor)
{
	uint64_t end = atomic_load_explicit(&cursor->end, memory_order_seq_cst);
	uint64_t tail;

	if (end != NO_END)
		return end;
	/* Makes watched puts that have returned visible. */
	if (cursor->can_lead)
		sys_fence_all();
	tail = atomic_load_explicit(&cursor->tail, memory_order_seq_cst);
	/* Pairs with cursor_kept(). */
	return atomic_compare_exchange_strong_explicit(&cursor->end, &end, tail,
	                                               memory_order_seq_cst, memory_order_seq_cst)
	               ? tail
	               : end;
}

INTERNAL void cursor_close(struct cursor *cursor)
{
	/* Pairs with cursor_publish() and cursor_tail(). A get that reads CURSOR_CLOSED, and then
	 * finds no items, knows that none will come. */
	atomic_exchange_explicit(&cursor->state, CURSOR_CLOSED, memory_order_seq_cst);
	cursor_end(cursor);
}

INTERNAL uint64_t cursor_tail(struct cursor *cursor)
{
	/* A1, pairs with R1; sequentially consistent for the gates. */
	uint64_t tail = atomic_load_explicit(&cursor->tail, memory_order_seq_cst);

	/* Pairs with cursor_close(): if this is not closed, cursor_end() will read that tail or a
	 * later one. lib/DESIGN.md, "Closing", says why, also for the tail of a watched put. */
	return atomic_load_explicit(&cursor->state, memory_order_seq_cst) == CURSOR_CLOSED
	               ? cursor_end(cursor)
	               : tail;
}

INTERNAL uint64_t cursor_tail_glimpsed(const struct cursor *cursor)
{
	/* Pairs with cursor_end(). */
	uint64_t end = atomic_load_explicit(&cursor->end, memory_order_seq_cst);

	/* A1, pairs with R1; sequentially consistent for the gates. */
	return end != NO_END ? end : atomic_load_explicit(&cursor->tail, memory_order_seq_cst);
}
