/*
 * This library, through its public calls and nothing else.
 */
#include <spmcq.h>

#include "queue.h"

static int create(void **queue, const struct bench_shape *shape)
{
	struct spmcq *q;
	int error = spmcq_create(&q, shape->capacity, shape->item_size, NULL);

	if (error == 0)
		*queue = q;
	return error;
}

static void destroy(void *queue)
{
	(void)spmcq_destroy(queue); /* nobody is inside a call any more */
}

static int put(void *queue, const void *item)
{
	return spmcq_put(queue, item);
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	return spmcq_put_many(queue, items, n);
}

static int get(void *queue, void *item)
{
	return spmcq_get(queue, item);
}

static ssize_t get_many(void *queue, void *items, size_t max)
{
	return spmcq_get_many(queue, items, max);
}

static int task_done(void *queue, size_t n)
{
	return n == 1 ? spmcq_task_done(queue) : spmcq_task_done_many(queue, n);
}

static int join(void *queue)
{
	return spmcq_join(queue);
}

static int shut_down(void *queue)
{
	return spmcq_shutdown(queue);
}

extern const struct bench_queue bench_spmcq;
const struct bench_queue bench_spmcq = {
        .name = "spmcq",
        .can = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN |
               BENCH_SIMULATED,
        .type = "spmcq",
        .create = create,
        .destroy = destroy,
        .put = put,
        .put_many = put_many,
        .get = get,
        .get_many = get_many,
        .task_done = task_done,
        .join = join,
        .shutdown = shut_down,
};
