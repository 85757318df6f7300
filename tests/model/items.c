/*
 * Consumers that sleep until the producer puts: none sleeps on while there is an item, or while a
 * leader has stopped looking.
 */
#include "whole_queue.h"

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

/* As a get that found nothing, from where it begins to look around. */
static void await_one(void *arg)
{
	uint64_t item;
	struct item_wait wait = {queue, my_cell(queue), &item, 1, NULL, 0, false, false};

	MODEL_CHECK(await_items(&wait, false) == 1, "got nothing");
	*(unsigned *)arg += 1;
}

static void hold_here(void *arg)
{
	(void)arg;
	hold_cursor(queue, my_cell(queue));
}

static void hold_and_get(void *arg)
{
	hold_here(arg);
	await_one(arg);
}

/* This thread of the case leads as soon as it looks. */
static void has_been_alone(unsigned thread)
{
	model_make_alone(&queue->ring.cursor, cell_of(thread));
}

/* A looker, which the case has counted, lies down once. A reserve would do so again and again, as
 * long as there are a leader and no item. */
static void lie_down(void *arg)
{
	uint64_t item;
	struct item_wait wait = {queue, my_cell(queue), &item, 1, NULL, 0, false, false};

	(void)arg;
	sleep_once(&wait);
	MODEL_CHECK(wait.got == 0, "got something");
}

/* Puts would not wake the sleeper; see finish(). */
static void nobody_sleeps_beside_a_leader(void)
{
	model_lazy = true;
	begin(1);
	has_been_alone(2);
	watch_begin_to_look(&queue->watch);
	model_start(lie_down, NULL);
	model_start(hold_here, NULL);
	finish();
}

/* The put may rely on the leader, which sees the sleeper and wakes it. */
static void an_item_put_to_a_leader_that_begins_is_got(void)
{
	model_lazy = true;
	begin(1);
	has_been_alone(2);
	get_asleep(&got[0]);
	model_start(hold_here, NULL);
	model_start(put_one, NULL);
	finish();
}

static void a_leader_lies_down_beside_an_item(void)
{
	model_lazy = true;
	begin(1);
	has_been_alone(1);
	model_start(hold_and_get, &got[0]);
	model_start(put_one, NULL);
	finish();
}

static void a_reserve_takes_what_a_stopped_leader_leaves(void)
{
	model_lazy = true;
	begin(1);
	MODEL_CHECK(lead_begin(&queue->ring.cursor, cell_of(2)), "no lead");
	model_start(await_one, &got[0]);
	model_start(put_one, NULL);
	finish();
	MODEL_CHECK(got[0] == 1, "a reserve missed an item");
}

static void a_reserve_takes_what_a_stopped_looker_leaves(void)
{
	begin(1);
	watch_begin_to_look(&queue->watch);
	model_start(await_one, &got[0]);
	model_start(put_one, NULL);
	finish();
	MODEL_CHECK(got[0] == 1, "a reserve missed an item");
}

#define CASES(CASE)                                                                                \
	CASE(an_item_wakes_who_waits)                                                              \
	CASE(two_puts_wake_two)                                                                    \
	CASE(one_put_of_two_wakes_two)                                                             \
	CASE(a_run_is_got_by_who_waits)                                                            \
	CASE(an_item_taken_before_who_sleeps_comes)                                                \
	CASE(nobody_sleeps_beside_a_leader)                                                        \
	CASE(an_item_put_to_a_leader_that_begins_is_got)                                           \
	CASE(a_leader_lies_down_beside_an_item)                                                    \
	CASE(a_reserve_takes_what_a_stopped_leader_leaves)                                         \
	CASE(a_reserve_takes_what_a_stopped_looker_leaves)
#include "main.h"
