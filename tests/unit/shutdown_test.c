/*
 * shutdown and shutdown_now: which calls fail, which threads wake, which items are left, and what
 * is counted.
 */
#include "support/blocked.h"
#include "support/worker.h"

enum { SLEEPERS = 6 };

static const struct timespec past = {0, 0};

static void expect_puts_fail(struct spmcq *q)
{
	struct timespec later = spmcq_after(1000);
	uint32_t numbers[2] = {98, 99};

	RETURNS(-ESHUTDOWN, spmcq_put(q, numbers));
	RETURNS(-ESHUTDOWN, spmcq_try_put(q, numbers));
	RETURNS(-ESHUTDOWN, spmcq_put_until(q, numbers, &later));
	RETURNS(-ESHUTDOWN, spmcq_put_until(q, numbers, &past));
	RETURNS(-ESHUTDOWN, spmcq_put_until(q, numbers, NULL));
	RETURNS(-ESHUTDOWN, spmcq_put_many(q, numbers, 2));
	RETURNS(-ESHUTDOWN, spmcq_try_put_many(q, numbers, 2));
	RETURNS(-ESHUTDOWN, spmcq_put_many_until(q, numbers, 2, &later));
}

static void expect_gets_fail(struct spmcq *q)
{
	struct timespec later = spmcq_after(1000);
	uint32_t numbers[2];

	RETURNS(-ESHUTDOWN, spmcq_get(q, numbers));
	RETURNS(-ESHUTDOWN, spmcq_try_get(q, numbers));
	RETURNS(-ESHUTDOWN, spmcq_get_until(q, numbers, &later));
	RETURNS(-ESHUTDOWN, spmcq_get_until(q, numbers, &past));
	RETURNS(-ESHUTDOWN, spmcq_get_until(q, numbers, NULL));
	RETURNS(-ESHUTDOWN, spmcq_get_many(q, numbers, 2));
	RETURNS(-ESHUTDOWN, spmcq_try_get_many(q, numbers, 2));
	RETURNS(-ESHUTDOWN, spmcq_get_many_until(q, numbers, 2, &later));
}

static void puts_fail_and_gets_drain(void)
{
	for (size_t fill = 0; fill <= 5; fill++) {
		struct spmcq *q = queue_of(5);

		check_doing("fill %zu", fill);
		put_numbers(q, 0, fill);
		RETURNS(0, spmcq_shutdown(q));
		CHECK(spmcq_is_shutdown(q), "is_shutdown is false after shutdown");
		expect_puts_fail(q);
		COUNTS(fill, spmcq_size(q));
		COUNTS(fill, spmcq_unfinished(q));
		get_numbers(q, 0, fill);
		expect_gets_fail(q);
		RETURNS(fill ? -ETIMEDOUT : 0, spmcq_join_until(q, &past));
		if (fill)
			RETURNS(0, spmcq_task_done_many(q, fill));
		RETURNS(-ERANGE, spmcq_task_done(q));
		RETURNS(0, spmcq_join(q));
		COUNTS(0, stats_of(q).discarded);
		queue_free(q);
	}
}

static void a_drain_may_be_by_blocking_and_bulk_calls(void)
{
	struct spmcq *q = queue_of(8);
	struct timespec later = spmcq_after(1000);
	uint32_t numbers[8];

	put_numbers(q, 0, 8);
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(0, spmcq_get(q, numbers));
	RETURNS(0, spmcq_get_until(q, numbers, &later));
	RETURNS(2, spmcq_get_many(q, numbers, 2));
	CHECK(numbers[0] == 2 && numbers[1] == 3, "got %u, %u", numbers[0], numbers[1]);
	RETURNS(4, spmcq_get_many_until(q, numbers, 8, &later));
	expect_gets_fail(q);
	queue_free(q);
}

static void shutdown_now_discards_what_is_queued(void)
{
	for (size_t put = 0; put <= 5; put++) {
		for (size_t held = 0; held <= put; held++) {
			struct spmcq *q = queue_of(5);

			check_doing("%zu put, %zu got", put, held);
			put_numbers(q, 0, put);
			get_numbers(q, 0, held);
			RETURNS(0, spmcq_shutdown_now(q));
			CHECK(spmcq_is_shutdown(q), "is_shutdown is false after shutdown_now");
			COUNTS(0, spmcq_size(q));
			COUNTS(held, spmcq_unfinished(q));
			COUNTS(put - held, stats_of(q).discarded);
			expect_puts_fail(q);
			expect_gets_fail(q);
			RETURNS(held ? -ETIMEDOUT : 0, spmcq_join_until(q, &past));
			RETURNS(-ERANGE, spmcq_task_done_many(q, held + 1));
			for (size_t i = 0; i < held; i++)
				RETURNS(0, spmcq_task_done(q));
			RETURNS(-ERANGE, spmcq_task_done(q));
			RETURNS(0, spmcq_join(q));
			COUNTS(0, spmcq_unfinished(q));
			queue_free(q);
		}
	}
}

static void both_may_be_called_again_and_after_each_other(void)
{
	struct spmcq *q = queue_of(5);

	put_numbers(q, 0, 5);
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(0, spmcq_shutdown(q));
	get_numbers(q, 0, 2);
	RETURNS(0, spmcq_shutdown_now(q));
	COUNTS(0, spmcq_size(q));
	COUNTS(2, spmcq_unfinished(q));
	COUNTS(3, stats_of(q).discarded);
	RETURNS(0, spmcq_shutdown_now(q));
	RETURNS(0, spmcq_shutdown(q));
	COUNTS(3, stats_of(q).discarded);
	expect_puts_fail(q);
	expect_gets_fail(q);
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void null_is_refused(void)
{
	RETURNS(-EINVAL, spmcq_shutdown(NULL));
	RETURNS(-EINVAL, spmcq_shutdown_now(NULL));
}

struct sleeper {
	struct blocked call;
	struct timespec later;
	struct worker worker;
};

static void start_asleep(struct sleeper *sleeper, struct spmcq *q, void (*call)(void *))
{
	sleeper->later = spmcq_after(1000);
	sleeper->call = (struct blocked){
	        .q = q, .deadline = &sleeper->later, .numbers = {97, 98, 99}, .n = 3, .result = 1};
	worker_start(&sleeper->worker, call, &sleeper->call);
	worker_await_sleep(&sleeper->worker);
}

static void expect_back(struct sleeper *sleeper, ssize_t want)
{
	worker_join(&sleeper->worker);
	RETURNS(want, sleeper->call.result);
}

static void wake_consumers(int (*stop)(struct spmcq *))
{
	struct spmcq *q = queue_of(3);
	struct sleeper sleepers[SLEEPERS];

	for (size_t i = 0; i < SLEEPERS; i++)
		start_asleep(&sleepers[i], q, i % 2 ? in_get : in_get_many_until);
	RETURNS(0, stop(q));
	for (size_t i = 0; i < SLEEPERS; i++)
		expect_back(&sleepers[i], -ESHUTDOWN);
	queue_free(q);
}

static void every_blocked_consumer_wakes(void)
{
	wake_consumers(spmcq_shutdown);
	wake_consumers(spmcq_shutdown_now);
}

static void wake_producer(int (*stop)(struct spmcq *), void (*call)(void *), size_t capacity)
{
	struct spmcq *q = queue_of(capacity);
	struct sleeper sleeper;

	put_numbers(q, 0, capacity);
	RETURNS(0, spmcq_release_producer(q));
	start_asleep(&sleeper, q, call);
	RETURNS(0, stop(q));
	expect_back(&sleeper, -ESHUTDOWN);
	COUNTS(stop == spmcq_shutdown ? capacity : 0, spmcq_size(q));
	COUNTS(stop == spmcq_shutdown ? capacity : 0, spmcq_unfinished(q));
	queue_free(q);
}

static void a_blocked_producer_wakes(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		check_doing("capacity %zu", all_capacities[c]);
		wake_producer(spmcq_shutdown, in_put, all_capacities[c]);
		wake_producer(spmcq_shutdown_now, in_put, all_capacities[c]);
		wake_producer(spmcq_shutdown, in_put_many_until, all_capacities[c]);
		wake_producer(spmcq_shutdown_now, in_put_many_until, all_capacities[c]);
	}
}

static void joiners_return_when_shutdown_now_leaves_nothing(void)
{
	struct spmcq *q = queue_of(3);
	struct sleeper sleepers[SLEEPERS];

	put_numbers(q, 0, 3);
	for (size_t i = 0; i < SLEEPERS; i++)
		start_asleep(&sleepers[i], q, in_join);
	RETURNS(0, spmcq_shutdown_now(q));
	for (size_t i = 0; i < SLEEPERS; i++)
		expect_back(&sleepers[i], 0);
	queue_free(q);
}

static void joiners_wait_for_what_consumers_hold(void)
{
	struct spmcq *q = queue_of(3);
	struct sleeper sleepers[SLEEPERS];

	put_numbers(q, 0, 3);
	get_numbers(q, 0, 2);
	for (size_t i = 0; i < SLEEPERS; i++)
		start_asleep(&sleepers[i], q, in_join);
	RETURNS(0, spmcq_shutdown_now(q));
	for (size_t i = 0; i < SLEEPERS; i++)
		worker_await_sleep(&sleepers[i].worker);
	RETURNS(0, spmcq_task_done(q));
	for (size_t i = 0; i < SLEEPERS; i++)
		worker_await_sleep(&sleepers[i].worker);
	RETURNS(0, spmcq_task_done(q));
	for (size_t i = 0; i < SLEEPERS; i++)
		expect_back(&sleepers[i], 0);
	queue_free(q);
}

static void shut_twice(void *arg)
{
	RETURNS(0, spmcq_shutdown(arg));
	RETURNS(0, spmcq_shutdown_now(arg));
}

static void several_threads_may_shut_down_at_once(void)
{
	for (int round = 0; round < 50; round++) {
		struct spmcq *q = queue_of(5);
		struct worker workers[SLEEPERS];

		put_numbers(q, 0, 4);
		get_numbers(q, 0, 1);
		for (size_t i = 0; i < SLEEPERS; i++)
			worker_start(&workers[i], shut_twice, q);
		for (size_t i = 0; i < SLEEPERS; i++)
			worker_join(&workers[i]);
		COUNTS(3, stats_of(q).discarded);
		COUNTS(1, spmcq_unfinished(q));
		RETURNS(0, spmcq_task_done(q));
		RETURNS(0, spmcq_join(q));
		queue_free(q);
	}
}

int main(void)
{
	RUN(puts_fail_and_gets_drain);
	RUN(a_drain_may_be_by_blocking_and_bulk_calls);
	RUN(shutdown_now_discards_what_is_queued);
	RUN(both_may_be_called_again_and_after_each_other);
	RUN(null_is_refused);
	RUN(every_blocked_consumer_wakes);
	RUN(a_blocked_producer_wakes);
	RUN(joiners_return_when_shutdown_now_leaves_nothing);
	RUN(joiners_wait_for_what_consumers_hold);
	RUN(several_threads_may_shut_down_at_once);
	return check_finish();
}
