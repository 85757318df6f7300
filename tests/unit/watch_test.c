/*
 * While a consumer looks for items, or leads, a put wakes nobody else. If that consumer is stopped,
 * another one, the reserve (see lib/watch.h), gets the items soon. The library is compiled in, so
 * that the test can stop a thread where it pauses, and see how many threads are woken.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include "support/worker.h"
#include <ck_pr.h>
#include <sched.h>
#include <time.h>

static _Thread_local bool stops;
static _Atomic size_t stopped;
static _Atomic bool let_go;

static void stop_here(void)
{
	if (!stops)
		return;
	stops = false;
	atomic_fetch_add(&stopped, 1);
	while (!atomic_load(&let_go))
		sleep_ms(1);
}

static inline void stop_or_stall(void)
{
	stop_here();
	ck_pr_stall();
}

static int stop_or_yield(void)
{
	stop_here();
	return sched_yield();
}

#define ck_pr_stall stop_or_stall
#define sched_yield stop_or_yield
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 8
#endif
#include "spmcq.c"

#include "leading.h"

enum {
	SOON_MS = 50,
	LATE_MS = 5000, /* even on a busy machine: no consumer was woken */
	ATTEMPTS = 10,  /* in one of these, the item must be got within SOON_MS */
	CROWD = 8,
};

struct consumer {
	struct spmcq *q;
	bool stops;
	_Atomic size_t got;
	struct worker worker;
};

static void get_all(void *arg)
{
	struct consumer *consumer = arg;

	stops = consumer->stops;
	while (spmcq_get(consumer->q, &(uint32_t){0}) == 0)
		atomic_fetch_add(&consumer->got, 1);
}

static void consumer_start(struct consumer *consumer, struct spmcq *q, bool stops_looking)
{
	size_t before = atomic_load(&stopped);

	consumer->q = q;
	consumer->stops = stops_looking;
	atomic_store(&consumer->got, 0);
	worker_start(&consumer->worker, get_all, consumer);
	if (stops_looking)
		await_count(&stopped, before + 1, "consumers stopped as they look");
}

static void await_reserves(struct spmcq *q, uint32_t n)
{
	for (int ms = 0; gate_sleepers(&q->reserve) != n; ms++) {
		CHECK(ms < LATE_MS, "%u of %u sleep", gate_sleepers(&q->reserve), n);
		sleep_ms(1);
	}
	CHECK(!watch_has_sleepers(&q->watch), "a consumer sleeps that a put would have to wake");
}

/* Puts an item. Returns after how many ms somebody has got it. */
static long put_until_got(struct spmcq *q)
{
	struct spmcq_stats before = stats_of(q);
	int64_t began = clock_ns();

	RETURNS(0, spmcq_put(q, &(uint32_t){0}));
	COUNTS(before.wakeups, stats_of(q).wakeups);
	while (stats_of(q).got == before.got) {
		CHECK(clock_ns() - began < LATE_MS * INT64_C(1000000), "nobody got it in %d ms",
		      LATE_MS);
		sleep_ms(1);
	}
	return (long)((clock_ns() - began) / 1000000);
}

static void end(struct spmcq *q, struct consumer *consumers, size_t n)
{
	atomic_store(&let_go, true);
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i < n; i++)
		worker_join(&consumers[i].worker);
	queue_free(q);
}

/* All but the first one sleep, and it is stopped as it looks. */
static void try_reserves(size_t n)
{
	struct spmcq *q = queue_of(64);
	struct consumer consumers[1 + CROWD];
	long least = LATE_MS;

	for (size_t i = 0; i <= n; i++)
		consumer_start(&consumers[i], q, i == 0);
	for (int i = 0; i < ATTEMPTS && least > SOON_MS; i++) {
		long ms;

		await_reserves(q, (uint32_t)n);
		ms = put_until_got(q);
		least = ms < least ? ms : least;
	}
	CHECK(least <= SOON_MS, "the soonest of %d items was got after %ld ms", ATTEMPTS, least);
	COUNTS(0, atomic_load(&consumers[0].got));
	end(q, consumers, n + 1);
}

static void a_reserve_gets_what_a_stopped_looker_does_not(void)
{
	try_reserves(1);
}

static void of_many_reserves_one_looks_as_soon_as_a_single_one(void)
{
	try_reserves(CROWD);
}

static void lead(void *q)
{
	skip_without_lead(q);
	for (uint32_t n = 0; !is_led(q) && n < 1000 * SPMCQ_LEAD_AFTER; n++) {
		struct timespec soon = spmcq_after(0.001);

		RETURNS(0, spmcq_put(q, &n));
		(void)spmcq_get_until(q, &n, &soon); /* or the reserve had it */
	}
	RETURNS(0, spmcq_release_producer(q));
}

/* A consumer leads while another sleeps as a reserve. The leader makes no further call. */
static void a_reserve_gets_what_a_stopped_leader_does_not(void)
{
	struct spmcq *q = queue_of(64);
	struct consumer consumers[2];
	long least = LATE_MS;

	skip_without_lead(q);
	consumer_start(&consumers[0], q, true);
	consumer_start(&consumers[1], q, false);
	for (int led = 0, i = 0; led < ATTEMPTS && least > SOON_MS; i++) {
		struct worker leader;
		long ms;

		CHECK(i < 100 * ATTEMPTS, "nobody leads");
		worker_start(&leader, lead, q);
		worker_join(&leader);
		await_reserves(q, 1);
		if (!is_led(q)) /* the reserve had an item */
			continue;
		led++;
		ms = put_until_got(q);
		RETURNS(0, spmcq_release_producer(q));
		CHECK(!is_led(q), "another got an item, and the lead goes on");
		least = ms < least ? ms : least;
	}
	CHECK(least <= SOON_MS, "the soonest of %d items was got after %ld ms", ATTEMPTS, least);
	COUNTS(0, atomic_load(&consumers[0].got));
	end(q, consumers, COUNT_OF(consumers));
}

/* A leader that finds no item, and pauses, is stopped in the pause. */
static void lead_and_stop(void *arg)
{
	struct consumer *consumer = arg;

	take_the_lead(consumer->q);
	RETURNS(0, spmcq_release_producer(consumer->q));
	get_all(consumer);
}

static void a_leader_stopped_as_it_looks_holds_up_nobody(void)
{
	struct spmcq *q = queue_of(64);
	struct consumer consumers[2] = {{.q = q, .stops = true}};

	skip_without_lead(q);
	worker_start(&consumers[0].worker, lead_and_stop, &consumers[0]);
	await_count(&stopped, 1, "leaders stopped as they look");
	CHECK(is_led(q), "nobody leads");
	consumer_start(&consumers[1], q, false);
	await_reserves(q, 1);
	put_until_got(q);
	RETURNS(0, spmcq_put_many(q, (uint32_t[20]){0}, 20) - 20);
	await_count(&consumers[1].got, 21, "items got");
	COUNTS(0, atomic_load(&consumers[0].got));
	end(q, consumers, COUNT_OF(consumers));
}

/* The reserve wakes up again and again. When no other consumer looks for items any more, it sleeps
 * until it is woken. */
static void the_last_that_looks_is_a_sleeper_to_be_woken(void)
{
	struct spmcq *q = queue_of(64);
	struct consumer consumers[2];

	consumer_start(&consumers[0], q, true);
	consumer_start(&consumers[1], q, false);
	await_reserves(q, 1);
	atomic_store(&let_go, true);
	for (int ms = 0; atomic_load(&q->watch.word) != 2 * WATCH_SLEEPER; ms++) {
		CHECK(ms < LATE_MS, "the watch is %llx after %d ms, not that of two sleepers",
		      (unsigned long long)atomic_load(&q->watch.word), ms);
		sleep_ms(1);
	}
	COUNTS(2, gate_sleepers(&q->items));
	end(q, consumers, COUNT_OF(consumers));
}

/* --- how many are woken; the sleepers are no threads, but counted in the watch and the gate --- */

static void sleepers_come(struct spmcq *q, uint32_t n)
{
	while (n-- > 0) {
		watch_begin_to_look(&q->watch);
		gate_announce(&q->items);
		CHECK(!watch_lie_down(&q->watch, false, false), "it is a reserve");
	}
}

static void sleepers_leave(struct spmcq *q, uint32_t n)
{
	while (n-- > 0) {
		watch_get_up(&q->watch, false);
		watch_end_to_look(&q->watch);
		gate_leave(&q->items);
	}
}

/* Puts n items. Checks how many system calls this makes to wake, and by how many sleepers the
 * producer's count of the woken rises. */
static void put_and_wake(struct spmcq *q, uint32_t n, uint64_t system_calls, uint32_t woken)
{
	uint32_t items[64] = {0}, before = q->woken + q->reserve_woken;
	uint64_t wakeups = stats_of(q).wakeups;

	RETURNS((ssize_t)n, spmcq_put_many(q, items, n));
	COUNTS(system_calls, stats_of(q).wakeups - wakeups);
	COUNTS(woken, q->woken + q->reserve_woken - before);
}

static void n_items_wake_n_sleepers_at_once(void)
{
	struct spmcq *q = queue_of(64);

	sleepers_come(q, 5);
	put_and_wake(q, 3, 1, 3);
	put_and_wake(q, 3, 1, 2); /* three were woken before, and have not left yet */
	put_and_wake(q, 3, 0, 0);
	sleepers_come(q, 1);
	put_and_wake(q, 3, 1, 1);
	sleepers_leave(q, 6);
	put_and_wake(q, 3, 0, 0);
	queue_free(q);
}

static void a_sleeper_that_left_by_itself_is_not_woken(void)
{
	struct spmcq *q = queue_of(64);

	sleepers_come(q, 3);
	sleepers_leave(q, 3);
	RETURNS(1, spmcq_put_many(q, (uint32_t[]){0}, 1));
	COUNTS(0, stats_of(q).wakeups);
	sleepers_come(q, 2);
	put_and_wake(q, 1, 1, 3 + 1); /* also counts the three that left by themselves */
	put_and_wake(q, 1, 1, 1);
	put_and_wake(q, 1, 0, 0);
	sleepers_leave(q, 2);
	queue_free(q);
}

/* For each sleeper that leaves another comes, so that their number stays the same. */
static void a_sleeper_that_comes_as_another_leaves_is_woken(void)
{
	struct spmcq *q = queue_of(64);

	for (int i = 0; i < 10; i++) {
		sleepers_come(q, 1);
		sleepers_leave(q, 1);
		sleepers_come(q, 1);
		RETURNS(1, spmcq_put_many(q, (uint32_t[]){0}, 1));
		COUNTS((uint64_t)i + 1, stats_of(q).wakeups);
		sleepers_leave(q, 1);
	}
	queue_free(q);
}

static void while_one_looks_nobody_is_woken(void)
{
	struct spmcq *q = queue_of(64);

	watch_begin_to_look(&q->watch);
	watch_begin_to_look(&q->watch);
	CHECK(watch_lie_down(&q->watch, false, false), "it is to be woken though another looks");
	gate_announce(&q->reserve);
	put_and_wake(q, 5, 0, 0);
	watch_end_to_look(&q->watch);
	put_and_wake(q, 5, 1, 1);
	watch_get_up(&q->watch, true);
	gate_leave(&q->reserve);
	watch_end_to_look(&q->watch);
	COUNTS(0, atomic_load(&q->watch.word));
	queue_free(q);
}

static void get_one(void *arg)
{
	stops = true;
	RETURNS(0, spmcq_get(arg, &(uint32_t){0}));
}

/* The looker takes one of two items and makes no further call, so a reserve is needed for the
 * other. */
static void a_looker_that_leaves_wakes_a_reserve_for_the_rest(void)
{
	struct spmcq *q = queue_of(64);
	struct worker worker;

	worker_start(&worker, get_one, q);
	await_count(&stopped, 1, "consumers stopped as they look");
	watch_begin_to_look(&q->watch);
	CHECK(watch_lie_down(&q->watch, false, false), "it is to be woken though another looks");
	gate_announce(&q->reserve);
	put_and_wake(q, 2, 0, 0);
	atomic_store(&let_go, true);
	worker_join(&worker);
	COUNTS(1, spmcq_size(q));
	COUNTS(1, stats_of(q).wakeups);
	queue_free(q);
}

int main(void)
{
	RUN(a_reserve_gets_what_a_stopped_looker_does_not);
	RUN(of_many_reserves_one_looks_as_soon_as_a_single_one);
	RUN(a_reserve_gets_what_a_stopped_leader_does_not);
	RUN(a_leader_stopped_as_it_looks_holds_up_nobody);
	RUN(the_last_that_looks_is_a_sleeper_to_be_woken);
	RUN(n_items_wake_n_sleepers_at_once);
	RUN(a_sleeper_that_left_by_itself_is_not_woken);
	RUN(a_sleeper_that_comes_as_another_leaves_is_woken);
	RUN(while_one_looks_nobody_is_woken);
	RUN(a_looker_that_leaves_wakes_a_reserve_for_the_rest);
	return check_finish();
}
