/*
 * Where the queue ends.
 *
 * A peer that has not rejoined after a succession does not see what the successor puts, so it must
 * not decide where the queue ends. `closing` contains the generation of producers in which the
 * queue is open or closing: only processes of that generation decide.
 */
#include "end.h"

/* Decide where the queue ends, if `closing` is still as it was read. The first thread of any
 * process of that generation whose compare-and-swap succeeds decides. Returns the value of
 * `closing` afterwards. Sequentially consistent, as all accesses to `closing`: see queue_end(). */
static uint64_t settle_end(const struct handle *h, uint64_t closing)
{
	uint64_t tail = atomic_load_explicit(&h->one->tail, memory_order_seq_cst);

	return atomic_compare_exchange_strong_explicit(&h->two->closing, &closing, CLOSED | tail,
	                                               memory_order_seq_cst, memory_order_seq_cst)
	               ? CLOSED | tail
	               : closing;
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
	/* Sequentially consistent, pairs with begin_to_close(). For the gates: if a thread
	 * announces itself at a gate and then still reads OPEN, the thread that closes the queue
	 * finds the announcement and wakes it. */
	closing = atomic_load_explicit(&h->two->closing, memory_order_seq_cst);
	if (closing == closing_in(h->one->shape.generation))
		closing = settle_end(h, closing);
	if ((closing & CLOSED) == 0)
		return OPEN;
	closing = CLOSED | (closing & POSITION_ONES);
	atomic_store_explicit(seen, closing, memory_order_release);
	return closing;
}

INTERNAL void begin_to_close(struct handle *h)
{
	uint64_t seen = open_in(h->one->shape.generation);

	/* Sequentially consistent, pairs with see_closing(), for queue_end() and the gates. The
	 * compare-and-swap fails if another thread closes the queue, or if a successor has begun a
	 * generation. So the loop ends after as many successors as there are places, unless a
	 * process writes nonsense. */
	for (uint32_t i = 0; i <= h->layout.processes && (seen & (CLOSED | CLOSING)) == 0; i++)
		if (atomic_compare_exchange_strong_explicit(&h->two->closing, &seen, seen | CLOSING,
		                                            memory_order_seq_cst,
		                                            memory_order_seq_cst))
			return;
}

INTERNAL void begin_generation(struct handle *h)
{
	uint64_t seen = atomic_load_explicit(&h->two->closing, memory_order_seq_cst);

	/* As in begin_to_close(). */
	for (uint32_t i = 0; i <= h->layout.processes && (seen & CLOSED) == 0; i++) {
		uint64_t next = (seen & CLOSING) != 0 ? CLOSED | h->tail
		                                      : open_in(h->one->shape.generation);

		if (atomic_compare_exchange_strong_explicit(&h->two->closing, &seen, next,
		                                            memory_order_seq_cst,
		                                            memory_order_seq_cst))
			return;
	}
}

INTERNAL bool has_ended(const struct handle *h, uint64_t at)
{
	uint64_t closing = see_closing(h);

	return closing != OPEN && position_distance(at, closing & POSITION_ONES) <= 0;
}

/* Tail is read before `closing`. If the queue is still open then, all items before that tail are in
 * the queue, because a thread that decides the end reads tail later. If the queue is closed, tail
 * is read again, because the end may have been decided with a newer tail. All accesses are
 * sequentially consistent, and pair with publish() and begin_to_close(). */
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
