/*
 * The bounded queue of the Apache Portable Runtime. It carries pointers (box.h) and knows no
 * completion (helper.h). apr_queue_term() ends it at once, with whatever is still in it; so
 * shutdown lets the consumers empty it first.
 */
#include <apr_general.h>
#include <apr_queue.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "box.h"
#include "helper.h"

struct apr_queue {
	struct helper helper;
	apr_pool_t *pool; /* the memory of items */
	apr_queue_t *items;
};

static int create_items(struct apr_queue *q, size_t capacity)
{
	if (apr_initialize() != APR_SUCCESS)
		return -ENOMEM;
	if (apr_pool_create(&q->pool, NULL) == APR_SUCCESS) {
		if (apr_queue_create(&q->items, (unsigned)capacity, q->pool) == APR_SUCCESS)
			return 0;
		apr_pool_destroy(q->pool);
	}
	apr_terminate();
	return -ENOMEM;
}

static int create(void **queue, const struct bench_shape *shape)
{
	if (shape->capacity > INT_MAX)
		return -EOVERFLOW;
	struct apr_queue *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));
	if (!q)
		return -ENOMEM;
	if (create_items(q, shape->capacity) != 0) {
		free(q);
		return -ENOMEM;
	}
	if (helper_init(&q->helper, shape) != 0) {
		apr_pool_destroy(q->pool);
		apr_terminate();
		free(q);
		return -ENOMEM;
	}
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct apr_queue *q = queue;
	void *box;

	while (apr_queue_trypop(q->items, &box) == APR_SUCCESS)
		box_drop(box, q->helper.item_size);
	apr_pool_destroy(q->pool);
	apr_terminate();
	helper_destroy(&q->helper);
	free(q);
}

static int put(void *queue, const void *item)
{
	struct apr_queue *q = queue;
	apr_status_t status;
	void *box;
	int error = box_close(&box, item, q->helper.item_size);

	if (error)
		return error;
	do
		status = apr_queue_push(q->items, box);
	while (status == APR_EINTR); /* a thread was woken, and the queue is full again */
	if (status != APR_SUCCESS) {
		box_drop(box, q->helper.item_size);
		return -ESHUTDOWN;
	}
	completion_put(&q->helper.completion, 1);
	return 0;
}

static int get(void *handle, void *item)
{
	struct helper_handle *me = handle;
	struct apr_queue *q = (struct apr_queue *)me->queue;
	apr_status_t status;
	void *box;

	do
		status = apr_queue_pop(q->items, &box);
	while (status == APR_EINTR); /* woken, and another took the item */
	if (status != APR_SUCCESS)
		return -ESHUTDOWN;
	box_open(box, item, q->helper.item_size);
	return 0;
}

static int shut_down(void *queue)
{
	struct apr_queue *q = queue;
	struct polling polling = {0};

	while (apr_queue_size(q->items) > 0)
		polling_wait(&polling);
	return apr_queue_term(q->items) == APR_SUCCESS ? 0 : -EINVAL;
}

extern const struct bench_queue bench_apr;
const struct bench_queue bench_apr = {
        .name = "apr",
        .note = "apr_queue",
        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO,
        .create = create,
        .destroy = destroy,
        .consumer = helper_consumer,
        .put = put,
        .get = get,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = shut_down,
};
