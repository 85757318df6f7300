/*
 * Items in an array under a spinlock. The file that includes this one defines the spinlock:
 *
 *   struct spin_lock                      set by spin_init()
 *   struct spin_hold                      what one holder needs while it holds the lock
 *   spin_init(), spin_take(), spin_give()
 *
 * A thread that finds the ring empty or full gives the lock back and polls the size without it
 * (polling.h).
 */
#ifndef BENCH_SPIN_RING_H
#define BENCH_SPIN_RING_H

#include <errno.h>
#include <stdlib.h>

#include "helper.h"
#include "slots.h"

struct spin_ring {
	struct helper helper;
	COMPLETION_OWN_LINE struct spin_lock lock;
	COMPLETION_OWN_LINE struct slots slots; /* guarded by lock */
	size_t size; /* atomic: slots.size, for looks without the lock; written under it */
};

static int create(void **queue, const struct bench_shape *shape)
{
	struct spin_ring *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));

	if (!q)
		return -ENOMEM;
	if (slots_init(&q->slots, shape->capacity, shape->item_size) != 0) {
		free(q);
		return -ENOMEM;
	}
	if (helper_init(&q->helper, shape) != 0) {
		slots_destroy(&q->slots);
		free(q);
		return -ENOMEM;
	}
	spin_init(&q->lock);
	q->size = 0;
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct spin_ring *q = queue;

	helper_destroy(&q->helper);
	slots_destroy(&q->slots);
	free(q);
}

/* A hint whether to take the lock. The size is read again under the lock. */
static size_t size_of(const struct spin_ring *q)
{
	return __atomic_load_n(&q->size, __ATOMIC_RELAXED);
}

static size_t try_put(struct spin_ring *q, const void *items, size_t n)
{
	struct spin_hold hold;

	if (size_of(q) == q->slots.capacity)
		return 0;
	spin_take(&q->lock, &hold);
	size_t placed = slots_put(&q->slots, items, n);
	__atomic_store_n(&q->size, q->slots.size, __ATOMIC_RELAXED);
	spin_give(&q->lock, &hold);
	return placed;
}

static size_t try_get(struct spin_ring *q, void *items, size_t max)
{
	struct spin_hold hold;

	if (size_of(q) == 0)
		return 0;
	spin_take(&q->lock, &hold);
	size_t taken = slots_get(&q->slots, items, max);
	__atomic_store_n(&q->size, q->slots.size, __ATOMIC_RELAXED);
	spin_give(&q->lock, &hold);
	return taken;
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	struct spin_ring *q = queue;
	struct polling polling = {0};
	size_t placed;

	while ((placed = try_put(q, items, n)) == 0)
		polling_wait(&polling);
	completion_put(&q->helper.completion, placed);
	return (ssize_t)placed;
}

static int put(void *queue, const void *item)
{
	put_many(queue, item, 1);
	return 0;
}

static ssize_t get_many(void *handle, void *items, size_t max)
{
	struct helper_handle *me = handle;
	struct spin_ring *q = (struct spin_ring *)me->queue;
	struct helper_waiting wait = {0};
	size_t taken;

	while ((taken = try_get(q, items, max)) == 0)
		if (!helper_wait(&q->helper, &wait))
			return -ESHUTDOWN;
	return (ssize_t)taken;
}

static int get(void *handle, void *item)
{
	ssize_t taken = get_many(handle, item, 1);

	return taken < 0 ? (int)taken : 0;
}

/* Of the table, all but its name. */
#define SPIN_RING                                                                                  \
	.note = "a spinlock: while its holder is preempted, or whoever is next, all others spin",  \
	.can = BENCH_BULK | BENCH_BOUNDED | BENCH_FIFO | BENCH_SIMULATED, .type = "spin_ring",     \
	.create = create, .destroy = destroy, .consumer = helper_consumer, .put = put,             \
	.put_many = put_many, .get = get, .get_many = get_many, .task_done = helper_task_done,     \
	.join = helper_join, .shutdown = helper_shutdown

#endif
