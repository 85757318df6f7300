/*
 * Your queue goes here. This one works, and is slow: one lock, one condition, and each change wakes
 * all threads. Make it better, and run
 *
 *   ./bench/run squares --queue mine,mutex,spmcq
 *
 * Every run is checked: each item once, whole, in order, with its square; put waits when the queue
 * is full, and join until all is done. What fails gets no figure, however fast it is. And
 *
 *   ./bench/run check mine
 *
 * looks longer, for what a run meets only now and then, and says what kind of mistake it is.
 *
 *   ./bench/run simulate --queue mine --consumers 4,16
 *
 * runs it on more cores than there are, and says which of the fields below they fight for.
 *
 * One thread, the producer, calls put, join and shutdown. Any number of others, the consumers, call
 * get and task_done. struct mine and the five functions are yours to change; create() and destroy()
 * make and free whatever they need.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

struct mine {
	size_t capacity;  /* items that may be in the queue; put waits for room */
	size_t item_size; /* bytes */

	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t news;  /* signalled at any change: sleepers look again */
	char *slots;          /* item number n is at n % capacity */
	size_t put;           /* items put so far */
	size_t got;           /* items got so far; <= put */
	size_t done;          /* items reported done so far; <= got */
	bool closed;          /* by shutdown; never opened again */
};

static int create(void **queue, const struct bench_shape *shape)
{
	struct mine *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->capacity = shape->capacity;
	q->item_size = shape->item_size;
	q->slots = calloc(q->capacity, q->item_size);
	if (!q->slots) {
		free(q);
		return -ENOMEM;
	}
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->news, NULL);
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct mine *q = queue;

	pthread_cond_destroy(&q->news);
	pthread_mutex_destroy(&q->lock);
	free(q->slots);
	free(q);
}

/* 1. Put: copy item_size bytes into the queue; while it is full, wait. Called by one thread only,
 * and never after shutdown. Returns 0. */
static int put(void *queue, const void *item)
{
	struct mine *q = queue;

	pthread_mutex_lock(&q->lock);
	while (q->put - q->got == q->capacity)
		pthread_cond_wait(&q->news, &q->lock);
	memcpy(q->slots + q->put % q->capacity * q->item_size, item, q->item_size);
	q->put++;
	pthread_cond_broadcast(&q->news);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

/* 2. Get: copy the oldest item out; while there is none, wait. Called by many threads at a time.
 * Returns 0, or -ESHUTDOWN when there is none and there will be none. */
static int get(void *queue, void *item)
{
	struct mine *q = queue;
	int result = -ESHUTDOWN;

	pthread_mutex_lock(&q->lock);
	while (q->got == q->put && !q->closed)
		pthread_cond_wait(&q->news, &q->lock);
	if (q->got < q->put) {
		memcpy(item, q->slots + q->got % q->capacity * q->item_size, q->item_size);
		q->got++;
		pthread_cond_broadcast(&q->news);
		result = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return result;
}

/* 3. Task done: the caller is through with n items that it got. Returns 0. */
static int task_done(void *queue, size_t n)
{
	struct mine *q = queue;

	pthread_mutex_lock(&q->lock);
	q->done += n;
	pthread_cond_broadcast(&q->news);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

/* 4. Join: wait until every item that was put is done. Then what the consumers wrote before
 * task_done must be visible to the caller: a lock, or release and acquire, sees to that. */
static int join(void *queue)
{
	struct mine *q = queue;

	pthread_mutex_lock(&q->lock);
	while (q->done < q->put)
		pthread_cond_wait(&q->news, &q->lock);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

/* 5. Shutdown: no put follows. Wake all that wait in get, and let nobody wait there any more.
 * Items that are still in the queue can be got. Returns 0. */
static int shut_down(void *queue)
{
	struct mine *q = queue;

	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->news);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

/* What the harness knows about it. queue.h says what else a table can have: calls that move many
 * items at once (BENCH_BULK), and a handle for each thread. Take out BENCH_BLOCKING if waiting
 * threads look again and again instead of sleeping; polling.h shows how to do so politely. */
extern const struct bench_queue bench_mine;
const struct bench_queue bench_mine = {
        .name = "mine",
        .note = "bench/queues/mine.c: yours to change",
        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN | BENCH_SIMULATED,
        .type = "mine",
        .create = create,
        .destroy = destroy,
        .put = put,
        .get = get,
        .task_done = task_done,
        .join = join,
        .shutdown = shut_down,
};
