/*
 * Two threads of one process: what one of them sees of the queue, and remembers for the process,
 * does not mislead the other.
 */
#include "whole_shared.h"

static bool was_told[ROLES]; /* that nothing more comes */

static void begin(unsigned items)
{
	begin_shared();
	model_patient = true;
	put_items(items);
	for (unsigned i = 0; i < ROLES; i++)
		was_told[i] = false;
}

/* Both use the handle of one process, and each its own seat. */
static ssize_t take_as(unsigned number, uint64_t *item)
{
	return get_some(&world.process[OTHER], &world.seats[number], item, 1);
}

static void get_one(void *arg)
{
	unsigned number = number_of(arg);
	uint64_t item;
	ssize_t r = take_as(number, &item);

	MODEL_CHECK(r >= 0 || r == -ESHUTDOWN, "get returned %zd", r);
	was_told[number] = r == -ESHUTDOWN;
	if (r > 0)
		note_items(number, &item, r);
}

/* Head moves on under one that is slow. */
static void neither_takes_the_queue_for_broken(void)
{
	unsigned all = 0;

	begin(3);
	start_role(OTHER, get_one);
	start_role(THIRD, get_one);
	model_go();
	take_one_at_once(PRODUCER);
	model_end();
	account(&all, items_of(PRODUCER, 0));
	account(&all, items_of(OTHER, 0));
	account(&all, items_of(THIRD, 0));
	account(&all, items_left());
	MODEL_CHECK(all == mask_of(0, 3), "an item is lost");
}

static void begin_to_close_and_get_one(void *arg)
{
	begin_to_close(&world.process[OTHER]);
	get_one(arg);
}

static void neither_is_told_too_early_that_nothing_comes(void)
{
	uint64_t item = 0;
	ssize_t placed;

	begin(0);
	start_role(OTHER, begin_to_close_and_get_one);
	start_role(THIRD, get_one);
	model_go();
	placed = put_many(&world.process[PRODUCER], (const unsigned char *)&item, 1, NULL, true);
	model_end();
	MODEL_CHECK(placed != 1 || items_left() == 0 || (!was_told[OTHER] && !was_told[THIRD]),
	            "told too early that nothing more comes");
}

#define CASES(CASE)                                                                                \
	CASE(neither_takes_the_queue_for_broken)                                                   \
	CASE(neither_is_told_too_early_that_nothing_comes)
#include "main.h"
