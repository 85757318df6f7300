/*
 * Lost items that are given out again, each once; and what has to be kept for that while slots are
 * filled anew.
 */
#define REDELIVERS true
#include "whole_shared.h"

static struct spmcq_lost lost[ITEMS];

static void begin(unsigned items)
{
	begin_shared();
	put_items(items);
}

static void take_one(unsigned number)
{
	take_up_to(number, 1);
}

static void get_one(void *arg)
{
	take_one(number_of(arg));
}

static void report_one(void *arg)
{
	report_items(number_of(arg), 1);
}

static void drop(void *arg)
{
	struct handle *h = &world.process[number_of(arg)];

	MODEL_CHECK(drop_all(h, &h->seats[0]) >= 0, "not dropped");
}

/* All that is lost is given out again. Returns the items. */
static unsigned reap_all(void)
{
	unsigned named = 0;
	int n = reap(&world.process[PRODUCER], lost, ITEMS);

	MODEL_CHECK(n >= 0, "not reaped");
	for (int i = 0; i < n; i++) {
		struct held one = {QUEUE, lost[i].position, lost[i].items};

		MODEL_CHECK(lost[i].redelivered && lost[i].items == 1, "not given out again");
		see_items(&named, &one);
	}
	return named;
}

/* A process that lost what it has is reaped before the case begins. */
static void lose(unsigned number)
{
	world.peers[number].is_gone = true;
	reap_all();
	world.taken[number].n = 0;
}

/* The producer's process takes the rest: each item is then finished once. What the victim dropped
 * is with nobody. */
static void each_is_finished_once(unsigned items, unsigned by_victim)
{
	struct handle *h = &world.process[PRODUCER];
	unsigned all = 0, before;

	model_end();
	do {
		before = world.taken[PRODUCER].n;
		take_one(PRODUCER);
	} while (world.taken[PRODUCER].n > before);
	for (unsigned i = PRODUCER; i < ROLES; i++)
		if (i != VICTIM) {
			account(&all, items_of(i, 0));
			report_items(i, world.taken[i].n);
		}
	account(&all, by_victim);
	MODEL_CHECK(all == mask_of(0, items), "an item is lost");
	MODEL_CHECK(is_all_done(h) == 1, "the sum of reports is wrong");
}

static unsigned first_reported(void)
{
	return reported_by(VICTIM) > 0 ? 1U << world.taken[VICTIM].item[0] : 0;
}

static void what_a_killed_one_took_is_got_by_another(void)
{
	unsigned reported;

	begin(2);
	start_role(VICTIM, get_one);
	start_role(OTHER, get_one);
	kill_victim();
	reported = first_reported();
	reap_all();
	each_is_finished_once(2, reported);
}

static void what_a_killed_one_reported_is_not_got_again(void)
{
	unsigned reported;

	begin(2);
	take_one(VICTIM);
	start_role(VICTIM, report_one);
	start_role(OTHER, get_one);
	kill_victim();
	reported = first_reported();
	reap_all();
	each_is_finished_once(2, reported);
}

/* It took one that another had lost. */
static void what_is_lost_twice_is_got_by_a_third(void)
{
	begin(1);
	take_one(THIRD);
	lose(THIRD);
	start_role(VICTIM, get_one);
	start_role(OTHER, get_one);
	kill_victim();
	reap_all();
	each_is_finished_once(1, 0);
}

/* The victim is killed while it shuts down and drops all: what it reported is finished, what it did
 * not report is given out again. */
static void what_a_killed_one_dropped_is_known(void)
{
	unsigned named, left;

	begin(2);
	take_one(THIRD);
	take_one(THIRD);
	lose(THIRD);
	take_one(OTHER);
	start_role(VICTIM, drop);
	kill_victim();
	left = reported_by(VICTIM) > 0 ? 0 : 1U << 1;
	named = reap_all();
	MODEL_CHECK((named & ~left) == 0, "another item is given out again");
	each_is_finished_once(2, left == 0 ? 1U << 1 : 0);
}

static void get_two(void *arg)
{
	take_one(number_of(arg));
	take_one(number_of(arg));
}

/* A slot whose item somebody may hold is filled anew only when the item is kept. */
static void what_a_living_one_holds_is_kept(void)
{
	struct handle *h = &world.process[PRODUCER];

	begin(ITEMS);
	start_role(OTHER, get_two);
	look_for_room(h, ITEMS);
	for (unsigned i = 0; i < item_at(h->head_of_room); i++) {
		uint64_t position = position_after(FIRST_POSITION, i);

		MODEL_CHECK(place_of(h, position) != KEPT_NOTHING ||
		                    position_distance(kept_up_to(h), position) >= 0,
		            "an item is not kept");
	}
	model_end();
}

#define CASES(CASE)                                                                                \
	CASE(what_a_killed_one_took_is_got_by_another)                                             \
	CASE(what_a_killed_one_reported_is_not_got_again)                                          \
	CASE(what_is_lost_twice_is_got_by_a_third)                                                 \
	CASE(what_a_killed_one_dropped_is_known)                                                   \
	CASE(what_a_living_one_holds_is_kept)
#include "main.h"
