/*
 * Taking: a consumer moves head of a lane past items that it has copied. At whatever instruction it
 * is killed, the memory shows afterwards whether it took the items.
 *
 * 1. Read head: a position, and the seat that moved it there. (take_word_alone()
 * does not read it, but expects its own last value.)
 * 2. Copy the items. Write the claim into the next note of the thread's own seat.
 * 3. If another seat moved head to this position, confirm its take: if that seat's `end` is before
 * the position, store the position in its `confirmed`.
 * 4. Compare-and-swap head past the items, with the number of the thread's own seat. From here on
 * the items are taken.
 * 5. Write `end`, then `takes`.
 *
 * A thread that is killed before 4 has taken nothing. A thread that is killed after 4 has taken the
 * items of its next note; once `takes` is written, that note is a sure note. Until another consumer
 * moves head, head holds the seat of the killed thread. After that, `confirmed` shows the take, as
 * each consumer executes 3 before 4. So seat_held() reads head first, then `confirmed`.
 */
#ifndef SPMCQ_SHARED_TAKE_H
#define SPMCQ_SHARED_TAKE_H

#include "end.h"
#include "seat.h"
#include "wait.h"

/* Take up to max items. Returns how many, 0 if there are none, -EPROTO, -EBADMSG or -ENOBUFS.
 * Lock-free. */
INTERNAL ssize_t take(struct handle *h, struct my_seat *me, void *items, size_t max);

/* Take one item, which is one word. Returns false if no item is known, or if another consumer took
 * it. May be called only if h->has_words. */
INTERNAL bool take_word(struct handle *h, struct my_seat *me, void *item);

/* As take_word(), but also returns false if another seat has taken an item since the calling thread
 * did. */
FAST_PATH bool take_word_alone(struct handle *h, struct my_seat *me, void *item);

/* As take(), but does not read tail. Returns 0 if no item is known from an earlier read of tail;
 * there may be newer items. */
INTERNAL ssize_t take_known(struct handle *h, struct my_seat *me, void *items, size_t max);

/* Take all items without reading them, and report them. Returns how many, or -EPROTO. */
INTERNAL ssize_t drop_all(struct handle *h, struct my_seat *me);

/* Returns whether the queue is closed and both lanes are empty. */
INTERNAL bool is_drained(struct handle *h);

/* Report n items that the calling thread holds. The caller has checked that it holds that many. */
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
