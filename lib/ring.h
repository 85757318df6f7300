/*
 * The lock-free bounded ring: slots, and a cursor that says which of them hold items. It never
 * sleeps. The producer fills the slot at tail and publishes it; a consumer copies the item at head
 * and makes it its own by moving head. A consumer that is stopped in between delays nobody: other
 * consumers move head, its own attempt to move head fails later, and it drops its copy.
 */
#ifndef SPMCQ_RING_H
#define SPMCQ_RING_H

#include "internal.h"

#include "cursor.h"
#include "slots.h"

#include <stdbool.h>
#include <sys/types.h>

struct ring {
	/* Set by ring_init(), then only read. */
	uint64_t capacity; /* items that fit */
	uint64_t first;    /* the first position */
	struct cursor cursor;
	struct slots slots; /* and the slots themselves: the ring is longer than this struct */
};
_Static_assert(offsetof(struct cursor, head) - offsetof(struct cursor, tail) >= 2 * CACHE_LINE,
               "producer and consumers must not share a pair of lines");
_Static_assert(offsetof(struct ring, slots) + sizeof(struct slots) == sizeof(struct ring),
               "the slots must follow the ring");

/* slots_bytes() of memory must follow the ring. can_lead: see cursor_init(). */
INTERNAL void ring_init(struct ring *ring, size_t capacity, size_t item_size, uint64_t first,
                        bool can_lead);

/* Put an item of one word into known room; *how tells what the caller has to do next. If it returns
 * false, nothing was put: try ring_put_known(). One thread at a time. Wait-free. */
FAST_PATH bool ring_put_word(struct ring *ring, const void *item, enum cursor_put *how);

/* Put as many of n items as fit into known room, without reading head. Returns how many, 0 when no
 * room is known, or -ESHUTDOWN; sets *watched to whether it was a CURSOR_PUT_WATCHED. One thread at
 * a time. Wait-free. */
INTERNAL ssize_t ring_put_known(struct ring *ring, const void *items, size_t n, bool *watched);

/* Read head, and return how many items fit. For the producer. Wait-free. */
INTERNAL uint64_t ring_room(struct ring *ring);

enum ring_take {
	RING_NONE_KNOWN, /* no item is known; or a lead, or asking, forbids the claim */
	RING_LOST,       /* another consumer took it, or probably will; or an item is no word */
	RING_TAKEN,
	RING_DISPUTED /* taken if cursor_settle() returns true */
};

/* Take a known item of one word, without reading tail; claims once at most. Wait-free. */
FAST_PATH enum ring_take ring_take_word(struct ring *ring, struct cell *cell, uint64_t *word);

/* Take exactly n known items of any size; claims once at most. Returns false if fewer are known, or
 * the claim was lost, or a lead or asking forbids it. Wait-free. */
INTERNAL bool ring_take_known(struct ring *ring, struct cell *cell, void *items, size_t n);

/* Take up to max items. Returns how many, 0 when empty, or -ESHUTDOWN when closed and empty.
 * final: this is a final look. Any thread. Lock-free: its loop repeats only after another consumer
 * took an item, or a lead ended. */
INTERNAL ssize_t ring_take(struct ring *ring, struct cell *cell, void *items, size_t max,
                           bool final);

/* Take all items without copying them; returns how many. The ring must be closed. Lock-free. */
INTERNAL uint64_t ring_discard(struct ring *ring);

/* Returns how many items the last read of tail found. A hint. */
INTERNAL uint64_t ring_batch(const struct ring *ring);

/* Returns true if an item was left during the call. If it returns false, an item may be left
 * nevertheless. */
INTERNAL bool ring_knows_more(const struct ring *ring);

/* Returns how many items are in the ring, 0..capacity. */
INTERNAL size_t ring_size(const struct ring *ring);

#endif
