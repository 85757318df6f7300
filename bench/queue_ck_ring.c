/*
 * Concurrency Kit's ring in its one-producer, many-consumers form. It never waits, so both sides
 * poll (polling.h); it carries pointers (box.h) and knows no completion (completion.h).
 */
#include <ck_ring.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "box.h"
#include "completion.h"
#include "polling.h"
#include "queue.h"

struct ck_ring_consumer {
	struct ck_ring_queue *queue;
	size_t number;
};

struct ck_ring_queue {
	ck_ring_t ring;
	ck_ring_buffer_t *slots;
	size_t item_size;
	struct ck_ring_consumer *consumers;
	struct completion completion;
	/* Written once, by shutdown, after the last put. */
	_Alignas(COMPLETION_LINE) atomic_bool closed;
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

static void destroy(void *queue)
{
	struct ck_ring_queue *q = queue;
	unsigned char *item = malloc(q->item_size);
	void *box;

	while (item && ck_ring_dequeue_spmc(&q->ring, q->slots, &box))
		box_open(box, item, q->item_size);
	free(item);
	completion_destroy(&q->completion);
	free(q->consumers);
	free(q->slots);
	free(q);
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
	q->consumers = calloc(shape->consumers, sizeof(*q->consumers));
	if (!q->slots || !q->consumers || completion_init(&q->completion, shape->consumers) != 0) {
		free(q->consumers);
		free(q->slots);
		free(q);
		return -ENOMEM;
	}
	ck_ring_init(&q->ring, size);
	q->item_size = shape->item_size;
	atomic_init(&q->closed, false);
	for (size_t i = 0; i < shape->consumers; i++)
		q->consumers[i] = (struct ck_ring_consumer){.queue = q, .number = i};
	*queue = q;
	return 0;
}

static void *producer(void *queue)
{
	return queue;
}

static void *consumer(void *queue, size_t number)
{
	struct ck_ring_queue *q = queue;

	return &q->consumers[number];
}

static int put(void *handle, const void *item)
{
	struct ck_ring_queue *q = handle;
	struct polling polling = {0};
	void *box;
	int error = box_close(&box, item, q->item_size);

	if (error)
		return error;
	while (!ck_ring_enqueue_spmc(&q->ring, q->slots, box))
		polling_wait(&polling);
	completion_put(&q->completion, 1);
	return 0;
}

static int get(void *handle, void *item)
{
	struct ck_ring_consumer *me = handle;
	struct ck_ring_queue *q = me->queue;
	struct polling polling = {0};
	bool closed = false;
	void *box;

	while (!ck_ring_dequeue_spmc(&q->ring, q->slots, &box)) {
		if (closed)
			return -ESHUTDOWN; /* empty after the last put */
		closed = atomic_load_explicit(&q->closed, memory_order_acquire);
		if (!closed)
			polling_wait(&polling);
	}
	box_open(box, item, q->item_size);
	return 0;
}

static int task_done(void *handle, size_t n)
{
	struct ck_ring_consumer *me = handle;

	completion_done(&me->queue->completion, me->number, n);
	return 0;
}

static int join(void *queue)
{
	struct ck_ring_queue *q = queue;

	completion_join(&q->completion);
	return 0;
}

static int shut_down(void *queue)
{
	struct ck_ring_queue *q = queue;

	/* Pairs with the load in get(): who sees it closed also sees the last item. */
	atomic_store_explicit(&q->closed, true, memory_order_release);
	return 0;
}

extern const struct bench_queue bench_ck_ring;
const struct bench_queue bench_ck_ring = {
        .name = "ck_ring",
        .note = "holds a power of two less one: the first that is no less than the capacity",
        .can = BENCH_BOUNDED | BENCH_FIFO,
        .create = create,
        .destroy = destroy,
        .producer = producer,
        .consumer = consumer,
        .put = put,
        .get = get,
        .task_done = task_done,
        .join = join,
        .shutdown = shut_down,
};
