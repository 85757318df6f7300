/*
 * This library's calls between processes. The process that puts makes the queue, and so owns it.
 * It admits each consumer over a socket pair that was made before the processes were forked.
 */
#include <errno.h>
#include <spmcq_shared.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "polling.h"
#include "queue.h"
#include "spmcq_calls.h"

/* Each process has its own copy. */
struct shared_queue {
	struct bench_shape shape;
	bool sealed;
	enum spmcq_algorithm algorithm;
	struct spmcq *handle; /* this process's; NULL: it has none */
	int (*sockets)[2];    /* one a consumer: the producer's end and the consumer's */
	size_t opened;        /* sockets */
};

static void destroy(void *queue)
{
	struct shared_queue *q = queue;

	(void)spmcq_destroy(q->handle); /* nobody is inside a call any more */
	for (size_t i = 0; i < q->opened; i++) {
		close(q->sockets[i][0]);
		close(q->sockets[i][1]);
	}
	free(q->sockets);
	free(q);
}

static int make(void **queue, const struct bench_shape *shape, bool sealed,
                enum spmcq_algorithm algorithm)
{
	struct shared_queue *q = calloc(1, sizeof(*q));
	int error = 0;

	if (!q)
		return -ENOMEM;
	*q = (struct shared_queue){.shape = *shape, .sealed = sealed, .algorithm = algorithm};
	q->sockets = calloc(shape->consumers, sizeof(*q->sockets));
	for (; q->sockets && error == 0 && q->opened < shape->consumers; q->opened += error == 0)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, q->sockets[q->opened]))
			error = -errno;
	if (!q->sockets)
		error = -ENOMEM;
	if (error)
		destroy(q);
	else
		*queue = q;
	return error;
}

static int create(void **queue, const struct bench_shape *shape)
{
	return make(queue, shape, false, 0);
}

static int create_aes(void **queue, const struct bench_shape *shape)
{
	return make(queue, shape, true, SPMCQ_AES256GCM);
}

static int create_chacha(void **queue, const struct bench_shape *shape)
{
	return make(queue, shape, true, SPMCQ_XCHACHA20POLY1305);
}

/* NULL, and errno says why. */
static void *fail(const char *call, int error)
{
	fprintf(stderr, "spmcq-bench: %s: %s\n", call, strerror(-error));
	errno = -error;
	return NULL;
}

static void *producer(void *queue)
{
	struct shared_queue *q = queue;
	struct spmcq_shared_options options = {.processes = (unsigned)q->shape.consumers,
	                                       .threads = 1,
	                                       .sealed = q->sealed,
	                                       .algorithm = q->algorithm};
	int error =
	        spmcq_shared_create(&q->handle, q->shape.capacity, q->shape.item_size, &options);

	if (error)
		return fail("spmcq_shared_create", error);
	for (size_t i = 0; i < q->opened && error == 0; i++)
		error = spmcq_shared_admit(q->handle, q->sockets[i][0]);
	return error ? fail("spmcq_shared_admit", error) : q->handle;
}

static void *consumer(void *queue, size_t number)
{
	struct shared_queue *q = queue;
	int error = spmcq_shared_join(&q->handle, q->sockets[number][1], q->shape.item_size);

	return error ? fail("spmcq_shared_join", error) : q->handle;
}

static int join(void *queue)
{
	const struct shared_queue *q = queue;

	return spmcq_join(q->handle);
}

static int shut_down(void *queue)
{
	const struct shared_queue *q = queue;

	return spmcq_shutdown(q->handle);
}

/* With the calls that never sleep. */

static int put_polled(void *handle, const void *item)
{
	struct polling polling = {0};
	int error;

	while ((error = spmcq_try_put(handle, item)) == -EAGAIN)
		polling_wait(&polling);
	return error;
}

static int get_polled(void *handle, void *item)
{
	struct polling polling = {0};
	int error;

	while ((error = spmcq_try_get(handle, item)) == -EAGAIN)
		polling_wait(&polling);
	return error;
}

enum {
	CAN = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN |
	      BENCH_PROCESSES
};

#define CALLS                                                                                      \
	.destroy = destroy, .producer = producer, .consumer = consumer,                            \
	.task_done = call_task_done, .join = join, .shutdown = shut_down
#define CALLS_THAT_SLEEP                                                                           \
	CALLS, .put = call_put, .put_many = call_put_many, .get = call_get,                        \
	       .get_many = call_get_many

extern const struct bench_queue bench_shared, bench_shared_aes, bench_shared_chacha,
        bench_shared_polled;
const struct bench_queue bench_shared = {
        .name = "shared",
        .note = "this library's calls between processes",
        .can = CAN,
        .create = create,
        CALLS_THAT_SLEEP,
};
const struct bench_queue bench_shared_aes = {
        .name = "shared_aes",
        .note = "this library's calls between processes, items sealed by AES-256-GCM",
        .can = CAN,
        .create = create_aes,
        CALLS_THAT_SLEEP,
};
const struct bench_queue bench_shared_chacha = {
        .name = "shared_chacha",
        .note = "this library's calls between processes, items sealed by XChaCha20-Poly1305",
        .can = CAN,
        .create = create_chacha,
        CALLS_THAT_SLEEP,
};
const struct bench_queue bench_shared_polled = {
        .name = "shared_polled",
        .note = "this library between processes, by its try_ calls only: it polls, one item a call",
        .can = BENCH_BOUNDED | BENCH_FIFO | BENCH_JOIN | BENCH_PROCESSES | BENCH_YARDSTICK,
        .create = create,
        .put = put_polled,
        .get = get_polled,
        CALLS,
};
