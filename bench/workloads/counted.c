/*
 * put, get, task_done, again and again; then the same in bulk. The queue is never full and never
 * empty when it matters, so nothing waits.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counted.h"
#include "measure/item.h"
#include "queue.h"

struct counted_queue {
	const struct bench_queue *calls;
	void *queue, *producer, *consumer;
	size_t item_size, bulk;
	char *items; /* bulk of them */
	bool failed; /* false -> true once */
	int (*nothing)(void *handle, const void *item);
};

/* The functions are external, so that the compiler does not merge, clone or inline them. Each does
 * something after its inner call, so that this is a call and not a jump. */
void counted_nothing(struct counted_queue *q);
void counted_put(struct counted_queue *q);
void counted_get(struct counted_queue *q);
void counted_done(struct counted_queue *q);
void counted_put_many(struct counted_queue *q);
void counted_get_many(struct counted_queue *q);
void counted_done_many(struct counted_queue *q);

#define COUNTED_APART __attribute__((noinline))

COUNTED_APART void counted_nothing(struct counted_queue *q)
{
	q->failed |= q->nothing(q->producer, q->items) != 0;
}

COUNTED_APART void counted_put(struct counted_queue *q)
{
	q->failed |= q->calls->put(q->producer, q->items) != 0;
}

COUNTED_APART void counted_get(struct counted_queue *q)
{
	q->failed |= q->calls->get(q->consumer, q->items) != 0;
}

COUNTED_APART void counted_done(struct counted_queue *q)
{
	q->failed |= q->calls->task_done(q->consumer, 1) != 0;
}

COUNTED_APART void counted_put_many(struct counted_queue *q)
{
	for (size_t placed = 0; placed < q->bulk && !q->failed;) {
		ssize_t n = q->calls->put_many(q->producer, q->items + placed * q->item_size,
		                               q->bulk - placed);

		q->failed |= n <= 0;
		placed += (size_t)n;
	}
}

COUNTED_APART void counted_get_many(struct counted_queue *q)
{
	for (size_t got = 0; got < q->bulk && !q->failed;) {
		ssize_t n = q->calls->get_many(q->consumer, q->items + got * q->item_size,
		                               q->bulk - got);

		q->failed |= n <= 0;
		got += (size_t)n;
	}
}

COUNTED_APART void counted_done_many(struct counted_queue *q)
{
	q->failed |= q->calls->task_done(q->consumer, q->bulk) != 0;
}

static int nothing(void *handle, const void *item)
{
	(void)handle;
	(void)item;
	return 0;
}

static void write_numbers(struct counted_queue *q, uint64_t from)
{
	for (size_t i = 0; i < q->bulk; i++, from++)
		item_write(q->items + i * q->item_size, q->item_size, from);
}

static void check_numbers(struct counted_queue *q, uint64_t from, size_t n)
{
	for (size_t i = 0; i < n; i++, from++)
		q->failed |= item_read(q->items + i * q->item_size, q->item_size) != from;
	memset(q->items, 0xff, q->bulk * q->item_size);
}

static void one_by_one(struct counted_queue *q, uint64_t items)
{
	for (uint64_t n = 0; n < items && !q->failed; n++) {
		write_numbers(q, n);
		counted_nothing(q);
		counted_put(q);
		counted_get(q);
		counted_done(q);
		check_numbers(q, n, 1);
	}
}

static void in_bulk(struct counted_queue *q, uint64_t items)
{
	for (uint64_t n = 0; n < items && !q->failed; n += q->bulk) {
		write_numbers(q, n);
		counted_put_many(q);
		memset(q->items, 0xff, q->bulk * q->item_size);
		counted_get_many(q);
		counted_done_many(q);
		check_numbers(q, n, q->bulk);
	}
}

/* The first calls of everything, which bind symbols and touch memory: not counted. */
static void warm_up(struct counted_queue *q)
{
	for (size_t i = 0; i < 3 && !q->failed; i++) {
		q->failed |= q->calls->put(q->producer, q->items) != 0;
		q->failed |= q->calls->get(q->consumer, q->items) != 0;
		q->failed |= q->calls->task_done(q->consumer, 1) != 0;
	}
}

static bool open_queue(struct counted_queue *q, const struct bench_shape *shape)
{
	q->nothing = nothing;
	q->items = calloc(q->bulk, q->item_size);
	if (!q->items || q->calls->create(&q->queue, shape) != 0)
		return false;
	q->producer = q->calls->producer ? q->calls->producer(q->queue) : q->queue;
	q->consumer = q->calls->consumer ? q->calls->consumer(q->queue, 0) : q->queue;
	return q->producer && q->consumer;
}

int counted_main(int argc, const char **argv)
{
	if (argc != 7)
		return 2;
	struct counted_queue q = {.calls = bench_queue_named(argv[2]),
	                          .item_size = strtoull(argv[4], NULL, 10),
	                          .bulk = strtoull(argv[5], NULL, 10)};
	struct bench_shape shape = {
	        .capacity = strtoull(argv[3], NULL, 10), .item_size = q.item_size, .consumers = 1};
	uint64_t items = strtoull(argv[6], NULL, 10);

	if (!q.calls || !open_queue(&q, &shape))
		return 2;
	warm_up(&q);
	one_by_one(&q, items);
	if (q.calls->can & BENCH_BULK)
		in_bulk(&q, items);
	q.failed |= q.calls->join(q.queue) != 0;
	q.failed |= q.calls->shutdown(q.queue) != 0;
	q.calls->destroy(q.queue);
	free(q.items);
	return q.failed ? 1 : 0;
}
