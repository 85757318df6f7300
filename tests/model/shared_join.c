/*
 * Joiners of a shared queue: none is told that all is done before it is, and whoever is told sees
 * what was done. The last report wakes them; a report that was made without a fence may be seen
 * late.
 */
#include "whole_shared.h"

/* Written before the report of item i. Not atomic: the order must come from the queue. */
static unsigned work[ITEMS];
static _Atomic unsigned joined;

/* Each of so many processes has one of the items, the others first. */
static void begin(unsigned items, unsigned held)
{
	begin_shared();
	put_items(items);
	for (unsigned i = 0; i < held; i++)
		take_one_known(i == 0 ? PRODUCER : OTHER);
#ifndef MODEL_CHECKED
	for (unsigned i = 0; i < ITEMS; i++)
		work[i] = 0;
	atomic_init(&joined, 0);
#endif
}

static void report_one(void *arg)
{
	unsigned number = number_of(arg);

	work[world.taken[number].item[world.taken[number].n - 1]] = 1;
	report_items(number, 1);
}

static void take_and_report(void *arg)
{
	take_one_known(number_of(arg));
	report_one(arg);
}

static void report_take_and_report(void *arg)
{
	report_one(arg);
	take_and_report(arg);
}

static void join_them(void *arg)
{
	struct handle *h = &world.process[number_of(arg)];

	MODEL_CHECK(await_finish(h, NULL) == 0, "join failed");
	for (uint64_t i = 0; i < sum_of_puts(h); i++)
		MODEL_CHECK(work[i] == 1, "join came back too early");
	atomic_fetch_add_explicit(&joined, 1, memory_order_relaxed);
}

static void finish(void)
{
	model_end();
	MODEL_CHECK(is_all_done(&world.process[PRODUCER]) == 1, "not all is done");
	MODEL_CHECK(atomic_load(&joined) == 1, "the joiner sleeps on");
}

static void the_last_report_wakes_the_joiner(void)
{
	begin(1, 1);
	model_patient = true;
	start_role(THIRD, join_them);
	model_go();
	report_one(&world.taken[PRODUCER]);
	finish();
}

/* Nothing waits in the queue: neither may think that the other will wake it. */
static void the_last_of_two_wakes_the_joiner(void)
{
	begin(2, 2);
	model_patient = true;
	start_role(OTHER, report_one);
	start_role(THIRD, join_them);
	model_go();
	report_one(&world.taken[PRODUCER]);
	finish();
}

/* Something waits: the first report needs no fence, and the joiner may be late. */
static void a_report_without_a_fence_is_seen(void)
{
	begin(2, 1);
	start_role(OTHER, take_and_report);
	start_role(THIRD, join_them);
	model_go();
	report_one(&world.taken[PRODUCER]);
	finish();
}

static void whoever_reports_the_last_wakes_the_joiner(void)
{
	begin(2, 1);
	model_patient = true;
	start_role(THIRD, join_them);
	model_go();
	report_take_and_report(&world.taken[PRODUCER]);
	finish();
}

#define CASES(CASE)                                                                                \
	CASE(the_last_report_wakes_the_joiner)                                                     \
	CASE(the_last_of_two_wakes_the_joiner)                                                     \
	CASE(a_report_without_a_fence_is_seen)                                                     \
	CASE(whoever_reports_the_last_wakes_the_joiner)
#include "main.h"
