/*
 * Consumers that sleep until the producer puts: none sleeps on beside an item.
 */
#include "model_queue.h"

static void put_one(void *arg)
{
	(void)arg;
	put_now();
}

static void put_each(void *arg)
{
	put_one(arg);
	put_one(arg);
}

static void put_both(void *arg)
{
	const uint64_t items[] = {1, 2};

	(void)arg;
	placed = (unsigned)spmcq_try_put_many(queue, items, 2);
}

static void get_run(void *arg)
{
	uint64_t items[2];
	ssize_t n = spmcq_get_many(queue, items, 2);

	MODEL_CHECK(n >= 1 && n <= 2 && items[0] == 1 && (n == 1 || items[1] == 2), "got garbage");
	*(unsigned *)arg += (unsigned)n;
}

static void an_item_wakes_who_waits(void)
{
	begin(1);
	model_start(get_one, &got[0]);
	model_start(put_one, NULL);
	finish();
}

static void two_puts_wake_two(void)
{
	begin(2);
	get_asleep(&got[0]);
	get_asleep(&got[1]);
	model_start(put_each, NULL);
	finish();
}

static void one_put_of_two_wakes_two(void)
{
	begin(2);
	get_asleep(&got[0]);
	get_asleep(&got[1]);
	model_start(put_both, NULL);
	finish();
}

static void a_run_is_got_by_who_waits(void)
{
	begin(2);
	model_start(get_run, &got[0]);
	model_start(put_both, NULL);
	finish();
}

static void an_item_taken_before_who_sleeps_comes(void)
{
	begin(1);
	get_asleep(&got[0]);
	model_start(try_get_one, &got[1]);
	model_start(put_one, NULL);
	finish();
}

#define CASES(CASE)                                                                                \
	CASE(an_item_wakes_who_waits)                                                              \
	CASE(two_puts_wake_two)                                                                    \
	CASE(one_put_of_two_wakes_two)                                                             \
	CASE(a_run_is_got_by_who_waits)                                                            \
	CASE(an_item_taken_before_who_sleeps_comes)
#include "model_main.h"
