/*
 * A producer and consumers, which have two threads each, at full speed. Each item is got once, and
 * each thread gets its items in order.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include <stdatomic.h>

#define WRAP (UINT64_C(1) << 52)

enum { MANY = 200000, WORKERS = 4 };

/* How often each item was got. */
static _Atomic unsigned char *times;

static long act_consume(struct call *call)
{
	item_value items[32], last = 0;
	bool any = false;
	ssize_t n;

	for (;;) {
		if (call->n == 1)
			n = spmcq_get(puppet_queue, items);
		else
			n = spmcq_get_many(puppet_queue, items, call->n);
		if (n < 0)
			break;
		n += call->n == 1; /* spmcq_get() returns 0, not a count */
		for (ssize_t i = 0; i < n; i++) {
			CHECK(!any || items[i] > last, "got %" PRI_ITEM " after %" PRI_ITEM,
			      items[i], last);
			CHECK(items[i] < MANY, "got %" PRI_ITEM, items[i]);
			last = items[i];
			any = true;
			atomic_fetch_add(&times[last], 1);
		}
		RETURNS(0, spmcq_task_done_many(puppet_queue, (size_t)n));
	}
	RETURNS(-ESHUTDOWN, n);
	return 0;
}

static void all_get_each_item_once(size_t capacity, const struct spmcq_shared_options *options)
{
	struct puppet workers[WORKERS], second[WORKERS];
	struct spmcq *q = shared_at(capacity, options);
	item_value runs[50], n = 0;

	check_doing("capacity %zu, redeliver %d, sealed %d", capacity, options->redeliver,
	            options->sealed);
	times = common_memory(MANY);
	for (size_t i = 0; i < WORKERS; i++) {
		consumer_start(&workers[i], q);
		puppet_start_thread(&second[i], &workers[i]);
		tell(&workers[i], act_consume, 1);
		tell(&second[i], act_consume, 8 * i + 1);
	}
	for (double end = seconds_now() + 0.7; n + 50 <= MANY && seconds_now() < end;) {
		for (uint32_t i = 0; i < 50; i++)
			runs[i] = n + i;
		if (n % 3 == 0)
			for (uint32_t i = 0; i < 50; i++)
				RETURNS(0, spmcq_put(q, &runs[i]));
		else
			RETURNS(50, spmcq_put_many(q, runs, 50));
		n += 50;
	}
	RETURNS(0, spmcq_join(q));
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i < WORKERS; i++) {
		answer(&second[i]);
		answer(&workers[i]);
		puppet_end(&second[i]);
		puppet_end(&workers[i]);
	}
	for (item_value i = 0; i < n; i++)
		CHECK(times[i] == 1, "item %" PRI_ITEM " of %" PRI_ITEM " was got %u times", i, n,
		      times[i]);
	COUNTS(n, stats_of(q).done);
	queue_free(q);
}

static void every_item_is_got_exactly_once(void)
{
	static const struct spmcq_shared_options plain = {.first_position = WRAP - 1000};

	all_get_each_item_once(1, &plain);
	all_get_each_item_once(1000, &plain);
}

static void every_item_is_got_exactly_once_with_redeliver(void)
{
	static const struct spmcq_shared_options kept = {.redeliver = true,
	                                                 .first_position = WRAP - 1000};

	all_get_each_item_once(3, &kept);
	all_get_each_item_once(1000, &kept);
}

static void every_item_is_got_exactly_once_sealed(void)
{
	static const struct spmcq_shared_options sealed = {
	        .sealed = true, .first_position = WRAP - 1000, .redeliver = true};

	if (!can_seal())
		check_skip("sealing is not built");
	all_get_each_item_once(5, &sealed);
	all_get_each_item_once(100, &sealed);
}

/* A process between two queues: it is the consumer of one and the producer of the other. */
static void items_go_through_a_process_in_the_middle(void)
{
	enum { ALL = 20000 };
	struct puppet first, last;
	struct spmcq *from, *to = shared_of(64);
	item_value items[32];
	uint32_t all = 0;

	times = common_memory(MANY);
	from = producer_start(&first, 100);
	consumer_start(&last, to);
	tell(&last, act_consume, 32);
	for (first.call.number = 0; first.call.number < ALL; first.call.number += 100) {
		tell(&first, act_put_many, 100);
		for (size_t left = 100; left > 0;) {
			ssize_t n = spmcq_get_many(from, items, 32);

			CHECK(n > 0 && (size_t)n <= left, "get_many: %zd", n);
			RETURNS(n, spmcq_put_many(to, items, (size_t)n));
			RETURNS(0, spmcq_task_done_many(from, (size_t)n));
			left -= (size_t)n;
		}
		RETURNS(100, answer(&first));
	}
	RETURNS(0, told(&first, act_join, 0));
	RETURNS(0, spmcq_join(to));
	RETURNS(0, spmcq_shutdown(to));
	RETURNS(0, answer(&last));
	for (uint32_t i = 0; i < ALL; i++)
		all += times[i];
	COUNTS(ALL, all);
	puppet_end(&last);
	puppet_end(&first);
	queue_free(from);
	queue_free(to);
}

int main(void)
{
	RUN(every_item_is_got_exactly_once);
	RUN(every_item_is_got_exactly_once_with_redeliver);
	RUN(every_item_is_got_exactly_once_sealed);
	RUN(items_go_through_a_process_in_the_middle);
	return check_finish();
}
