/*
 * A POSIX message queue between processes, a message an item. Its name is gone as soon as it is
 * open. Shutdown is a message without bytes for each consumer. Completion is counted in common
 * memory (helper_common.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "helper_common.h"

struct mq_queue {
	struct helper helper;
	size_t consumers;
	mqd_t queue;
};

/* Returns the descriptor, or -errno. */
static int open_queue(size_t capacity, size_t item_size)
{
	static unsigned number;
	struct mq_attr attributes = {.mq_maxmsg = (long)capacity, .mq_msgsize = (long)item_size};
	char name[64];
	mqd_t queue;

	snprintf(name, sizeof(name), "/spmcq-bench-%ld-%u", (long)getpid(), number++);
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
	if (queue < 0)
		return -errno;
	mq_unlink(name);
	return queue;
}

/* The bytes of all queues of a user are limited, too; root may have more. */
static void raise_limit(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_MSGQUEUE, &limit) != 0 && getrlimit(RLIMIT_MSGQUEUE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_MSGQUEUE, &limit);
	}
}

static size_t system_most(void)
{
	FILE *file = fopen("/proc/sys/fs/mqueue/msg_max", "r");
	size_t most = 10; /* as Linux has it unless told otherwise */

	if (file && fscanf(file, "%zu", &most) != 1)
		most = 10;
	if (file)
		fclose(file);
	return most;
}

/* Returns the greatest capacity, up to the one that is wanted, that this user may have. */
static size_t most_of(size_t capacity)
{
	size_t most = system_most();
	int queue;

	if (capacity <= most)
		return capacity;
	raise_limit();
	queue = open_queue(capacity, sizeof(uint64_t));
	if (queue < 0)
		return most;
	mq_close(queue);
	return capacity;
}

static int create(void **queue, const struct bench_shape *shape)
{
	struct mq_queue *q = helper_common_create(sizeof(*q), shape);

	if (!q)
		return -ENOMEM;
	q->consumers = shape->consumers;
	q->queue = open_queue(most_of(shape->capacity), shape->item_size);
	if (q->queue < 0) {
		int error = q->queue;

		helper_common_destroy(q);
		return error;
	}
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct mq_queue *q = queue;

	mq_close(q->queue);
	helper_common_destroy(q);
}

static int send_message(const struct mq_queue *q, const void *bytes, size_t n)
{
	while (mq_send(q->queue, bytes, n, 0) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int put(void *queue, const void *item)
{
	struct mq_queue *q = queue;
	int error = send_message(q, item, q->helper.item_size);

	if (error == 0)
		completion_put(&q->helper.completion, 1);
	return error;
}

static int get(void *handle, void *item)
{
	struct helper_handle *me = handle;
	struct mq_queue *q = (struct mq_queue *)me->queue;
	ssize_t got;

	do
		got = mq_receive(q->queue, item, q->helper.item_size, NULL);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == 0 ? -ESHUTDOWN : 0;
}

static int shut_down(void *queue)
{
	struct mq_queue *q = queue;
	int error = 0;

	for (size_t i = 0; i < q->consumers && error == 0; i++)
		error = send_message(q, "", 0);
	return error;
}

extern const struct bench_queue bench_mq;
const struct bench_queue bench_mq = {
        .name = "mq",
        .note = "a POSIX message queue; for a user other than root it holds at most "
                "fs.mqueue.msg_max items, usually 10; for root, 65536",
        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_PROCESSES,
        .create = create,
        .destroy = destroy,
        .consumer = helper_consumer,
        .put = put,
        .get = get,
        .task_done = helper_task_done,
        .join = helper_join,
        .shutdown = shut_down,
        .most = most_of,
};
