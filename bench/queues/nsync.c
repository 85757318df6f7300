/*
 * A ring under the lock of Google's nsync, with its condition variables, as nsync_cv.h shows.
 */
#include <errno.h>
#include <nsync.h>
#include <stdlib.h>

#include "helper.h"
#include "slots.h"

struct nsync_queue {
	struct helper helper;
	size_t consumers; /* set by create(), then only read */
	nsync_mu lock;

	/* All that follows is guarded by lock. */
	nsync_cv items; /* there is an item, or closed */
	nsync_cv room;  /* there is room */
	struct slots slots;
	bool closed; /* false -> true once, by shutdown */
};

static int create(void **queue, const struct bench_shape *shape)
{
	struct nsync_queue *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));

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
	q->consumers = shape->consumers;
	nsync_mu_init(&q->lock);
	nsync_cv_init(&q->items);
	nsync_cv_init(&q->room);
	q->closed = false;
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct nsync_queue *q = queue;

	helper_destroy(&q->helper);
	slots_destroy(&q->slots);
	free(q);
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	struct nsync_queue *q = queue;

	nsync_mu_lock(&q->lock);
	while (q->slots.size == q->slots.capacity)
		nsync_cv_wait(&q->room, &q->lock);
	size_t placed = slots_put(&q->slots, items, n);
	/* A signal for which no thread waits costs one load. */
	for (size_t i = 0; i < placed && i < q->consumers; i++)
		nsync_cv_signal(&q->items);
	nsync_mu_unlock(&q->lock);
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
	struct nsync_queue *q = (struct nsync_queue *)me->queue;

	nsync_mu_lock(&q->lock);
	while (q->slots.size == 0 && !q->closed)
		nsync_cv_wait(&q->items, &q->lock);
	size_t taken = slots_get(&q->slots, items, max);
	if (taken > 0)
		nsync_cv_signal(&q->room);
	nsync_mu_unlock(&q->lock);
	return taken ? (ssize_t)taken : -ESHUTDOWN;
}

static int get(void *handle, void *item)
{
	ssize_t taken = get_many(handle, item, 1);

	return taken < 0 ? (int)taken : 0;
}

static int shut_down(void *queue)
{
	struct nsync_queue *q = queue;

	nsync_mu_lock(&q->lock);
	q->closed = true;
	nsync_cv_broadcast(&q->items);
	nsync_mu_unlock(&q->lock);
	return 0;
}

extern const struct bench_queue bench_nsync;
const struct bench_queue bench_nsync = {
        .name = "nsync",
        .can = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO,
        .create = create,
        .destroy = destroy,
        .consumer = helper_consumer,
        .put = put,
        .put_many = put_many,
        .get = get,
        .get_many = get_many,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = shut_down,
};
