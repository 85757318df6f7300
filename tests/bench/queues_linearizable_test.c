/*
 * Random histories of every competitor of the bench that promises order are those of a FIFO queue
 * that does one thing at a time (histories.h): so the figures compare queues that make the same
 * promise. A get of several items may take them one by one, other consumers between: queue.h asks
 * for no more.
 */
#include "stress/histories.h"
#include "support/check.h"
#include <queue.h>
#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
	TURNS_MAX = 100,
	POLLED_TURNS_MAX = 50, /* a spinning thread in the way can cost a time slice per item */
	PARTS = 10,            /* a queue's histories take 1/10 of a property's time */
};

static const struct bench_queue *table; /* the queue under test */

static bool can(unsigned what)
{
	return (table->can & what) == what;
}

static void *handle(const struct caller *caller)
{
	void *queue = caller->round->queue;

	if (caller->number == 0)
		return table->producer ? table->producer(queue) : queue;
	return table->consumer ? table->consumer(queue, caller->number - 1) : queue;
}

static bool chooses_bulk(struct caller *caller)
{
	return can(BENCH_BULK) && chance_below(&caller->chance, 2) == 0;
}

static ssize_t put(struct caller *caller, const void *items, size_t n)
{
	bool is_bulk = chooses_bulk(caller);
	int error;

	caller_begin(caller);
	if (is_bulk)
		return table->put_many(caller->handle, items, n);
	error = table->put(caller->handle, items);
	return error ? error : 1;
}

static ssize_t get(struct caller *caller, void *items, size_t max)
{
	bool is_bulk = chooses_bulk(caller);
	int error;

	caller_begin(caller);
	if (is_bulk)
		return table->get_many(caller->handle, items, max);
	error = table->get(caller->handle, items);
	return error ? error : 1;
}

static int task_done(void *handle, size_t n)
{
	return table->task_done(handle, n);
}

static int join(void *queue)
{
	return table->join(queue);
}

static int shut_down(void *queue, bool now)
{
	(void)now;
	return table->shutdown(queue);
}

static const struct round_calls calls = {
        .handle = handle,
        .put = put,
        .get = get,
        .task_done = task_done,
        .join = join,
        .shut_down = shut_down,
        .gets_one_by_one = true,
        .joins = true,
};

static void *queue_for(const struct round *round, size_t capacity)
{
	struct bench_shape shape = {
	        .capacity = capacity, .item_size = round->item_size, .consumers = round->consumers};
	void *queue = NULL;

	RETURNS(0, table->create(&queue, &shape));
	CHECK(queue, "create returned 0 and no queue");
	return queue;
}

/* Exact for all: ck_ring, one of the polled ones, holds a power of two less one, from 3 on. */
static size_t any_capacity(struct chance *chance)
{
	static const size_t polled[] = {3, 7, 63};
	static const size_t any[] = {1, 2, 3, 5, 8, 64};

	return can(BENCH_BLOCKING) ? any[chance_below(chance, COUNT_OF(any))]
	                           : polled[chance_below(chance, COUNT_OF(polled))];
}

static void random_histories_are_those_of_a_queue(void)
{
	static const size_t item_sizes[] = {8, HISTORIES_ITEM};
	uint64_t turns_max = can(BENCH_BLOCKING) ? TURNS_MAX : POLLED_TURNS_MAX;
	struct chance chance;
	uint64_t end;
	size_t steps = 0, n = 0;

	if (!can(BENCH_FIFO))
		check_skip("it promises no order");
	chance = chance_stream(chance_seed(), 0);
	end = stress_end_of(PARTS);
	do {
		struct round round = {.calls = &calls, .ending = DRAINED};
		size_t capacity = any_capacity(&chance);

		round.capacity = can(BENCH_BOUNDED) ? capacity : SIZE_MAX;
		round.item_size = item_sizes[chance_below(&chance, COUNT_OF(item_sizes))];
		round.consumers = 1 + (size_t)chance_below(&chance, HISTORIES_CONSUMERS);
		round.seed = chance_next(&chance);
		round.turns = chance_below(&chance, turns_max);
		round.queue = queue_for(&round, capacity);
		check_doing("round %zu: capacity %zu, %zu consumers, items of %zu", n, capacity,
		            round.consumers, round.item_size);
		steps += round_run(&round);
		table->destroy(round.queue);
		n++;
	} while (!stress_is_over(end));
	printf("# %zu histories, %zu steps\n", n, steps);
}

int main(void)
{
	char name[128];

	for (size_t i = 0; bench_queues[i]; i++) {
		table = bench_queues[i];
		if (!table->create || !bench_is_between_threads(table->can))
			continue; /* the squares only, or more than one process */
		snprintf(name, sizeof(name), "%s: random_histories_are_those_of_a_queue",
		         table->name);
		check_run(name, random_histories_are_those_of_a_queue);
	}
	return check_finish();
}
