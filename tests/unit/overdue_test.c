/*
 * Items that wait for somebody who does not come, by a clock of our own. The library is compiled
 * in; the sleepers are only numbers, so what wakes them is counted and nothing else.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include "support/worker.h"
#include <time.h>

static int64_t clock_now = 1000000000; /* ns */
static uint64_t looks_at_clock;

static int own_clock(clockid_t id, struct timespec *time)
{
	(void)id;
	looks_at_clock++;
	*time = (struct timespec){clock_now / 1000000000, clock_now % 1000000000};
	return 0;
}

#define clock_gettime own_clock
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 64
#endif
#include "spmcq.c"
#undef clock_gettime

#include "leading.h"

enum { CAPACITY = 4096, US = 1000 };

static void sleeps(struct spmcq *q)
{
	atomic_fetch_add(&q->items.sleepers, 1);
}

static void wakes(struct spmcq *q)
{
	atomic_fetch_sub(&q->items.sleepers, 1);
}

/* A queue whose producer has been putting an item each ns, all of them taken at once. One consumer
 * sleeps, and another has promised to look and is stopped. */
static struct spmcq *queue_in_rhythm(int64_t ns)
{
	struct spmcq *q = queue_at(CAPACITY, 8, 0);

	sleeps(q);
	atomic_fetch_add(&q->items.park.word, GATE_LOOKER);
	for (uint64_t n = 0; n < 5000; n++, clock_now += ns) {
		RETURNS(0, spmcq_put(q, &n));
		RETURNS(0, spmcq_get(q, &n));
	}
	return q;
}

static void put_every(struct spmcq *q, int64_t ns, int64_t for_ns)
{
	for (int64_t end = clock_now + for_ns; clock_now < end; clock_now += ns)
		RETURNS(0, spmcq_put(q, &clock_now));
}

static uint64_t rung(struct spmcq *q)
{
	return atomic_load(&q->items.rung);
}

static void who_promised_and_does_not_come_is_replaced(void)
{
	struct spmcq *q = queue_in_rhythm(20 * US);

	put_every(q, 20 * US, 100 * US);
	COUNTS(0, rung(q));
	put_every(q, 20 * US, 60 * US);
	COUNTS(1, rung(q));
	queue_free(q);
}

/* What many wake-ups do not mend, more will not. */
static void the_next_is_given_twice_the_time(void)
{
	struct spmcq *q = queue_in_rhythm(20 * US);

	put_every(q, 20 * US, 10000 * US);
	CHECK(rung(q) >= 5 && rung(q) <= 7, "rung %llu times in 10 ms",
	      (unsigned long long)rung(q));
	queue_free(q);
}

/* Puts n items every 20 us, after each of which so many are taken. */
static void put_and_take(struct spmcq *q, int n, int taken_of_four)
{
	uint64_t item;

	for (int i = 0; i < n; i += 4) {
		put_every(q, 20 * US, 80 * US);
		for (int t = 0; t < taken_of_four; t++)
			RETURNS(0, spmcq_get(q, &item));
	}
}

static void who_takes_all_there_is_is_relied_on(void)
{
	struct spmcq *q = queue_in_rhythm(20 * US);

	put_and_take(q, 400, 4);
	COUNTS(0, rung(q));
	queue_free(q);
}

/* While the one who promised is stopped. */
static void one_who_is_slow_is_not_enough(void)
{
	struct spmcq *q = queue_in_rhythm(20 * US);

	put_and_take(q, 400, 1);
	CHECK(rung(q) > 0, "items pile up, and nobody was rung");
	queue_free(q);
}

static void the_first_items_are_not_overdue(void)
{
	struct spmcq *q = queue_at(CAPACITY, 8, 0);

	clock_now += 1000 * US;
	sleeps(q);
	put_every(q, 50, 50 * US);
	COUNTS(1, rung(q)); /* by the first put, as ever */
	queue_free(q);
}

static void an_item_after_a_pause_is_not_overdue(void)
{
	struct spmcq *q = queue_in_rhythm(20 * US);

	clock_now += 1000000 * US;
	put_every(q, 20 * US, 100 * US);
	COUNTS(0, rung(q));
	queue_free(q);
}

static void where_nobody_sleeps_nobody_looks(void)
{
	struct spmcq *q = queue_in_rhythm(20 * US);
	uint64_t before = looks_at_clock;

	wakes(q);
	put_every(q, 20 * US, 10000 * US);
	COUNTS(0, looks_at_clock - before);
	sleeps(q);
	put_every(q, 20 * US, 64 * 20 * US + 160 * US);
	CHECK(rung(q) > 0, "nobody was rung for who sleeps now");
	queue_free(q);
}

static void lead(void *arg)
{
	take_the_lead(arg);
}

/* One that never calls again. */
static void a_leader_that_does_not_come_is_replaced(void)
{
	struct spmcq *q = queue_at(CAPACITY, 8, 0);
	struct worker leader;

	if (!q->ring.may_lead)
		check_skip("this system cannot make all threads fence");
	q->unchecked = true;
	worker_start(&leader, lead, q);
	worker_join(&leader);
	clock_now += 1000 * US;
	sleeps(q);
	put_every(q, 20 * US, 5000 * US);
	CHECK(!ring_is_led(&q->ring), "it still leads");
	CHECK(rung(q) > 0, "nobody was rung");
	queue_free(q);
}

/* A clock is dear at 5 ns an item. Looks are closer than one has to wait for, and get no rarer. */
static void a_stream_looks_at_the_clock_once_in_a_thousand_puts(void)
{
	struct spmcq *q = queue_in_rhythm(5);
	uint64_t before = looks_at_clock;

	for (uint64_t n = 0; n < 20480; n++, clock_now += 5) {
		RETURNS(0, spmcq_put(q, &n));
		RETURNS(0, spmcq_get(q, &n));
	}
	COUNTS(20, looks_at_clock - before);
	queue_free(q);
}

/* Takes n items that came one each ns. Whether the consumer takes it for a stream. */
static bool is_a_stream(struct spmcq *q, uint64_t n, int64_t ns)
{
	put_every(q, ns, (int64_t)n * ns);
	for (uint64_t i = 0, item; i < n; i++)
		RETURNS(0, spmcq_try_get(q, &item));
	return is_busy(q);
}

/* Who yields in a stream gets the processor back soon; else perhaps after a time slice. */
static void items_that_only_piled_up_are_no_stream(void)
{
	struct spmcq *q = queue_in_rhythm(10);

	is_a_stream(q, 100, 10);
	CHECK(is_a_stream(q, 100, 10), "100 items in a microsecond are a stream");
	CHECK(!is_a_stream(q, 200, 20 * US), "200 items in 4 ms are none");
	CHECK(is_a_stream(q, 100, 10), "100 items in a microsecond are one again");
	CHECK(!is_a_stream(q, 3, 10), "3 items gather for nobody");
	CHECK(is_a_stream(q, 10, 10), "10 items are enough");
	CHECK(!is_a_stream(q, 10, 20 * US), "10 items in 200 us are none");
	is_a_stream(q, 10, 10);
	CHECK(is_a_stream(q, 10, 10), "10 items in 100 ns are one again");
	clock_now += 1000 * US;
	CHECK(is_busy(q), "none taken since is too few to tell");
	queue_free(q);
}

int main(void)
{
	RUN(who_promised_and_does_not_come_is_replaced);
	RUN(the_next_is_given_twice_the_time);
	RUN(who_takes_all_there_is_is_relied_on);
	RUN(one_who_is_slow_is_not_enough);
	RUN(the_first_items_are_not_overdue);
	RUN(an_item_after_a_pause_is_not_overdue);
	RUN(where_nobody_sleeps_nobody_looks);
	RUN(a_leader_that_does_not_come_is_replaced);
	RUN(a_stream_looks_at_the_clock_once_in_a_thousand_puts);
	RUN(items_that_only_piled_up_are_no_stream);
	return check_finish();
}
