/*
 * Concurrency Kit's ring in its one-producer, many-consumers form. It never waits, so both sides
 * poll (polling.h); it carries pointers (box.h) and knows no completion (helper.h).
 */
#include <ck_ring.h>
#include <errno.h>
#include <stdlib.h>

#include "box.h"
#include "helper.h"

struct ck_ring_queue {
	struct helper helper;
	ck_ring_t ring;
	ck_ring_buffer_t *slots;
};

/* ck_ring wants a power of two from 4 on, counts in 32 bits, and holds one item less. 0: too large.
 */
static unsigned ring_size(size_t capacity)
{
	unsigned size = 4;

	while (size - 1 < capacity && size < 1u << 30)
		size *= 2;
	return size - 1 < capacity ? 0 : size;
}

static size_t most(size_t capacity)
{
	return ring_size(capacity) - 1;
}

static int create(void **queue, const struct bench_shape *shape)
{
	unsigned size = ring_size(shape->capacity);

	if (size == 0)
		return -EOVERFLOW;
	struct ck_ring_queue *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->slots = calloc(size, sizeof(*q->slots));
	if (!q->slots || helper_init(&q->helper, shape) != 0) {
		free(q->slots);
		free(q);
		return -ENOMEM;
	}
	ck_ring_init(&q->ring, size);
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct ck_ring_queue *q = queue;
	void *box;

	while (ck_ring_dequeue_spmc(&q->ring, q->slots, &box))
		box_drop(box, q->helper.item_size);
	helper_destroy(&q->helper);
	free(q->slots);
	free(q);
}

static int put(void *queue, const void *item)
{
	struct ck_ring_queue *q = queue;
	struct polling polling = {0};
	void *box;
	int error = box_close(&box, item, q->helper.item_size);

	if (error)
		return error;
	while (!ck_ring_enqueue_spmc(&q->ring, q->slots, box))
		polling_wait(&polling);
	completion_put(&q->helper.completion, 1);
	return 0;
}

static int get(void *handle, void *item)
{
	struct helper_handle *me = handle;
	struct ck_ring_queue *q = (struct ck_ring_queue *)me->queue;
	struct helper_waiting wait = {0};
	void *box;

	while (!ck_ring_dequeue_spmc(&q->ring, q->slots, &box))
		if (!helper_wait(&q->helper, &wait))
			return -ESHUTDOWN;
	box_open(box, item, q->helper.item_size);
	return 0;
}

extern const struct bench_queue bench_ck_ring;
const struct bench_queue bench_ck_ring = {
        .name = "ck_ring",
        .note = "holds a power of two less one: the first that is no less than the capacity",
        .can = BENCH_BOUNDED | BENCH_FIFO | BENCH_SIMULATED,
        .type = "ck_ring_queue",
        .create = create,
        .destroy = destroy,
        .consumer = helper_consumer,
        .put = put,
        .get = get,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = helper_shutdown,
        .most = most,
};
