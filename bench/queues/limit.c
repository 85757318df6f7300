/*
 * The limit: the greatest speed at which items can move between cores. Two threads pass whole
 * blocks of plain items round, four of them; one fills a block in place, the other empties it. For
 * each block the other thread waits for a single store. A queue has more to do: copies, items one
 * by one, several consumers, completion. The figure is an upper bound for blocks of some hundreds
 * of items. Four small blocks are soon used up, and then the two threads wait for each other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "completion.h"
#include "measure/usage.h"
#include "polling.h"
#include "queue.h"
#include "results.h"

enum {
	BLOCKS = 4,        /* one being filled, one being emptied, and some slack */
	USUAL_ITEMS = 512, /* in a block, if --bulk does not say: 4 KiB of 8-byte items */
};

struct block {
	/* Atomic: items in it, 0 while it belongs to the producer. Each side sets it when it is
	 * through, with release; the other acquires it and finds the items, or the room. */
	COMPLETION_OWN_LINE uint64_t filled;
	unsigned char *items;
};

struct limit {
	const struct bench_squares_job *job;
	uint64_t block_items; /* in a full block */
	struct block blocks[BLOCKS];
	pthread_barrier_t start;
};

static uint64_t await_filled(struct block *block)
{
	struct polling polling = {0};
	uint64_t filled;

	while ((filled = __atomic_load_n(&block->filled, __ATOMIC_ACQUIRE)) == 0)
		polling_wait(&polling);
	return filled;
}

static void await_empty(struct block *block)
{
	struct polling polling = {0};

	while (__atomic_load_n(&block->filled, __ATOMIC_ACQUIRE) != 0)
		polling_wait(&polling);
}

/* Inline, so that the usual size becomes a constant. */
static inline void fill(unsigned char *items, size_t item_size, uint64_t from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t number = from + i;

		memcpy(items + i * item_size, &number, sizeof(number));
	}
}

static inline void empty(const unsigned char *items, size_t item_size, uint64_t n,
                         struct results *results)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t number;

		memcpy(&number, items + i * item_size, sizeof(number));
		results_append(results, number);
	}
}

static void *produce(void *argument)
{
	struct limit *limit = argument;
	const struct bench_squares_job *job = limit->job;
	size_t item_size = job->shape.item_size, turn = 0;

	pthread_barrier_wait(&limit->start);
	usage_begin(job->usage);
	for (uint64_t from = 0; from < job->items; from += limit->block_items) {
		struct block *block = &limit->blocks[turn++ % BLOCKS];
		uint64_t left = job->items - from;
		uint64_t n = left < limit->block_items ? left : limit->block_items;

		await_empty(block);
		if (item_size == 8)
			fill(block->items, 8, from, n);
		else
			fill(block->items, item_size, from, n);
		__atomic_store_n(&block->filled, n, __ATOMIC_RELEASE);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		await_empty(&limit->blocks[i]);
	usage_end(job->usage);
	return NULL;
}

static void *consume(void *argument)
{
	struct limit *limit = argument;
	const struct bench_squares_job *job = limit->job;
	struct results results = *job->results; /* a copy: nobody else's cache line */
	size_t item_size = job->shape.item_size, turn = 0;

	pthread_barrier_wait(&limit->start);
	for (uint64_t got = 0; got < job->items;) {
		struct block *block = &limit->blocks[turn++ % BLOCKS];
		uint64_t n = await_filled(block);

		if (item_size == 8)
			empty(block->items, 8, n, &results);
		else
			empty(block->items, item_size, n, &results);
		__atomic_store_n(&block->filled, 0, __ATOMIC_RELEASE);
		got += n;
	}
	*job->results = results;
	return NULL;
}

static int run_threads(struct limit *limit)
{
	pthread_t producer, consumer;
	int error;

	pthread_barrier_init(&limit->start, NULL, 2);
	error = pthread_create(&producer, limit->job->producer, produce, limit);
	if (error == 0) {
		error = pthread_create(&consumer, limit->job->consumer, consume, limit);
		if (error)
			pthread_cancel(producer); /* it waits at the barrier */
		else
			pthread_join(consumer, NULL);
		pthread_join(producer, NULL);
	}
	pthread_barrier_destroy(&limit->start);
	return error;
}

static const char *squares(const struct bench_squares_job *job)
{
	struct limit limit = {.job = job, .block_items = job->bulk > 1 ? job->bulk : USUAL_ITEMS};
	size_t bytes = limit.block_items * job->shape.item_size;
	unsigned char *items;
	int error;

	bytes += -bytes % COMPLETION_LINE;
	items = aligned_alloc(COMPLETION_LINE, BLOCKS * bytes);
	if (!items)
		return strerror(ENOMEM);
	memset(items, 0, BLOCKS * bytes);
	for (size_t i = 0; i < BLOCKS; i++)
		limit.blocks[i].items = items + i * bytes;
	error = run_threads(&limit);
	free(items);
	return error ? strerror(error) : NULL;
}

extern const struct bench_queue bench_limit;
const struct bench_queue bench_limit = {
        .name = "limit",
        .note = "two threads pass four blocks of --bulk items (512 if that is 1); one "
                "consumer, whatever the options say",
        .can = BENCH_BULK | BENCH_BOUNDED | BENCH_FIFO | BENCH_JOIN | BENCH_YARDSTICK,
        .squares = squares,
};
