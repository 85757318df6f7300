/*
 * The producer is killed while it puts, shuts down or reaps, and another process succeeds to it
 * while a consumer goes on. What was published is got once and whole, a put that came back is
 * published, a queue that began to close does not open again, and what was lost is settled once.
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
	if (n == 1) {
		int r = shared_put_item((struct spmcq *)(void *)h, items, NULL, true);

		return r == 0 ? 1 : r;
	}
	return shared_put((struct spmcq *)(void *)h, items, n, NULL, true);
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
	unsigned published;
	bool closes;
	ssize_t r;

	begin();
	start_role(VICTIM, put_and_shut_down);
	start_role(OTHER, get_what_there_is);
	kill_victim();
	closes = atomic_load(&world.two.part.closing) != open_in(0);
	published = succeed_to_victim();
	r = put_next(PRODUCER, 1);
	MODEL_CHECK(r == (closes ? -ESHUTDOWN : 1), "put returned %zd", r);
	model_end();
	each_is_got_once(published + !closes);
	MODEL_CHECK(was_told[PRODUCER] == closes, "not told that nothing more comes");
	MODEL_CHECK(!was_told[OTHER] || closes, "told too early that nothing more comes");
}

static struct spmcq_lost lost[ITEMS];

static void reap_what_is_lost(void *arg)
{
	(void)arg;
	MODEL_CHECK(reap(&world.process[VICTIM], lost, ITEMS) == 1, "not reaped");
}

/* A consumer took two and reported one of them before its end. */
static void one_that_is_killed_while_it_settles(void)
{
	struct handle *h = &world.process[PRODUCER];
	int n;

	begin();
	put(2);
	take_up_to(THIRD, 2);
	report_items(THIRD, 1);
	model_threads[THIRD].is_joined = true;
	start_role(VICTIM, reap_what_is_lost);
	succeed_to_victim();
	MODEL_CHECK((atomic_load(&h->one->settling) & 1) == 0, "half settled");
	n = reap(h, lost, ITEMS);
	MODEL_CHECK(n == 0 || (n == 1 && lost[0].items == 1), "%d losses are named", n);
	MODEL_CHECK(is_all_done(h) == 1, "the sum of reports is wrong");
	MODEL_CHECK(atomic_load(&h->one->written_off) == 1,
	            "not as much is written off as is lost");
	model_end();
}

/* --- consumers that have not gone over to the successor --- */

/* The victim is dead when others begin. */
static void begin_late(void)
{
	begin();
	model_started = VICTIM;
	model_threads[VICTIM].is_joined = true;
}

/* The successor puts, if it may. */
static void put_another(void)
{
	ssize_t r = put_next(PRODUCER, 1);

	MODEL_CHECK(r == 1 || r == -ESHUTDOWN, "put returned %zd", r);
	placed += r == 1;
}

static void one_whose_consumer_shuts_down_later(void)
{
	begin_late();
	put(1);
	start_role(OTHER, shut_down);
	become_its_successor();
	put_another();
	model_end();
	each_is_got_once(placed);
	MODEL_CHECK(was_told[PRODUCER], "not told that nothing more comes");
}

static void one_whose_consumer_gets_later(void)
{
	begin_late();
	start_role(OTHER, get_what_there_is);
	become_its_successor();
	put_another();
	get(PRODUCER);
	model_end();
	MODEL_CHECK(world.taken[OTHER].n == 0, "got what it does not see");
	each_is_got_once(placed);
}

static void one_whose_consumer_gets_when_it_is_closed(void)
{
	begin_late();
	become_its_successor();
	put_another();
	start_role(OTHER, get_what_there_is);
	shut_down(&world.taken[PRODUCER]);
	model_end();
	MODEL_CHECK(!was_told[OTHER], "told too early that nothing more comes");
	each_is_got_once(placed);
}

static void look_whether_all_is_done(void *arg)
{
	MODEL_CHECK(is_all_done(&world.process[number_of(arg)]) == 0, "all is said to be done");
}

/* Another one has gone over, and reports what the successor put. The first item is not reported. */
static void one_whose_consumer_joins_later(void)
{
	begin_late();
	put(1);
	take_one(&world.taken[OTHER]);
	become_its_successor();
	world.process[THIRD].one = &next.one.part;
	put_another();
	start_role(OTHER, look_whether_all_is_done);
	take_one(&world.taken[THIRD]);
	report_items(THIRD, 1);
	model_end();
}

#define CASES(CASE)                                                                                \
	CASE(one_that_is_killed_in_its_puts)                                                       \
	CASE(one_that_is_killed_in_a_put_of_two)                                                   \
	CASE(one_that_is_killed_in_its_shutdown)                                                   \
	CASE(one_that_is_killed_while_it_settles)                                                  \
	CASE(one_whose_consumer_shuts_down_later)                                                  \
	CASE(one_whose_consumer_gets_later)                                                        \
	CASE(one_whose_consumer_gets_when_it_is_closed)                                            \
	CASE(one_whose_consumer_joins_later)
#include "main.h"
