/*
 * The ring: every item comes out once, in order and whole. No consumer leads here; with MODEL_PLAIN
 * the ring is built without leads.
 */
#include "model.h"

/* Just before positions wrap. */
#define FIRST ((UINT64_C(1) << 62) - 2)

enum { CAPACITY_MOST = 2, ITEMS = 2, CONSUMERS = 2 };

static struct memory {
	struct ring ring;
	slot_word slots[CAPACITY_MOST];
} memory;
static struct ring *const ring = &memory.ring;

static struct taken {
	uint64_t items[ITEMS];
	unsigned n;
	struct cell *cell;
} taken_by[CONSUMERS];
static unsigned placed;

static void begin(size_t capacity)
{
	ring_init(ring, capacity, sizeof(uint64_t), FIRST, false);
	for (unsigned i = 0; i < CONSUMERS; i++) {
		taken_by[i].n = 0;
		taken_by[i].cell = &ring->cursor.cells.cell[i];
	}
	placed = 0;
}

static bool put_one(void)
{
	uint64_t item = placed + 1;
	bool watched;

	if (ring_put_known(ring, &item, 1, &watched) != 1)
		return false;
	placed++;
	return true;
}

static void put_each(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ITEMS; i++)
		if (!put_one() && ring_room(ring) > 0)
			put_one();
}

static void take_one(void *arg)
{
	struct taken *taken = arg;

	taken->n += ring_take(ring, taken->cell, &taken->items[taken->n], 1, true) == 1;
}

static void take_twice(void *arg)
{
	take_one(arg);
	take_one(arg);
}

/* What was taken are the first items, each once, and each consumer's in order. */
static void check_taken(unsigned n)
{
	unsigned seen = 0, sum = 0;

	for (unsigned i = 0; i < CONSUMERS; i++) {
		const struct taken *by = &taken_by[i];

		for (unsigned k = 0; k < by->n; k++) {
			MODEL_CHECK(by->items[k] >= 1 && by->items[k] <= n, "garbage");
			MODEL_CHECK(!(seen >> by->items[k] & 1), "an item came twice");
			MODEL_CHECK(k == 0 || by->items[k] > by->items[k - 1], "out of order");
			seen |= 1u << by->items[k];
		}
		sum += by->n;
	}
	MODEL_CHECK(seen == (1u << (sum + 1)) - 2, "an item was passed over");
	MODEL_CHECK(sum + ring_size(ring) == placed, "an item was lost");
}

static void items_come_once_through(size_t capacity)
{
	begin(capacity);
	model_start(put_each, NULL);
	model_start(take_twice, &taken_by[0]);
	model_start(take_one, &taken_by[1]);
	model_end();
	check_taken(placed);
}

static void items_come_once_through_one_slot(void)
{
	items_come_once_through(1);
}

static void items_come_once_through_two_slots(void)
{
	items_come_once_through(2);
}

static void put_two(void *arg)
{
	const uint64_t items[] = {1, 2};
	bool watched;

	(void)arg;
	placed = (unsigned)ring_put_known(ring, items, 2, &watched);
}

static void take_run(void *arg)
{
	struct taken *taken = arg;
	ssize_t n = ring_take(ring, taken->cell, taken->items, 2, true);

	taken->n = n > 0 ? (unsigned)n : 0;
}

/* A run is taken whole or not at all. */
static void runs_come_whole(void)
{
	begin(2);
	model_start(put_two, NULL);
	model_start(take_run, &taken_by[0]);
	model_start(take_twice, &taken_by[1]);
	model_end();
	check_taken(placed);
}

static void take_known_twice(void *arg)
{
	struct taken *taken = arg;

	for (unsigned i = 0; i < 2; i++)
		taken->n += ring_take_known(ring, taken->cell, &taken->items[taken->n], 1);
}

static void put_words(void *arg)
{
	enum cursor_put how;

	(void)arg;
	for (uint64_t item = 1; item <= ITEMS; item++)
		if (ring_put_word(ring, &item, &how)) {
			MODEL_CHECK(how == CURSOR_PUT, "nobody leads or closes");
			placed++;
		}
}

static void take_word_twice(void *arg)
{
	struct taken *taken = arg;

	for (unsigned i = 0; i < 2; i++)
		taken->n +=
		        ring_take_word(ring, taken->cell, &taken->items[taken->n]) == RING_TAKEN;
}

static void words_come_once(void)
{
	begin(2);
	model_start(put_words, NULL);
	model_start(take_twice, &taken_by[0]);
	model_start(take_word_twice, &taken_by[1]);
	model_end();
	check_taken(placed);
}

/* One consumer looks at the producer's line, the other relies on what that one saw. */
static void items_seen_by_another_come_whole(void)
{
	begin(2);
	model_start(put_each, NULL);
	model_start(take_twice, &taken_by[0]);
	model_start(take_known_twice, &taken_by[1]);
	model_end();
	check_taken(placed);
}

/* A consumer that is alone expects head where it left it. Meanwhile another consumer takes that
 * item, and, if the ring has one slot, the producer fills the slot again. */
static void a_guess_out_of_date_takes_nothing(size_t capacity)
{
	begin(capacity);
	MODEL_CHECK(put_one(), "no room");
	atomic_store(&ring->cursor.tail_seen, cursor_own_tail(&ring->cursor));
	model_make_alone(&ring->cursor, taken_by[1].cell);
	MODEL_CHECK(CELL_GET(taken_by[1].cell, alone), "it does not guess");
	model_start(put_each, NULL);
	model_start(take_twice, &taken_by[0]);
	model_start(take_known_twice, &taken_by[1]);
	model_end();
	check_taken(placed);
}

static void a_guess_in_one_slot_takes_nothing_that_was_taken(void)
{
	a_guess_out_of_date_takes_nothing(1);
}

static void a_guess_in_two_slots_takes_nothing_that_was_taken(void)
{
	a_guess_out_of_date_takes_nothing(2);
}

static void pass_turn(uint64_t head)
{
	turns_pass(&ring->turns, 0, head, tail_seen(ring));
}

static void take_one_and_pass(void *arg)
{
	take_one(arg);
	pass_turn(cursor_head(&ring->cursor));
}

static void pass_and_take_one(void *arg)
{
	pass_turn(cursor_head(&ring->cursor));
	take_one(arg);
}

static void take_in_turn(void *arg)
{
	struct taken *taken = arg;

	taken->n += ring_take_in_turn(ring, taken->cell, &taken->items[taken->n], 1);
}

/* The second consumer waits for its turn, and relies on the tail that it is told. */
static void items_known_from_a_turn_come_whole(void)
{
	begin(2);
	atomic_store(&ring->turns.next, TURNS_AT_ONCE);
	model_start(put_each, NULL);
	model_start(take_one_and_pass, &taken_by[0]);
	model_start(take_in_turn, &taken_by[1]);
	model_end();
	check_taken(placed);
}

/* The head that it is told is out of date, and the producer may have filled that slot again. */
static void a_turn_out_of_date_takes_nothing_that_was_taken(void)
{
	begin(1);
	MODEL_CHECK(put_one(), "no room");
	atomic_store(&ring->cursor.tail_seen, cursor_own_tail(&ring->cursor));
	atomic_store(&ring->turns.next, TURNS_AT_ONCE);
	model_start(put_each, NULL);
	model_start(pass_and_take_one, &taken_by[0]);
	model_start(take_in_turn, &taken_by[1]);
	model_end();
	check_taken(placed);
}

static void close_it(void *arg)
{
	(void)arg;
	cursor_close(&ring->cursor);
	MODEL_CHECK(cursor_is_closed(&ring->cursor), "not closed");
}

/* Takes what there is; after the end of a closed ring nothing comes. */
static void drain(void *arg)
{
	struct taken *taken = arg;
	ssize_t r;

	do {
		r = ring_take(ring, taken->cell, &taken->items[taken->n], 1, true);
		taken->n += r == 1;
	} while (r == 1);
	if (r < 0)
		MODEL_CHECK(ring_size(ring) == 0, "an item came after the end");
}

static void a_put_comes_before_the_end_or_not_at_all(void)
{
	begin(2);
	model_start(put_each, NULL);
	model_start(close_it, NULL);
	model_start(drain, &taken_by[0]);
	model_end();
	check_taken(placed);
	MODEL_CHECK(!put_one(), "put into a closed ring");
}

static void discard_rest(void *arg)
{
	cursor_close(&ring->cursor);
	*(uint64_t *)arg = ring_discard(ring);
}

/* What is discarded is not taken as well. */
static void an_item_is_taken_or_discarded(void)
{
	uint64_t discarded;

	begin(2);
	model_start(put_each, NULL);
	model_start(take_one, &taken_by[0]);
	model_start(discard_rest, &discarded);
	model_end();
	MODEL_CHECK(taken_by[0].n + discarded == placed, "%u taken, %llu discarded of %u",
	            taken_by[0].n, (unsigned long long)discarded, placed);
}

#define CASES(CASE)                                                                                \
	CASE(items_come_once_through_one_slot)                                                     \
	CASE(items_come_once_through_two_slots)                                                    \
	CASE(runs_come_whole)                                                                      \
	CASE(words_come_once)                                                                      \
	CASE(items_seen_by_another_come_whole)                                                     \
	CASE(a_guess_in_one_slot_takes_nothing_that_was_taken)                                     \
	CASE(a_guess_in_two_slots_takes_nothing_that_was_taken)                                    \
	CASE(items_known_from_a_turn_come_whole)                                                   \
	CASE(a_turn_out_of_date_takes_nothing_that_was_taken)                                      \
	CASE(a_put_comes_before_the_end_or_not_at_all)                                             \
	CASE(an_item_is_taken_or_discarded)
#include "main.h"
