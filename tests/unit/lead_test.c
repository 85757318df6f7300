/*
 * Tests what holds while a consumer leads (see lib/cursor_lead.h), and when its lead ends. The
 * library is compiled in such that a consumer leads after a few items, and each property can bring
 * that about.
 */
#ifndef SPMCQ_LEAD_AFTER
#define SPMCQ_LEAD_AFTER 64
#endif
#include "spmcq.c" /* first: it says which system interfaces it wants */

#include "leading.h"
#include "support/fixture.h"
#include "support/worker.h"

/* Gets what must be there, as a leader does. */
static void get_leading(struct spmcq *q, uint32_t first, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number;

		CHECK(is_led(q), "the lead ended before item %u", first + i);
		RETURNS(0, spmcq_get(q, &number));
		CHECK(number == first + i, "got %u, not %u", number, first + i);
	}
}

struct taker {
	struct spmcq *q;
	uint32_t number;
};

static void take_one(void *arg)
{
	struct taker *taker = arg;

	RETURNS(0, spmcq_get(taker->q, &taker->number));
}

static void another_gets_what_a_leader_leaves(void)
{
	struct taker taker = {.q = queue_of(100)};
	uint32_t next = take_the_lead(taker.q);
	struct worker worker;

	put_numbers(taker.q, next, 3);
	get_leading(taker.q, next, 1);
	worker_start(&worker, take_one, &taker);
	worker_join(&worker);
	CHECK(taker.number == next + 1, "got %u, not %u", taker.number, next + 1);
	CHECK(!is_led(taker.q), "another took an item and the lead goes on");
	get_numbers(taker.q, next + 2, 1);
	RETURNS(0, spmcq_task_done_many(taker.q, 3));
	RETURNS(0, spmcq_join(taker.q));
	queue_free(taker.q);
}

static void a_consumer_that_falls_asleep_ends_the_lead_and_is_woken(void)
{
	struct taker taker = {.q = queue_of(100)};
	uint32_t next = take_the_lead(taker.q);
	struct worker worker;

	worker_start(&worker, take_one, &taker);
	worker_await_sleep(&worker);
	CHECK(!is_led(taker.q), "a consumer sleeps and the lead goes on");
	put_numbers(taker.q, next, 1);
	worker_join(&worker);
	queue_free(taker.q);
}

/* The sleeper is only counted in the watch: a real thread would get the items. */
static void nobody_leads_while_a_sleeper_must_be_woken(void)
{
	struct spmcq *q = queue_of(100);

	skip_without_lead(q);
	atomic_fetch_add(&q->watch.word, WATCH_SLEEPER);
	for (uint32_t n = 0; n < 10 * SPMCQ_LEAD_AFTER; n++) {
		put_numbers(q, n, 1);
		RETURNS(0, spmcq_get(q, &(uint32_t){0}));
		CHECK(!is_led(q),
		      "a consumer leads after item %u: a put would not wake the sleeper", n);
	}
	RETURNS(0, spmcq_task_done_many(q, 10 * SPMCQ_LEAD_AFTER));
	atomic_fetch_sub(&q->watch.word, WATCH_SLEEPER);
	take_the_lead(q);
	queue_free(q);
}

static void nobody_leads_after_a_try_call_has_ended_a_lead(void)
{
	struct spmcq *q = queue_of(100);

	take_the_lead(q);
	RETURNS(-EAGAIN, spmcq_try_get(q, &(uint32_t){0}));
	for (uint32_t n = 0; n < 10 * SPMCQ_LEAD_AFTER; n++) {
		put_numbers(q, n, 1);
		RETURNS(0, spmcq_get(q, &(uint32_t){0}));
		CHECK(!is_led(q), "it leads again after %u items", n);
	}
	queue_free(q);
}

static void lead_and_end(void *arg)
{
	(void)take_the_lead(arg);
	RETURNS(0, spmcq_release_producer(arg));
}

static void a_leader_whose_thread_has_ended_is_followed(void)
{
	struct spmcq *q = queue_of(100);
	struct worker worker;

	worker_start(&worker, lead_and_end, q);
	worker_join(&worker);
	put_numbers(q, 7, 100);
	RETURNS(-EAGAIN, spmcq_try_put(q, &(uint32_t){0}));
	get_numbers(q, 7, 100);
	RETURNS(-EAGAIN, spmcq_try_get(q, &(uint32_t){0}));
	queue_free(q);
}

static void the_bound_is_exact_under_a_lead(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		struct spmcq *q = queue_of(all_capacities[c]);
		uint32_t next = take_the_lead(q);

		check_doing("capacity %zu", all_capacities[c]);
		put_numbers(q, next, all_capacities[c]);
		COUNTS(all_capacities[c], spmcq_size(q));
		get_leading(q, next, 1);
		put_numbers(q, next + (uint32_t)all_capacities[c], 1);
		RETURNS(-EAGAIN, spmcq_try_put(q, &(uint32_t){0}));
		get_numbers(q, next + 1, all_capacities[c]);
		queue_free(q);
	}
}

static void a_leader_that_finds_nothing_in_time_leads_no_more(void)
{
	struct spmcq *q = queue_of(100);
	struct timespec now = spmcq_after(0);
	uint32_t number = take_the_lead(q);

	RETURNS(-ETIMEDOUT, spmcq_get_until(q, &number, &now));
	CHECK(!is_led(q), "the lead goes on");
	queue_free(q);
}

static void shutdown_ends_a_lead(void)
{
	struct spmcq *q = queue_of(100);
	uint32_t next = take_the_lead(q);

	put_numbers(q, next, 2);
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(-ESHUTDOWN, spmcq_put(q, &(uint32_t){0}));
	COUNTS(2, spmcq_size(q));
	get_numbers(q, next, 2);
	RETURNS(-ESHUTDOWN, spmcq_get(q, &(uint32_t){0}));
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void shutdown_now_discards_under_a_lead(void)
{
	struct spmcq *q = queue_of(100);
	uint32_t next = take_the_lead(q);

	put_numbers(q, next, 5);
	get_leading(q, next, 2);
	RETURNS(0, spmcq_shutdown_now(q));
	COUNTS(2, spmcq_unfinished(q));
	COUNTS(3, stats_of(q).discarded);
	RETURNS(-ESHUTDOWN, spmcq_get(q, &(uint32_t){0}));
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void reports_count_under_a_lead(void)
{
	struct spmcq *q = queue_of(100);
	uint32_t next = take_the_lead(q);

	put_numbers(q, next, 3);
	get_leading(q, next, 3);
	COUNTS(3, spmcq_unfinished(q));
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(-ERANGE, spmcq_task_done_many(q, 2));
	RETURNS(0, spmcq_task_done(q));
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void bulk_calls_lead_too(void)
{
	struct spmcq *q = queue_of(100);
	uint32_t next = take_the_lead(q), in[60], out[60];

	for (int round = 0; round < 10; round++, next += 60) {
		for (uint32_t i = 0; i < 60; i++)
			in[i] = next + i;
		RETURNS(60, spmcq_put_many(q, in, 60));
		CHECK(is_led(q), "the lead ended in round %d", round);
		RETURNS(60, spmcq_get_many(q, out, 60));
		CHECK(memcmp(in, out, sizeof in) == 0, "round %d is not what was put", round);
	}
	queue_free(q);
}

static void a_lead_goes_on_across_the_wrap(void)
{
	/* Positions are counted modulo 2^62. */
	struct spmcq *q = queue_at(5, sizeof(uint32_t), (UINT64_C(1) << 62) - 600);
	uint32_t next = take_the_lead(q);

	for (; next < 1000; next += 5) {
		put_numbers(q, next, 5);
		COUNTS(5, spmcq_size(q));
		get_leading(q, next, 5);
	}
	CHECK(cursor_head(&q->ring.cursor) < 1000, "position %llx has not wrapped",
	      (unsigned long long)cursor_head(&q->ring.cursor));
	queue_free(q);
}

int main(void)
{
	RUN(another_gets_what_a_leader_leaves);
	RUN(a_consumer_that_falls_asleep_ends_the_lead_and_is_woken);
	RUN(nobody_leads_while_a_sleeper_must_be_woken);
	RUN(nobody_leads_after_a_try_call_has_ended_a_lead);
	RUN(a_leader_whose_thread_has_ended_is_followed);
	RUN(the_bound_is_exact_under_a_lead);
	RUN(a_leader_that_finds_nothing_in_time_leads_no_more);
	RUN(shutdown_ends_a_lead);
	RUN(shutdown_now_discards_under_a_lead);
	RUN(reports_count_under_a_lead);
	RUN(bulk_calls_lead_too);
	RUN(a_lead_goes_on_across_the_wrap);
	return check_finish();
}
