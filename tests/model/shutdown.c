/*
 * Shutdown while other threads wait or are about to: all of them wake, and every item that was put
 * is got, discarded, or there to be got.
 */
#include "whole_queue.h"

static void shut_down(void *arg)
{
	(void)arg;
	MODEL_CHECK(spmcq_shutdown(queue) == 0, "shutdown failed");
}

static void shut_down_now(void *arg)
{
	(void)arg;
	MODEL_CHECK(spmcq_shutdown_now(queue) == 0, "shutdown failed");
}

static void put_one(void *arg)
{
	uint64_t item = placed + 1;
	int r = spmcq_put(queue, &item);

	(void)arg;
	MODEL_CHECK(r == 0 || r == -ESHUTDOWN, "put returned %d", r);
	placed += r == 0;
}

static void join_them(void *arg)
{
	(void)arg;
	MODEL_CHECK(spmcq_join(queue) == 0, "join failed");
}

static void finish_all_awake(void)
{
	finish();
	for (unsigned i = 1; i <= model_started; i++)
		MODEL_CHECK(!model_threads[i].ended_asleep, "a thread sleeps on");
}

static void a_consumer_wakes(void)
{
	begin(1);
	model_start(get_one, &got[0]);
	model_start(shut_down, NULL);
	finish_all_awake();
}

static void both_consumers_wake(void)
{
	begin(1);
	get_asleep(&got[0]);
	get_asleep(&got[1]);
	model_start(shut_down, NULL);
	finish_all_awake();
}

static void the_producer_wakes(void)
{
	begin(1);
	put_now();
	model_start(put_one, NULL);
	model_start(shut_down, NULL);
	finish_all_awake();
}

/* Who was told that the item is in must find it got. */
static void an_item_put_before_is_got(void)
{
	begin(1);
	get_asleep(&got[0]);
	model_start(put_one, NULL);
	model_start(shut_down, NULL);
	finish_all_awake();
	MODEL_CHECK(got[0] == placed, "an item put was not got");
}

static void joiners_wake_when_the_rest_is_discarded(void)
{
	begin(1);
	put_now();
	model_start(join_them, NULL);
	model_start(shut_down_now, NULL);
	finish_all_awake();
}

static void a_put_is_discarded_or_fails(void)
{
	begin(1);
	model_start(put_one, NULL);
	model_start(shut_down_now, NULL);
	finish_all_awake();
}

static void try_one(void *arg)
{
	uint64_t item;
	int r = spmcq_try_get(queue, &item);

	*(unsigned *)arg += r == 0;
	MODEL_CHECK(r == 0 || r == -ESHUTDOWN, "a queue with an item was said to be empty");
}

static void an_item_is_got_or_discarded(void)
{
	begin(1);
	put_now();
	model_start(try_one, &got[0]);
	model_start(shut_down_now, NULL);
	finish_all_awake();
}

static void report_too_much(void *arg)
{
	(void)arg;
	MODEL_CHECK(spmcq_task_done(queue) == -ERANGE, "a discarded item was reported");
}

static void a_discarded_item_is_not_reported(void)
{
	begin(1);
	put_now();
	model_start(report_too_much, NULL);
	model_start(shut_down_now, NULL);
	finish_all_awake();
}

#define CASES(CASE)                                                                                \
	CASE(a_consumer_wakes)                                                                     \
	CASE(both_consumers_wake)                                                                  \
	CASE(the_producer_wakes)                                                                   \
	CASE(an_item_put_before_is_got)                                                            \
	CASE(joiners_wake_when_the_rest_is_discarded)                                              \
	CASE(a_put_is_discarded_or_fails)                                                          \
	CASE(an_item_is_got_or_discarded)                                                          \
	CASE(a_discarded_item_is_not_reported)
#include "main.h"
