/*
 * Deadlines: absolute, on the monotonic clock; NULL is for ever, a past one tries once.
 */
#include "support/blocked.h"
#include "support/worker.h"
#include <limits.h>
#include <math.h>

enum { NSEC_MAX = 999999999 };

static const struct timespec bad_deadlines[] = {
        {0, -1},  {0, NSEC_MAX + 1},  {1, LONG_MIN},        {1, LONG_MAX},
        {-1, -1}, {-1, NSEC_MAX + 1}, {LONG_MAX, LONG_MAX}, {1000000, -1},
};

static const struct timespec past_deadlines[] = {
        {0, 0}, {0, NSEC_MAX}, {-1, 0}, {-1, NSEC_MAX}, {LONG_MIN, 0}, {LONG_MIN, NSEC_MAX},
};

static bool is_before(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static struct timespec now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time;
}

/* A full queue of 2 and an empty one; the full one has 2 unfinished items. */
struct pair {
	struct spmcq *full;
	struct spmcq *empty;
};

static struct pair pair_new(void)
{
	struct pair pair = {queue_of(2), queue_of(2)};

	put_numbers(pair.full, 0, 2);
	return pair;
}

static void pair_free(const struct pair *pair)
{
	COUNTS(2, spmcq_size(pair->full));
	COUNTS(0, spmcq_size(pair->empty));
	queue_free(pair->full);
	queue_free(pair->empty);
}

/* Every timed call that has nothing to do but wait returns want. */
static void expect_all(const struct pair *pair, int want, const struct timespec *deadline)
{
	uint32_t numbers[3] = {0};

	RETURNS(want, spmcq_put_until(pair->full, numbers, deadline));
	RETURNS(want, spmcq_put_many_until(pair->full, numbers, 3, deadline));
	RETURNS(want, spmcq_join_until(pair->full, deadline));
	RETURNS(want, spmcq_get_until(pair->empty, numbers, deadline));
	RETURNS(want, spmcq_get_many_until(pair->empty, numbers, 3, deadline));
}

static void a_past_deadline_times_out_at_once(void)
{
	struct pair pair = pair_new();

	for (size_t i = 0; i < COUNT_OF(past_deadlines); i++) {
		check_doing("deadline %zu of the table", i);
		expect_all(&pair, -ETIMEDOUT, &past_deadlines[i]);
	}
	COUNTS(0, stats_of(pair.full).producer_sleeps + stats_of(pair.full).joiner_sleeps +
	                  stats_of(pair.empty).consumer_sleeps);
	pair_free(&pair);
}

static void a_past_deadline_tries_once(void)
{
	for (size_t i = 0; i < COUNT_OF(past_deadlines); i++) {
		struct spmcq *q = queue_of(2);
		const struct timespec *past = &past_deadlines[i];
		uint32_t numbers[2] = {7, 8};

		check_doing("deadline %zu of the table", i);
		RETURNS(0, spmcq_join_until(q, past));
		RETURNS(0, spmcq_put_until(q, &numbers[0], past));
		RETURNS(1, spmcq_put_many_until(q, &numbers[1], 1, past));
		RETURNS(0, spmcq_get_until(q, &numbers[1], past));
		CHECK(numbers[1] == 7, "got %u", numbers[1]);
		RETURNS(1, spmcq_get_many_until(q, numbers, 2, past));
		CHECK(numbers[0] == 8, "got %u", numbers[0]);
		queue_free(q);
	}
}

static void in_gets(void *arg)
{
	uint32_t number;

	while (spmcq_get(arg, &number) == 0)
		continue;
}

/* Consumers that make room all the time do not keep a put_many beyond its deadline. */
static void a_put_many_that_is_late_ends(void)
{
	enum { CAPACITY = 8, N = 100000 };
	static const uint32_t numbers[N];
	struct spmcq *q = queue_of(CAPACITY);
	struct worker worker;

	worker_start(&worker, in_gets, q);
	for (int i = 0; i < 50; i++) {
		ssize_t placed = spmcq_put_many_until(q, numbers, N, &past_deadlines[0]);

		CHECK(placed == -ETIMEDOUT || (placed > 0 && placed <= 2 * CAPACITY),
		      "%zd items were put after the deadline", placed);
		sleep_ms(1);
	}
	RETURNS(0, spmcq_shutdown(q));
	worker_join(&worker);
	queue_free(q);
}

static void a_bad_deadline_is_refused_and_changes_nothing(void)
{
	struct pair pair = pair_new();

	for (size_t i = 0; i < COUNT_OF(bad_deadlines); i++) {
		uint32_t number = 0;

		check_doing("deadline %zu of the table", i);
		expect_all(&pair, -EINVAL, &bad_deadlines[i]);
		/* Also where the call would not have to wait. */
		RETURNS(-EINVAL, spmcq_get_until(pair.full, &number, &bad_deadlines[i]));
		RETURNS(-EINVAL, spmcq_get_many_until(pair.full, &number, 1, &bad_deadlines[i]));
		RETURNS(-EINVAL, spmcq_put_until(pair.empty, &number, &bad_deadlines[i]));
		RETURNS(-EINVAL, spmcq_put_many_until(pair.empty, &number, 1, &bad_deadlines[i]));
		RETURNS(-EINVAL, spmcq_join_until(pair.empty, &bad_deadlines[i]));
	}
	pair_free(&pair);
}

static void a_null_queue_is_refused(void)
{
	struct timespec past = {0, 0};
	uint32_t number = 0;

	RETURNS(-EINVAL, spmcq_put_until(NULL, &number, &past));
	RETURNS(-EINVAL, spmcq_get_until(NULL, &number, &past));
	RETURNS(-EINVAL, spmcq_join_until(NULL, &past));
}

static void nobody_times_out_before_the_deadline(void)
{
	static const double waits[] = {0.001, 0.0305, 0.12};
	struct pair pair = pair_new();

	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		for (int call = 0; call < 5; call++) {
			struct timespec deadline = spmcq_after(waits[i]);
			uint32_t numbers[3] = {0};
			ssize_t results[] = {-ETIMEDOUT};

			check_doing("call %d, %g s", call, waits[i]);
			if (call == 0)
				results[0] = spmcq_put_until(pair.full, numbers, &deadline);
			if (call == 1)
				results[0] = spmcq_put_many_until(pair.full, numbers, 3, &deadline);
			if (call == 2)
				results[0] = spmcq_join_until(pair.full, &deadline);
			if (call == 3)
				results[0] = spmcq_get_until(pair.empty, numbers, &deadline);
			if (call == 4)
				results[0] =
				        spmcq_get_many_until(pair.empty, numbers, 3, &deadline);
			RETURNS(-ETIMEDOUT, results[0]);
			CHECK(!is_before(now(), deadline), "timed out before the deadline");
		}
	}
	pair_free(&pair);
}

static void consumers_wait_out(const struct timespec *deadline)
{
	struct spmcq *q = queue_of(2);
	struct blocked waits[2] = {{.q = q, .deadline = deadline, .result = -1},
	                           {.q = q, .deadline = deadline, .result = -1}};
	struct worker workers[2];

	worker_start(&workers[0], in_get_until, &waits[0]);
	worker_start(&workers[1], in_get_many_until, &waits[1]);
	worker_await_sleep(&workers[0]);
	worker_await_sleep(&workers[1]);
	put_numbers(q, 0, 1);
	for (int ms = 0; ms < 20000 && spmcq_size(q) > 0; ms++)
		sleep_ms(1);
	put_numbers(q, 1, 1);
	worker_join(&workers[0]);
	worker_join(&workers[1]);
	RETURNS(0, waits[0].result);
	RETURNS(1, waits[1].result);
	queue_free(q);
}

static void producer_waits_out(void (*put)(void *), int want, const struct timespec *deadline)
{
	struct spmcq *q = queue_of(2);
	struct blocked wait = {.q = q, .deadline = deadline, .numbers = {2}, .n = 1, .result = -1};
	struct worker worker;

	put_numbers(q, 0, 2);
	RETURNS(0, spmcq_release_producer(q));
	worker_start(&worker, put, &wait);
	worker_await_sleep(&worker);
	get_numbers(q, 0, 1);
	worker_join(&worker);
	RETURNS(want, wait.result);
	get_numbers(q, 1, 2);
	queue_free(q);
}

static void joiner_waits_out(const struct timespec *deadline)
{
	struct spmcq *q = queue_of(2);
	struct blocked wait = {.q = q, .deadline = deadline, .result = -1};
	struct worker worker;

	put_numbers(q, 0, 1);
	get_numbers(q, 0, 1);
	worker_start(&worker, in_join_until, &wait);
	worker_await_sleep(&worker);
	RETURNS(0, spmcq_task_done(q));
	worker_join(&worker);
	RETURNS(0, wait.result);
	queue_free(q);
}

static void everybody_waits_out(const struct timespec *deadline)
{
	consumers_wait_out(deadline);
	producer_waits_out(in_put_until, 0, deadline);
	producer_waits_out(in_put_many_until, 1, deadline);
	joiner_waits_out(deadline);
}

static void no_deadline_waits_for_ever(void)
{
	everybody_waits_out(NULL);
}

static void a_far_deadline_neither_overflows_nor_times_out(void)
{
	static const double far[] = {100, 1e9, 1e12, 1e18, 9.2e18, 1e19, 1e300};
	struct timespec end = {LONG_MAX, NSEC_MAX}, almost = {LONG_MAX - 1, 0};
	struct timespec infinite = spmcq_after((double)INFINITY);

	for (size_t i = 0; i < COUNT_OF(far); i++) {
		struct timespec deadline = spmcq_after(far[i]);

		check_doing("%g s from now", far[i]);
		everybody_waits_out(&deadline);
	}
	check_doing("at the end of time");
	everybody_waits_out(&end);
	everybody_waits_out(&almost);
	everybody_waits_out(&infinite);
}

/* after(seconds) lies between now + least and now + most, now being taken before and after. */
static void expect_after(double seconds, struct timespec least, struct timespec most)
{
	struct timespec before = now(), deadline = spmcq_after(seconds), after = now();

	check_doing("spmcq_after(%.17g)", seconds);
	least.tv_sec += before.tv_sec + (least.tv_nsec + before.tv_nsec > NSEC_MAX);
	least.tv_nsec = (least.tv_nsec + before.tv_nsec) % (NSEC_MAX + 1);
	most.tv_sec += after.tv_sec + (most.tv_nsec + after.tv_nsec > NSEC_MAX);
	most.tv_nsec = (most.tv_nsec + after.tv_nsec) % (NSEC_MAX + 1);
	CHECK(deadline.tv_nsec >= 0 && deadline.tv_nsec <= NSEC_MAX, "tv_nsec %ld",
	      deadline.tv_nsec);
	CHECK(!is_before(deadline, least) && !is_before(most, deadline),
	      "%lld.%09ld is not within %lld.%09ld and %lld.%09ld", (long long)deadline.tv_sec,
	      deadline.tv_nsec, (long long)least.tv_sec, least.tv_nsec, (long long)most.tv_sec,
	      most.tv_nsec);
}

static void after_counts_from_now(void)
{
	for (int i = 0; i < 1000; i++) {
		expect_after(0, (struct timespec){0, 0}, (struct timespec){0, 0});
		expect_after(1.5, (struct timespec){1, 499999990}, (struct timespec){1, 500000010});
		expect_after(0.25, (struct timespec){0, 249999990},
		             (struct timespec){0, 250000010});
		expect_after(0.9999999999, (struct timespec){0, 999999990},
		             (struct timespec){1, 10});
		expect_after(3, (struct timespec){3, 0}, (struct timespec){3, 0});
		expect_after(1e-9, (struct timespec){0, 0}, (struct timespec){0, 10});
		expect_after(1e6, (struct timespec){1000000, 0}, (struct timespec){1000000, 0});
	}
}

static void after_nothing_or_less_is_now(void)
{
	static const double nothing[] = {-0.0, -1e-9, -1, -1e9, -1e300};

	for (size_t i = 0; i < COUNT_OF(nothing); i++)
		expect_after(nothing[i], (struct timespec){0, 0}, (struct timespec){0, 0});
	expect_after((double)NAN, (struct timespec){0, 0}, (struct timespec){0, 0});
	expect_after(-(double)NAN, (struct timespec){0, 0}, (struct timespec){0, 0});
	expect_after(-(double)INFINITY, (struct timespec){0, 0}, (struct timespec){0, 0});
}

static void after_too_much_is_the_end_of_time(void)
{
	time_t last = (time_t)((UINT64_C(1) << (sizeof(time_t) * CHAR_BIT - 1)) - 1);
	static const double much[] = {1e19, 9.3e18, 1e30, 1e300, (double)INFINITY};

	for (size_t i = 0; i < COUNT_OF(much); i++) {
		struct timespec deadline = spmcq_after(much[i]);

		CHECK(deadline.tv_sec == last, "%g s from now: tv_sec %lld", much[i],
		      (long long)deadline.tv_sec);
		CHECK(deadline.tv_nsec >= 0 && deadline.tv_nsec <= NSEC_MAX,
		      "%g s from now: tv_nsec %ld", much[i], deadline.tv_nsec);
	}
}

static void after_grows_with_its_argument(void)
{
	struct timespec before = spmcq_after(0);

	for (double seconds = 1e-9; seconds < 1e25; seconds *= 1.37) {
		struct timespec deadline = spmcq_after(seconds);

		CHECK(!is_before(deadline, before), "%g s from now is before a shorter time",
		      seconds);
		CHECK(deadline.tv_nsec >= 0 && deadline.tv_nsec <= NSEC_MAX,
		      "%g s from now: tv_nsec %ld", seconds, deadline.tv_nsec);
		before = deadline;
	}
}

int main(void)
{
	RUN(a_past_deadline_times_out_at_once);
	RUN(a_past_deadline_tries_once);
	RUN(a_put_many_that_is_late_ends);
	RUN(a_bad_deadline_is_refused_and_changes_nothing);
	RUN(a_null_queue_is_refused);
	RUN(nobody_times_out_before_the_deadline);
	RUN(no_deadline_waits_for_ever);
	RUN(a_far_deadline_neither_overflows_nor_times_out);
	RUN(after_counts_from_now);
	RUN(after_nothing_or_less_is_now);
	RUN(after_too_much_is_the_end_of_time);
	RUN(after_grows_with_its_argument);
	return check_finish();
}
