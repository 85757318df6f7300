/*
 * Making and freeing a queue: one block of memory, the struct and behind it the slots.
 */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>

/* How often a thread pauses, for about a microsecond, before it sleeps. Sleeping and being woken
 * takes some 10 us of both sides; the producer waits for half a ring to drain. SPMCQ_MODEL: for a
 * model checker, to which a pause is one more of the same look. */
#ifdef SPMCQ_MODEL
enum { ITEMS_PAUSES = 0, ROOM_PAUSES = 0, FINISHED_PAUSES = 0 };
#else
enum { ITEMS_PAUSES = 8, ROOM_PAUSES = 16, FINISHED_PAUSES = 8 };
#endif

static int init_gates(struct spmcq *q)
{
	if (gate_init(&q->items, ITEMS_PAUSES, false) != 0)
		return -ENOMEM;
	if (gate_init(&q->room, ROOM_PAUSES, true) == 0) {
		if (gate_init(&q->finished, FINISHED_PAUSES, false) == 0)
			return 0;
		gate_destroy(&q->room);
	}
	gate_destroy(&q->items);
	return -ENOMEM;
}

int spmcq_create(struct spmcq **out, size_t capacity, size_t item_size,
                 const struct spmcq_options *options)
{
	uint64_t first = options != NULL ? options->first_position : 0;
	size_t slots, bytes;
	struct spmcq *q;
	bool lazy;

	if (out == NULL || capacity == 0 || item_size == 0)
		return -EINVAL;
	slots = slots_bytes(capacity, item_size);
	if (slots == 0 || slots > PTRDIFF_MAX - sizeof *q - CACHE_LINE)
		return -EOVERFLOW;
	/* aligned_alloc() wants whole lines. */
	bytes = (sizeof *q + slots + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	q = aligned_alloc(CACHE_LINE, bytes);
	if (q == NULL)
		return -ENOMEM;
	lazy = park_may_fence_all();
	if (init_gates(q) != 0) {
		free(q);
		return -ENOMEM;
	}
	q->unchecked = options != NULL && options->unchecked_producer;
	atomic_init(&q->producer, NOBODY);
	atomic_init(&q->inside, 0);
	atomic_init(&q->room_at, 0);
	atomic_init(&q->discarded, 0);
	ring_init(&q->ring, capacity, item_size, first, lazy);
	overdue_init(&q->overdue, first);
	ring_look_in(&q->ring, q->overdue.stride);
	tally_init(&q->tally, first, lazy);
	*out = q;
	return 0;
}

int spmcq_destroy(struct spmcq *q)
{
	if (q == NULL)
		return 0;
	/* Acquire, pairs with leave(): the last thing a waiting thread does here. */
	if (atomic_load_explicit(&q->inside, memory_order_acquire) != 0)
		return -EBUSY;
	gate_destroy(&q->finished);
	gate_destroy(&q->room);
	gate_destroy(&q->items);
	free(q);
	return 0;
}
