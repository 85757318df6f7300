/*
 * The lead: while it begins and ends every item comes once, no put relies on a leader whose lead
 * has ended, and a producer that sleeps for room does not miss what the leader took.
 */
#include "model.h"

#define FIRST ((UINT64_C(1) << 62) - 2)

enum { ITEMS = 2 };

static struct memory {
	struct ring ring;
	slot_word slots[ITEMS];
} memory;
static struct ring *const ring = &memory.ring;
static struct cursor *const cursor = &memory.ring.cursor;
static struct cell *const leader = &memory.ring.cursor.cells.cell[0];
static struct cell *const other = &memory.ring.cursor.cells.cell[1]; /* that of all the others */

static unsigned placed;
static unsigned
        times[ITEMS + 1]; /* an item was taken, by number. Each by the thread that takes it */
static _Atomic unsigned takes, discarded; /* items */
static _Atomic bool announced;            /* somebody is about to sleep */
static bool slept, woken;                 /* somebody sleeps; somebody was seen about to sleep */

/* As a thread that brings something. */
static void wake_if_announced(void)
{
	if (atomic_load(&announced))
		woken = true;
}

static void put_one(void *arg)
{
	uint64_t item = placed + 1;
	bool watched;

	(void)arg;
	if (ring_put_known(ring, &item, 1, &watched) != 1)
		return;
	placed++;
	if (!watched)
		wake_if_announced();
}

/* With so many items put, and a leader. */
static void begin(size_t capacity, unsigned items)
{
	model_lazy = true;
	ring_init(ring, capacity, sizeof(uint64_t), FIRST, true);
	placed = 0;
	for (unsigned i = 0; i <= ITEMS; i++)
		times[i] = 0;
	atomic_init(&takes, 0);
	atomic_init(&discarded, 0);
	atomic_init(&announced, false);
	slept = woken = false;
	for (unsigned i = 0; i < items; i++)
		put_one(NULL);
	MODEL_CHECK(lead_begin(cursor, leader), "no lead");
}

static void note(uint64_t item)
{
	MODEL_CHECK(item >= 1 && item <= ITEMS, "got garbage");
	times[item]++;
	atomic_fetch_add_explicit(&takes, 1, memory_order_relaxed);
}

static void lead_one(void *arg)
{
	uint64_t item;

	(void)arg;
	if (ring_take(ring, leader, &item, 1, false) == 1)
		note(item);
}

static void lead_two(void *arg)
{
	lead_one(arg);
	lead_one(arg);
}

static void take_one(void *arg)
{
	uint64_t item;

	(void)arg;
	if (ring_take(ring, other, &item, 1, true) == 1)
		note(item);
}

static void close_and_discard(void *arg)
{
	(void)arg;
	cursor_close(cursor);
	atomic_fetch_add_explicit(&discarded, (unsigned)ring_discard(ring), memory_order_relaxed);
}

/* Times are not atomic: a second thread that takes the same item is a race, too. */
static void check_items(void)
{
	model_end();
	for (unsigned i = 1; i <= ITEMS; i++)
		MODEL_CHECK(times[i] <= 1, "an item came twice");
	MODEL_CHECK(takes + discarded + ring_size(ring) == placed, "an item was lost");
}

/* One brings something, the other sleeps if it finds nothing. */
static void check_wake_up(void (*bring)(void *arg), void (*sleep)(void *arg))
{
	model_start(bring, NULL);
	model_start(sleep, NULL);
	check_items();
	MODEL_CHECK(!slept || woken, "a wake-up was lost");
}

static void the_leader_and_another_take_each_item_once(void)
{
	begin(2, 2);
	model_start(lead_two, NULL);
	model_start(take_one, NULL);
	check_items();
}

static void two_end_the_same_lead(void)
{
	begin(2, 1);
	model_start(take_one, NULL);
	model_start(take_one, NULL);
	check_items();
}

static void an_item_led_is_taken_or_discarded(void)
{
	begin(2, 1);
	model_start(lead_one, NULL);
	model_start(close_and_discard, NULL);
	check_items();
}

static void a_put_to_a_leader_comes_before_the_end_or_not_at_all(void)
{
	begin(2, 0);
	model_start(put_one, NULL);
	model_start(close_and_discard, NULL);
	check_items();
	MODEL_CHECK(discarded == placed, "an item came after the end");
}

static void take_or_sleep(void *arg)
{
	uint64_t item;

	(void)arg;
	atomic_store(&announced, true);
	if (ring_take(ring, other, &item, 1, true) == 1)
		note(item);
	else
		slept = true;
}

/* The leader looks no more: the thread that ended its lead, and sleeps, must be woken. */
static void a_put_does_not_rely_on_a_lead_that_has_ended(void)
{
	begin(2, 0);
	check_wake_up(put_one, take_or_sleep);
}

static void lead_one_and_wake(void *arg)
{
	lead_one(arg);
	wake_if_announced();
}

static void sleep_for_room(void *arg)
{
	(void)arg;
	atomic_store(&announced, true);
	cursor_see_takes(cursor);
	slept = ring_room(ring) == 0;
}

static void a_take_of_the_leader_is_room_or_wakes(void)
{
	begin(1, 1);
	check_wake_up(lead_one_and_wake, sleep_for_room);
}

/* If the first lead has ended. */
static void lead_again(void *arg)
{
	if (lead_begin(cursor, leader))
		lead_one(arg);
}

static void a_late_end_does_not_touch_the_next_lead(void)
{
	begin(2, 1);
	model_start(lead_again, NULL);
	model_start(take_one, NULL);
	check_items();
}

static void lead_the_first(void *arg)
{
	uint64_t item;

	(void)arg;
	if (ring_take(ring, leader, &item, 1, false) == 1)
		MODEL_CHECK(item == 1, "got what was put later");
}

static void put_into_room(void *arg)
{
	if (ring_room(ring) > 0)
		put_one(arg);
}

static void end_and_put_into_room(void *arg)
{
	cursor_share(cursor);
	put_into_room(arg);
}

static void a_slot_is_read_before_it_is_put_again(void (*put)(void *arg))
{
	begin(1, 1);
	model_start(lead_the_first, NULL);
	model_start(put, NULL);
	model_end();
}

static void a_slot_is_read_by_the_leader_before_it_is_put_again(void)
{
	a_slot_is_read_before_it_is_put_again(put_into_room);
}

static void a_slot_is_read_in_a_lead_that_ends_before_it_is_put_again(void)
{
	a_slot_is_read_before_it_is_put_again(end_and_put_into_room);
}

/* Counts what was taken first, and must then know that it was put. */
static void count_items(void *arg)
{
	(void)arg;
	MODEL_CHECK(ring_size(ring) <= ITEMS, "more taken than put");
}

static void what_the_leader_took_was_put(void)
{
	begin(2, 0);
	model_start(put_one, NULL);
	model_start(lead_one, NULL);
	model_start(count_items, NULL);
	model_end();
}

static void end_put_one_and_take_it(void *arg)
{
	cursor_share(cursor);
	put_one(arg);
	take_one(arg);
}

static void begin_again(void *arg)
{
	(void)arg;
	lead_begin(cursor, leader);
}

/* Who counts may still find the first lead, and then where the second began. */
static void what_was_taken_before_the_next_lead_was_put(void)
{
	begin(2, 0);
	model_start(end_put_one_and_take_it, NULL);
	model_start(begin_again, NULL);
	model_start(count_items, NULL);
	model_end();
}

static void begin_lead_one_and_wake(void *arg)
{
	MODEL_CHECK(lead_begin(cursor, leader), "no lead");
	lead_one_and_wake(arg);
}

static void a_take_just_after_the_beginning_is_room_or_wakes(void)
{
	begin(1, 1);
	cursor_share(cursor);
	check_wake_up(begin_lead_one_and_wake, sleep_for_room);
}

static void put_then_look(void *arg)
{
	put_one(arg);
	wake_if_announced();
}

/* Said before the put returned that nothing was there, or finds the item. */
static void a_put_comes_before_a_later_look(void)
{
	begin(2, 0);
	/* As if the leader had not come to its second step yet. */
	atomic_store(&cursor->head, FIRST);
	check_wake_up(put_then_look, take_or_sleep);
}

/* As a thread that calls try_get, which may say that the ring is empty. */
static void try_to_take(void *arg)
{
	uint64_t item;

	(void)arg;
	atomic_store(&announced, true);
	if (cursor_is_held(cursor))
		cursor_share_for_good(cursor);
	if (ring_take(ring, other, &item, 1, true) == 1)
		note(item);
	else
		slept = true;
}

/* Nobody leads, but the leader may as soon as it looks. */
static void begin_shared(size_t capacity, unsigned items)
{
	begin(capacity, items);
	cursor_share(cursor);
	model_make_alone(cursor, leader);
}

/* As hold_cursor(), and the get that follows. */
static void hold_and_lead_one(void *arg)
{
	cursor_hold(cursor, leader);
	lead_one(arg);
}

static void hold(void *arg)
{
	cursor_hold(cursor, arg);
}

/* The put may rely on a leader that is about to begin, or to end. */
static void a_put_to_a_leader_is_seen_before_saying_empty(void)
{
	begin(2, 0);
	check_wake_up(put_then_look, try_to_take);
	MODEL_CHECK(!cursor_is_held(cursor), "a lead was not ended");
}

/* Compiled for any processor, the put's load of state comes before the load in wake_if_announced().
 * The memory models leave that open for a relaxed load; so there is another one between. */
static void put_then_look_in_order(void *arg)
{
	put_one(arg);
	atomic_load(&cursor->state);
	wake_if_announced();
}

/* The first step of a leader, which is then stopped. The case has done what comes before. */
static void begin_to_lead(void *arg)
{
	uint64_t none = CURSOR_SHARED;

	(void)arg;
	atomic_compare_exchange_strong(&cursor->state, &none, CELL_GET(leader, lead_id));
}

static void a_put_to_a_lead_that_begins_is_seen_before_saying_empty(void)
{
	begin_shared(2, 0);
	CELL_SET(leader, lead_id, CELL_GET(leader, lead_id) + LEAD_STEP);
	CELL_SET(leader, verdict, CELL_GET(leader, lead_id));
	model_start(begin_to_lead, NULL);
	check_wake_up(put_then_look_in_order, try_to_take);
}

static void a_put_between_the_steps_of_a_lead_is_seen_before_saying_empty(void)
{
	begin(2, 0);
	/* As if the leader had not come to its second step yet. */
	atomic_store(&cursor->head, FIRST);
	check_wake_up(put_then_look, try_to_take);
}

static void share_for_good(void *arg)
{
	(void)arg;
	cursor_share_for_good(cursor);
}

static void nobody_leads_after_it_is_shared_for_good(void)
{
	begin_shared(2, 1);
	model_start(hold_and_lead_one, NULL);
	model_start(share_for_good, NULL);
	check_items();
	MODEL_CHECK(!cursor_is_held(cursor), "a lead was not ended");
	MODEL_CHECK(atomic_load(&takes) == 1, "an item was not taken");
}

static void share(void *arg)
{
	(void)arg;
	cursor_share(cursor);
}

static void a_lead_is_ended_by_a_thread_that_takes_nothing(void)
{
	begin(2, 2);
	model_start(lead_two, NULL);
	model_start(share, NULL);
	check_items();
	MODEL_CHECK(atomic_load(&takes) == 2, "an item was not taken");
}

static void one_of_two_leads(void)
{
	begin_shared(2, 1);
	model_make_alone(cursor, other);
	model_start(hold, leader);
	model_start(hold, other);
	model_end();
	MODEL_CHECK(cursor_is_held_by(cursor, leader) != cursor_is_held_by(cursor, other),
	            "not one leader");
	take_one(NULL);
	MODEL_CHECK(atomic_load(&takes) == 1, "an item was not taken");
}

/* A thread that was about to end the lead is stopped: the next that would lead ends it. */
static void a_lead_is_ended_for_a_stopped_thread(void)
{
	begin(2, 2);
	atomic_store(&cursor->state, ENDING(CELL_GET(leader, lead_id)));
	model_make_alone(cursor, other);
	model_start(lead_one, NULL);
	model_start(hold, other);
	check_items();
	lead_one(NULL);
	MODEL_CHECK(atomic_load(&takes) == 2, "an item was not taken");
}

static void lead_words(void *arg)
{
	uint64_t item;

	(void)arg;
	for (unsigned i = 0; i < 2; i++)
		switch (ring_take_word(ring, leader, &item)) {
		case RING_TAKEN:
			note(item);
			break;
		case RING_DISPUTED:
			if (cursor_settle(cursor, leader, 1))
				note(item);
			break;
		default:
			break;
		}
}

static void the_leader_and_another_take_each_word_once(void)
{
	begin(2, 2);
	MODEL_CHECK(fresh_items(ring, FIRST) != 0, "nothing there");
	model_start(lead_words, NULL);
	model_start(take_one, NULL);
	check_items();
}

#define CASES(CASE)                                                                                \
	CASE(the_leader_and_another_take_each_item_once)                                           \
	CASE(two_end_the_same_lead)                                                                \
	CASE(an_item_led_is_taken_or_discarded)                                                    \
	CASE(a_put_to_a_leader_comes_before_the_end_or_not_at_all)                                 \
	CASE(a_put_does_not_rely_on_a_lead_that_has_ended)                                         \
	CASE(a_take_of_the_leader_is_room_or_wakes)                                                \
	CASE(a_late_end_does_not_touch_the_next_lead)                                              \
	CASE(a_slot_is_read_by_the_leader_before_it_is_put_again)                                  \
	CASE(a_slot_is_read_in_a_lead_that_ends_before_it_is_put_again)                            \
	CASE(what_the_leader_took_was_put)                                                         \
	CASE(what_was_taken_before_the_next_lead_was_put)                                          \
	CASE(a_take_just_after_the_beginning_is_room_or_wakes)                                     \
	CASE(a_put_to_a_leader_is_seen_before_saying_empty)                                        \
	CASE(a_put_to_a_lead_that_begins_is_seen_before_saying_empty)                              \
	CASE(a_put_between_the_steps_of_a_lead_is_seen_before_saying_empty)                        \
	CASE(nobody_leads_after_it_is_shared_for_good)                                             \
	CASE(a_lead_is_ended_by_a_thread_that_takes_nothing)                                       \
	CASE(one_of_two_leads)                                                                     \
	CASE(a_lead_is_ended_for_a_stopped_thread)                                                 \
	CASE(the_leader_and_another_take_each_word_once)                                           \
	CASE(a_put_comes_before_a_later_look)
#include "main.h"
