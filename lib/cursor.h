/*
 * The cursor: tail, head and state, with the functions that change them. lib/DESIGN.md explains the
 * protocol in "Putting", "Claiming" and "Closing".
 *
 * There are two kinds of cursor, with the same functions. In the plain one (cursor_plain.h) each
 * put and take is visible to all threads when it returns. The other one (cursor_lead.h) needs no
 * locked instructions while one consumer takes all the items, but a put or a take may be visible
 * only after cursor_see_puts() or cursor_see_takes().
 *
 * Which release (R) pairs with which acquire (A), and what the acquiring thread may rely on:
 *
 *   R1 cursor_publish() moves tail  -> A1 cursor_tail() reads it:  items below can be read
 *   R2 a claim moves head           -> A2 cursor_head() reads it:  slots below were read out
 *   R2 a claim moves head           -> A3 a later claim reads it:  tail, read next, is >= head
 *
 * R4 is in ring.h, R5 in tally.h, R6 and R8 in cursor_lead.h. There is no R3 and no R7.
 */
#ifndef SPMCQ_CURSOR_H
#define SPMCQ_CURSOR_H

#include "internal.h"

#include "cell.h"
#include "sys.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Set in `head`, beside a position: shutdown_now has discarded the items from there on. (No queue
 * lives long enough for a lead's id to reach this bit.) */
#define DISCARDED (UINT64_C(1) << 62)
/* The bits of a position. If the highest bit of `head`, `state` or `verdict` is set, it is the id
 * of a lead; if that of `end` is set, it is NO_END. */
#define POSITION_MASK (DISCARDED - 1)
#define NO_END (UINT64_C(1) << 63)

/* Values of state. A greater value is the id of a lead, or of a lead that is ending. */
enum { CURSOR_SHARED = 0, CURSOR_CLOSED = 1 };

struct cursor {
	/* Written by the producer only. Two lines from head, as processors fetch lines in pairs. */
	alignas(2 * CACHE_LINE) _Atomic uint64_t tail; /* next position to fill */
	uint64_t own_tail;                             /* the same, for cursor_own_tail() */
	uint64_t room_limit; /* the producer may fill up to here without reading head again */
	/* state: written by threads that begin or end a lead or close the ring. end: by the first
	 * thread that looks at the closed ring or puts into it. may_lead: by a try_ call. */
	alignas(CACHE_LINE) _Atomic uint64_t state;
	_Atomic uint64_t end;  /* NO_END; once closed, the tail where the ring ends */
	bool can_lead;         /* there can be leads; set by cursor_init() */
	_Atomic bool may_lead; /* a lead may begin; set to false once */
	/* Written by every consumer, but head not by a leader; head also by threads that begin or
	 * end a lead or discard items. It is the next position to take, <= tail, perhaps with
	 * DISCARDED; or the id of a lead. */
	alignas(2 * CACHE_LINE) _Atomic uint64_t head;
	_Atomic uint64_t tail_seen; /* a tail read earlier; may be before head */
	_Atomic uint64_t batch;     /* see ring_batch() */
	struct cells cells;
};

/* What a consumer is about to take. */
struct claim {
	uint64_t at; /* the position of the first item */
	bool leads;
};

/* How a claim ended. */
enum ring_take {
	RING_NONE_KNOWN, /* no item is known; or a lead forbids the claim */
	RING_LOST,       /* the claim was lost, or would be; or item_size is not 8 bytes */
	RING_TAKEN,
	RING_DISPUTED, /* cursor_settle() tells whether the items are the caller's */
};

/* How a put ended. */
enum cursor_put {
	CURSOR_PUT,         /* the store to tail is ordered before the caller's next loads */
	CURSOR_PUT_WATCHED, /* the leader will look again; nobody needs waking */
	CURSOR_PUT_CLOSING, /* the ring was closed meanwhile: ask cursor_kept() */
};

/* Returns the distance between two positions: negative if `to` is before `from`, also where
 * positions wrap. (The shift to the right keeps the sign with gcc and clang.) */
static inline int64_t position_distance(uint64_t from, uint64_t to)
{
	return (int64_t)((to - from) << 2) >> 2;
}

static inline bool cursor_is_closed(const struct cursor *cursor)
{
	/* Pairs with cursor_close(). Sequentially consistent for the gates: if a thread announces
	 * itself as a sleeper and then reads that the ring is open, the thread that closes the ring
	 * sees the sleeper. */
	return atomic_load_explicit(&cursor->state, memory_order_seq_cst) == CURSOR_CLOSED;
}

/* Returns the tail, for the producer. It reads a copy, as a processor takes some 3 ns longer to
 * load a variable that its last locked instruction changed. */
static inline uint64_t cursor_own_tail(const struct cursor *cursor)
{
	return cursor->own_tail;
}

/* Publish the slots below tail to all threads. Wait-free. */
static inline enum cursor_put cursor_publish_shared(struct cursor *cursor, uint64_t tail)
{
	cursor->own_tail = tail;
	/* R1, pairs with A1 in cursor_tail(): a consumer that reads this tail also reads the items
	 * below it. Without the release, the consumer could copy the item that was in the slot
	 * before. The exchange is also the full fence of step 2 in "Putting" of lib/DESIGN.md. */
	atomic_exchange_explicit(&cursor->tail, tail, memory_order_seq_cst);
	/* Sequentially consistent; pairs with cursor_close(): it reads this tail, or we read that
	 * the ring is closed. */
	return atomic_load_explicit(&cursor->state, memory_order_seq_cst) == CURSOR_CLOSED
	               ? CURSOR_PUT_CLOSING
	               : CURSOR_PUT;
}

/* Change head. Returns false if it is not `at` any more: another consumer took items, or a lead
 * began. Wait-free. */
static inline bool cursor_move_head(struct cursor *cursor, uint64_t at, uint64_t to)
{
	/* R2, pairs with A2 in cursor_head() and A3 in cursor_claim(): we have read the slots
	 * before. Without the release, the producer could overwrite slots that we are reading.
	 * Sequentially consistent for the gate of the producer. Relaxed if it fails: then the
	 * caller drops its copy, and nobody uses the head that was read. */
	return atomic_compare_exchange_strong_explicit(&cursor->head, &at, to, memory_order_seq_cst,
	                                               memory_order_relaxed);
}

/* Take n items without a lead. Returns RING_TAKEN or RING_LOST. */
static inline enum ring_take cursor_take_shared(struct cursor *cursor, struct cell *cell,
                                                uint64_t at, uint64_t n)
{
	if (!cursor_move_head(cursor, at, (at + n) & POSITION_MASK)) {
		CELL_SET(cell, alone, false);
		return RING_LOST;
	}
	cell_add_got(&cursor->cells, cell, n);
	return RING_TAKEN;
}

/* Returns where the caller expects head. If it is alone, it computes this from its cell, for the
 * reason given at cursor_own_tail(); if another consumer has moved head since, the claim fails. If
 * it is not alone, it reads head, which may hold the id of a lead. */
static inline uint64_t cursor_guess_head(const struct cursor *cursor, const struct cell *cell)
{
	if (CELL_GET(cell, alone))
		return (CELL_GET(cell, head_minus_got) + CELL_GET(cell, got)) & POSITION_MASK;
	/* Fetch the cache line of head for writing: it then moves here once, for the load and the
	 * compare-and-swap together. After its first loss a consumer does this no more, unless it
	 * leads later: see LOSSES_MOST. `spmcq-bench work --work 200ns`: a tenth fewer items/s
	 * without this. */
	if (CELL_GET(cell, losses) == 0)
		__builtin_prefetch((const void *)&cursor->head, 1);
	/* Relaxed: if this head is old, the claim fails; and tail_seen, which the caller reads
	 * next, may be behind it. */
	return atomic_load_explicit(&cursor->head, memory_order_relaxed);
}

/* The owner of the cell calls this in ring_take(), after it took n items. If head - got is as at
 * the last call, no other consumer took items between the calls, so the owner is alone. Several
 * threads use a shared cell, so none of them is ever alone. */
static inline void cursor_note_take(struct cursor *cursor, struct cell *cell, struct claim claim,
                                    uint64_t n)
{
	uint64_t got = CELL_GET(cell, got);
	uint64_t base = (claim.at + n - got) & POSITION_MASK;

	if (claim.leads)
		return;
	if (base != CELL_GET(cell, head_minus_got)) {
		CELL_SET(cell, alone, false);
		CELL_SET(cell, head_minus_got, base);
#ifdef SPMCQ_LEAD
		CELL_SET(cell, alone_since_got, (uint32_t)got);
#endif
	} else if (!cell_is_shared(&cursor->cells, cell)) {
		CELL_SET(cell, alone, true);
	}
}

/* can_lead: leads may begin, if the library is built with them. */
static void cursor_init(struct cursor *cursor, uint64_t first, bool can_lead)
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

/* After CURSOR_PUT_CLOSING: returns n, or -ESHUTDOWN if the n items lie beyond end. Wait-free. */
SLOW_PATH static ssize_t cursor_kept(struct cursor *cursor, uint64_t n)
{
	uint64_t tail = cursor_own_tail(cursor);
	uint64_t end = NO_END;

	/* Sequentially consistent; pairs with cursor_end(): the first update of end decides. */
	if (atomic_compare_exchange_strong_explicit(&cursor->end, &end, tail, memory_order_seq_cst,
	                                            memory_order_seq_cst))
		return (ssize_t)n;
	return position_distance(tail, end) >= 0 ? (ssize_t)n : -ESHUTDOWN;
}

/* Returns the tail at which the closed ring ended; decides it if nobody has. Wait-free. */
SLOW_PATH static uint64_t cursor_end(struct cursor *cursor)
{
	uint64_t end = atomic_load_explicit(&cursor->end, memory_order_seq_cst);
	uint64_t tail;

	if (end != NO_END)
		return end;
	/* Row 2 of the table in "The lead" of lib/DESIGN.md. */
	if (cursor->can_lead)
		sys_fence_all();
	/* A1, pairs with R1. Sequentially consistent: a put reads that the ring is closed, or we
	 * read its tail. */
	tail = atomic_load_explicit(&cursor->tail, memory_order_seq_cst);
	/* Sequentially consistent; pairs with cursor_kept(). */
	return atomic_compare_exchange_strong_explicit(&cursor->end, &end, tail,
	                                               memory_order_seq_cst, memory_order_seq_cst)
	               ? tail
	               : end;
}

/* Close the ring, and decide its end: puts beyond it fail. Wait-free. */
static void cursor_close(struct cursor *cursor)
{
	/* Sequentially consistent; pairs with cursor_publish() and cursor_tail(). A get that reads
	 * CURSOR_CLOSED, and then finds no items, knows that none will come. */
	atomic_exchange_explicit(&cursor->state, CURSOR_CLOSED, memory_order_seq_cst);
	cursor_end(cursor);
}

/* Returns tail, or, if the ring is closed, its end: all items before that position are put for
 * good. Wait-free. */
static uint64_t cursor_tail(struct cursor *cursor)
{
	/* A1, pairs with R1; sequentially consistent for the gates. */
	uint64_t tail = atomic_load_explicit(&cursor->tail, memory_order_seq_cst);

	/* Sequentially consistent; pairs with cursor_close(): if this is not closed, cursor_end()
	 * will read that tail or a later one. "Closing" in lib/DESIGN.md says why. */
	return atomic_load_explicit(&cursor->state, memory_order_seq_cst) == CURSOR_CLOSED
	               ? cursor_end(cursor)
	               : tail;
}

/* As cursor_tail(), but the result may include items of a put that fails because the ring is being
 * closed. Wait-free. */
static uint64_t cursor_tail_glimpsed(const struct cursor *cursor)
{
	/* Sequentially consistent; pairs with cursor_end(). */
	uint64_t end = atomic_load_explicit(&cursor->end, memory_order_seq_cst);

	/* A1, pairs with R1; sequentially consistent for the gates. */
	return end != NO_END ? end : atomic_load_explicit(&cursor->tail, memory_order_seq_cst);
}

/* Returns the position from which on the items before tail were discarded; tail if none were. The
 * caller has read head before, if it must know of a discard. Wait-free. */
static uint64_t cursor_last(const struct cursor *cursor, uint64_t tail)
{
	/* A2, pairs with the move of head in ring_discard(); sequentially consistent for the
	 * gates. */
	uint64_t head = atomic_load_explicit(&cursor->head, memory_order_seq_cst);

	return head & DISCARDED ? head & POSITION_MASK : tail;
}

#ifdef SPMCQ_LEAD
#include "cursor_lead.h"
#else
#include "cursor_plain.h"
#endif

#endif
