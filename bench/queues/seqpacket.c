/*
 * A Unix socket of packets between processes: the producer at one end, all consumers at the other.
 * A packet has the items of one call. The kernel has both sides sleep. Completion is counted in
 * common memory (helper_common.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper_common.h"

struct seqpacket_queue {
	struct helper helper;
	int from, to; /* the ends */
};

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

static int create(void **queue, const struct bench_shape *shape)
{
	struct seqpacket_queue *q = helper_common_create(sizeof(*q), shape);
	int ends[2];

	if (!q)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		int error = -errno;

		helper_common_destroy(q);
		return error;
	}
	set_room(ends[1], shape);
	q->from = ends[0];
	q->to = ends[1];
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct seqpacket_queue *q = queue;

	close(q->from);
	close(q->to);
	helper_common_destroy(q);
}

static ssize_t put_many(void *queue, const void *items, size_t n)
{
	struct seqpacket_queue *q = queue;
	size_t most = PACKET_MOST / q->helper.item_size + 1;
	ssize_t sent;

	if (n > most)
		n = most;
	do
		sent = send(q->to, items, n * q->helper.item_size, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
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
	struct seqpacket_queue *q = (struct seqpacket_queue *)me->queue;
	size_t room = max * q->helper.item_size;
	ssize_t got;

	do
		got = recv(q->from, items, room, MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return -ESHUTDOWN;
	if (got < 0)
		return -errno;
	return (size_t)got > room ? -EMSGSIZE : got / (ssize_t)q->helper.item_size;
}

static int get(void *handle, void *item)
{
	ssize_t got = get_many(handle, item, 1);

	return got < 0 ? (int)got : 0;
}

static int shut_down(void *queue)
{
	struct seqpacket_queue *q = queue;

	return shutdown(q->to, SHUT_WR) == 0 ? 0 : -errno;
}

extern const struct bench_queue bench_seqpacket;
const struct bench_queue bench_seqpacket = {
        .name = "seqpacket",
        .note = "a Unix socket; bounded by bytes of its buffer, about as many as the items need "
                "one at a time, for a user other than root at most twice net.core.wmem_max",
        .can = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_PROCESSES,
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
        .most = helper_bounded_by_bytes,
};
