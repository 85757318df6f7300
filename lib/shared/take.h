/*
 * Taking: moving head of a lane past items that were copied, so that it is known afterwards who
 * has them, whatever instruction the taker is killed at.
 *
 * 1. Read head: a position, and the seat that moved it there.
 * 2. Copy the items; write into the next note of the own seat what would be taken.
 * 3. If another seat moved head, see to it that its take is known: if its `end` lies behind the
 *    position, move its `confirmed` there.
 * 4. Compare-and-swap head past the items, with the own seat. From here they are taken.
 * 5. Write `end`, then `taken`.
 *
 * Who is killed before 4 has taken nothing, and cannot any more. Who is killed after 4 is known to
 * have taken what its next note says: as long as nobody else has moved head, by its seat in head;
 * after that, by 3 of whoever did. So the reaper reads head first, then `confirmed`.
 */
#ifndef SPMCQ_SHARED_TAKE_H
#define SPMCQ_SHARED_TAKE_H

#include "wait.h"

/* Returns the calling thread's seat; NULL if this process has no more. */
INTERNAL struct my_seat *seat_mine(struct handle *h);
/* The same, or NULL if it has none yet. */
INTERNAL struct my_seat *seat_of_thread(struct handle *h);

INTERNAL int seats_make(struct handle *h);
INTERNAL void seats_free(struct handle *h);

/* Take up to max items of a lane: how many, 0 if there are none, -EPROTO, -EBADMSG or -ENOBUFS.
 * Lock-free. */
INTERNAL ssize_t take(struct handle *h, struct my_seat *me, void *items, size_t max);

/* Take one item of a word if it is known of and nobody is faster. Only if h->has_words. */
INTERNAL bool take_word(struct handle *h, struct my_seat *me, void *item);

/* As take(), of items that are known of without a look at tail: 0 may also mean that none are. */
INTERNAL ssize_t take_known(struct handle *h, struct my_seat *me, void *items, size_t max);

/* Take all that is there without looking at it, and report it: how many, or -EPROTO. */
INTERNAL ssize_t drop_all(struct handle *h, struct my_seat *me);

INTERNAL bool is_closed(const struct handle *h);

/* Returns whether the queue is closed and nothing is left. */
INTERNAL bool is_drained(struct handle *h);

/* Report n items that the calling thread got: it has got that many and not reported them. */
INTERNAL void report_own(struct handle *h, struct my_seat *me, uint64_t n);

static inline uint64_t word_position(uint64_t word)
{
	return word & POSITION_ONES;
}

static inline uint64_t word_seat(uint64_t word)
{
	return word >> POSITION_BITS;
}

static inline uint64_t head_word(uint64_t position, uint64_t seat)
{
	return seat << POSITION_BITS | position;
}

/* The position up to which there are items: tail, or where the queue ended when it was closed. */
INTERNAL uint64_t queue_end(const struct handle *h);

#endif
