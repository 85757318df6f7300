/*
 * This library, through its public calls and nothing else.
 */
#include "queue.h"
#include "spmcq_calls.h"

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
        .put = call_put,
        .put_many = call_put_many,
        .get = call_get,
        .get_many = call_get_many,
        .task_done = call_task_done,
        .join = join,
        .shutdown = shut_down,
};
