/*
 * The lock-free bounded ring: slots, and a cursor that says which of them hold items. It never
 * waits. The producer fills the slot at tail and publishes it; a consumer copies the item at head
 * and makes it its own by moving head. A consumer stopped in between holds up nobody: the others
 * move head without it, its own move then fails, and it drops its copy.
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
	uint64_t first;    /* the position it all started at */
	struct cursor cursor;
	struct slots slots; /* and the slots themselves: the ring is longer than this struct */
};
_Static_assert(offsetof(struct cursor, head) - offsetof(struct cursor, tail) >= 2 * CACHE_LINE,
               "producer and consumers must not share a pair of lines");
_Static_assert(offsetof(struct ring, slots) + sizeof(struct slots) == sizeof(struct ring),
               "the slots must follow the ring");

/* The memory behind it, slots_bytes() of it, is for the slots. can_lead: see cursor_init(). */
INTERNAL void ring_init(struct ring *ring, size_t capacity, size_t item_size, uint64_t first,
                        bool can_lead);

/* Put an item of one word if room for it is known of: *how it was put. False: it was not, try
 * ring_put_known(). One thread at a time. Wait-free. */
FAST_PATH bool ring_put_word(struct ring *ring, const void *item, enum cursor_put *how);

/* Put the first of n items, as many as fit into the room known of; does not look at the consumers'
 * line. Returns how many, 0 when no room is known of, or -ESHUTDOWN. watched: whether it ended as
 * CURSOR_PUT_WATCHED. One thread at a time. Wait-free. */
INTERNAL ssize_t ring_put_known(struct ring *ring, const void *items, size_t n, bool *watched);

/* Look how many items fit now. For the producer. Wait-free. */
INTERNAL uint64_t ring_room(struct ring *ring);

enum ring_take {
	RING_NO_WORD,    /* an item is no word */
	RING_NONE_KNOWN, /* that many items are not known of */
	RING_LOST,       /* another consumer was faster, or is likely to be */
	RING_TAKEN,
	RING_DISPUTED /* taken if cursor_settle() */
};

/* Take an item of one word without looking at the producer's line, trying once. Wait-free. */
FAST_PATH enum ring_take ring_take_word(struct ring *ring, struct cell *cell, uint64_t *word);

/* The same for exactly n items of any size: not RING_NO_WORD or RING_DISPUTED. */
INTERNAL enum ring_take ring_take_known(struct ring *ring, struct cell *cell, void *items,
                                        size_t n);

/* How many items to try for after another consumer was faster than n could be copied: half of them,
 * if they are many. */
INTERNAL size_t ring_fewer(const struct ring *ring, size_t n);

/* Take up to max items. Returns how many, 0 when empty, or -ESHUTDOWN when closed and empty.
 * final: the caller will not look again by itself, or says that the ring is empty. Any thread.
 * Lock-free: another try means that another consumer got an item, or a lead ended. */
INTERNAL ssize_t ring_take(struct ring *ring, struct cell *cell, void *items, size_t max,
                           bool final);

/* Take all there is without copying it; returns how many. The ring must be closed. Lock-free. */
INTERNAL uint64_t ring_discard(struct ring *ring);

/* Returns how many items the last look at the producer's line found. A hint. */
INTERNAL uint64_t ring_batch(const struct ring *ring);

/* Returns whether consumers know of an item that nobody has taken yet. May miss one; never makes
 * one up. */
INTERNAL bool ring_knows_more(const struct ring *ring);

/* Returns how many items are in the ring, 0..capacity. */
INTERNAL size_t ring_size(const struct ring *ring);

#endif
