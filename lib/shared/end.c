/*
 * Where the queue ends.
 */
#include "end.h"

/* Decide where a closed queue ends. Returns `closing` afterwards. The first to come decides, in any
 * process.
 * Sequentially consistent, as the rest of closing: see queue_end(). */
static uint64_t settle_end(const struct handle *h)
{
	uint64_t seen = CLOSING;
	uint64_t tail = atomic_load_explicit(&h->one->tail, memory_order_seq_cst);

	return atomic_compare_exchange_strong_explicit(&h->two->closing, &seen, CLOSED | tail,
	                                               memory_order_seq_cst, memory_order_seq_cst)
	               ? CLOSED | tail
	               : seen;
}

/* What this process has once seen stays so, whatever others write. */
INTERNAL uint64_t see_closing(const struct handle *h)
{
	/* A copy in this process. Acquire, pairs with the release below: tail, as the thread saw it
	 * that stored the copy. */
	_Atomic uint64_t *seen = (_Atomic uint64_t *)(uintptr_t)&h->closed;
	uint64_t closing = atomic_load_explicit(seen, memory_order_acquire);

	if (closing != OPEN)
		return closing;
	/* Sequentially consistent, pairs with shared_shutdown(). For the gates: if a thread has
	 * announced itself and then still sees the queue open, the thread that closes it sees the
	 * announcement, and wakes the sleeper. */
	closing = atomic_load_explicit(&h->two->closing, memory_order_seq_cst);
	if (closing == OPEN)
		return OPEN;
	if (closing == CLOSING)
		closing = settle_end(h);
	closing = CLOSED | (closing & POSITION_ONES);
	atomic_store_explicit(seen, closing, memory_order_release);
	return closing;
}

/* Tail is read before `closing`. If the queue is still open then, all that was put before counts,
 * as the thread that closes the queue reads tail later. If it is closed, tail is read again: a put
 * that has just succeeded may have decided the end. All of it is sequentially consistent, and pairs
 * with put_some() and shared_shutdown(). */
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
