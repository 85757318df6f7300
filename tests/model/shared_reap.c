/*
 * Reaping a process that is killed, without giving its items out again: what it reported counts,
 * what it held is named and written off, and all is said to be done when it is, not before.
 */
#include "whole_shared.h"

/* Written before item i is reported, or written off. Not atomic: the order must come from the
 * queue. */
static unsigned finished[ITEMS];

static struct spmcq_lost lost[ITEMS];

static void begin(unsigned items)
{
	begin_shared();
	put_items(items);
	for (unsigned i = 0; i < ITEMS; i++)
		finished[i] = 0;
}

static void take_and_report(unsigned number)
{
	struct taken *mine = &world.taken[number];
	unsigned before = mine->n;

	take_one_known(number);
	if (mine->n == before)
		return;
	finished[mine->item[before]] = 1;
	report_items(number, 1);
}

static void do_one(void *arg)
{
	take_and_report(number_of(arg));
}

static void take_one(void *arg)
{
	take_one_at_once(number_of(arg));
}

static void report_one(void *arg)
{
	unsigned number = number_of(arg);

	finished[world.taken[number].item[0]] = 1;
	report_items(number, 1);
}

static void report_and_take(void *arg)
{
	report_one(arg);
	take_one(arg);
}

/* All that is put is finished, or it is not said. */
static void look_whether_all_is_done(void *arg)
{
	struct handle *h = &world.process[number_of(arg)];
	int r = is_all_done(h);

	MODEL_CHECK(r >= 0, "more is reported than was put");
	for (uint64_t i = 0; r == 1 && i < sum_of_puts(h); i++)
		MODEL_CHECK(finished[i] == 1, "it is said too early that all is done");
}

/* Returns the items that the victim lost, by name. */
static unsigned reap_victim(void)
{
	unsigned held, named = 0;
	int n;

	kill_victim();
	held = held_by_seat(VICTIM);
	for (unsigned i = 0; i < ITEMS; i++)
		if ((held & 1U << i) != 0)
			finished[i] = 1;
	n = reap(&world.process[PRODUCER], lost, ITEMS);
	MODEL_CHECK(n >= 0, "not reaped");
	for (int i = 0; i < n; i++) {
		struct held one = {QUEUE, lost[i].position, lost[i].items};

		MODEL_CHECK(!lost[i].redelivered, "given out again");
		see_items(&named, &one);
	}
	MODEL_CHECK(named == held, "what is named is not what was held");
	MODEL_CHECK(atomic_load(&record_of(&world.process[PRODUCER], VICTIM)->process) == 0,
	            "it is not settled");
	return named;
}

static unsigned number_of_items(unsigned mask)
{
	unsigned n = 0;

	for (; mask != 0; mask &= mask - 1)
		n++;
	return n;
}

/* What is left is done by the producer's process. */
static void all_is_done_exactly(unsigned items, unsigned written_off)
{
	struct handle *h = &world.process[PRODUCER];

	model_end();
	MODEL_CHECK(sum_of_reports(h) + number_of_items(items_left()) +
	                            number_of_items(held_by_seat(OTHER)) ==
	                    items,
	            "the sum of reports is wrong");
	report_items(OTHER, number_of_items(held_by_seat(OTHER)));
	while (items_left() != 0)
		take_and_report(PRODUCER);
	MODEL_CHECK(is_all_done(h) == 1, "not all is done");
	MODEL_CHECK(atomic_load(&h->one->written_off) == number_of_items(written_off),
	            "not as much is written off as is lost");
}

static void a_killed_one_is_settled(void)
{
	begin(2);
	start_role(VICTIM, do_one);
	start_role(OTHER, do_one);
	all_is_done_exactly(2, reap_victim());
}

static void one_that_is_killed_later_is_settled(void)
{
	begin(2);
	take_one_known(VICTIM);
	start_role(VICTIM, report_and_take);
	start_role(OTHER, take_one);
	all_is_done_exactly(2, reap_victim());
}

static void who_looks_meanwhile_is_not_told_too_early(void)
{
	begin(1);
	start_role(VICTIM, do_one);
	start_role(OTHER, look_whether_all_is_done);
	all_is_done_exactly(1, reap_victim());
}

static void who_looks_while_another_reports_is_not_told_too_early(void)
{
	begin(2);
	take_one_known(VICTIM);
	take_one_known(OTHER);
	start_role(VICTIM, report_one);
	start_role(OTHER, report_one);
	start_role(THIRD, look_whether_all_is_done);
	all_is_done_exactly(2, reap_victim());
}

/* The place of the dead one is given to a new process, and another confirms a take of the dead one
 * late. */
static void a_new_one_has_the_place_of_a_killed_one(void)
{
	struct handle *h = &world.process[VICTIM];
	unsigned written_off, all = 0;

	begin(3);
	take_one_known(VICTIM);
	start_role(VICTIM, report_one);
	start_role(OTHER, take_one);
	written_off = reap_victim();
	h->seats->takes = 0;
	atomic_init(&h->seats->taken, 0);
	atomic_init(&h->seats->reported, 0);
	world.taken[VICTIM].n = 0;
	seats_begin(&world.process[PRODUCER], VICTIM);
	atomic_store(&record_of(h, VICTIM)->process, THIRD);
	atomic_store(&line_of(h, VICTIM)->seats, 1);
	take_one_known(VICTIM);
	model_end();
	MODEL_CHECK(held_by_seat(VICTIM) == items_of(VICTIM, 0),
	            "the new one holds something else");
	account(&all, items_of(VICTIM, 0));
	account(&all, items_of(OTHER, 0));
	account(&all, items_left());
	account(&all, written_off);
	MODEL_CHECK(number_of_items(all) >= 2, "an item is lost");
	MODEL_CHECK(sum_of_reports(h) == 1, "the sum of reports is wrong");
}

#define CASES(CASE)                                                                                \
	CASE(a_killed_one_is_settled)                                                              \
	CASE(one_that_is_killed_later_is_settled)                                                  \
	CASE(who_looks_meanwhile_is_not_told_too_early)                                            \
	CASE(who_looks_while_another_reports_is_not_told_too_early)                                \
	CASE(a_new_one_has_the_place_of_a_killed_one)
#include "main.h"
