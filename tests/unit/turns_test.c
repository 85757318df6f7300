/*
 * A consumer that takes turns gets the items in order, whatever it is told, and tells the next but
 * one what it knows. The library is compiled in, to tell a consumer what is wrong.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include <ck_pr.h>

static void wait_a_moment(void);
#define ck_pr_stall wait_a_moment
#include "spmcq.c"

enum { CAPACITY = 8, NEXT = TURNS_AT_ONCE };

/* Just before positions wrap. */
static const uint64_t first = POSITION_MASK - 1;

/* All its items are known, and nobody leads. */
static struct spmcq *queue_for_turns(void)
{
	struct spmcq *q = queue_at(CAPACITY, sizeof(uint64_t), first);

	for (uint64_t i = 1; i <= CAPACITY; i++)
		RETURNS(0, spmcq_put(q, &i));
	atomic_store(&q->ring.cursor.tail_seen, cursor_own_tail(&q->ring.cursor));
	atomic_store(&q->ring.cursor.may_lead, false);
	CELL_SET(my_cell(q), losses, LOSSES_TURNS);
	return q;
}

static struct turn_place *place_of(struct spmcq *q, uint32_t number)
{
	return &q->ring.turns.place[number % TURN_PLACES];
}

static void get_in_turn(struct spmcq *q, uint64_t expected)
{
	uint32_t drawn = atomic_load(&q->ring.turns.next);
	uint64_t item = 0;

	RETURNS(0, spmcq_get(q, &item));
	CHECK(item == expected, "got %" PRIu64 " for %" PRIu64, item, expected);
	CHECK(atomic_load(&q->ring.turns.next) == drawn + 1, "it drew no number, or two");
}

static void the_next_but_one_is_told(void)
{
	struct spmcq *q = queue_for_turns();

	for (uint32_t i = 0; i < CAPACITY / 2; i++) {
		struct turn_place *place = place_of(q, i + NEXT);

		get_in_turn(q, i + 1);
		CHECK(atomic_load(&place->number) == i + NEXT, "nobody told number %u", i + NEXT);
		CHECK(atomic_load(&place->head) == ((first + i + NEXT) & POSITION_MASK),
		      "it was told a wrong head");
		CHECK(atomic_load(&place->tail) == tail_seen(&q->ring), "it was told a wrong tail");
	}
	queue_free(q);
}

static void a_consumer_that_nobody_tells_goes_ahead(void)
{
	struct spmcq *q = queue_for_turns();

	atomic_store(&q->ring.turns.next, NEXT + 1);
	get_in_turn(q, 1);
	CHECK(atomic_load(&place_of(q, 2 * NEXT + 1)->number) == 2 * NEXT + 1, "nor does it tell");
	CHECK(!cell_takes_turns(my_cell(q)), "it takes turns, in vain");
	queue_free(q);
}

/* Opened while a consumer waits. */
static struct {
	struct spmcq *q; /* NULL: nothing is opened */
	uint32_t number;
	uint64_t head, tail;
} opening;

static void wait_a_moment(void)
{
	struct spmcq *q = opening.q;

	opening.q = NULL;
	if (q != NULL)
		turns_pass(&q->ring.turns, opening.number - NEXT, opening.head, opening.tail);
}

/* Get the next item, i, in a turn for which the consumer waits until it is told this. */
static void get_as_told(struct spmcq *q, uint32_t i, uint64_t head, uint64_t tail)
{
	opening.q = q;
	/* Beyond the places that are open. */
	opening.number = atomic_load(&q->ring.turns.next) + NEXT + 1;
	opening.head = head & POSITION_MASK;
	opening.tail = tail;
	atomic_store(&q->ring.turns.next, opening.number);
	get_in_turn(q, i + 1);
	CHECK(opening.q == NULL, "it did not wait");
}

static void a_wrong_head_does_no_harm(void)
{
	static const int64_t wrong[] = {-1, 1, 2, CAPACITY, 1000, -1000};
	struct spmcq *q = queue_for_turns();

	for (uint32_t i = 0; i < COUNT_OF(wrong); i++)
		get_as_told(q, i, first + i + (uint64_t)wrong[i], tail_seen(&q->ring));
	queue_free(q);
}

static void an_old_tail_does_no_harm(void)
{
	struct spmcq *q = queue_for_turns();

	for (uint32_t i = 0; i < CAPACITY; i++)
		get_as_told(q, i, first + i, first);
	queue_free(q);
}

static void a_turn_takes_as_many_as_there_are(void)
{
	struct spmcq *q = queue_for_turns();
	uint64_t items[CAPACITY];

	RETURNS(3, spmcq_get_many(q, items, 3));
	CHECK(items[0] == 1 && items[2] == 3, "got other items");
	RETURNS(CAPACITY - 3, spmcq_get_many(q, items, SIZE_MAX));
	CHECK(items[0] == 4 && items[CAPACITY - 4] == CAPACITY, "got other items");
	queue_free(q);
}

static void turns_end_when_they_come_at_once(void)
{
	struct spmcq *q = queue_for_turns();
	struct cell *cell = my_cell(q);

	for (uint64_t i = 1; i <= 2 * LOSSES_TURNS; i++) {
		uint64_t item = CAPACITY + i;
		bool in_turn = i <= LOSSES_TURNS - LOSSES_MOST;

		CHECK(cell_takes_turns(cell) == in_turn, "before get %" PRIu64, i);
		RETURNS(0, spmcq_get(q, &item));
		CHECK(item == i, "got %" PRIu64 " for %" PRIu64, item, i);
		item = CAPACITY + i;
		RETURNS(0, spmcq_put(q, &item));
	}
	queue_free(q);
}

int main(void)
{
	RUN(the_next_but_one_is_told);
	RUN(a_consumer_that_nobody_tells_goes_ahead);
	RUN(a_wrong_head_does_no_harm);
	RUN(an_old_tail_does_no_harm);
	RUN(a_turn_takes_as_many_as_there_are);
	RUN(turns_end_when_they_come_at_once);
	return check_finish();
}
