/*
 * Shutting down while the producer puts: what a put said was placed is got, what it refused is not,
 * and who is told that nothing more comes has missed nothing. The closer may be killed half way.
 */
#include "whole_shared.h"

static unsigned placed;      /* by puts that said so; the producer's thread is the first one */
static bool was_told[ROLES]; /* that nothing more comes */

static void begin(void)
{
	begin_shared();
	model_patient = true;
	placed = 0;
	for (unsigned i = 0; i < ROLES; i++)
		was_told[i] = false;
}

static void put_now(unsigned n)
{
	uint64_t items[ITEMS];
	ssize_t r;

	for (unsigned i = 0; i < n; i++)
		items[i] = placed + i;
	r = put_many(&world.process[PRODUCER], (const unsigned char *)items, n, NULL, true);
	MODEL_CHECK(r == -ESHUTDOWN || (r > 0 && r <= (ssize_t)n), "put returned %zd", r);
	placed += r > 0 ? (unsigned)r : 0;
}

static void get(unsigned number)
{
	struct handle *h = &world.process[number];
	uint64_t item;
	ssize_t r = get_some(h, &h->seats[0], &item, 1);

	was_told[number] = r == -ESHUTDOWN;
	MODEL_CHECK(r >= 0 || r == -ESHUTDOWN, "get returned %zd", r);
	if (r > 0)
		note_items(number, &item, r);
}

static void get_what_there_is(void *arg)
{
	get(number_of(arg));
}

static void get_asleep(void *arg)
{
	unsigned number = number_of(arg);
	struct handle *h = &world.process[number];
	uint64_t item;
	struct item_wait wait = {h, &h->seats[0], &item, 1, NULL, 0};
	int r;

	do
		r = sleep_for_items(&wait);
	while (r == 0);
	MODEL_CHECK(r == 1 && (wait.got == 1 || wait.got == -ESHUTDOWN), "woken for nothing");
	was_told[number] = wait.got == -ESHUTDOWN;
	if (wait.got > 0)
		note_items(number, &item, wait.got);
}

/* The producer's process gets the rest. */
static void what_was_placed_is_got(void)
{
	unsigned all = 0, left;

	for (unsigned i = VICTIM; i < ROLES; i++)
		account(&all, items_of(i, 0));
	do {
		left = world.taken[PRODUCER].n;
		get(PRODUCER);
	} while (world.taken[PRODUCER].n > left);
	for (unsigned i = VICTIM; i < ROLES; i++)
		MODEL_CHECK(!was_told[i] || left == 0, "told too early that nothing more comes");
	account(&all, items_of(PRODUCER, 0));
	MODEL_CHECK(all == mask_of(0, placed), "what was placed is not what was got");
}

static void finish(void)
{
	model_end();
	MODEL_CHECK(is_closed(&world.process[PRODUCER]), "not closed");
	MODEL_CHECK(model_asleep_on(&world.two.part.items.epoch) == 0, "a consumer sleeps on");
	what_was_placed_is_got();
	MODEL_CHECK(was_told[PRODUCER], "not told that nothing more comes");
}

static void a_put_is_got_or_refused(void)
{
	begin();
	start_role(OTHER, shut_down);
	start_role(THIRD, get_what_there_is);
	model_go();
	put_now(1);
	finish();
}

static void of_two_puts_each_is_got_or_refused(void)
{
	begin();
	start_role(OTHER, shut_down);
	start_role(THIRD, get_what_there_is);
	model_go();
	put_now(1);
	put_now(1);
	finish();
}

static void a_put_of_two_is_got_as_far_as_it_is_said(void)
{
	begin();
	start_role(OTHER, shut_down);
	start_role(THIRD, get_what_there_is);
	model_go();
	put_now(2);
	finish();
}

static void two_may_shut_down(void)
{
	begin();
	start_role(OTHER, shut_down);
	start_role(THIRD, shut_down);
	model_go();
	put_now(1);
	finish();
}

static void a_sleeper_is_woken_or_gets_the_item(void)
{
	begin();
	start_role(OTHER, get_asleep);
	start_role(THIRD, shut_down);
	model_go();
	put_now(1);
	finish();
}

/* Whoever comes next ends what it began. */
static void a_closer_may_be_killed(void)
{
	begin();
	start_role(VICTIM, shut_down);
	start_role(OTHER, get_what_there_is);
	model_go();
	model_kill();
	put_now(1);
	model_end();
	what_was_placed_is_got();
}

#define CASES(CASE)                                                                                \
	CASE(a_put_is_got_or_refused)                                                              \
	CASE(of_two_puts_each_is_got_or_refused)                                                   \
	CASE(a_put_of_two_is_got_as_far_as_it_is_said)                                             \
	CASE(two_may_shut_down)                                                                    \
	CASE(a_sleeper_is_woken_or_gets_the_item)                                                  \
	CASE(a_closer_may_be_killed)
#include "main.h"
