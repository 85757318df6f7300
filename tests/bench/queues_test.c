/*
 * What every competitor of the bench must do before its figures mean anything. The same properties
 * for all of them, ours included; each as far as its table claims it.
 */
#include "support/check.h"
#include "support/item.h"
#include "support/worker.h"
#include <errno.h>
#include <queue.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	CONSUMERS = 3,
	ITEMS = 3000,
	POLLED_ITEMS = 300, /* a spinning thread in the way can cost a time slice per item */
	BULK = 16,
	ITEM_MOST = 24, /* bytes */
	WHILE_MS = 20,  /* long enough to do what must not be done */
};

static const struct bench_queue *calls; /* the queue under test */

static bool can(unsigned what)
{
	return (calls->can & what) == what;
}

static void *queue_of(size_t capacity, size_t item_size, size_t consumers)
{
	struct bench_shape shape = {
	        .capacity = capacity, .item_size = item_size, .consumers = consumers};
	void *queue = NULL;

	RETURNS(0, calls->create(&queue, &shape));
	CHECK(queue, "create returned 0 and no queue");
	return queue;
}

static void *producer_of(void *queue)
{
	return calls->producer ? calls->producer(queue) : queue;
}

static void *consumer_of(void *queue, size_t number)
{
	return calls->consumer ? calls->consumer(queue, number) : queue;
}

/* Many items through a queue. */

struct flow {
	void *queue;
	size_t item_size, bulk, items;
	struct flow_consumer {
		struct flow *flow;
		struct worker worker;
		size_t number;
		size_t got;
		uint64_t numbers[ITEMS];
	} consumers[CONSUMERS];
	struct worker producer;
};

static ssize_t get_some(const struct flow *flow, void *handle, void *items)
{
	if (flow->bulk > 1)
		return calls->get_many(handle, items, flow->bulk);
	int error = calls->get(handle, items);
	return error ? error : 1;
}

static ssize_t put_some(const struct flow *flow, void *handle, const void *items, size_t n)
{
	if (flow->bulk > 1)
		return calls->put_many(handle, items, n);
	int error = calls->put(handle, items);
	return error ? error : 1;
}

static void consume(void *arg)
{
	struct flow_consumer *me = arg;
	const struct flow *flow = me->flow;
	void *handle = consumer_of(flow->queue, me->number);
	unsigned char items[BULK * ITEM_MOST];
	ssize_t got;

	while ((got = get_some(flow, handle, items)) > 0) {
		CHECK((size_t)got <= flow->bulk, "got %zd, not up to %zu", got, flow->bulk);
		for (size_t i = 0; i < (size_t)got; i++) {
			const unsigned char *item = items + i * flow->item_size;
			uint64_t n = item_number(item, flow->item_size);

			CHECK(item_is(item, flow->item_size, n), "item %llu is torn",
			      (unsigned long long)n);
			CHECK(me->got < flow->items, "consumer %zu got too many", me->number);
			me->numbers[me->got++] = n;
		}
		RETURNS(0, calls->task_done(handle, (size_t)got));
	}
	RETURNS(-ESHUTDOWN, got);
}

static void produce(void *arg)
{
	const struct flow *flow = arg;
	void *handle = producer_of(flow->queue);
	unsigned char items[BULK * ITEM_MOST];
	size_t n = 0;

	while (n < flow->items) {
		size_t batch = flow->items - n < flow->bulk ? flow->items - n : flow->bulk;

		for (size_t i = 0; i < batch; i++)
			item_fill(items + i * flow->item_size, flow->item_size, n + i);
		ssize_t placed = put_some(flow, handle, items, batch);
		CHECK(placed > 0 && (size_t)placed <= batch, "put returned %zd of %zu", placed,
		      batch);
		n += (size_t)placed;
	}
	RETURNS(0, calls->join(flow->queue));
	RETURNS(0, calls->shutdown(flow->queue));
}

static void check_flow(const struct flow *flow)
{
	static unsigned times[ITEMS];

	for (size_t n = 0; n < flow->items; n++)
		times[n] = 0;
	for (size_t c = 0; c < CONSUMERS; c++) {
		const struct flow_consumer *consumer = &flow->consumers[c];

		for (size_t i = 0; i < consumer->got; i++) {
			uint64_t n = consumer->numbers[i];

			CHECK(n < flow->items, "got %llu, which was never put",
			      (unsigned long long)n);
			times[n]++;
			CHECK(!can(BENCH_FIFO) || i == 0 || consumer->numbers[i - 1] < n,
			      "consumer %zu got %llu after %llu", c, (unsigned long long)n,
			      (unsigned long long)consumer->numbers[i - 1]);
		}
	}
	for (size_t n = 0; n < flow->items; n++)
		CHECK(times[n] == 1, "got item %zu %u times", n, times[n]);
}

static void flow_through(size_t capacity, size_t item_size, size_t bulk)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	check_doing("%s: capacity %zu, item size %zu, bulk %zu", calls->name, capacity, item_size,
	            bulk);
	flow->queue = queue_of(capacity, item_size, CONSUMERS);
	flow->item_size = item_size;
	flow->bulk = bulk;
	flow->items = can(BENCH_BLOCKING) ? ITEMS : POLLED_ITEMS;
	for (size_t i = 0; i < CONSUMERS; i++) {
		flow->consumers[i].flow = flow;
		flow->consumers[i].number = i;
		worker_start(&flow->consumers[i].worker, consume, &flow->consumers[i]);
	}
	worker_start(&flow->producer, produce, flow);
	worker_join(&flow->producer);
	for (size_t i = 0; i < CONSUMERS; i++)
		worker_join(&flow->consumers[i].worker);
	check_flow(flow);
	calls->destroy(flow->queue);
	free(flow);
}

static void every_item_is_got_once_and_in_order(void)
{
	flow_through(1, 8, 1);
	flow_through(7, ITEM_MOST, 1);
	flow_through(64, 8, 1);
}

static void every_item_of_a_bulk_is_got_once_and_in_order(void)
{
	if (!can(BENCH_BULK))
		check_skip("it moves items one by one");
	flow_through(7, 8, BULK);
	flow_through(64, ITEM_MOST, BULK);
}

/* Few items, step by step. */

struct steps {
	void *queue;
	uint64_t items;
	bool joins;
	struct worker worker;
	_Atomic size_t placed;
	_Atomic bool joined;
};

static void put_then_shut_down(void *arg)
{
	struct steps *steps = arg;
	void *handle = producer_of(steps->queue);

	for (uint64_t n = 0; n < steps->items; n++) {
		RETURNS(0, calls->put(handle, &n));
		atomic_fetch_add(&steps->placed, 1);
	}
	if (steps->joins)
		RETURNS(0, calls->join(steps->queue));
	atomic_store(&steps->joined, true);
	RETURNS(0, calls->shutdown(steps->queue));
}

static void get_number(void *handle, uint64_t expected)
{
	uint64_t n = ~expected;

	RETURNS(0, calls->get(handle, &n));
	COUNTS(expected, n);
}

static void join_waits_for_the_last_task_done(void)
{
	struct steps steps = {.queue = queue_of(8, 8, 1), .items = 5, .joins = true};
	void *handle = consumer_of(steps.queue, 0);

	worker_start(&steps.worker, put_then_shut_down, &steps);
	for (uint64_t n = 0; n < steps.items; n++)
		get_number(handle, n);
	worker_await_sleep(&steps.worker);
	RETURNS(0, calls->task_done(handle, 1));
	RETURNS(0, calls->task_done(handle, steps.items - 2));
	worker_await_sleep(&steps.worker);
	CHECK(!atomic_load(&steps.joined), "join returned with one item to do");
	RETURNS(0, calls->task_done(handle, 1));
	worker_join(&steps.worker);
	calls->destroy(steps.queue);
}

static void a_bounded_queue_has_put_wait_for_room(void)
{
	enum { CAPACITY = 3 }; /* ck_ring can hold so many, too, and no more */
	struct steps steps = {
	        .queue = queue_of(CAPACITY, 8, 1), .items = CAPACITY + 2, .joins = true};
	void *handle = consumer_of(steps.queue, 0);
	size_t fit = can(BENCH_BOUNDED) ? CAPACITY : CAPACITY + 2;

	worker_start(&steps.worker, put_then_shut_down, &steps);
	await_count(&steps.placed, fit, "items put");
	sleep_ms(WHILE_MS);
	COUNTS(fit, atomic_load(&steps.placed));
	for (uint64_t n = 0; n < steps.items; n++)
		get_number(handle, n);
	RETURNS(0, calls->task_done(handle, steps.items));
	worker_join(&steps.worker);
	calls->destroy(steps.queue);
}

static void what_was_put_before_shutdown_is_still_got(void)
{
	struct steps steps = {.queue = queue_of(8, 8, 1), .items = 5};
	void *handle = consumer_of(steps.queue, 0);
	uint64_t n;

	worker_start(&steps.worker, put_then_shut_down, &steps);
	await_count(&steps.placed, steps.items, "items put");
	for (n = 0; n < steps.items; n++)
		get_number(handle, n);
	worker_join(&steps.worker);
	RETURNS(-ESHUTDOWN, calls->get(handle, &n));
	RETURNS(-ESHUTDOWN, calls->get(handle, &n));
	calls->destroy(steps.queue);
}

/* Address sanitizer sees what is left. */
static void items_nobody_got_are_destroyed_with_the_queue(void)
{
	static const unsigned char item[ITEM_MOST];
	void *queue = queue_of(8, ITEM_MOST, 1);
	void *handle = producer_of(queue);

	for (int i = 0; i < 5; i++)
		RETURNS(0, calls->put(handle, item));
	calls->destroy(queue);
}

struct waiter {
	void *queue;
	size_t number;
	struct worker worker;
	int result;
};

static void get_once(void *arg)
{
	struct waiter *waiter = arg;
	uint64_t n;

	waiter->result = calls->get(consumer_of(waiter->queue, waiter->number), &n);
}

static void shutdown_wakes_all(void)
{
	struct waiter waiters[CONSUMERS];
	void *queue = queue_of(4, 8, CONSUMERS);

	for (size_t i = 0; i < CONSUMERS; i++) {
		waiters[i] = (struct waiter){.queue = queue, .number = i};
		worker_start(&waiters[i].worker, get_once, &waiters[i]);
	}
	for (size_t i = 0; i < CONSUMERS; i++)
		if (can(BENCH_BLOCKING))
			worker_await_sleep(&waiters[i].worker);
	sleep_ms(WHILE_MS);
	RETURNS(0, calls->shutdown(queue));
	for (size_t i = 0; i < CONSUMERS; i++) {
		worker_join(&waiters[i].worker);
		RETURNS(-ESHUTDOWN, waiters[i].result);
	}
	calls->destroy(queue);
}

static void run(const char *property_name, void (*property)(void))
{
	char name[128];

	snprintf(name, sizeof(name), "%s: %s", calls->name, property_name);
	check_run(name, property);
}

int main(void)
{
#define RUN_WITH_QUEUE(property) run(#property, property)
	for (size_t i = 0; bench_queues[i]; i++) {
		calls = bench_queues[i];
		if (!calls->create || !bench_is_between_threads(calls->can))
			continue; /* the squares only, checked by the workload; or more than one
			             process */
		RUN_WITH_QUEUE(every_item_is_got_once_and_in_order);
		RUN_WITH_QUEUE(every_item_of_a_bulk_is_got_once_and_in_order);
		RUN_WITH_QUEUE(join_waits_for_the_last_task_done);
		RUN_WITH_QUEUE(a_bounded_queue_has_put_wait_for_room);
		RUN_WITH_QUEUE(what_was_put_before_shutdown_is_still_got);
		RUN_WITH_QUEUE(items_nobody_got_are_destroyed_with_the_queue);
		RUN_WITH_QUEUE(shutdown_wakes_all);
	}
	return check_finish();
}
