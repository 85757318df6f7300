/*
 * Two queues of the kernel, for processes: a pipe, and a Unix socket of packets. The producer
 * writes to one end, all consumers read from the other. A pipe is a stream of items: a write of up
 * to PIPE_BUF bytes goes in whole, so it always has whole items in it, and a read takes as many as
 * are there. A packet has the items of one call. The kernel has both sides sleep. Completion is
 * counted in common memory (helper_common.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper_common.h"

struct pipe_queue {
	struct helper helper;
	int from, to; /* the ends */
	bool has_packets;
	size_t most; /* items of a call that puts */
};

static int create(void **queue, const struct bench_shape *shape, const int ends[2],
                  bool has_packets, size_t most)
{
	struct pipe_queue *q = helper_common_create(sizeof(*q), shape);

	if (!q) {
		close(ends[0]);
		close(ends[1]);
		return -ENOMEM;
	}
	q->from = ends[0];
	q->to = ends[1];
	q->has_packets = has_packets;
	q->most = most;
	*queue = q;
	return 0;
}

/* As many bytes as the items need, or as this user may have. */
static void set_size(int end, size_t bytes)
{
	while (fcntl(end, F_SETPIPE_SZ, (int)bytes) < 0 && bytes > PIPE_BUF)
		bytes /= 2;
}

static int create_pipe(void **queue, const struct bench_shape *shape)
{
	size_t bytes = shape->capacity * shape->item_size;
	int ends[2];

	if (shape->item_size > PIPE_BUF)
		return -EMSGSIZE; /* the writes of several processes would mix */
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	set_size(ends[1], bytes < INT_MAX ? bytes : INT_MAX / 2 + 1);
	return create(queue, shape, ends, false, PIPE_BUF / shape->item_size);
}

/* What the kernel counts for a small packet beside its bytes, on 64 bits. */
enum { PACKET_BYTES = 768, PACKET_MOST = 64 * 1024 };

/* Room for as many packets of an item each, or as much as this user may have. The kernel doubles
 * what is asked for. */
static void set_room(int end, const struct bench_shape *shape)
{
	size_t wanted = shape->capacity * (shape->item_size + PACKET_BYTES) / 2;
	int bytes = wanted < INT_MAX / 2 ? (int)wanted : INT_MAX / 2;

	if (setsockopt(end, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static int create_seqpacket(void **queue, const struct bench_shape *shape)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	set_room(ends[1], shape);
	return create(queue, shape, ends, true, PACKET_MOST / shape->item_size + 1);
}

static void destroy(void *queue)
{
	struct pipe_queue *q = queue;

	close(q->from);
	close(q->to);
	helper_common_destroy(q);
}

/* Consumers see the end when no process can write any more. The descriptor stays in use, so that
 * destroy() can close it. */
static int shut_down(void *queue)
{
	struct pipe_queue *q = queue;

	return dup2(q->from, q->to) < 0 ? -errno : 0;
}

static void *consumer(void *queue, size_t number)
{
	return shut_down(queue) == 0 ? helper_consumer(queue, number) : NULL;
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	struct pipe_queue *q = queue;
	ssize_t written;

	if (n > q->most)
		n = q->most;
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

/* A packet of more items than there is room for would be cut: the harness gets as many per call as
 * it puts. */
static ssize_t get_many(void *handle, void *items, size_t max)
{
	struct helper_handle *me = handle;
	struct pipe_queue *q = (struct pipe_queue *)me->queue;
	size_t room = max * q->helper.item_size;
	ssize_t got;

	do
		got = q->has_packets ? recv(q->from, items, room, MSG_TRUNC)
		                     : read(q->from, items, room);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return -ESHUTDOWN;
	if (got < 0)
		return -errno;
	if ((size_t)got > room)
		return -EMSGSIZE;
	if ((size_t)got % q->helper.item_size != 0)
		return -EPROTO;
	return got / (ssize_t)q->helper.item_size;
}

static int get(void *handle, void *item)
{
	ssize_t got = get_many(handle, item, 1);

	return got < 0 ? (int)got : 0;
}

#define CALLS                                                                                      \
	.can = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_PROCESSES,         \
	.destroy = destroy, .consumer = consumer, .put = put, .put_many = put_many, .get = get,    \
	.get_many = get_many, .task_done = helper_task_done, .join = helper_join,                  \
	.shutdown = shut_down, .most = helper_bounded_by_bytes

extern const struct bench_queue bench_pipe, bench_seqpacket;
const struct bench_queue bench_pipe = {
        .name = "pipe",
        .note = "bounded by pages: at least one of 4096 bytes, and for a user other than root at "
                "most fs.pipe-max-size bytes, usually 1 MiB; items of up to 4096 bytes",
        .create = create_pipe,
        CALLS,
};
const struct bench_queue bench_seqpacket = {
        .name = "seqpacket",
        .note = "a Unix socket; bounded by bytes of its buffer, about as many as the items need "
                "one at a time, for a user other than root at most twice net.core.wmem_max",
        .create = create_seqpacket,
        CALLS,
};
