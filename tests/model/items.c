/*
 * Consumers that sleep until the producer puts: none sleeps on beside an item.
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

static void begin_to_lead_here(void *arg)
{
	(void)arg;
	begin_to_lead(queue, cell_own(&queue->ring.cells));
}

static void get_with_a_cell(void *arg)
{
	uint64_t item;

	*(unsigned *)arg +=
	        await_items(queue, cell_own(&queue->ring.cells), &item, 1, NULL, false, false) == 1;
}

/* Puts would not ring for who sleeps; see finish(). */
static void nobody_sleeps_beside_a_leader(void)
{
	model_lazy = true;
	begin(1);
	model_start(get_with_a_cell, &got[0]);
	model_start(begin_to_lead_here, NULL);
	finish();
}

/* A thread that gets for the first time has no cell, and does not take a free one for its own,
 * which another may have by now, and lead. */
static void who_gets_first_does_not_lead(void)
{
	model_lazy = true;
	begin(1);
	put_now();
	model_start(get_one, &got[0]);
	model_start(begin_to_lead_here, NULL);
	finish();
}

static void get_with_no_cell(void *arg)
{
	uint64_t item;

	*(unsigned *)arg += await_items(queue, NULL, &item, 1, NULL, false, false) == 1;
}

static bool is_crowded_no_more(void *arg, bool last)
{
	(void)arg;
	(void)last;
	return false;
}

static void nap_and_end_the_lead(void *arg)
{
	(void)arg;
	gate_nap(&queue->items, is_crowded_no_more, NULL, NULL);
	ring_end_lead(&queue->ring);
}

/* Among those who sleep is one who wakes by itself. A leader relies on that one to end its lead. */
static void a_napper_ends_the_lead(void)
{
	model_lazy = true;
	begin(1);
	model_start(get_with_no_cell, &got[0]);
	model_until_asleep();
	model_start(nap_and_end_the_lead, NULL);
	model_start(begin_to_lead_here, NULL);
	finish();
}

#define CASES(CASE)                                                                                \
	CASE(an_item_wakes_who_waits)                                                              \
	CASE(two_puts_wake_two)                                                                    \
	CASE(one_put_of_two_wakes_two)                                                             \
	CASE(a_run_is_got_by_who_waits)                                                            \
	CASE(an_item_taken_before_who_sleeps_comes)                                                \
	CASE(nobody_sleeps_beside_a_leader)                                                        \
	CASE(a_napper_ends_the_lead)                                                               \
	CASE(who_gets_first_does_not_lead)
#include "main.h"
