/*
 * Taking: moving head of a lane past items that were copied. Wherever the taker is killed, it is
 * known afterwards whether it has them.
 *
 * 1. Read head: a position, and the seat that moved it there.
 * 2. Copy the items. Write into the next note of the own seat what is about to be taken.
 * 3. If another seat moved head there, see to it that this take of the other one is known: if that
 * seat's `end` lies before this position, raise its `confirmed` to the position.
 * 4. Compare-and-swap head past the items, with the own seat. From here they are taken.
 * 5. Write `end`, then `taken`.
 *
 * A process that is killed before 4 has taken nothing. One that is killed after 4 has taken what
 * its next note says; once `taken` is written, that note is one of the sure ones. As long as nobody
 * else has moved head, its seat in head shows that; after that `confirmed` shows it, as the next to
 * move head did 3 before its own 4. So the reaper reads head first, then `confirmed`.
 */
#ifndef SPMCQ_SHARED_TAKE_H
#define SPMCQ_SHARED_TAKE_H

#include "end.h"
#include "seat.h"
#include "wait.h"

/* Take up to max items. Returns how many, 0 if there are none, -EPROTO, -EBADMSG or -ENOBUFS.
 * Lock-free. */
INTERNAL ssize_t take(struct handle *h, struct my_seat *me, void *items, size_t max);

/* Take one item of a word. Returns false if none is known of or another thread is faster. Only if
 * h->has_words. */
INTERNAL bool take_word(struct handle *h, struct my_seat *me, void *item);

/* As take(), but without a look at tail. 0 means that no item is known without that look; there may
 * still be some. */
INTERNAL ssize_t take_known(struct handle *h, struct my_seat *me, void *items, size_t max);

/* Take all that is there without reading it, and report it. Returns how many items, or -EPROTO. */
INTERNAL ssize_t drop_all(struct handle *h, struct my_seat *me);

/* Returns whether the queue is closed and nothing is left. */
INTERNAL bool is_drained(struct handle *h);

/* Report n items that the calling thread got. The caller knows that there are so many. */
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

#endif
