/*
 * The lock-free bounded ring: slots, and a cursor that says which of them hold items. It never
 * sleeps. lib/DESIGN.md explains it in "Putting" and "Claiming". cursor.h lists which release (R)
 * pairs with which acquire (A); here is one more pair:
 *
 *   R4 fresh_items() stores tail_seen -> A4 tail_seen() reads it: items can be read
 *
 * By R4 the consumer that stores tail_seen passes on to others what it acquired by A1 (in
 * cursor.h).
 *
 * Without a lead, moves of tail and head, and the loads of both in ring_take() and ring_room(), are
 * sequentially consistent for the gates: see gate.h.
 */
#ifndef SPMCQ_RING_H
#define SPMCQ_RING_H

#include "internal.h"

#include "cursor.h"
#include "slots.h"
#include "turns.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

struct ring {
	/* Set by ring_init(), then only read. */
	uint64_t capacity; /* items that fit */
	uint64_t first;    /* the first position */
	struct cursor cursor;
	struct turns turns;
	struct slots slots; /* and the slots themselves: the ring is longer than this struct */
};
_Static_assert(offsetof(struct cursor, head) - offsetof(struct cursor, tail) >= 2 * CACHE_LINE,
               "producer and consumers must not share a pair of lines");
_Static_assert(offsetof(struct ring, slots) + sizeof(struct slots) == sizeof(struct ring),
               "the slots must follow the ring");

/* The producer prefetches the slot this many items ahead of tail: a consumer's processor used the
 * slot's cache line last, and publishing waits until the line has come. `spmcq-bench simulate
 * --consumers 16 --work 0 --arbitration queued`: a fifth fewer items/s without. */
enum { PREFETCH_ITEMS = 32 };

/* A leader prefetches the slot this many items ahead of head, but only if it holds a known item:
 * the lines of other slots belong to the producer. `spmcq-bench simulate --machine desktop
 * --cores 2 --consumers 1 --work 0`: a fifth fewer items/s without. */
enum { PREFETCH_KNOWN = 24 };

/* If the items that a call claims have at most this many bytes together, they reach the caller's
 * buffer only after the claim succeeded. */
enum { COPY_BYTES = 64 };

/* After a lost claim of more bytes than this, the call claims half as many items, as the copy takes
 * too long. 15 consumers that get single items beside one that calls get_many(64) have two thirds
 * of the items/s without this. */
enum { SHRINK_BYTES = 512 };

/* In its turn a consumer claims this often at most; only once if it claims more bytes than
 * SHRINK_BYTES. `spmcq-bench simulate --consumers 16 --work 200ns`: 5.4 to 6.3 M items/s, and 2.0
 * to 3.2 with a single claim. SPMCQ_MODEL: as for cells. */
#ifdef SPMCQ_MODEL
enum { TURN_CLAIMS = 1 };
#else
enum { TURN_CLAIMS = 8 };
#endif

/* slots_bytes() of memory must follow the ring. can_lead: see cursor_init(). */
static void ring_init(struct ring *ring, size_t capacity, size_t item_size, uint64_t first,
                      bool can_lead)
{
	first &= POSITION_MASK;
	slots_init(&ring->slots, capacity, item_size);
	ring->capacity = capacity;
	ring->first = first;
	cursor_init(&ring->cursor, first, can_lead);
	ring->cursor.room_limit = (first + capacity) & POSITION_MASK;
	turns_init(&ring->turns, first);
}

/* Returns how many items fit up to room_limit. */
static inline int64_t known_room(const struct ring *ring)
{
	return position_distance(cursor_own_tail(&ring->cursor), ring->cursor.room_limit);
}

/* Read head, and return how many items fit. For the producer. Wait-free. */
SLOW_PATH static uint64_t ring_room(struct ring *ring)
{
	/* A2: consumers have read the slots below this head before we overwrite them. */
	ring->cursor.room_limit = (cursor_head(&ring->cursor) + ring->capacity) & POSITION_MASK;
	return (uint64_t)known_room(ring);
}

/* Put an item of one word into known room; *how tells what the caller has to do next. Returns false
 * if nothing was put: then try ring_put_known(). One thread at a time. Wait-free. */
FAST_PATH bool ring_put_word(struct ring *ring, const void *item, enum cursor_put *how)
{
	/* Relaxed: cursor_publish() reads it again. */
	uint64_t state = atomic_load_explicit(&ring->cursor.state, memory_order_relaxed);
	uint64_t tail = cursor_own_tail(&ring->cursor);
	uint64_t word;

	if (state == CURSOR_CLOSED || ring->slots.item_size != sizeof word || known_room(ring) <= 0)
		return false;
	__builtin_prefetch(slots_word(&ring->slots, tail + PREFETCH_ITEMS), 1);
	memcpy(&word, item, sizeof word);
	/* Relaxed, as are the loads of words: R1 with A1, and R2 with A2, order the slots. */
	atomic_store_explicit(slots_word(&ring->slots, tail), word, memory_order_relaxed);
	*how = cursor_publish(&ring->cursor, state, (tail + 1) & POSITION_MASK);
	return true;
}

/* Put as many of n items as fit into known room, without reading head. Returns how many, 0 when no
 * room is known, or -ESHUTDOWN; sets *watched to whether it was a watched put. One thread at a
 * time. Wait-free. */
static ssize_t ring_put_known(struct ring *ring, const void *items, size_t n, bool *watched)
{
	/* As in ring_put_word(). */
	uint64_t state = atomic_load_explicit(&ring->cursor.state, memory_order_relaxed);
	uint64_t tail = cursor_own_tail(&ring->cursor);
	uint64_t room = (uint64_t)known_room(ring);
	enum cursor_put how;

	if (state == CURSOR_CLOSED)
		return -ESHUTDOWN;
	if (room == 0)
		return 0;
	if (n > room)
		n = (size_t)room;
	slots_write(&ring->slots, tail, items, n, room);
	how = cursor_publish(&ring->cursor, state, (tail + n) & POSITION_MASK);
	*watched = how == CURSOR_PUT_WATCHED;
	return how == CURSOR_PUT_CLOSING ? cursor_kept(&ring->cursor, n) : (ssize_t)n;
}

/* Read tail, and store it in tail_seen if it is newer. Returns how many items from head on can be
 * taken. Wait-free. */
SLOW_PATH static uint64_t fresh_items(struct ring *ring, uint64_t head)
{
	struct cursor *cursor = &ring->cursor;
	uint64_t tail = cursor_tail(cursor);
	uint64_t seen = atomic_load_explicit(&cursor->tail_seen, memory_order_relaxed);
	int64_t found = position_distance(head, tail);

	if (found > 0 && position_distance(seen, tail) > 0) {
		/* R4, pairs with A4: publishes what A1 acquired. */
		atomic_store_explicit(&cursor->tail_seen, tail, memory_order_release);
		/* Relaxed: a hint. */
		atomic_store_explicit(&cursor->batch, (uint64_t)found, memory_order_relaxed);
	}
	return (uint64_t)found;
}

/* Returns a tail that was read earlier: the items before it can be read. */
static inline uint64_t tail_seen(const struct ring *ring)
{
	/* A4, pairs with R4. */
	return atomic_load_explicit(&ring->cursor.tail_seen, memory_order_acquire);
}

/* Returns how many items from head on are known; 0 or less if none is. */
static inline int64_t known_items(const struct ring *ring, uint64_t head)
{
	return position_distance(head, tail_seen(ring));
}

/* The rest of ring_take_word(), once *claim says where head is expected and whether the caller
 * leads. */
FAST_PATH enum ring_take take_word(struct ring *ring, struct cell *cell, struct claim claim,
                                   uint64_t *word)
{
	int64_t known = known_items(ring, claim.at);

	if (known <= 0)
		return RING_NONE_KNOWN;
	if (claim.leads && known > PREFETCH_KNOWN + (int64_t)(CACHE_LINE / sizeof *word))
		__builtin_prefetch(slots_word(&ring->slots, claim.at + PREFETCH_KNOWN));
	*word = atomic_load_explicit(slots_word(&ring->slots, claim.at), memory_order_relaxed);
	return cursor_take(&ring->cursor, cell, claim, 1);
}

/* Take a known item of one word, without reading tail; claims once at most. Compiled twice, for
 * leaders and for other consumers: a leader is a tenth slower otherwise. Wait-free. */
FAST_PATH enum ring_take ring_take_word(struct ring *ring, struct cell *cell, uint64_t *word)
{
	struct claim claim;

	if (ring->slots.item_size != sizeof *word || cell_takes_turns(cell))
		return RING_LOST;
	if (!cursor_claim_at_once(&ring->cursor, cell, &claim))
		return RING_NONE_KNOWN;
	if (claim.leads) {
		claim.leads = true;
		return take_word(ring, cell, claim, word);
	}
	claim.leads = false;
	return take_word(ring, cell, claim, word);
}

/* Take the n items from claim.at on. Returns whether they are the caller's. */
static bool claim_items(struct ring *ring, struct cell *cell, struct claim claim, size_t n)
{
	enum ring_take how = cursor_take(&ring->cursor, cell, claim, n);

	return how == RING_TAKEN || (how == RING_DISPUTED && cursor_settle(&ring->cursor, cell, n));
}

/* Copy n of the known items from claim.at on, then take them. Returns false if the claim was lost.
 */
static bool take_copy(struct ring *ring, struct cell *cell, struct claim claim, void *items,
                      size_t n, uint64_t known)
{
	unsigned char copy[COPY_BYTES];
	size_t bytes = n * ring->slots.item_size;

	if (bytes > sizeof copy) {
		slots_read(&ring->slots, claim.at, items, n, known);
		return claim_items(ring, cell, claim, n);
	}
	slots_read(&ring->slots, claim.at, copy, n, known);
	if (!claim_items(ring, cell, claim, n))
		return false;
	memcpy(items, copy, bytes);
	return true;
}

/* Returns whether n items are so many bytes that the copy takes too long. */
static inline bool is_long_copy(const struct ring *ring, size_t n)
{
	return n > SHRINK_BYTES / ring->slots.item_size;
}

static inline bool are_known(int64_t known, size_t n)
{
	return known > 0 && (uint64_t)known >= n;
}

/* Take exactly n known items of any size; claims once at most. Returns false if fewer are known, or
 * the claim was lost, or a lead forbids it, or the items were discarded. Wait-free. */
static bool ring_take_known(struct ring *ring, struct cell *cell, void *items, size_t n)
{
	struct claim claim;
	int64_t known;

	if (!cursor_claim_at_once(&ring->cursor, cell, &claim))
		return false;
	known = known_items(ring, claim.at);
	return are_known(known, n) && take_copy(ring, cell, claim, items, n, (uint64_t)known);
}

/* Returns what is in head. Relaxed: a claim will tell whether it still is. */
static inline uint64_t glimpse_head(const struct ring *ring)
{
	return atomic_load_explicit(&ring->cursor.head, memory_order_relaxed);
}

/* As ring_take_known(), but waits for a turn first, and claims up to TURN_CLAIMS times. The caller
 * does not lead. Wait-free. */
static bool ring_take_in_turn(struct ring *ring, struct cell *cell, void *items, size_t n)
{
	struct turn turn = turns_await(&ring->turns, cell);
	int most = is_long_copy(ring, n) ? 1 : TURN_CLAIMS;
	bool taken = false;
	uint64_t next;

	if (!turn.was_told)
		turn.head = glimpse_head(ring);
	for (int claims = 0; !taken && claims < most; claims++) {
		struct claim claim = {turn.head, false};
		int64_t known = position_distance(turn.head, turn.tail);

		if (!are_known(known, n)) {
			turn.tail = tail_seen(ring);
			known = position_distance(turn.head, turn.tail);
		}
		if (!are_known(known, n) || turn.head > POSITION_MASK)
			break;
		taken = take_copy(ring, cell, claim, items, n, (uint64_t)known);
		if (!taken)
			turn.head = glimpse_head(ring);
	}
	/* The consumer whose turn comes before the one that is told now will probably take as many
	 * as we did. */
	next = taken ? turn.head + TURNS_AT_ONCE * n : glimpse_head(ring);
	turns_pass(&ring->turns, turn.number, next & POSITION_MASK, turn.tail);
	return taken;
}

/* Take up to max items. Returns how many, 0 when empty, or -ESHUTDOWN when closed and empty. final:
 * this is a final look. Any thread. Lock-free: the loop repeats only after another consumer took an
 * item, or a lead began or ended. */
static ssize_t ring_take(struct ring *ring, struct cell *cell, void *items, size_t max, bool final)
{
	for (;;) {
		struct claim claim;
		size_t n;

		cursor_claim(&ring->cursor, cell, final, &claim);
		/* Read this before tail: if the ring is closed, tail then includes every item that
		 * was put before. */
		bool closed = cursor_is_closed(&ring->cursor);
		bool discarded = claim.at & DISCARDED;
		int64_t known = discarded ? 0 : known_items(ring, claim.at);
		bool fresh = !discarded && (known <= 0 || (uint64_t)known < max);
		uint64_t there = (uint64_t)known;

		if (fresh)
			there = fresh_items(ring, claim.at);
		if (there == 0)
			return closed ? -ESHUTDOWN : 0;
		n = there < max ? (size_t)there : max;
		if (take_copy(ring, cell, claim, items, n, there)) {
			cursor_note_take(&ring->cursor, cell, claim, n);
			return (ssize_t)n;
		}
		if (!final && cell_lost(cell, claim.at) && ring_take_in_turn(ring, cell, items, n))
			return (ssize_t)n;
		max = n > 1 && is_long_copy(ring, n) ? n / 2 : n;
	}
}

/* Discard all items; returns how many. The ring must be closed. Lock-free. */
static uint64_t ring_discard(struct ring *ring)
{
	struct cursor *cursor = &ring->cursor;
	uint64_t head, n;

	do {
		cursor_share(cursor);
		head = cursor_head(cursor);
		n = (uint64_t)position_distance(head, cursor_last(cursor, cursor_tail(cursor)));
		/* One step, so no item is taken as well, or reported as if it had been. */
	} while (n > 0 && !cursor_move_head(cursor, head, head | DISCARDED));
	return n;
}

/* Returns how many items there were from head on when a consumer last read a tail that was newer
 * than tail_seen. A hint. */
static uint64_t ring_batch(const struct ring *ring)
{
	/* Relaxed: a hint. */
	return atomic_load_explicit(&ring->cursor.batch, memory_order_relaxed);
}

/* If this returns true, the ring held an item at some moment of the call. False proves nothing. */
static bool ring_knows_more(const struct ring *ring)
{
	/* Read before head: so if this returns true, the ring held an item when head was read. See
	 * wake_joiners_if_done(). */
	uint64_t tail = tail_seen(ring);
	uint64_t head = cursor_head(&ring->cursor);

	return position_distance(head, cursor_last(&ring->cursor, tail)) > 0;
}

/* Returns how many items are in the ring, 0..capacity. Wait-free. */
static size_t ring_size(const struct ring *ring)
{
	/* Head is read first, so the difference is never negative. Items that are put and taken in
	 * between make it too large. */
	uint64_t head = cursor_head(&ring->cursor);
	uint64_t tail = cursor_last(&ring->cursor, cursor_tail_glimpsed(&ring->cursor));
	int64_t size = position_distance(head, tail);

	return size > (int64_t)ring->capacity ? (size_t)ring->capacity : (size_t)size;
}

#endif
