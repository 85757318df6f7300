/*
 * task_done is counted exactly, from any thread, and an over-call never goes unnoticed.
 */
#include "support/fixture.h"
#include "support/worker.h"

enum { THREADS = 4 };

static void expect_counts(struct spmcq *q, uint64_t done, size_t unfinished)
{
	COUNTS(done, stats_of(q).done);
	COUNTS(unfinished, spmcq_unfinished(q));
}

static void only_items_that_were_got_can_be_reported(void)
{
	struct spmcq *q = queue_of(5);

	RETURNS(-ERANGE, spmcq_task_done(q));
	put_numbers(q, 0, 3);
	RETURNS(-ERANGE, spmcq_task_done(q));
	get_numbers(q, 0, 2);
	expect_counts(q, 0, 3);
	RETURNS(0, spmcq_task_done(q));
	RETURNS(0, spmcq_task_done(q));
	expect_counts(q, 2, 1);
	RETURNS(-ERANGE, spmcq_task_done(q));
	RETURNS(-ERANGE, spmcq_task_done(q));
	expect_counts(q, 2, 1);
	get_numbers(q, 2, 1);
	RETURNS(0, spmcq_task_done(q));
	RETURNS(-ERANGE, spmcq_task_done(q));
	expect_counts(q, 3, 0);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void an_overcall_counts_nothing_of_its_many(void)
{
	static const size_t too_many[] = {
	        4,       5, 6, 1000, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX - 2, SIZE_MAX - 1,
	        SIZE_MAX};
	struct spmcq *q = queue_of(10);

	put_numbers(q, 0, 8);
	get_numbers(q, 0, 5);
	RETURNS(0, spmcq_task_done_many(q, 2));
	for (size_t i = 0; i < COUNT_OF(too_many); i++) {
		RETURNS(-ERANGE, spmcq_task_done_many(q, too_many[i]));
		expect_counts(q, 2, 6);
	}
	RETURNS(0, spmcq_task_done_many(q, 3));
	RETURNS(-ERANGE, spmcq_task_done_many(q, 1));
	expect_counts(q, 5, 3);
	get_numbers(q, 5, 3);
	RETURNS(0, spmcq_task_done_many(q, 3));
	expect_counts(q, 8, 0);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void null_and_zero_are_refused(void)
{
	struct spmcq *q = queue_of(2);

	put_numbers(q, 0, 1);
	get_numbers(q, 0, 1);
	RETURNS(-EINVAL, spmcq_task_done(NULL));
	RETURNS(-EINVAL, spmcq_task_done_many(NULL, 1));
	RETURNS(-EINVAL, spmcq_task_done_many(q, 0));
	expect_counts(q, 0, 1);
	queue_free(q);
}

/* What one thread does, alone: reports n items one by one, and sees the results. */
struct reporter {
	struct spmcq *q;
	size_t n;
	bool by_many;
	size_t counted;
	size_t refused;
};

static void report_items(void *arg)
{
	struct reporter *reporter = arg;

	for (size_t i = 0; i < reporter->n; i++) {
		int result = reporter->by_many ? spmcq_task_done_many(reporter->q, 1)
		                               : spmcq_task_done(reporter->q);

		CHECK(result == 0 || result == -ERANGE, "task_done returned %d", result);
		reporter->counted += result == 0;
		reporter->refused += result == -ERANGE;
	}
}

static void expect_reports(struct spmcq *q, size_t n, size_t counted)
{
	struct reporter reporter = {q, n, n % 2 == 1, 0, 0};
	struct worker worker;

	worker_start(&worker, report_items, &reporter);
	worker_join(&worker);
	CHECK(reporter.counted == counted, "%zu of %zu reports were counted, not %zu",
	      reporter.counted, n, counted);
}

static void another_thread_than_the_getter_may_report(void)
{
	struct spmcq *q = queue_of(100);

	put_numbers(q, 0, 100);
	expect_reports(q, 3, 0);
	get_numbers(q, 0, 50);
	RETURNS(0, spmcq_task_done_many(q, 10));
	expect_reports(q, 20, 20);
	expect_reports(q, 7, 7);
	expect_counts(q, 37, 63);
	expect_reports(q, 14, 13); /* one report too many, by a thread that got nothing */
	expect_reports(q, 2, 0);
	RETURNS(-ERANGE, spmcq_task_done(q)); /* and from the thread that got them all */
	RETURNS(-ERANGE, spmcq_task_done_many(q, 50));
	expect_counts(q, 50, 50);
	get_numbers(q, 50, 50);
	RETURNS(0, spmcq_task_done_many(q, 49));
	expect_reports(q, 2, 1);
	expect_counts(q, 100, 0);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

struct getter {
	struct spmcq *q;
	size_t get;
	size_t report;
};

static void get_and_report(void *arg)
{
	struct getter *getter = arg;
	uint32_t number;

	for (size_t i = 0; i < getter->get; i++)
		RETURNS(0, spmcq_try_get(getter->q, &number));
	for (size_t i = 0; i < getter->report; i++)
		RETURNS(0, spmcq_task_done(getter->q));
}

static void by_thread(struct spmcq *q, size_t get, size_t report)
{
	struct getter getter = {q, get, report};
	struct worker worker;

	worker_start(&worker, get_and_report, &getter);
	worker_join(&worker);
}

static void items_of_threads_that_ended_can_be_reported(void)
{
	struct spmcq *q = queue_of(100);

	put_numbers(q, 0, 60);
	for (int i = 0; i < 20; i++)
		by_thread(q, 3, (size_t)i % 3);
	expect_counts(q, 19, 41);
	RETURNS(-ERANGE, spmcq_task_done_many(q, 42));
	by_thread(q, 0, 40);
	RETURNS(0, spmcq_task_done(q));
	RETURNS(-ERANGE, spmcq_task_done(q));
	expect_counts(q, 60, 0);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void more_threads_than_any_table_holds_may_come_and_go(void)
{
	struct spmcq *q = queue_of(8);

	for (uint32_t i = 0; i < 300; i++) {
		put_numbers(q, i, 2);
		by_thread(q, 2, 1 + i % 2);
		if (i % 2 == 0)
			by_thread(q, 0, 1);
		expect_counts(q, 2 * i + 2, 0);
		RETURNS(-ERANGE, spmcq_task_done(q));
		RETURNS(0, spmcq_join(q));
	}
	queue_free(q);
}

/* A thread that works on two queues must not confuse their counts. */
static void each_queue_has_its_own_count(void)
{
	struct spmcq *queues[10];

	for (uint32_t i = 0; i < COUNT_OF(queues); i++) {
		queues[i] = queue_of(20);
		put_numbers(queues[i], 0, i + 1);
		get_numbers(queues[i], 0, i + 1);
	}
	for (uint32_t i = 0; i < COUNT_OF(queues); i++) {
		RETURNS(-ERANGE, spmcq_task_done_many(queues[i], i + 2));
		for (uint32_t n = 0; n <= i; n++)
			RETURNS(0, spmcq_task_done(queues[i]));
		RETURNS(-ERANGE, spmcq_task_done(queues[i]));
		RETURNS(0, spmcq_join(queues[i]));
	}
	/* A new queue where an old one was starts from nothing. */
	for (uint32_t i = 0; i < COUNT_OF(queues); i++) {
		queue_free(queues[i]);
		queues[i] = queue_of(20);
		put_numbers(queues[i], 0, 1);
		RETURNS(-ERANGE, spmcq_task_done(queues[i]));
		get_numbers(queues[i], 0, 1);
		RETURNS(0, spmcq_task_done(queues[i]));
		RETURNS(-ERANGE, spmcq_task_done(queues[i]));
		queue_free(queues[i]);
	}
}

static void get_and_leave(void *arg)
{
	get_numbers(arg, 0, 1);
}

/* The thread's cell has not the same index in the two queues. */
static void a_thread_that_is_first_in_one_queue_and_second_in_another_counts_in_both(void)
{
	struct spmcq *first = queue_of(20), *second = queue_of(20);
	struct worker worker;

	put_numbers(second, 0, 2);
	worker_start(&worker, get_and_leave, second);
	worker_join(&worker);
	put_numbers(first, 0, 1);
	get_numbers(second, 1, 1);
	get_numbers(first, 0, 1);
	RETURNS(0, spmcq_task_done(second));
	RETURNS(0, spmcq_task_done(first));
	expect_counts(first, 1, 0);
	expect_counts(second, 1, 1);
	queue_free(first);
	queue_free(second);
}

/* Threads report got items several times over, all at once: as many count as were got. */
static void race_overcalls(size_t items)
{
	struct spmcq *q = queue_of(1024);
	struct reporter reporters[THREADS];
	struct worker workers[THREADS];
	size_t counted = 0;

	put_numbers(q, 0, items);
	get_numbers(q, 0, items);
	for (size_t i = 0; i < THREADS; i++) {
		reporters[i] = (struct reporter){q, items, i % 2 == 1, 0, 0};
		worker_start(&workers[i], report_items, &reporters[i]);
	}
	for (size_t i = 0; i < THREADS; i++) {
		worker_join(&workers[i]);
		counted += reporters[i].counted;
	}
	CHECK(counted == items, "%zu items were got, %zu calls made, %zu counted", items,
	      THREADS * items, counted);
	for (int again = 0; again < 2; again++)
		RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void a_racing_overcall_is_refused(void)
{
	for (int round = 0; round < 200; round++) {
		check_doing("round %d", round);
		race_overcalls(1 + (size_t)round % 5);
		race_overcalls(200);
	}
}

static void sleep_in_join(void *arg)
{
	RETURNS(0, spmcq_join(arg));
}

/* The same while a thread sleeps in join: join must return, whatever it returns. */
static void a_racing_overcall_does_not_leave_a_joiner_behind(void)
{
	for (int round = 0; round < 100; round++) {
		struct spmcq *q = queue_of(4);
		struct reporter reporters[THREADS];
		struct worker workers[THREADS], joiner;

		check_doing("round %d", round);
		put_numbers(q, 0, 2);
		get_numbers(q, 0, 2);
		worker_start(&joiner, sleep_in_join, q);
		if (round % 2)
			worker_await_sleep(&joiner);
		for (size_t i = 0; i < THREADS; i++) {
			reporters[i] = (struct reporter){q, 2, false, 0, 0};
			worker_start(&workers[i], report_items, &reporters[i]);
		}
		for (size_t i = 0; i < THREADS; i++)
			worker_join(&workers[i]);
		worker_join(&joiner);
		queue_free(q);
	}
}

int main(void)
{
	RUN(only_items_that_were_got_can_be_reported);
	RUN(an_overcall_counts_nothing_of_its_many);
	RUN(null_and_zero_are_refused);
	RUN(another_thread_than_the_getter_may_report);
	RUN(items_of_threads_that_ended_can_be_reported);
	RUN(more_threads_than_any_table_holds_may_come_and_go);
	RUN(each_queue_has_its_own_count);
	RUN(a_thread_that_is_first_in_one_queue_and_second_in_another_counts_in_both);
	RUN(a_racing_overcall_is_refused);
	RUN(a_racing_overcall_does_not_leave_a_joiner_behind);
	return check_finish();
}
