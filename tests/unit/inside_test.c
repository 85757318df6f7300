/*
 * Tests what otherwise happens only in a race of a few instructions. The library is compiled in.
 * Where it is about to make a fence, prefetch a slot, store a word, subtract from it, or compare
 * and swap it, the test can let another thread make whole calls first.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include "support/worker.h"
#include <ck_pr.h>
#include <stdatomic.h>

static void inside(const volatile void *at);

/* Names of places in a call for which no variable of the queue can stand. */
static const char at_fences[1], at_prefetches[1];

static void inside_prefetch(const void *at, ...)
{
	(void)at;
	inside(at_prefetches);
}

#undef atomic_signal_fence
#define atomic_signal_fence(order) (inside(at_fences), __atomic_signal_fence(order))
#undef atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_strong_explicit(word, expected, wanted, yes, no)                   \
	(inside(word),                                                                             \
	 __atomic_compare_exchange_n((uint64_t *)(word), expected, wanted, false, yes, no))
#undef atomic_store_explicit
#define atomic_store_explicit(word, value, order)                                                  \
	__extension__({                                                                            \
		__auto_type word_ = (word);                                                        \
		inside(word_);                                                                     \
		__atomic_store_n((__typeof__((void)0, *word_) *)word_, value, order);              \
	})
#undef atomic_fetch_sub_explicit
#define atomic_fetch_sub_explicit(word, n, order)                                                  \
	__extension__({                                                                            \
		__auto_type word_ = (word);                                                        \
		inside(word_);                                                                     \
		__atomic_fetch_sub((__typeof__((void)0, *word_) *)word_, n, order);                \
	})
#define __builtin_prefetch inside_prefetch

#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 64
#endif
#include "spmcq.c"

#include "leading.h"

/* --- what happens inside --- */

struct interruption {
	const volatile void *at;
	void (*calls)(struct spmcq *q); /* by another thread, which ends before the first goes on */
	struct spmcq *q;
};

/* They happen in this order, each once. */
static struct interruption plan[2];
static size_t planned;
static _Atomic size_t happened;

static void call(void *arg)
{
	const struct interruption *interruption = arg;

	interruption->calls(interruption->q);
}

static void elsewhere(struct interruption *interruption)
{
	struct worker worker;

	worker_start(&worker, call, interruption);
	worker_join(&worker);
}

static void inside(const volatile void *at)
{
	size_t i = atomic_load(&happened);

	if (i < planned && plan[i].at == at) {
		atomic_store(&happened, i + 1);
		elsewhere(&plan[i]);
	}
}

static void plan_at(const volatile void *at, void (*calls)(struct spmcq *), struct spmcq *q)
{
	CHECK(planned < COUNT_OF(plan), "too long a plan");
	plan[planned++] = (struct interruption){.at = at, .calls = calls, .q = q};
}

static void expect_that_all_happened(void)
{
	COUNTS(planned, atomic_load(&happened));
}

/* --- calls --- */

/* An item of any size holds its number in 4 bytes, the rest of it is 0. */
struct item {
	uint32_t number, rest;
};

static void put(struct spmcq *q, uint32_t number)
{
	struct item item = {.number = number};

	RETURNS(0, spmcq_put(q, &item));
}

static uint32_t get(struct spmcq *q)
{
	struct item item;

	RETURNS(0, spmcq_get(q, &item));
	return item.number;
}

static uint32_t another_got; /* since another_gets() */

static void another_gets(struct spmcq *q)
{
	another_got = get(q);
}

static void another_shuts_down(struct spmcq *q)
{
	RETURNS(0, spmcq_shutdown(q));
}

static void another_reports_one(struct spmcq *q)
{
	RETURNS(0, spmcq_task_done(q));
}

#ifdef SPMCQ_LEAD
/* --- a get by a leader --- */

static uint32_t try_get(struct spmcq *q)
{
	struct item item;

	RETURNS(0, spmcq_try_get(q, &item));
	return item.number;
}

/* There are two items. While the leader is inside its get, another consumer gets an item. */
static void share_two(uint32_t (*gets)(struct spmcq *), size_t item_size, bool is_claimed)
{
	struct spmcq *q = queue_at(8, item_size, 0);
	uint32_t mine = is_claimed ? 101 : 102;
	struct cell *cell;
	uint64_t got;

	take_the_lead(q);
	cell = my_cell(q);
	put(q, 100);
	put(q, 101);
	put(q, 102);
	COUNTS(100, get(q)); /* the leader knows of the others now */
	got = CELL_GET(cell, got);
	plan_at(is_claimed ? at_fences : (const volatile void *)&cell->got, another_gets, q);
	COUNTS(mine, gets(q));
	expect_that_all_happened();
	COUNTS(got + 1, CELL_GET(cell, got));
	COUNTS(101 + 102 - mine, another_got);
	COUNTS(0, spmcq_size(q));
	CHECK(!is_led(q), "somebody leads");
	RETURNS(0, spmcq_task_done_many(q, spmcq_unfinished(q)));
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void an_item_that_a_leader_has_claimed_is_got_by_no_other(void)
{
	share_two(get, 8, true);
}

static void an_item_that_a_leader_has_claimed_is_got_by_no_other_with_items_of_4_bytes(void)
{
	share_two(get, 4, true);
}

static void a_leader_that_is_late_to_claim_gets_the_next_item(void)
{
	share_two(get, 8, false);
}

static void a_leader_that_is_late_to_claim_may_try_for_the_next_item(void)
{
	share_two(try_get, 8, false);
}

static void a_leader_that_is_late_to_claim_gets_the_next_item_with_items_of_4_bytes(void)
{
	share_two(get, 4, false);
}

/* As a thread that ends a lead and is stopped for good after its first step. */
static void another_begins_to_end_the_lead(struct spmcq *q)
{
	atomic_store(&q->ring.cursor.state, ENDING(atomic_load(&q->ring.cursor.state)));
}

static void a_leader_need_not_wait_for_who_ends_its_lead(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	take_the_lead(q);
	put(q, 101);
	put(q, 102);
	plan_at(at_fences, another_begins_to_end_the_lead, q);
	COUNTS(101, get(q));
	expect_that_all_happened();
	COUNTS(1, spmcq_size(q));
	COUNTS(102, get(q));
	queue_free(q);
}

/* It has said so, and not looked for room again yet. */
static void a_producer_begins_to_sleep(struct spmcq *q)
{
	atomic_store(&q->wake_producer_at, cursor_head(&q->ring.cursor) + 1);
	gate_announce(&q->room);
	another_begins_to_end_the_lead(q);
}

static void a_leader_whose_lead_is_being_ended_wakes_the_producer(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	take_the_lead(q);
	put(q, 101);
	put(q, 102);
	COUNTS(101, get(q));
	plan_at(at_fences, a_producer_begins_to_sleep, q);
	COUNTS(102, get(q));
	expect_that_all_happened();
	COUNTS(1, atomic_load(&q->room.woken));
	queue_free(q);
}

static void a_lead_does_not_begin_while_another_takes_an_item(void)
{
	struct spmcq *q = queue_at(8, 8, 0);
	struct cell *cell;

	take_the_lead(q);
	cursor_share(&q->ring.cursor);
	cell = my_cell(q);
	put(q, 101);
	put(q, 102);
	plan_at(&q->ring.cursor.head, another_gets, q);
	lead_begin(&q->ring.cursor, cell);
	expect_that_all_happened();
	CHECK(!is_led(q), "somebody leads");
	COUNTS(101, another_got);
	COUNTS(102, get(q));
	queue_free(q);
}

#endif

/* --- shutdown in the middle of a put or a get --- */

static void a_put_whose_tail_shutdown_has_read_succeeds(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	take_the_lead(q);
	plan_at(at_fences, another_shuts_down, q);
	put(q, 101);
	expect_that_all_happened();
	COUNTS(1, spmcq_size(q));
	COUNTS(101, get(q));
	RETURNS(-ESHUTDOWN, spmcq_get(q, &(struct item){0}));
	queue_free(q);
}

/* Now the next put finds known room, so it prefetches. */
static void make_room_known(struct spmcq *q)
{
	put(q, 100);
	COUNTS(100, get(q));
	RETURNS(0, spmcq_task_done(q));
}

/* As a thread that shuts down, and is stopped for good after its first step. */
static void another_begins_to_shut_down(struct spmcq *q)
{
	atomic_store(&q->ring.cursor.state, CURSOR_CLOSED);
}

static void a_put_does_not_wait_for_a_thread_that_shuts_down(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	take_the_lead(q);
	make_room_known(q);
	plan_at(at_prefetches, another_begins_to_shut_down, q);
	put(q, 101);
	expect_that_all_happened();
	RETURNS(-ESHUTDOWN, spmcq_put(q, &(struct item){0}));
	COUNTS(101, get(q));
	RETURNS(-ESHUTDOWN, spmcq_get(q, &(struct item){0}));
	queue_free(q);
}

static void a_put_whose_tail_shutdown_has_not_read_fails(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	take_the_lead(q);
	make_room_known(q);
	plan_at(at_prefetches, another_shuts_down, q);
	RETURNS(-ESHUTDOWN, spmcq_put(q, &(struct item){0}));
	expect_that_all_happened();
	COUNTS(0, spmcq_size(q));
	RETURNS(-ESHUTDOWN, spmcq_get(q, &(struct item){0}));
	queue_free(q);
}

static void another_tries_to_put(struct spmcq *q)
{
	RETURNS(-ESHUTDOWN, spmcq_try_put(q, &(struct item){0}));
}

/* The leader has just taken an item, so the queue will have room when the lead has ended. */
static void a_try_put_that_ends_a_lead_sees_shutdown_meanwhile(void)
{
	struct spmcq *q = queue_at(2, 8, 0);

	take_the_lead(q);
	put(q, 101);
	put(q, 102);
	RETURNS(0, spmcq_release_producer(q));
	plan_at(at_fences, another_tries_to_put, q);
	plan_at(&q->ring.cursor.state, another_shuts_down, q);
	COUNTS(101, get(q));
	expect_that_all_happened();
	COUNTS(102, get(q));
	RETURNS(-ESHUTDOWN, spmcq_get(q, &(struct item){0}));
	queue_free(q);
}

static void shutdown_now_discards_what_others_leave_meanwhile(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	put(q, 101);
	put(q, 102);
	plan_at(&q->ring.cursor.head, another_gets, q);
	RETURNS(0, spmcq_shutdown_now(q));
	expect_that_all_happened();
	COUNTS(101, another_got);
	COUNTS(1, stats_of(q).discarded);
	COUNTS(1, spmcq_unfinished(q));
	queue_free(q);
}

/* --- which threads report and put --- */

static const struct timespec past = {0, 0};

static void expect_unfinished(struct spmcq *q, size_t n)
{
	COUNTS(n, spmcq_unfinished(q));
	RETURNS(n > 0 ? -ETIMEDOUT : 0, spmcq_join_until(q, &past));
}

/* Another thread reports the same item after this one has looked whether it may, and before it
 * does: one of the two is refused, and later items count as they should. */
static void an_item_that_two_report_counts_once(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	put(q, 101);
	COUNTS(101, get(q));
	plan_at(&my_cell(q)->done, another_reports_one, q);
	RETURNS(-ERANGE, spmcq_task_done(q));
	expect_that_all_happened();
	expect_unfinished(q, 0);
	put(q, 102);
	COUNTS(102, get(q));
	expect_unfinished(q, 1);
	RETURNS(0, spmcq_task_done(q));
	RETURNS(-ERANGE, spmcq_task_done(q));
	expect_unfinished(q, 0);
	queue_free(q);
}

static void another_joins_in_vain(struct spmcq *q)
{
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
}

/* As above, and another item lies in the queue. A third thread joins when the report that will be
 * refused has been counted, before it is withdrawn: the two reports do not stand for two items. */
static void an_item_that_two_report_does_not_count_for_another(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	put(q, 101);
	put(q, 102);
	COUNTS(101, get(q));
	plan_at(&my_cell(q)->done, another_reports_one, q);
	plan_at(&my_cell(q)->done, another_joins_in_vain, q);
	RETURNS(-ERANGE, spmcq_task_done(q));
	expect_that_all_happened();
	expect_unfinished(q, 1);
	COUNTS(102, get(q));
	RETURNS(0, spmcq_task_done(q));
	expect_unfinished(q, 0);
	queue_free(q);
}

static void another_reports_too_much(struct spmcq *q)
{
	RETURNS(-ERANGE, spmcq_task_done(q));
}

static void an_over_call_costs_only_its_caller(void)
{
	struct spmcq *q = queue_at(8, 8, 0);
	struct interruption other = {.calls = another_reports_too_much, .q = q};

	put(q, 101);
	COUNTS(101, get(q));
	RETURNS(0, spmcq_task_done(q));
	elsewhere(&other);
	put(q, 102);
	COUNTS(102, get(q));
	RETURNS(0, spmcq_task_done(q));
	COUNTS(2, my_cell(q)->done);
	expect_unfinished(q, 0);
	queue_free(q);
}

/* --- what a get that fails leaves --- */

static void another_takes_one(struct spmcq *q)
{
	unsigned char item[64];

	RETURNS(0, spmcq_try_get(q, item));
}

/* Another consumer takes the only item after it was copied, before it was claimed. */
static void a_get_that_fails_leaves_the_callers_buffer(void)
{
	static const size_t sizes[] = {1, 4, 8, 24, 63, 64};

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct spmcq *q = queue_at(8, sizes[i], 0);
		unsigned char item[64], before[64];

		check_doing("items of %zu bytes", sizes[i]);
		memset(item, 0x11, sizeof(item));
		RETURNS(0, spmcq_put(q, item));
		memset(item, 0x22, sizeof(item));
		memcpy(before, item, sizeof(item));
		planned = 0;
		atomic_store(&happened, 0);
		plan_at(&q->ring.cursor.head, another_takes_one, q);
		RETURNS(-EAGAIN, spmcq_try_get_many(q, item, 1));
		expect_that_all_happened();
		CHECK(memcmp(item, before, sizeof(item)) == 0, "it holds another's item");
		queue_free(q);
	}
}

static void a_big_batch_that_others_spoil_is_halved(void)
{
	enum { FEW = SHRINK_BYTES / sizeof(uint32_t), ALL = 2 * FEW };
	struct spmcq *q = queue_of(ALL);
	uint32_t items[ALL];

	put_numbers(q, 0, ALL);
	plan_at(&q->ring.cursor.head, another_gets, q);
	plan_at(&q->ring.cursor.head, another_gets, q);
	RETURNS(FEW, spmcq_try_get_many(q, items, ALL));
	COUNTS(2, items[0]);
	expect_that_all_happened();
	queue_free(q);
}

/* --- destroy --- */

static void it_cannot_be_destroyed(struct spmcq *q)
{
	RETURNS(-EBUSY, spmcq_destroy(q));
}

static void get_soon(void *q)
{
	sleep_ms(20);
	get(q);
}

/* Another thread tries to destroy the queue when the producer has found room, and is about to store
 * the item. */
static void a_put_that_waited_is_inside_until_it_returns(void)
{
	struct spmcq *q = queue_of(1);
	struct worker consumer;

	put(q, 101);
	plan_at(slots_first(&q->ring.slots), it_cannot_be_destroyed, q);
	worker_start(&consumer, get_soon, q);
	put(q, 102);
	worker_join(&consumer);
	expect_that_all_happened();
	COUNTS(102, get(q));
	queue_free(q);
}

static void one_long_wait_for_room_does_not_make_the_next_ones_long(void)
{
	struct spmcq *q = queue_of(8);

	/* As after a wait of 41 pauses. From now on room is there at the first look. */
	q->room_pauses = 40;
	for (int waits = 0; waits < 6; waits++)
		CHECK(look_for_half(q), "the ring is empty");
	COUNTS(0, q->room_pauses);
	queue_free(q);
}

/* Marks the home cell of the calling thread, where it looks first, as owned by another thread whose
 * address leads to the same cell. */
static struct cell *take_home(struct spmcq *q)
{
	struct cells *cells = &q->ring.cursor.cells;
	struct cell *home = &cells->cell[cell_home(thread_id()) / sizeof(struct cell)];

	home->owner = thread_id() ^ 64;
	cells->used |= UINT64_C(1) << (home - cells->cell) / CELL_GROUP;
	return home;
}

static void a_thread_whose_home_is_taken_has_another_cell(void)
{
	struct spmcq *q = queue_at(8, 8, 0);
	const struct cell *home = take_home(q);
	struct item items[2] = {{0}};

	put(q, 101);
	put(q, 102);
	RETURNS(2, spmcq_put_many(q, items, 2));
	RETURNS(2, spmcq_try_put_many(q, items, 2));
	COUNTS(101, get(q));
	RETURNS(0, spmcq_try_get(q, items));
	RETURNS(0, spmcq_task_done(q));
	COUNTS(5, spmcq_unfinished(q));
	COUNTS(0, home->got);
	COUNTS(0, home->done);
	CHECK(my_cell(q) != home, "the cell is another's");
	queue_free(q);
}

/* Marks all cells that a thread can own as owned by others. */
static void take_own_cells(struct spmcq *q)
{
	struct cells *cells = &q->ring.cursor.cells;

	for (uint64_t i = 0; i < OWN_CELLS; i++) {
		atomic_store(&cells->cell[i].owner, i);
		atomic_fetch_or(&cells->used, UINT64_C(1) << i / CELL_GROUP);
	}
}

static void another_over_calls(struct spmcq *q)
{
	RETURNS(-ERANGE, spmcq_task_done_many(q, 4));
}

static void threads_that_share_a_cell_count_exactly(void)
{
	struct spmcq *q = queue_at(8, 8, 0);
	struct interruption other = {.calls = another_gets, .q = q};
	struct item items[2];

	take_own_cells(q);
	for (uint32_t n = 0; n < 6; n++)
		put(q, n);
	COUNTS(0, get(q));
	CHECK(cell_is_shared(&q->ring.cursor.cells, my_cell(q)), "the cell is another's");
	RETURNS(2, spmcq_get_many(q, items, 2));
	elsewhere(&other);
	COUNTS(3, another_got);
	RETURNS(0, spmcq_task_done(q));
	expect_unfinished(q, 5);
	other.calls = another_over_calls;
	elsewhere(&other);
	other.calls = another_reports_one;
	elsewhere(&other);
	expect_unfinished(q, 4);
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(-ERANGE, spmcq_task_done(q));
	COUNTS(4, get(q));
	COUNTS(5, get(q));
	RETURNS(0, spmcq_task_done_many(q, 2));
	expect_unfinished(q, 0);
	COUNTS(6, stats_of(q).done);
	queue_free(q);
}

int main(void)
{
#ifdef SPMCQ_LEAD
	RUN(an_item_that_a_leader_has_claimed_is_got_by_no_other);
	RUN(an_item_that_a_leader_has_claimed_is_got_by_no_other_with_items_of_4_bytes);
	RUN(a_leader_that_is_late_to_claim_gets_the_next_item);
	RUN(a_leader_that_is_late_to_claim_gets_the_next_item_with_items_of_4_bytes);
	RUN(a_leader_that_is_late_to_claim_may_try_for_the_next_item);
	RUN(a_leader_need_not_wait_for_who_ends_its_lead);
	RUN(a_leader_whose_lead_is_being_ended_wakes_the_producer);
	RUN(a_lead_does_not_begin_while_another_takes_an_item);
#endif
	RUN(a_put_whose_tail_shutdown_has_read_succeeds);
	RUN(a_put_whose_tail_shutdown_has_not_read_fails);
	RUN(a_put_does_not_wait_for_a_thread_that_shuts_down);
	RUN(a_try_put_that_ends_a_lead_sees_shutdown_meanwhile);
	RUN(shutdown_now_discards_what_others_leave_meanwhile);
	RUN(an_item_that_two_report_counts_once);
	RUN(an_item_that_two_report_does_not_count_for_another);
	RUN(an_over_call_costs_only_its_caller);
	RUN(a_get_that_fails_leaves_the_callers_buffer);
	RUN(a_big_batch_that_others_spoil_is_halved);
	RUN(a_put_that_waited_is_inside_until_it_returns);
	RUN(one_long_wait_for_room_does_not_make_the_next_ones_long);
	RUN(a_thread_whose_home_is_taken_has_another_cell);
	RUN(threads_that_share_a_cell_count_exactly);
	return check_finish();
}
