/*
 * A pipe between processes, as a stream of items. A write of up to PIPE_BUF bytes goes in whole, so
 * the pipe always has whole items in it; a read takes as many as are there. The kernel has both
 * sides sleep. Completion is counted in common memory (helper_common.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "helper_common.h"

struct pipe_queue {
	struct helper helper;
	int from, to; /* the ends */
};

/* As many bytes as the items need, or as this user may have. */
static void set_size(int end, size_t bytes)
{
	while (fcntl(end, F_SETPIPE_SZ, (int)bytes) < 0 && bytes > PIPE_BUF)
		bytes /= 2;
}

static int create(void **queue, const struct bench_shape *shape)
{
	size_t bytes = shape->capacity * shape->item_size;
	struct pipe_queue *q;
	int ends[2];

	if (shape->item_size > PIPE_BUF)
		return -EMSGSIZE; /* several would mix */
	q = helper_common_create(sizeof(*q), shape);
	if (!q)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		int error = -errno;

		helper_common_destroy(q);
		return error;
	}
	set_size(ends[1], bytes < INT_MAX ? bytes : INT_MAX / 2 + 1);
	q->from = ends[0];
	q->to = ends[1];
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct pipe_queue *q = queue;

	close(q->from);
	close(q->to);
	helper_common_destroy(q);
}

/* Consumers see the end once no process can write. The descriptor stays taken, for destroy(). */
static int close_here(struct pipe_queue *q)
{
	return dup2(q->from, q->to) < 0 ? -errno : 0;
}

static void *consumer(void *queue, size_t number)
{
	return close_here(queue) == 0 ? helper_consumer(queue, number) : NULL;
}

static int shut_down(void *queue)
{
	return close_here(queue);
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	struct pipe_queue *q = queue;
	size_t most = PIPE_BUF / q->helper.item_size;
	ssize_t written;

	if (n > most)
		n = most;
	do
		written = write(q->to, items, n * q->helper.item_size);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return -errno;
	if ((size_t)written != n * q->helper.item_size)
		return -EPROTO;
	completion_put(&q->helper.completion, n);
	return (ssize_t)n;
}

static int put(void *queue, const void *item)
{
	ssize_t placed = put_many(queue, item, 1);

	return placed < 0 ? (int)placed : 0;
}

static ssize_t get_many(void *handle, void *items, size_t max)
{
	struct helper_handle *me = handle;
	struct pipe_queue *q = (struct pipe_queue *)me->queue;
	ssize_t got;

	do
		got = read(q->from, items, max * q->helper.item_size);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return -ESHUTDOWN;
	if (got < 0)
		return -errno;
	if ((size_t)got % q->helper.item_size != 0)
		return -EPROTO;
	return got / (ssize_t)q->helper.item_size;
}

static int get(void *handle, void *item)
{
	ssize_t got = get_many(handle, item, 1);

	return got < 0 ? (int)got : 0;
}

extern const struct bench_queue bench_pipe;
const struct bench_queue bench_pipe = {
        .name = "pipe",
        .note = "bounded by pages: at least one of 4096 bytes, and for a user other than root at "
                "most fs.pipe-max-size bytes, usually 1 MiB; items of up to 4096 bytes",
        .can = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_PROCESSES,
        .create = create,
        .destroy = destroy,
        .consumer = consumer,
        .put = put,
        .put_many = put_many,
        .get = get,
        .get_many = get_many,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = shut_down,
        .most = helper_bounded_by_bytes,
};
