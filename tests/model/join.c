/*
 * Joiners that sleep until all is reported: none sleeps on after all is done, none returns before,
 * and each sees what was done.
 */
#include "whole_queue.h"

enum { WORKERS = 2 };

/* Written before the report of item i, read after join. Not atomic: the order must come from the
 * queue. */
static unsigned work[WORKERS];
static _Atomic unsigned joined;

/* Workers have got an item, and may report it. */
static _Atomic unsigned working;
static _Atomic bool may_report;

/* With so many items put, and no consumer yet. */
static void begin_work(unsigned items, bool lazy)
{
	model_lazy = lazy;
	begin(items);
	for (unsigned i = 0; i < items; i++)
		put_now();
	work[0] = work[1] = 0;
	atomic_init(&joined, 0);
	atomic_init(&working, 0);
	atomic_init(&may_report, false);
}

static void do_one(void *arg)
{
	uint64_t item;
	unsigned *mine = arg;

	MODEL_CHECK(spmcq_try_get(queue, &item) == 0, "nothing to do");
	*mine = 1;
	MODEL_CHECK(spmcq_task_done(queue) == 0, "not counted");
	got[mine - work] = 1;
}

static void do_one_when_told(void *arg)
{
	uint64_t item;
	unsigned *mine = arg;

	MODEL_CHECK(spmcq_try_get(queue, &item) == 0, "nothing to do");
	got[mine - work] = 1;
	*mine = 1;
	atomic_fetch_add(&working, 1);
	MODEL_AWAIT(atomic_load(&may_report));
	MODEL_CHECK(spmcq_task_done(queue) == 0, "not counted");
}

static void join_them(void *arg)
{
	(void)arg;
	MODEL_CHECK(spmcq_join(queue) == 0, "join failed");
	for (unsigned i = 0; i < placed; i++)
		MODEL_CHECK(work[i] == 1, "join came back too early");
	atomic_fetch_add_explicit(&joined, 1, memory_order_relaxed);
}

static void join_asleep(void)
{
	model_start_asleep(join_them, NULL);
}

static void finish_joined(unsigned joiners)
{
	finish();
	MODEL_CHECK(atomic_load(&joined) == joiners, "a joiner sleeps on");
}

static void a_report_wakes_the_joiner(bool lazy)
{
	begin_work(1, lazy);
	model_start(do_one, &work[0]);
	model_start(join_them, NULL);
	finish_joined(1);
}

static void a_lazy_report_wakes_the_joiner(void)
{
	a_report_wakes_the_joiner(true);
}

static void an_ordered_report_wakes_the_joiner(void)
{
	a_report_wakes_the_joiner(false);
}

/* Neither may think that the other will. */
static void the_last_of_two_wakes_the_joiner(bool lazy)
{
	begin_work(2, lazy);
	for (unsigned i = 0; i < WORKERS; i++) {
		model_start(do_one_when_told, &work[i]);
		model_go();
		MODEL_AWAIT(atomic_load(&working) == i + 1);
	}
	join_asleep();
	atomic_store(&may_report, true);
	finish_joined(1);
}

static void the_last_of_two_lazy_ones_wakes_the_joiner(void)
{
	the_last_of_two_wakes_the_joiner(true);
}

static void the_last_of_two_ordered_ones_wakes_the_joiner(void)
{
	the_last_of_two_wakes_the_joiner(false);
}

static void joiners_wake_each_other(void)
{
	begin_work(1, true);
	join_asleep();
	join_asleep();
	model_start(do_one, &work[0]);
	finish_joined(2);
}

static void report_one(void *arg)
{
	*(unsigned *)arg = 1;
	MODEL_CHECK(spmcq_task_done(queue) == 0, "not counted");
}

/* Reported by a thread that got nothing. */
static void a_report_for_another_wakes_the_joiner(bool lazy)
{
	begin_work(1, lazy);
	try_get_one(&got[0]);
	model_start(report_one, &work[0]);
	model_start(join_them, NULL);
	finish_joined(1);
}

static void a_report_for_another_wakes_a_joiner_who_fences(void)
{
	a_report_for_another_wakes_the_joiner(true);
}

static void a_report_for_another_wakes_a_joiner_who_does_not(void)
{
	a_report_for_another_wakes_the_joiner(false);
}

static bool slept;
static uint32_t slept_at; /* the epoch */

/* As join just before it sleeps: it does so if the epoch is still the same. */
static void join_or_sleep(void *arg)
{
	(void)arg;
	slept_at = gate_announce(&queue->finished);
	slept = !look_for_finish(queue, true);
}

/* All is done and reported. */
static void finish_asleep(void)
{
	model_end();
	MODEL_CHECK(spmcq_unfinished(queue) == 0, "counted wrong");
	MODEL_CHECK(!slept || atomic_load(&queue->finished.epoch.value) != slept_at,
	            "a joiner sleeps on");
}

static void report_of_mine(void *arg)
{
	(void)arg;
	MODEL_CHECK(spmcq_task_done(queue) == 0, "not counted");
}

static _Atomic unsigned reported_well;

static void report_perhaps(void *arg)
{
	(void)arg;
	if (spmcq_task_done(queue) == 0)
		atomic_fetch_add(&reported_well, 1);
}

static void get_and_report(void *arg)
{
	uint64_t item;

	if (spmcq_try_get(queue, &item) == 0) {
		*(unsigned *)arg = 1;
		report_perhaps(NULL);
	}
}

/* A thread gets an item and reports it, and so does a thread that got nothing: one of them is told
 * that it counts. */
static void an_item_that_two_report(bool lazy, bool shared)
{
	begin_work(1, lazy);
	if (shared)
		share_a_cell();
	atomic_init(&reported_well, 0);
	model_start(get_and_report, &got[0]);
	model_start(report_perhaps, NULL);
	model_end();
	MODEL_CHECK(atomic_load(&reported_well) == 1, "one item was reported otherwise than once");
	MODEL_CHECK(spmcq_unfinished(queue) == 0, "counted wrong");
	free(queue);
}

static void an_item_that_two_report_lazily(void)
{
	an_item_that_two_report(true, false);
}

static void an_item_that_two_report_in_order(void)
{
	an_item_that_two_report(false, false);
}

static void an_item_that_two_report_in_a_shared_cell(void)
{
	an_item_that_two_report(false, true);
}

/* Of one that a third got. */
static void an_item_that_two_others_report(void)
{
	begin_work(1, false);
	try_get_one(&got[0]);
	atomic_init(&reported_well, 0);
	model_start(report_perhaps, NULL);
	model_start(report_perhaps, NULL);
	model_end();
	MODEL_CHECK(atomic_load(&reported_well) == 1, "one item was reported otherwise than once");
	MODEL_CHECK(spmcq_unfinished(queue) == 0, "counted wrong");
	free(queue);
}

static void report_two(void *arg)
{
	(void)arg;
	MODEL_CHECK(spmcq_task_done_many(queue, 2) == -ERANGE, "an item too many was counted");
}

/* The joiner sleeps already. */
static void an_over_call_hides_no_report(bool lazy)
{
	begin_work(1, lazy);
	take_for(1);
	join_or_sleep(NULL);
	model_start(report_of_mine, NULL);
	model_start(report_two, NULL);
	finish_asleep();
	free(queue);
}

static void an_over_call_hides_no_report_lazily(void)
{
	an_over_call_hides_no_report(true);
}

static void an_over_call_hides_no_report_in_order(void)
{
	an_over_call_hides_no_report(false);
}

/* What is known of, however often another is faster. */
static void get_known_and_report(void *arg)
{
	uint64_t item;
	enum ring_take how;

	do
		how = ring_take_word(&queue->ring, my_cell(queue), &item);
	while (how == RING_LOST);
	*(unsigned *)arg = how == RING_TAKEN;
	report_of_mine(NULL);
}

static void two_in_a_shared_cell_report(void)
{
	struct cell *shared;

	begin_work(2, false);
	fresh_items(&queue->ring, queue->ring.first);
	shared = share_a_cell();
	model_start(get_known_and_report, &got[0]);
	model_start(get_known_and_report, &got[1]);
	model_end();
	MODEL_CHECK(got[0] == 1 && got[1] == 1, "an item was not got");
	MODEL_CHECK(CELL_GET(shared, got) == 2 && CELL_GET(shared, done) == 2, "counted wrong");
	MODEL_CHECK(spmcq_unfinished(queue) == 0, "not added up");
	free(queue);
}

/* They have got theirs. */
static void begin_in_a_shared_cell(bool lazy)
{
	begin_work(2, lazy);
	CELL_SET(share_a_cell(), got, 2);
	atomic_store(&queue->ring.cursor.cells.are_shared, true);
	atomic_store(&queue->ring.cursor.head, queue->ring.cursor.tail);
}

/* The joiner sleeps already. */
static void the_last_in_a_shared_cell_wakes_a_joiner_who_fences(void)
{
	begin_in_a_shared_cell(true);
	join_or_sleep(NULL);
	model_start(report_of_mine, NULL);
	model_start(report_of_mine, NULL);
	finish_asleep();
	free(queue);
}

static void the_last_in_a_shared_cell_wakes_a_joiner_who_does_not(void)
{
	begin_in_a_shared_cell(false);
	model_start(report_of_mine, NULL);
	model_start(report_of_mine, NULL);
	model_start(join_or_sleep, NULL);
	finish_asleep();
	free(queue);
}

/* One takes its item by plain stores, which do not move head. */
static void lead_and_report(void *arg)
{
	uint64_t item;

	MODEL_CHECK(ring_take(&queue->ring, my_cell(queue), &item, 1, false) == 1, "nothing to do");
	report_of_mine(arg);
}

/* This thread of the case leads, and knows of an item. */
static void lead_for(unsigned thread)
{
	struct ring *ring = &queue->ring;

	fresh_items(ring, cursor_head(&ring->cursor));
	MODEL_CHECK(lead_begin(&ring->cursor, cell_of(thread)), "no lead");
}

/* The joiner sleeps already. */
static void the_last_of_a_leader_and_another_wakes_the_joiner(void)
{
	begin_work(2, true);
	take_for(1);
	lead_for(2);
	join_or_sleep(NULL);
	model_start(report_of_mine, NULL);
	model_start(lead_and_report, NULL);
	finish_asleep();
	free(queue);
}

static void a_leader_that_reports_wakes_the_joiner(void)
{
	begin_work(1, true);
	lead_for(1);
	model_start(lead_and_report, NULL);
	model_start(join_or_sleep, NULL);
	finish_asleep();
	free(queue);
}

/* As tally_done_any() does. */
static void report_the_first(void *arg)
{
	(void)arg;
	atomic_fetch_add(&queue->tally.shared, 1);
	wake_joiners_if_done(queue, my_cell(queue), 0);
}

/* The thread that reports last may have seen the other's item, but not yet that it was taken. */
static void the_last_knows_what_the_other_took(void)
{
	begin_work(2, false);
	try_get_one(&got[0]);
	model_start(report_the_first, NULL);
	model_start(do_one, &work[1]);
	model_start(join_or_sleep, NULL);
	finish_asleep();
	free(queue);
}

static _Atomic bool joining;
static bool joined_none;

static void put_then_look(void *arg)
{
	put_now();
	*(bool *)arg = atomic_load(&joining);
}

static void join_what_there_is(void *arg)
{
	atomic_store(&joining, true);
	*(bool *)arg = look_for_finish(queue, false);
}

/* The put returned before join was called, or join may have missed it. */
static void join_sees_a_put_to_a_leader(void)
{
	bool join_was_called = true;

	begin_work(1, true);
	try_get_one(&got[0]);
	MODEL_CHECK(spmcq_task_done(queue) == 0, "not counted");
	MODEL_CHECK(lead_begin(&queue->ring.cursor, my_cell(queue)), "no lead");
	atomic_init(&joining, false);
	joined_none = false;
	model_start(put_then_look, &join_was_called);
	model_start(join_what_there_is, &joined_none);
	model_end();
	MODEL_CHECK(join_was_called || !joined_none, "join missed an item");
	free(queue);
}

static void end_the_lead(void *arg)
{
	(void)arg;
	cursor_share(&queue->ring.cursor);
}

/* The same while a third thread ends the lead. */
static void join_sees_a_put_to_a_leader_whose_lead_ends(void)
{
	bool join_was_called = true;

	begin_work(1, true);
	try_get_one(&got[0]);
	MODEL_CHECK(spmcq_task_done(queue) == 0, "not counted");
	MODEL_CHECK(lead_begin(&queue->ring.cursor, my_cell(queue)), "no lead");
	atomic_init(&joining, false);
	joined_none = false;
	model_start(put_then_look, &join_was_called);
	model_start(end_the_lead, NULL);
	model_start(join_what_there_is, &joined_none);
	model_end();
	MODEL_CHECK(join_was_called || !joined_none, "join missed an item");
	free(queue);
}

#define CASES(CASE)                                                                                \
	CASE(a_lazy_report_wakes_the_joiner)                                                       \
	CASE(an_ordered_report_wakes_the_joiner)                                                   \
	CASE(the_last_of_two_lazy_ones_wakes_the_joiner)                                           \
	CASE(the_last_of_two_ordered_ones_wakes_the_joiner)                                        \
	CASE(joiners_wake_each_other)                                                              \
	CASE(a_report_for_another_wakes_a_joiner_who_fences)                                       \
	CASE(a_report_for_another_wakes_a_joiner_who_does_not)                                     \
	CASE(the_last_knows_what_the_other_took)                                                   \
	CASE(an_item_that_two_report_in_a_shared_cell)                                             \
	CASE(an_item_that_two_others_report)                                                       \
	CASE(an_over_call_hides_no_report_lazily)                                                  \
	CASE(an_over_call_hides_no_report_in_order)                                                \
	CASE(two_in_a_shared_cell_report)                                                          \
	CASE(the_last_in_a_shared_cell_wakes_a_joiner_who_fences)                                  \
	CASE(the_last_in_a_shared_cell_wakes_a_joiner_who_does_not)                                \
	CASE(the_last_of_a_leader_and_another_wakes_the_joiner)                                    \
	CASE(a_leader_that_reports_wakes_the_joiner)                                               \
	CASE(an_item_that_two_report_lazily)                                                       \
	CASE(an_item_that_two_report_in_order)                                                     \
	CASE(join_sees_a_put_to_a_leader)                                                          \
	CASE(join_sees_a_put_to_a_leader_whose_lead_ends)
#include "main.h"
