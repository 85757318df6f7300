/*
 * Where the queue ends.
 */
#include "end.h"

/* Decide where a closed queue ends. The first thread of any process whose compare-and-swap succeeds
 * decides. Returns the value of `closing` afterwards. Sequentially consistent, as all accesses to
 * `closing`: see queue_end(). */
static uint64_t settle_end(const struct handle *h)
{
	uint64_t seen = CLOSING;
	uint64_t tail = atomic_load_explicit(&h->one->tail, memory_order_seq_cst);

	return atomic_compare_exchange_strong_explicit(&h->two->closing, &seen, CLOSED | tail,
	                                               memory_order_seq_cst, memory_order_seq_cst)
	               ? CLOSED | tail
	               : seen;
}

/* Once this process has read where the queue ends, it always uses that value, even if another
 * process changes `closing`. */
INTERNAL uint64_t see_closing(const struct handle *h)
{
	/* The copy in this process. Acquire, pairs with the release below: this thread then reads a
	 * tail that is no older than the one which the storing thread read. */
	_Atomic uint64_t *seen = (_Atomic uint64_t *)(uintptr_t)&h->closed;
	uint64_t closing = atomic_load_explicit(seen, memory_order_acquire);

	if (closing != OPEN)
		return closing;
	/* Sequentially consistent, pairs with shared_shutdown(). For the gates: if a thread
	 * announces itself at a gate and then still reads OPEN, the thread that closes the queue
	 * finds the announcement and wakes it. */
	closing = atomic_load_explicit(&h->two->closing, memory_order_seq_cst);
	if (closing == OPEN)
		return OPEN;
	if (closing == CLOSING)
		closing = settle_end(h);
	closing = CLOSED | (closing & POSITION_ONES);
	atomic_store_explicit(seen, closing, memory_order_release);
	return closing;
}

/* Tail is read before `closing`. If the queue is still open then, all items before that tail are in
 * the queue, because a thread that decides the end reads tail later. If the queue is closed, tail
 * is read again, because the end may have been decided with a newer tail. All accesses are
 * sequentially consistent, and pair with publish() and shared_shutdown(). */
INTERNAL uint64_t queue_end(const struct handle *h)
{
	uint64_t tail = atomic_load_explicit(&h->one->tail, memory_order_seq_cst);
	uint64_t closing = see_closing(h);

	if (closing == OPEN)
		return tail;
	tail = atomic_load_explicit(&h->one->tail, memory_order_seq_cst);
	return position_distance(closing & POSITION_ONES, tail) > 0 ? closing & POSITION_ONES
	                                                            : tail;
}
