/*
 * liburcu's wait-free concurrent queue: a list of nodes that the producer allocates and a consumer
 * frees. Enqueueing is wait-free; dequeueing takes the lock the queue has for that. It never waits
 * for items, so consumers poll (polling.h), and it knows no completion (helper.h).
 *
 * A bulk is put as wfcqueue.h recommends: the producer makes a list of its own, and splices it in
 * with one exchange. A bulk is got under one lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/wfcqueue.h>

#include "helper.h"

struct urcu_queue {
	struct helper helper;
	COMPLETION_OWN_LINE struct cds_wfcq_head head; /* by consumers */
	COMPLETION_OWN_LINE struct cds_wfcq_tail tail; /* by the producer */
};

struct urcu_item {
	struct cds_wfcq_node node; /* first: a pointer to the node points to the item, too */
	unsigned char bytes[];
};

static int create(void **queue, const struct bench_shape *shape)
{
	struct urcu_queue *q = aligned_alloc(COMPLETION_LINE, sizeof(*q));

	if (!q)
		return -ENOMEM;
	if (helper_init(&q->helper, shape) != 0) {
		free(q);
		return -ENOMEM;
	}
	cds_wfcq_init(&q->head, &q->tail);
	*queue = q;
	return 0;
}

/* Frees it. */
static void open_item(struct cds_wfcq_node *node, void *to, size_t item_size)
{
	struct urcu_item *item = (struct urcu_item *)node;

	memcpy(to, item->bytes, item_size);
	free(item);
}

static struct cds_wfcq_node *new_item(const void *from, size_t item_size)
{
	struct urcu_item *item = malloc(sizeof(*item) + item_size);

	if (!item)
		return NULL;
	cds_wfcq_node_init(&item->node);
	memcpy(item->bytes, from, item_size);
	return &item->node;
}

static void destroy(void *queue)
{
	struct urcu_queue *q = queue;
	struct cds_wfcq_node *node;

	while ((node = cds_wfcq_dequeue_blocking(&q->head, &q->tail)))
		free(node);
	cds_wfcq_destroy(&q->head, &q->tail);
	helper_destroy(&q->helper);
	free(q);
}

static int put(void *queue, const void *item)
{
	struct urcu_queue *q = queue;
	struct cds_wfcq_node *node = new_item(item, q->helper.item_size);

	if (!node)
		return -ENOMEM;
	cds_wfcq_enqueue(&q->head, &q->tail, node);
	completion_put(&q->helper.completion, 1);
	return 0;
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	struct urcu_queue *q = queue;
	const unsigned char *from = items;
	struct cds_wfcq_node *node;
	struct __cds_wfcq_head head;
	struct cds_wfcq_tail tail;
	size_t placed = 0;

	__cds_wfcq_init(&head, &tail);
	while (placed < n &&
	       (node = new_item(from + placed * q->helper.item_size, q->helper.item_size))) {
		cds_wfcq_enqueue(&head, &tail, node);
		placed++;
	}
	if (placed == 0)
		return -ENOMEM;
	__cds_wfcq_splice_blocking(&q->head, &q->tail, &head, &tail);
	completion_put(&q->helper.completion, placed);
	return (ssize_t)placed;
}

static int get(void *handle, void *item)
{
	struct helper_handle *me = handle;
	struct urcu_queue *q = (struct urcu_queue *)me->queue;
	struct helper_waiting wait = {0};
	struct cds_wfcq_node *node;

	while (!(node = cds_wfcq_dequeue_blocking(&q->head, &q->tail)))
		if (!helper_wait(&q->helper, &wait))
			return -ESHUTDOWN;
	open_item(node, item, q->helper.item_size);
	return 0;
}

/* Takes up to max nodes off, and opens them only after the lock is free again. */
static size_t try_get(struct urcu_queue *q, unsigned char *items, size_t max)
{
	enum { MOST = 256 };
	struct cds_wfcq_node *nodes[MOST];
	size_t taken = 0;

	if (cds_wfcq_empty(&q->head, &q->tail))
		return 0;
	cds_wfcq_dequeue_lock(&q->head, &q->tail);
	while (taken < max && taken < MOST &&
	       (nodes[taken] = __cds_wfcq_dequeue_blocking(&q->head, &q->tail)))
		taken++;
	cds_wfcq_dequeue_unlock(&q->head, &q->tail);
	for (size_t i = 0; i < taken; i++)
		open_item(nodes[i], items + i * q->helper.item_size, q->helper.item_size);
	return taken;
}

static ssize_t get_many(void *handle, void *items, size_t max)
{
	struct helper_handle *me = handle;
	struct urcu_queue *q = (struct urcu_queue *)me->queue;
	struct helper_waiting wait = {0};
	size_t taken;

	while ((taken = try_get(q, items, max)) == 0)
		if (!helper_wait(&q->helper, &wait))
			return -ESHUTDOWN;
	return (ssize_t)taken;
}

extern const struct bench_queue bench_urcu;
const struct bench_queue bench_urcu = {
        .name = "urcu",
        .note = "wfcqueue; a node is allocated for each item",
        .can = BENCH_BULK | BENCH_FIFO,
        .create = create,
        .destroy = destroy,
        .consumer = helper_consumer,
        .put = put,
        .put_many = put_many,
        .get = get,
        .get_many = get_many,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = helper_shutdown,
};
