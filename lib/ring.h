/*
 * The lock-free bounded ring: positions. It never waits, and makes a system call only where others
 * lead, or on closing (see lead.c); one hint reads the clock.
 *
 * A position counts items, modulo 2^63. The producer fills position tail and publishes it by moving
 * tail; a consumer copies the item at position head and makes it its own by moving head. A consumer
 * stopped in between holds up nobody: the others move head without it, its own move then fails, and
 * it drops its copy.
 *
 * Mostly one consumer is awake, and takes one item after the other alone. Then it leads: see
 * lead.c.
 *
 * Closing says so in mode, and then decides which tail was the last: end.
 */
#ifndef SPMCQ_RING_H
#define SPMCQ_RING_H

#include "internal.h"

#include "cell.h"
#include "slots.h"

#include <stdbool.h>
#include <sys/types.h>

/* Values of mode and end that are no lead and no position. */
#define RING_CLOSED UINT64_C(1)
#define RING_OPEN (UINT64_C(1) << 63)

struct ring {
	/* Written when a lead begins or ends, and on closing. */
	alignas(CACHE_LINE) _Atomic uint64_t
	        mode;         /* 0; the lead there is, perhaps ENDING; RING_CLOSED for good */
	_Atomic uint64_t end; /* RING_OPEN -> the last tail once, after closing */
	/* Set by ring_init(), then only read. */
	uint64_t capacity; /* items that fit */
	uint64_t first;    /* the position it all started at */
	bool may_lead;
	/* Written by the producer only. */
	alignas(CACHE_LINE) _Atomic uint64_t tail; /* next position to fill */
	uint64_t room_until; /* an old head, never ahead of it, and capacity */
	uint64_t look_at;    /* see ring_look_in() */
	uint64_t put_until;  /* the sooner of the two */
	/* Written by every consumer. */
	alignas(CACHE_LINE) _Atomic uint64_t head; /* next position to take, <= tail; or a lead */
	_Atomic uint64_t tail_seen;                /* an old tail; may lag behind head, too */
	_Atomic uint64_t batch;                    /* items that the last look at tail found */
	/* Of ring_keeps_pace(): when and at which head it was asked last, and what it said. */
	_Atomic int64_t paced_ns;
	_Atomic uint64_t paced_head;
	_Atomic bool paced;
	/* Each written by the consumer whose it is. */
	struct cells cells;
	struct slots slots; /* and the slots themselves: the ring is longer than this struct */
};
_Static_assert(offsetof(struct ring, head) - offsetof(struct ring, tail) >= CACHE_LINE,
               "producer and consumers must not share a line");
_Static_assert(offsetof(struct ring, slots) + sizeof(struct slots) == sizeof(struct ring),
               "the slots must follow the ring");

/* How far position to lies ahead of from; negative if it lies behind. Right across the wrap. (The
 * shift keeps the sign with every compiler we know.) */
static inline int64_t ring_distance(uint64_t from, uint64_t to)
{
	return (int64_t)((to - from) << 1) >> 1;
}

/* The memory behind it, slots_bytes() of it, is for the slots. */
INTERNAL void ring_init(struct ring *ring, size_t capacity, size_t item_size, uint64_t first,
                        bool may_lead);

/* How a put ended. */
enum ring_put {
	RING_NOT_PUT,     /* nothing is done: try the general way */
	RING_PUT,         /* it comes before what the caller reads next */
	RING_PUT_WATCHED, /* a leader will see it; nobody has to be rung */
	RING_PUT_CLOSING  /* the ring was closed meanwhile: see ring_put_closing() */
};

/* Put an item of one word, if room for it is known of. One thread at a time. Wait-free. */
FAST_PATH enum ring_put ring_put_word(struct ring *ring, const void *item);

/* After RING_PUT_CLOSING with n items: n if they came before, or -ESHUTDOWN. Wait-free. */
INTERNAL ssize_t ring_put_closing(struct ring *ring, uint64_t n);

/* Put the first of n items at the tail, as many as fit into the room known of; does not look at the
 * consumers' line. Returns how many, 0 when no room is known of, or -ESHUTDOWN. watched: as
 * RING_PUT_WATCHED. One thread at a time. Wait-free. */
INTERNAL ssize_t ring_put_known(struct ring *ring, const void *items, size_t n, bool *watched);

/* Let the producer's ring_is_look_due() be true after n more puts; at first it never is. */
INTERNAL void ring_look_in(struct ring *ring, uint64_t n);
INTERNAL bool ring_is_look_due(const struct ring *ring);

/* Look how many items fit now. For the producer. */
INTERNAL uint64_t ring_room(struct ring *ring);

/* The same, counting all that a leader took before, which it does not order against looking for a
 * producer that sleeps. Wait-free; tens of microseconds if there is a leader. */
INTERNAL uint64_t ring_room_exactly(struct ring *ring);

/* Take up to max items from the head. Returns how many, 0 when empty, or -ESHUTDOWN when closed
 * and empty. cell: the caller's; NULL: it has none. last: the caller will not look again by itself,
 * or say that the ring is empty, so it must not lead. Any thread. Lock-free: another try means that
 * another consumer got an item, or a lead ended. */
INTERNAL ssize_t ring_take(struct ring *ring, struct cell *cell, void *items, size_t max,
                           bool last);

/* End the lead, if there is one; see lead_end(). Wait-free. */
INTERNAL void ring_end_lead(struct ring *ring);

/* How a take ended. */
enum ring_take {
	RING_NO_WORD, /* items are something else, or the caller has no cell: nothing was tried */
	RING_NONE_KNOWN,
	RING_LOST, /* another consumer was faster */
	RING_TAKEN,
	RING_TAKE_DISPUTED /* it is the caller's if lead_settle_claim(); then lead_advance() */
};

/* Take exactly n items without looking at the producer's line, trying once: RING_TAKEN, RING_LOST,
 * or RING_NONE_KNOWN: that many are not known of. Wait-free. */
INTERNAL enum ring_take ring_take_known(struct ring *ring, struct cell *cell, void *items,
                                        size_t n);

/* The same for one item of one word. */
FAST_PATH enum ring_take ring_take_word(struct ring *ring, struct cell *cell, uint64_t *word);

/* How many items the last look at the producer's line found. */
INTERNAL uint64_t ring_batch(const struct ring *ring);

/* Whether items are taken every ns or sooner, by the time the last n or more took. A guess. */
INTERNAL bool ring_keeps_pace(struct ring *ring, int64_t n, int64_t ns);

/* Take all there is without copying it; returns how many. The ring must be closed. Lock-free. */
INTERNAL uint64_t ring_discard(struct ring *ring);

INTERNAL void ring_close(struct ring *ring);
/* Whether puts may not yet be seen, though they have returned: a leader watches for them, or did
 * until now. */
INTERNAL bool ring_is_led(const struct ring *ring);

INTERNAL bool ring_is_closed(const struct ring *ring);

/* Positions as of now: everything before ring_head() was taken, before ring_tail() put. */
INTERNAL uint64_t ring_head(const struct ring *ring);
INTERNAL uint64_t ring_tail(struct ring *ring);

/* The same, but a put that fails as the ring is being closed may be counted. */
INTERNAL uint64_t ring_tail_glimpsed(const struct ring *ring);

/* Whether consumers know of an item that nobody took yet. May miss one; never makes one up. */
INTERNAL bool ring_knows_more(const struct ring *ring);

/* How many items are in the ring, 0..capacity. */
INTERNAL size_t ring_size(const struct ring *ring);

#endif
