/*
 * Taking, where one process is killed: each item is with a living process, or held by the seat of
 * the dead one, or reported by it, or still in the queue, and in one of these places alone.
 */
#include "whole_shared.h"

/* By the dead one, as seen as soon as its end was known. */
static unsigned held;

static void begin(unsigned items)
{
	begin_shared();
	put_items(items);
}

static void take_one(void *arg)
{
	take_one_known(number_of(arg));
}

static void take_one_at_first(void *arg)
{
	take_one_at_once(number_of(arg));
}

static void take_two_at_once(void *arg)
{
	take_up_to(number_of(arg), 2);
}

static void take_one_after_another(void *arg)
{
	take_one_known(number_of(arg));
	take_one_known(number_of(arg));
}

static void take_report_take(void *arg)
{
	unsigned number = number_of(arg);

	take_one_known(number);
	if (world.taken[number].n > 0)
		report_items(number, 1);
	take_one_known(number);
}

/* Whoever finds that the victim has ended looks what it held. */
static void kill_it(void)
{
	kill_victim();
	held = held_by_seat(VICTIM);
}

static void nothing_is_lost(unsigned others, unsigned items)
{
	unsigned all = 0, reported;

	model_end();
	reported = (unsigned)reported_by(VICTIM);
	account(&all, items_left());
	account(&all, held);
	for (unsigned i = 0; i < reported; i++)
		account(&all, 1U << world.taken[VICTIM].item[i]);
	for (unsigned i = OTHER; i < OTHER + others; i++) {
		account(&all, items_of(i, 0));
		MODEL_CHECK(held_by_seat(i) == items_of(i, 0), "a living one holds something else");
	}
	MODEL_CHECK(all == mask_of(0, items), "an item is lost");
	MODEL_CHECK(held_by_seat(VICTIM) == held, "a dead one went on");
}

/* So many others, which do the same. */
static void beside(unsigned others, unsigned items, void (*dies)(void *arg),
                   void (*lives)(void *arg))
{
	begin(items);
	start_role(VICTIM, dies);
	for (unsigned i = OTHER; i < OTHER + others; i++)
		start_role(i, lives);
	kill_it();
	nothing_is_lost(others, items);
}

static void a_killed_one_and_another(void)
{
	beside(1, 2, take_one, take_one);
}

static void a_killed_one_and_two_others(void)
{
	beside(2, 3, take_one_at_first, take_one_at_first);
}

static void a_killed_one_and_another_that_goes_on(void)
{
	beside(1, 3, take_one, take_one_after_another);
}

static void one_that_is_killed_later(void)
{
	beside(1, 3, take_report_take, take_one);
}

static void one_that_is_killed_with_two_items(void)
{
	beside(1, 4, take_one_after_another, take_one);
}

/* It has taken two words in a row, so its next take does not read head. The other may take one
 * between. */
static void one_that_is_killed_while_it_is_alone(void)
{
	begin(4);
	for (int i = 0; i < 2; i++) {
		take_one_known(VICTIM);
		report_items(VICTIM, 1);
	}
	MODEL_CHECK(world.process[VICTIM].seats->head != NO_HEAD, "it is not alone");
	start_role(VICTIM, take_one_after_another);
	start_role(OTHER, take_one);
	kill_it();
	nothing_is_lost(1, 4);
}

/* Its last take was a take() and not a take_word(), so it must forget the head that it expected. */
static void one_that_is_killed_after_a_take_of_many(unsigned items)
{
	begin(items);
	for (int i = 0; i < 2; i++) {
		take_one_known(VICTIM);
		report_items(VICTIM, 1);
	}
	take_up_to(VICTIM, 1);
	report_items(VICTIM, 1);
	start_role(VICTIM, take_one);
	start_role(OTHER, take_one);
	kill_it();
	nothing_is_lost(1, items);
}

static void one_that_is_killed_when_nothing_is_left(void)
{
	one_that_is_killed_after_a_take_of_many(3);
}

static void one_that_is_killed_when_one_is_left(void)
{
	one_that_is_killed_after_a_take_of_many(4);
}

static void one_that_is_killed_taking_two_at_once(void)
{
	beside(1, 3, take_two_at_once, take_two_at_once);
}

static void look_and_take_one(void *arg)
{
	take_up_to(number_of(arg), 1);
}

static void one_that_is_killed_while_items_are_put(void)
{
	begin(0);
	start_role(VICTIM, look_and_take_one);
	start_role(OTHER, look_and_take_one);
	model_go();
	for (uint64_t item = 0; item < 2; item++)
		MODEL_CHECK(put_many(&world.process[PRODUCER], (unsigned char *)&item, 1, NULL,
		                     true) == 1,
		            "no room");
	kill_it();
	nothing_is_lost(1, 2);
}

/* More takes than there are notes: nothing is held of what they tell no more. */
static void one_that_is_killed_when_its_notes_are_filled_anew(void)
{
	begin(ITEMS);
	for (unsigned i = 0; i < NOTES - 1; i++) {
		take_one_known(VICTIM);
		report_items(VICTIM, 1);
	}
	start_role(VICTIM, take_report_take);
	start_role(OTHER, take_one);
	kill_it();
	nothing_is_lost(1, ITEMS);
}

#define CASES(CASE)                                                                                \
	CASE(a_killed_one_and_another)                                                             \
	CASE(a_killed_one_and_two_others)                                                          \
	CASE(a_killed_one_and_another_that_goes_on)                                                \
	CASE(one_that_is_killed_later)                                                             \
	CASE(one_that_is_killed_with_two_items)                                                    \
	CASE(one_that_is_killed_while_it_is_alone)                                                 \
	CASE(one_that_is_killed_when_nothing_is_left)                                              \
	CASE(one_that_is_killed_when_one_is_left)                                                  \
	CASE(one_that_is_killed_taking_two_at_once)                                                \
	CASE(one_that_is_killed_while_items_are_put)                                               \
	CASE(one_that_is_killed_when_its_notes_are_filled_anew)
#include "main.h"
