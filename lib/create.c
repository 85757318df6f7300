/*
 * Makes and frees a queue, which is one block of memory: the struct, then the slots.
 */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>

enum { ALIGNMENT = alignof(struct spmcq) };

static int init_gates(struct spmcq *q)
{
	struct gate *const gates[] = {&q->items, &q->reserve, &q->room, &q->finished};

	for (size_t i = 0; i < sizeof gates / sizeof *gates; i++) {
		if (gate_init(gates[i]) == 0)
			continue;
		while (i-- > 0)
			gate_destroy(gates[i]);
		return -ENOMEM;
	}
	return 0;
}

int spmcq_create(struct spmcq **out, size_t capacity, size_t item_size,
                 const struct spmcq_options *options)
{
	uint64_t first = options != NULL ? options->first_position : 0;
	size_t slots, bytes;
	struct spmcq *q;
	bool fences;

	if (out == NULL || capacity == 0 || item_size == 0)
		return -EINVAL;
	slots = slots_bytes(capacity, item_size);
	if (slots == 0 || slots > PTRDIFF_MAX - sizeof *q - ALIGNMENT)
		return -EOVERFLOW;
	/* aligned_alloc() takes only multiples of the alignment. */
	bytes = (sizeof *q + slots + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	q = aligned_alloc(ALIGNMENT, bytes);
	if (q == NULL)
		return -ENOMEM;
	fences = !(options != NULL && options->no_membarrier) && sys_can_fence_all();
	if (init_gates(q) != 0) {
		free(q);
		return -ENOMEM;
	}
	q->elsewhere.put = NULL;
	q->unchecked = options != NULL && options->unchecked_producer;
	q->interruptible = options != NULL && options->interruptible;
	atomic_init(&q->producer, NO_THREAD);
	q->woken = q->reserve_woken = 0;
	q->looked_ns = 0;
	q->room_ns = 0;
	q->room_found = 0;
	q->room_waits = q->room_patience = q->room_pauses = 0;
	atomic_init(&q->watch.word, 0);
	atomic_init(&q->inside, 0);
	atomic_init(&q->wake_producer_at, 0);
	atomic_init(&q->producer_woken, 0);
	ring_init(&q->ring, capacity, item_size, first, fences);
	tally_init(&q->tally, first, fences);
	*out = q;
	return 0;
}

int spmcq_destroy(struct spmcq *q)
{
	if (q == NULL)
		return 0;
	if (is_elsewhere(q))
		return q->elsewhere.destroy(q);
	/* Acquire, pairs with leave(), a waiting thread's last access. */
	if (atomic_load_explicit(&q->inside, memory_order_acquire) != 0)
		return -EBUSY;
	gate_destroy(&q->finished);
	gate_destroy(&q->room);
	gate_destroy(&q->reserve);
	gate_destroy(&q->items);
	free(q);
	return 0;
}
