/*
 * The producer is killed while it puts or shuts down, and another process succeeds to it while a
 * consumer goes on. What was published is got once and whole, a put that came back is published,
 * and a queue that began to close does not open again.
 */
#include "succession.h"

static unsigned placed;      /* by puts of the victim that came back */
static bool was_told[ROLES]; /* that nothing more comes */

static void begin(void)
{
	begin_succession();
	model_patient = true;
	placed = 0;
	for (unsigned i = 0; i < ROLES; i++)
		was_told[i] = false;
}

/* What lies at a position is not what its slot has from the beginning. */
static unsigned value_at(unsigned position)
{
	return position ^ 1;
}

static ssize_t put_next(unsigned number, unsigned n)
{
	struct handle *h = &world.process[number];
	uint64_t items[ITEMS];

	for (unsigned i = 0; i < n; i++)
		items[i] = value_at(item_at(h->tail) + i);
	return put_some(h, (const unsigned char *)items, n);
}

static void put(unsigned n)
{
	ssize_t r = put_next(VICTIM, n);

	MODEL_CHECK(r == (ssize_t)n, "put returned %zd", r);
	placed += n;
}

static void put_one_after_another(void *arg)
{
	(void)arg;
	put(1);
	put(1);
}

static void put_two_at_once(void *arg)
{
	(void)arg;
	put(2);
}

static void put_and_shut_down(void *arg)
{
	put(1);
	shut_down(arg);
}

static void get(unsigned number)
{
	struct handle *h = &world.process[number];
	uint64_t item;
	ssize_t r = get_some(h, &h->seats[0], &item, 1);

	MODEL_CHECK(r >= 0 || r == -ESHUTDOWN, "get returned %zd", r);
	was_told[number] = r == -ESHUTDOWN;
	if (r > 0)
		note_items(number, &item, r);
}

static void get_what_there_is(void *arg)
{
	get(number_of(arg));
}

static void take_one(void *arg)
{
	take_up_to(number_of(arg), 1);
}

/* Returns how many items were published. */
static unsigned succeed_to_victim(void)
{
	unsigned published;

	kill_victim();
	become_its_successor();
	published = item_at(world.process[PRODUCER].tail);
	MODEL_CHECK(published >= placed, "what was placed is not there");
	return published;
}

/* The successor gets what is left of so many. */
static void each_is_got_once(unsigned published)
{
	unsigned all = 0, expected = 0, before;

	for (unsigned i = 0; i < published; i++)
		expected |= 1U << value_at(i);
	do {
		before = world.taken[PRODUCER].n;
		get(PRODUCER);
	} while (world.taken[PRODUCER].n > before);
	account(&all, items_of(PRODUCER, 0));
	account(&all, items_of(OTHER, 0));
	MODEL_CHECK(all == expected, "what was published is not what was got");
}

static void goes_on(void (*dies)(void *arg))
{
	unsigned published;

	begin();
	start_role(VICTIM, dies);
	start_role(OTHER, take_one);
	published = succeed_to_victim();
	MODEL_CHECK(put_next(PRODUCER, 1) == 1, "the successor cannot put");
	model_end();
	each_is_got_once(published + 1);
}

static void one_that_is_killed_in_its_puts(void)
{
	goes_on(put_one_after_another);
}

static void one_that_is_killed_in_a_put_of_two(void)
{
	goes_on(put_two_at_once);
	MODEL_CHECK(item_at(world.process[PRODUCER].tail) != 2, "a part of them was published");
}

static void one_that_is_killed_in_its_shutdown(void)
{
	bool closes;
	unsigned published;
	ssize_t r;

	begin();
	start_role(VICTIM, put_and_shut_down);
	start_role(OTHER, get_what_there_is);
	published = succeed_to_victim();
	closes = atomic_load(&world.two.part.closing) != OPEN;
	r = put_next(PRODUCER, 1);
	MODEL_CHECK(r == (closes ? -ESHUTDOWN : 1), "put returned %zd", r);
	model_end();
	each_is_got_once(published + !closes);
	MODEL_CHECK(was_told[PRODUCER] == closes, "not told that nothing more comes");
	MODEL_CHECK(!was_told[OTHER] || closes, "told too early that nothing more comes");
}

#define CASES(CASE)                                                                                \
	CASE(one_that_is_killed_in_its_puts)                                                       \
	CASE(one_that_is_killed_in_a_put_of_two)                                                   \
	CASE(one_that_is_killed_in_its_shutdown)
#include "main.h"
