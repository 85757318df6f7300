/*
 * Each result of each call between processes. This process is the producer, puppets are consumers,
 * unless a property says otherwise.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include "support/item.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct timespec past = {0, 0};
static const struct timespec bad = {0, 1000000000};

#define WRAP (UINT64_C(1) << 52)

/* --- making one --- */

static void bad_arguments_are_refused(void)
{
	static char untouched;
	struct spmcq *const before = (struct spmcq *)(void *)&untouched;
	struct spmcq *none = before, *q = shared_of(2);
	struct spmcq_lost lost;
	uint32_t number = 0;

	RETURNS(-EINVAL, spmcq_shared_create(NULL, 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_shared_create(&none, 0, 4, NULL));
	RETURNS(-EINVAL, spmcq_shared_create(&none, 1, 0, NULL));
	RETURNS(-EOVERFLOW, spmcq_shared_create(&none, SIZE_MAX, 4, NULL));
	RETURNS(-EOVERFLOW, spmcq_shared_create(&none, 4, SIZE_MAX, NULL));
	RETURNS(-EOVERFLOW, spmcq_shared_create(&none, SIZE_MAX / 8, 8, NULL));
	RETURNS(-EINVAL, spmcq_shared_admit(NULL, 0));
	RETURNS(-EINVAL, spmcq_shared_join(NULL, 0));
	RETURNS(-EINVAL, spmcq_shared_rejoin(NULL, 0));
	RETURNS(-EINVAL, spmcq_shared_rejoin(q, 0)); /* it is the producer's */
	RETURNS(-EINVAL, spmcq_shared_succeed(NULL, 0, NULL));
	RETURNS(-EINVAL, spmcq_shared_reap(NULL, &lost, 1));
	RETURNS(-EINVAL, spmcq_shared_reap(q, NULL, 1));
	RETURNS(-EINVAL, spmcq_shared_reap(q, &lost, 0));
	CHECK(none == before, "a refused call changed the pointer");

	RETURNS(-EINVAL, spmcq_put(q, NULL));
	RETURNS(-EINVAL, spmcq_put_many(q, &number, 0));
	RETURNS(-EINVAL, spmcq_put_until(q, &number, &bad));
	RETURNS(-EINVAL, spmcq_get(q, NULL));
	RETURNS(-EINVAL, spmcq_try_get_many(q, &number, 0));
	RETURNS(-EINVAL, spmcq_get_until(q, &number, &bad));
	RETURNS(-EINVAL, spmcq_task_done_many(q, 0));
	RETURNS(-EINVAL, spmcq_join_until(q, &bad));
	RETURNS(-EINVAL, spmcq_stats(q, NULL));
	COUNTS(0, spmcq_size(q));
	queue_free(q);
}

/* More seats than there can be. */
static void too_many_seats_are_refused(void)
{
	static const unsigned many[][2] = {{4095, 1},      {1, 4095},
	                                   {64, 64},       {UINT32_MAX, 1},
	                                   {65536, 65536}, {UINT32_MAX, UINT32_MAX}};
	struct spmcq *none = NULL;

	for (size_t i = 0; i < COUNT_OF(many); i++) {
		struct spmcq_shared_options options = {.processes = many[i][0],
		                                       .threads = many[i][1]};
		int result = spmcq_shared_create(&none, 1, 4, &options);

		CHECK(result < 0 && !none, "%u processes of %u threads: %d", many[i][0], many[i][1],
		      result);
	}
}

static void a_queue_is_made_and_freed_without_a_trace(void)
{
	size_t before = open_files();

	for (int i = 0; i < 50; i++) {
		struct spmcq *q = shared_of(5);

		CHECK(open_files() <= before + 5, "%zu descriptors", open_files() - before);
		put_numbers(q, 0, 3);
		queue_free(q);
	}
	COUNTS(before, open_files());
}

static void capacity_and_item_size_are_known_to_all(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(5);

	consumer_start(&consumer, q);
	COUNTS(5, spmcq_capacity(q));
	COUNTS(4, spmcq_item_size(q));
	RETURNS(5, told(&consumer, act_capacity, 0));
	RETURNS(4, told(&consumer, act_item_size, 0));
	puppet_end(&consumer);
	queue_free(q);
}

/* --- shapes --- */

static const size_t capacities[] = {1, 2, 3, 5, 8, 1000};
static const size_t item_sizes[] = {1, 3, 8, 24, 100, 5000};
static const uint64_t positions[] = {0, WRAP - 1, WRAP - 7, WRAP, UINT64_MAX, UINT64_MAX - 6};

/* Gets n items of that size, each in a buffer of just that size. */
static long act_get_filled(struct call *call)
{
	void *item = malloc(call->item_size);

	for (size_t i = 0; i < call->n; i++) {
		RETURNS(0, spmcq_try_get(puppet_queue, item));
		CHECK(item_is(item, call->item_size, call->number + i),
		      "item %zu came out as number %llu or torn", call->number + i,
		      (unsigned long long)item_number(item, call->item_size));
	}
	RETURNS(0, spmcq_task_done_many(puppet_queue, call->n));
	free(item);
	return 0;
}

static int put_filled(struct spmcq *q, size_t size, uint32_t number)
{
	void *item = malloc(size);
	int result;

	item_fill(item, size, number);
	result = spmcq_try_put(q, item);
	memset(item, 0x55, size);
	free(item);
	return result;
}

static void fill_and_drain(size_t capacity, size_t size, uint64_t first)
{
	struct spmcq_shared_options options = {.first_position = first};
	struct puppet consumer;
	struct spmcq *q = NULL;
	uint32_t put = 0;

	check_doing("capacity %zu, item size %zu, first position %llu", capacity, size,
	            (unsigned long long)first);
	RETURNS(0, spmcq_shared_create(&q, capacity, size, &options));
	consumer_start(&consumer, q);
	for (int lap = 0; lap < 3; lap++) {
		for (size_t i = 0; i < capacity; i++) {
			COUNTS(i, spmcq_size(q));
			RETURNS(0, put_filled(q, size, put++));
		}
		RETURNS(-EAGAIN, put_filled(q, size, put));
		COUNTS(capacity, spmcq_size(q));
		RETURNS((long)capacity, told(&consumer, act_size, 0));
		consumer.call.number = put - (uint32_t)capacity;
		consumer.call.item_size = size;
		RETURNS(0, told(&consumer, act_get_filled, capacity));
		COUNTS(0, spmcq_size(q));
		RETURNS(0, spmcq_join(q));
	}
	puppet_end(&consumer);
	queue_free(q);
}

static void exactly_capacity_items_fit_in_every_lap(void)
{
	for (size_t c = 0; c < COUNT_OF(capacities); c++)
		for (size_t s = 0; s < COUNT_OF(item_sizes); s++)
			fill_and_drain(capacities[c], item_sizes[s], positions[(c + s) % 6]);
	for (size_t p = 0; p < COUNT_OF(positions); p++)
		fill_and_drain(3, 8, positions[p]);
	fill_and_drain(2, 1000003, WRAP - 1);
}

static void items_come_in_order_and_in_runs(void)
{
	struct puppet a, b;
	struct spmcq *q =
	        shared_at(300, &(struct spmcq_shared_options){.first_position = WRAP - 9});
	uint32_t numbers[300], next = 0;

	for (uint32_t i = 0; i < 300; i++)
		numbers[i] = i;
	consumer_start(&a, q);
	RETURNS(300, spmcq_put_many(q, numbers, 300));
	RETURNS(-EAGAIN, spmcq_try_put_many(q, numbers, 2));
	consumer_start(&b, q); /* comes late */
	for (int i = 0; next < 300; i++) {
		struct puppet *consumer = i % 2 ? &a : &b;
		long n = told(consumer, i % 3 ? act_get_many : act_try_get_many, 1 + 7 * (size_t)i);

		CHECK(n == 1 + 7 * i || next + (uint32_t)n == 300, "get_many(%d): %ld", 1 + 7 * i,
		      n);
		for (long j = 0; j < n; j++, next++)
			CHECK(consumer->call.items[j] == next, "got %u, not %u",
			      consumer->call.items[j], next);
		RETURNS(0, told(consumer, act_task_done_many, (size_t)n));
	}
	RETURNS(-EAGAIN, told(&a, act_try_get_many, 5));
	RETURNS(5, spmcq_try_put_many(q, numbers, 5));
	RETURNS(295, spmcq_try_put_many(q, numbers, 300));
	puppet_end(&a);
	puppet_end(&b);
	queue_free(q);
}

/* --- waiting --- */

static void took_about(double since, double seconds)
{
	double took = seconds_now() - since;

	CHECK(took >= seconds - 0.001 && took < seconds + 1, "took %.3f s, not %.3f", took,
	      seconds);
}

static void timed_calls_come_back_at_their_deadline(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(2);
	struct timespec soon;
	uint32_t numbers[2] = {1, 2};
	double since;

	consumer_start(&consumer, q);
	consumer.call.items[0] = 77;
	RETURNS(-EAGAIN, told(&consumer, act_try_get, 0));
	RETURNS(-EAGAIN, told(&consumer, act_try_get_many, 3));
	RETURNS(-ETIMEDOUT, told_until(&consumer, act_get_until, 0, 0));
	since = seconds_now();
	RETURNS(-ETIMEDOUT, told_until(&consumer, act_get_until, 0, 0.05));
	took_about(since, 0.05);
	since = seconds_now();
	RETURNS(-ETIMEDOUT, told_until(&consumer, act_get_many_until, 2, 0.25));
	took_about(since, 0.25);
	CHECK(consumer.call.items[0] == 77, "a get that failed wrote %u", consumer.call.items[0]);

	RETURNS(2, spmcq_put_many(q, numbers, 2));
	RETURNS(-EAGAIN, spmcq_try_put(q, numbers));
	RETURNS(-ETIMEDOUT, spmcq_put_until(q, numbers, &past));
	since = seconds_now();
	soon = spmcq_after(0.05);
	RETURNS(-ETIMEDOUT, spmcq_put_until(q, numbers, &soon));
	took_about(since, 0.05);
	since = seconds_now();
	soon = spmcq_after(0.25);
	RETURNS(-ETIMEDOUT, spmcq_put_many_until(q, numbers, 2, &soon));
	took_about(since, 0.25);
	since = seconds_now();
	soon = spmcq_after(0.25);
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &soon));
	took_about(since, 0.25);
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
	RETURNS(-ETIMEDOUT, told_until(&consumer, act_join_until, 0, 0.05));
	COUNTS(2, spmcq_size(q));
	puppet_end(&consumer);
	queue_free(q);
}

/* Each of three that sleep gets one of three; the bound is far below that of a look for the dead.
 */
static void sleeping_gets_are_woken_by_puts(void)
{
	struct puppet consumers[3];
	struct spmcq *q = shared_of(5);

	for (size_t i = 0; i < 3; i++)
		consumer_start(&consumers[i], q);
	for (uint32_t round = 0; round < 20; round++) {
		uint32_t sum = 0;

		for (size_t i = 0; i < 3; i++)
			tell(&consumers[i], act_get, 0);
		for (size_t i = 0; i < 3; i++)
			puppet_await_sleep(&consumers[i]);
		put_numbers(q, 3 * round, 3);
		for (size_t i = 0; i < 3; i++) {
			RETURNS(0, answer(&consumers[i]));
			sum += consumers[i].call.items[0];
		}
		COUNTS(3 * (3 * round) + 3, sum);
	}
	for (size_t i = 0; i < 3; i++)
		RETURNS(0, told(&consumers[i], act_task_done_many, 20));
	RETURNS(0, spmcq_join(q));
	for (size_t i = 0; i < 3; i++)
		puppet_end(&consumers[i]);
	queue_free(q);
}

/* Without a look for the dead in between, which would hide a wake-up that is lost. */
static void a_wake_up_takes_no_tenth_of_a_second(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(1);
	unsigned slow = 0;

	consumer_start(&consumer, q);
	for (uint32_t round = 0; round < 60; round++) {
		double since;

		tell(&consumer, act_get, 0);
		puppet_await_sleep(&consumer);
		since = seconds_now();
		put_numbers(q, round, 1);
		RETURNS(0, answer(&consumer));
		slow += seconds_now() - since > 0.03;
		RETURNS(0, told(&consumer, act_task_done, 0));
	}
	CHECK(slow <= 10, "%u of 60 gets came back late", slow);
	puppet_end(&consumer);
	queue_free(q);
}

static void a_sleeping_put_is_woken_by_a_get(void)
{
	struct puppet producer;
	struct spmcq *q = NULL;
	uint32_t items[10];

	puppet_start(&producer);
	producer.call.capacity = 3;
	producer.call.item_size = sizeof(uint32_t);
	RETURNS(0, told(&producer, act_create, 0));
	join_by(&producer, &q);
	producer.call.number = 0;
	tell(&producer, act_put_many, 10);
	puppet_await_sleep(&producer);
	COUNTS(3, spmcq_size(q));
	for (uint32_t i = 0; i < 10; i++) {
		RETURNS(0, spmcq_get(q, items));
		CHECK(items[0] == i, "got %u, not %u", items[0], i);
	}
	RETURNS(10, answer(&producer));
	RETURNS(0, spmcq_task_done_many(q, 10));
	RETURNS(0, spmcq_join(q));
	queue_free(q);
	puppet_end(&producer);
}

static void who_sleeps_uses_no_processor(void)
{
	struct puppet consumers[3], joiner;
	struct spmcq *q;
	double used = 0;

	if (CHECK_SANITIZED)
		check_skip("sanitizers have threads of their own");
	q = shared_of(3);
	for (size_t i = 0; i < 3; i++)
		consumer_start(&consumers[i], q);
	consumer_start(&joiner, q);
	put_numbers(q, 0, 1);
	RETURNS(0, told(&consumers[0], act_get, 0));
	tell(&joiner, act_join, 0);
	for (size_t i = 0; i < 3; i++)
		tell(&consumers[i], act_get, 0);
	puppet_await_sleep(&joiner);
	for (int pass = 0; pass < 2; pass++) {
		used = -used;
		for (size_t i = 0; i < 4; i++) {
			pid_t process = i < 3 ? consumers[i].process : joiner.process;
			struct timespec time;
			clockid_t clock;

			RETURNS(0, clock_getcpuclockid(process, &clock));
			clock_gettime(clock, &time);
			used += (double)time.tv_sec + (double)time.tv_nsec / 1e9;
		}
		if (pass == 0)
			sleep_ms(1000);
	}
	CHECK(used < 0.04, "four that sleep used %.3f s of a second", used);
	put_numbers(q, 1, 3);
	for (size_t i = 0; i < 3; i++) {
		RETURNS(0, answer(&consumers[i]));
		RETURNS(0, told(&consumers[i], act_task_done_many, i == 0 ? 2 : 1));
	}
	RETURNS(0, answer(&joiner));
	for (size_t i = 0; i < 3; i++)
		puppet_end(&consumers[i]);
	puppet_end(&joiner);
	queue_free(q);
}

/* --- reports --- */

static void a_process_reports_what_it_got_and_no_more(void)
{
	struct puppet a, b, a2;
	struct spmcq *q = shared_of(8);

	consumer_start(&a, q);
	consumer_start(&b, q);
	RETURNS(-ERANGE, told(&a, act_task_done, 0));
	put_numbers(q, 0, 5);
	RETURNS(-ERANGE, told(&a, act_task_done, 0));
	RETURNS(-ERANGE, spmcq_task_done(q));
	RETURNS(2, told(&a, act_get_many, 2));
	RETURNS(-ERANGE, told(&b, act_task_done, 0));
	RETURNS(-ERANGE, spmcq_task_done(q));
	RETURNS(-ERANGE, told(&a, act_task_done_many, 3));
	COUNTS(5, spmcq_unfinished(q));
	RETURNS(1, told(&b, act_get_many, 1));
	RETURNS(0, told(&a, act_task_done, 0));
	COUNTS(4, spmcq_unfinished(q));
	/* Another thread of the process reports for it. */
	puppet_start_thread(&a2, &a);
	RETURNS(0, told(&a2, act_task_done, 0));
	RETURNS(-ERANGE, told(&a2, act_task_done, 0));
	RETURNS(-ERANGE, told(&a, act_task_done, 0));
	RETURNS(0, told(&b, act_task_done, 0));
	RETURNS(-ERANGE, told(&b, act_task_done, 0));
	COUNTS(2, spmcq_unfinished(q));
	RETURNS(2, told(&a2, act_drain, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&a2);
	puppet_end(&a);
	puppet_end(&b);
	queue_free(q);
}

/* The producer's process may consume as well. */
static void the_producers_process_gets_and_reports(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(4);

	consumer_start(&consumer, q);
	put_numbers(q, 0, 4);
	get_numbers(q, 0, 2);
	RETURNS(2, told(&consumer, act_drain, 0));
	CHECK(consumer.call.items[0] == 2, "got %u", consumer.call.items[0]);
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(-ERANGE, spmcq_task_done(q));
	RETURNS(0, spmcq_join(q));
	puppet_end(&consumer);
	queue_free(q);
}

static void join_returns_with_the_last_report_in_every_process(void)
{
	struct puppet worker, joiners[3];
	struct spmcq *q = shared_of(4);

	consumer_start(&worker, q);
	for (size_t i = 0; i < 3; i++)
		consumer_start(&joiners[i], q);
	RETURNS(0, spmcq_join(q));
	RETURNS(0, told(&joiners[0], act_join, 0));
	for (uint32_t round = 0; round < 10; round++) {
		put_numbers(q, 2 * round, 2);
		RETURNS(2, told(&worker, act_get_many, 2));
		for (size_t i = 0; i < 3; i++)
			tell(&joiners[i], act_join, 0);
		for (size_t i = 0; i < 3; i++)
			puppet_await_sleep(&joiners[i]);
		RETURNS(0, told(&worker, act_task_done, 0));
		sleep_ms(2);
		for (size_t i = 0; i < 3; i++)
			CHECK(!has_answered(&joiners[i]), "join came back before the last report");
		RETURNS(0, told(&worker, act_task_done, 0));
		for (size_t i = 0; i < 3; i++)
			RETURNS(0, answer(&joiners[i]));
		RETURNS(0, spmcq_join(q));
	}
	for (size_t i = 0; i < 3; i++)
		puppet_end(&joiners[i]);
	puppet_end(&worker);
	queue_free(q);
}

/* --- shutdown --- */

/* By a puppet, or by this process if there is none. */
static void shut_down(struct puppet *by, struct spmcq *q, bool now)
{
	if (by)
		RETURNS(0, told(by, now ? act_shutdown_now : act_shutdown, 0));
	else
		RETURNS(0, now ? spmcq_shutdown_now(q) : spmcq_shutdown(q));
}

static void a_shutdown_lets_the_rest_be_got(bool from_consumer)
{
	struct puppet a, b;
	struct spmcq *q = shared_of(5);
	uint32_t number = 9;

	consumer_start(&a, q);
	consumer_start(&b, q);
	put_numbers(q, 0, 3);
	RETURNS(0, told(&a, act_is_shutdown, 0));
	shut_down(from_consumer ? &b : NULL, q, false);
	shut_down(from_consumer ? NULL : &b, q, false);
	CHECK(spmcq_is_shutdown(q), "is_shutdown is false after shutdown");
	RETURNS(1, told(&a, act_is_shutdown, 0));
	RETURNS(-ESHUTDOWN, spmcq_put(q, &number));
	RETURNS(-ESHUTDOWN, spmcq_try_put_many(q, &number, 1));
	RETURNS(-ESHUTDOWN, spmcq_put_until(q, &number, &past));
	RETURNS(0, told(&a, act_get, 0));
	RETURNS(2, told(&b, act_get_many, 5));
	RETURNS(-ESHUTDOWN, told(&a, act_get, 0));
	RETURNS(-ESHUTDOWN, told(&a, act_try_get, 0));
	RETURNS(-ESHUTDOWN, told_until(&b, act_get_many_until, 2, 5));
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
	RETURNS(0, told(&b, act_task_done_many, 2));
	RETURNS(0, told(&a, act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&a);
	puppet_end(&b);
	queue_free(q);
}

static void a_shutdown_from_either_side_lets_the_rest_be_got(void)
{
	a_shutdown_lets_the_rest_be_got(false);
	a_shutdown_lets_the_rest_be_got(true);
}

static void shutdown_now_discards(bool from_consumer, bool redeliver)
{
	struct spmcq_shared_options options = {.redeliver = redeliver};
	struct puppet a, b;
	struct spmcq *q = shared_at(5, &options);

	consumer_start(&a, q);
	consumer_start(&b, q);
	put_numbers(q, 0, 5);
	RETURNS(0, told(&a, act_get, 0));
	shut_down(from_consumer ? &b : NULL, q, true);
	COUNTS(0, spmcq_size(q));
	COUNTS(1, spmcq_unfinished(q));
	COUNTS(4, stats_of(q).discarded);
	RETURNS(1, told(&b, act_unfinished, 0));
	RETURNS(-ESHUTDOWN, told(&b, act_get, 0));
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
	shut_down(from_consumer ? NULL : &b, q, true);
	shut_down(&a, q, false);
	RETURNS(0, told(&a, act_task_done, 0));
	RETURNS(-ERANGE, told(&a, act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	RETURNS(0, told(&b, act_join, 0));
	COUNTS(4, stats_of(q).discarded);
	puppet_end(&a);
	puppet_end(&b);
	queue_free(q);
}

static void shutdown_now_from_either_side_discards_what_is_queued(void)
{
	for (int i = 0; i < 4; i++)
		shutdown_now_discards(i % 2, i / 2);
}

static void shutdown_wakes_all(bool now, bool from_consumer)
{
	struct puppet a, b, c, joiner;
	struct spmcq *q = shared_of(5);

	check_doing("%s from the %s", now ? "shutdown_now" : "shutdown",
	            from_consumer ? "consumer" : "producer");
	consumer_start(&a, q);
	consumer_start(&b, q);
	consumer_start(&c, q);
	consumer_start(&joiner, q);
	put_numbers(q, 0, 1);
	RETURNS(0, told(&c, act_get, 0));
	a.call.seconds = 10;
	tell(&a, act_get_until, 0);
	tell(&b, act_get_many, 2);
	tell(&joiner, act_join, 0);
	puppet_await_sleep(&a);
	puppet_await_sleep(&b);
	puppet_await_sleep(&joiner);
	shut_down(from_consumer ? &c : NULL, q, now);
	RETURNS(-ESHUTDOWN, answer(&a));
	RETURNS(-ESHUTDOWN, answer(&b));
	CHECK(!has_answered(&joiner), "join came back with an item unfinished");
	RETURNS(0, told(&c, act_task_done, 0));
	RETURNS(0, answer(&joiner));
	puppet_end(&a);
	puppet_end(&b);
	puppet_end(&c);
	puppet_end(&joiner);
	queue_free(q);
}

static void shutdown_from_either_side_wakes_sleeping_gets(void)
{
	for (int i = 0; i < 4; i++)
		shutdown_wakes_all(i % 2, i / 2);
}

static void shutdown_from_a_consumer_wakes_a_sleeping_put(void)
{
	for (int now = 0; now < 2; now++) {
		struct puppet producer;
		struct spmcq *q = NULL;

		puppet_start(&producer);
		producer.call.capacity = 3;
		producer.call.item_size = sizeof(uint32_t);
		RETURNS(0, told(&producer, act_create, 0));
		join_by(&producer, &q);
		tell(&producer, act_put_many, 10);
		puppet_await_sleep(&producer);
		shut_down(NULL, q, now);
		RETURNS(3, answer(&producer));
		RETURNS(-ESHUTDOWN, told(&producer, act_put, 0));
		COUNTS(now ? 0 : 3, spmcq_size(q));
		if (!now) {
			get_numbers(q, 0, 3);
			RETURNS(0, spmcq_task_done_many(q, 3));
		}
		RETURNS(0, told(&producer, act_join, 0));
		queue_free(q);
		puppet_end(&producer);
	}
}

/* --- snapshots --- */

static void size_unfinished_and_stats_are_the_same_everywhere(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(5);

	consumer_start(&consumer, q);
	for (uint32_t put = 0; put <= 5; put++) {
		for (uint32_t got = 0; got <= put; got++) {
			struct spmcq_stats before = stats_of(q), stats, theirs;

			put_numbers(q, 0, put);
			if (got)
				RETURNS(got, told(&consumer, act_get_many, got));
			stats = stats_of(q);
			COUNTS(put - got, spmcq_size(q));
			COUNTS(put, spmcq_unfinished(q));
			COUNTS(before.put + put, stats.put);
			COUNTS(before.got + got, stats.got);
			COUNTS(before.done, stats.done);
			COUNTS(0, stats.discarded);
			RETURNS(put - got, told(&consumer, act_size, 0));
			RETURNS(put, told(&consumer, act_unfinished, 0));
			RETURNS(0, told(&consumer, act_stats, 0));
			theirs = consumer.call.stats;
			COUNTS(stats.put, theirs.put);
			COUNTS(stats.got, theirs.got);
			COUNTS(stats.done, theirs.done);
			COUNTS(0, theirs.discarded);
			if (got)
				RETURNS(0, told(&consumer, act_task_done_many, got));
			COUNTS(put - got, spmcq_unfinished(q));
			COUNTS(before.done + got, stats_of(q).done);
			RETURNS(put - got, told(&consumer, act_drain, 0));
		}
	}
	puppet_end(&consumer);
	queue_free(q);
}

/* --- who may what --- */

static void a_consumer_may_not_put(void)
{
	static long (*const puts[])(struct call *) = {act_put,          act_try_put,
	                                              act_put_until,    act_put_many,
	                                              act_try_put_many, act_put_many_until};
	struct puppet consumer;
	struct spmcq *q = shared_of(5);

	consumer_start(&consumer, q);
	for (int take = 0; take < 2; take++) {
		for (size_t i = 0; i < COUNT_OF(puts); i++) {
			check_doing("put %zu", i);
			RETURNS(-EPERM, told_until(&consumer, puts[i], 2, 1));
		}
		RETURNS(-EPERM, told(&consumer, act_release, 0));
		/* It may refuse this, too; what counts is that no put comes of it. */
		told(&consumer, act_take, 0);
	}
	RETURNS(-EPERM, told(&consumer, act_reap, 1));
	COUNTS(0, stats_of(q).put);
	put_numbers(q, 0, 1);
	RETURNS(1, told(&consumer, act_drain, 0));
	puppet_end(&consumer);
	queue_free(q);
}

static void a_second_producer_thread_is_refused(void)
{
	struct puppet producer, second;
	struct spmcq *q = NULL;

	puppet_start(&producer);
	producer.call.capacity = 3;
	producer.call.item_size = sizeof(uint32_t);
	RETURNS(0, told(&producer, act_create, 0));
	join_by(&producer, &q);
	puppet_start_thread(&second, &producer);
	RETURNS(0, told(&producer, act_put, 0));
	RETURNS(-EPERM, told(&second, act_put, 0));
	RETURNS(-EPERM, told(&second, act_release, 0));
	RETURNS(0, told(&producer, act_release, 0));
	second.call.number = 1;
	RETURNS(0, told(&second, act_put, 0));
	RETURNS(-EPERM, told(&producer, act_put, 0));
	RETURNS(0, told(&producer, act_take, 0));
	producer.call.number = 2;
	RETURNS(0, told(&producer, act_put, 0));
	RETURNS(0, told(&producer, act_shutdown, 0));
	RETURNS(-ESHUTDOWN, told(&second, act_put, 0));
	get_numbers(q, 0, 3);
	puppet_end(&second);
	puppet_end(&producer);
	queue_free(q);
}

static void a_consumer_that_destroys_its_handle_is_gone(void)
{
	struct puppet leaver, other;
	struct spmcq *q = shared_of(5);
	struct spmcq_lost lost[2];

	consumer_start(&leaver, q);
	consumer_start(&other, q);
	put_numbers(q, 0, 4);
	RETURNS(3, told(&leaver, act_get_many, 3));
	RETURNS(0, told(&leaver, act_task_done, 0));
	RETURNS(0, told(&leaver, act_destroy, 0));
	RETURNS(1, told(&other, act_drain, 0));
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	RETURNS(1, spmcq_shared_reap(q, lost, 2));
	COUNTS(1, lost[0].position);
	COUNTS(2, lost[0].items);
	RETURNS(leaver.process, lost[0].process);
	CHECK(!lost[0].redelivered, "said to be given to others");
	RETURNS(0, spmcq_shared_reap(q, lost, 2));
	RETURNS(0, spmcq_join(q));
	/* The process itself may come back. */
	admit(q, &leaver);
	put_numbers(q, 4, 1);
	RETURNS(1, told(&leaver, act_drain, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&leaver);
	puppet_end(&other);
	queue_free(q);
}

static void destroy_is_refused_while_a_thread_waits(void)
{
	struct puppet producer, waiter;
	struct spmcq *q = NULL;

	puppet_start(&producer);
	producer.call.capacity = 3;
	producer.call.item_size = sizeof(uint32_t);
	RETURNS(0, told(&producer, act_create, 0));
	join_by(&producer, &q);
	puppet_start_thread(&waiter, &producer);
	tell(&waiter, act_get, 0);
	puppet_await_sleep(&waiter);
	RETURNS(-EBUSY, told(&producer, act_destroy, 0));
	RETURNS(0, told(&producer, act_put, 0));
	RETURNS(0, answer(&waiter));
	RETURNS(0, told(&waiter, act_task_done, 0));
	RETURNS(0, told(&producer, act_destroy, 0));
	puppet_end(&waiter);
	puppet_end(&producer);
	queue_free(q);
}

static void what_is_left_by_a_producer_that_destroys_is_got(void)
{
	struct puppet producer;
	struct spmcq *q = NULL;
	uint32_t number;

	puppet_start(&producer);
	producer.call.capacity = 3;
	producer.call.item_size = sizeof(uint32_t);
	RETURNS(0, told(&producer, act_create, 0));
	join_by(&producer, &q);
	RETURNS(3, told(&producer, act_put_many, 3));
	RETURNS(0, told(&producer, act_destroy, 0));
	for (uint32_t i = 0; i < 3; i++) {
		RETURNS(0, spmcq_get(q, &number));
		CHECK(number == i, "got %u, not %u", number, i);
	}
	RETURNS(-EOWNERDEAD, spmcq_get(q, &number));
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	queue_free(q);
	puppet_end(&producer);
}

/* --- fork --- */

static void expect_all_refused(struct spmcq *q)
{
	struct spmcq_stats stats;
	struct spmcq_lost lost;
	struct timespec soon = spmcq_after(1);
	uint32_t numbers[2] = {1, 2};

	RETURNS(-EPERM, spmcq_put(q, numbers));
	RETURNS(-EPERM, spmcq_try_put(q, numbers));
	RETURNS(-EPERM, spmcq_put_until(q, numbers, &soon));
	RETURNS(-EPERM, spmcq_put_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_get(q, numbers));
	RETURNS(-EPERM, spmcq_try_get(q, numbers));
	RETURNS(-EPERM, spmcq_get_until(q, numbers, &soon));
	RETURNS(-EPERM, spmcq_get_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_try_get_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_get_many_until(q, numbers, 2, &soon));
	RETURNS(-EPERM, spmcq_task_done(q));
	RETURNS(-EPERM, spmcq_task_done_many(q, 2));
	RETURNS(-EPERM, spmcq_join(q));
	RETURNS(-EPERM, spmcq_join_until(q, &soon));
	RETURNS(-EPERM, spmcq_shutdown(q));
	RETURNS(-EPERM, spmcq_shutdown_now(q));
	RETURNS(-EPERM, spmcq_release_producer(q));
	RETURNS(-EPERM, spmcq_take_producer(q));
	RETURNS(-EPERM, spmcq_stats(q, &stats));
	RETURNS(-EPERM, spmcq_shared_reap(q, &lost, 1));
	(void)spmcq_size(q);
	(void)spmcq_unfinished(q);
	(void)spmcq_capacity(q);
	(void)spmcq_item_size(q);
	(void)spmcq_is_shutdown(q);
}

static long act_fork_and_try(struct call *call)
{
	pid_t child = fork();
	int ends[2], status, result;

	(void)call;
	if (child == 0) {
		socket_pair(SOCK_STREAM, ends);
		expect_all_refused(puppet_queue);
		RETURNS(-EPERM, spmcq_shared_admit(puppet_queue, ends[0]));
		close(ends[1]);
		/* The producer's could not anyway. */
		result = spmcq_shared_rejoin(puppet_queue, ends[0]);
		CHECK(result == -EPERM || result == -EINVAL, "rejoin: %d", result);
		if (call->n)
			RETURNS(0, spmcq_destroy(puppet_queue));
		exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(child, &status, 0) == child, "no child");
	return status;
}

static void a_child_of_fork_may_only_destroy(void)
{
	for (size_t destroys = 0; destroys < 2; destroys++) {
		struct puppet producer, consumer;
		struct spmcq *q = NULL;

		puppet_start(&producer);
		producer.call.capacity = 3;
		producer.call.item_size = sizeof(uint32_t);
		RETURNS(0, told(&producer, act_create, 0));
		puppet_start(&consumer);
		admit_by(&producer, &consumer);
		join_by(&producer, &q);
		RETURNS(3, told(&producer, act_put_many, 3));
		RETURNS(0, told(&consumer, act_get, 0));
		RETURNS(0, told(&producer, act_fork_and_try, destroys));
		RETURNS(0, told(&consumer, act_fork_and_try, destroys));
		/* Neither of them is gone. */
		RETURNS(0, told(&producer, act_reap, 1));
		RETURNS(-ETIMEDOUT, told_until(&producer, act_join_until, 0, 0.3));
		RETURNS(0, told(&consumer, act_task_done, 0));
		RETURNS(2, told(&consumer, act_drain, 0));
		RETURNS(-ETIMEDOUT, told_until(&consumer, act_get_until, 0, 0.3));
		RETURNS(0, told(&producer, act_put, 0));
		RETURNS(1, told(&consumer, act_drain, 0));
		RETURNS(0, told(&producer, act_join, 0));
		queue_free(q);
		puppet_end(&consumer);
		puppet_end(&producer);
	}
}

static long act_fork_and_join(struct call *call)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct spmcq *mine = NULL;
		uint32_t number;

		RETURNS(0, spmcq_destroy(puppet_queue));
		RETURNS(0, spmcq_shared_join(&mine, call->socket));
		RETURNS(0, spmcq_get(mine, &number));
		RETURNS(0, spmcq_task_done(mine));
		RETURNS(-ERANGE, spmcq_task_done(mine));
		RETURNS(0, spmcq_destroy(mine));
		exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(child, &status, 0) == child, "no child");
	return status;
}

static void a_child_of_fork_may_join_by_itself(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(3);
	int ends[2];

	consumer_start(&consumer, q);
	put_numbers(q, 0, 2);
	RETURNS(0, told(&consumer, act_get, 0));
	socket_pair(SOCK_STREAM, ends);
	tell_with(&consumer, act_fork_and_join, ends[1]);
	RETURNS(0, spmcq_shared_admit(q, ends[0]));
	RETURNS(0, answer(&consumer));
	COUNTS(1, spmcq_unfinished(q));
	RETURNS(0, told(&consumer, act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&consumer);
	queue_free(q);
}

static long act_join_second(struct call *call)
{
	struct spmcq *second = NULL;
	int result = spmcq_shared_join(&second, call->socket);

	if (result == 0)
		RETURNS(0, spmcq_destroy(second));
	return result;
}

/* It joins again, and leaves again, or fails to join: the first handle is not concerned. */
static void a_process_may_join_twice(void)
{
	for (int fails = 0; fails < 2; fails++) {
		struct puppet consumer;
		struct timespec soon;
		struct spmcq_lost lost;
		struct spmcq *q = shared_of(3), *other = shared_of(3);
		int ends[2];

		check_doing("the second join fails: %d", fails);
		consumer_start(&consumer, q);
		put_numbers(q, 0, 2);
		RETURNS(0, told(&consumer, act_get, 0));
		for (int i = 0; i < 3; i++) {
			socket_pair(SOCK_STREAM, ends);
			if (fails)
				close(ends[0]);
			tell_with(&consumer, act_join_second, ends[1]);
			close(ends[1]);
			if (!fails) {
				RETURNS(0, spmcq_shared_admit(i == 0 ? other : q, ends[0]));
				close(ends[0]);
			}
			RETURNS(fails ? -ECONNRESET : 0, answer(&consumer));
		}
		soon = spmcq_after(0.5);
		RETURNS(-ETIMEDOUT, spmcq_join_until(q, &soon));
		RETURNS(0, spmcq_shared_reap(q, &lost, 1));
		RETURNS(0, told(&consumer, act_task_done, 0));
		RETURNS(1, told(&consumer, act_drain, 0));
		RETURNS(0, spmcq_join(q));
		puppet_end(&consumer);
		queue_free(q);
		queue_free(other);
	}
}

/* --- threads --- */

static void each_thread_of_a_consumer_gets_and_reports(void)
{
	struct puppet process, threads[7];
	struct spmcq *q = shared_of(100);

	consumer_start(&process, q);
	for (size_t i = 0; i < 7; i++)
		puppet_start_thread(&threads[i], &process);
	put_numbers(q, 0, 70);
	for (uint32_t i = 0; i < 70; i++) {
		RETURNS(0, told(&threads[i % 7], act_get, 0));
		CHECK(threads[i % 7].call.items[0] == i, "got %u, not %u",
		      threads[i % 7].call.items[0], i);
	}
	for (size_t i = 0; i < 7; i++)
		tell(&threads[i], act_get, 0);
	for (size_t i = 0; i < 7; i++)
		puppet_await_sleep(&threads[i]);
	put_numbers(q, 70, 7);
	for (size_t i = 0; i < 7; i++) {
		RETURNS(0, answer(&threads[i]));
		RETURNS(0, told(&threads[i], act_task_done_many, 11));
	}
	RETURNS(-ERANGE, told(&threads[0], act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	for (size_t i = 0; i < 7; i++)
		puppet_end(&threads[i]);
	puppet_end(&process);
	queue_free(q);
}

static void more_threads_than_seats_are_refused(void)
{
	struct spmcq_shared_options options = {.threads = 2};
	struct puppet process, threads[3];
	struct spmcq *q = shared_at(5, &options);

	consumer_start(&process, q);
	for (size_t i = 0; i < 3; i++)
		puppet_start_thread(&threads[i], &process);
	tell(&threads[0], act_get, 0);
	tell(&threads[1], act_get, 0);
	puppet_await_sleep(&threads[0]);
	puppet_await_sleep(&threads[1]);
	RETURNS(-EUSERS, told(&threads[2], act_get, 0));
	RETURNS(-EUSERS, told(&threads[2], act_try_get_many, 3));
	put_numbers(q, 0, 2);
	RETURNS(0, answer(&threads[0]));
	RETURNS(0, answer(&threads[1]));
	/* A thread that has ended gives its seat to the next, and what it got is its process's. */
	puppet_end(&threads[0]);
	put_numbers(q, 2, 1);
	RETURNS(0, told(&threads[2], act_get, 0));
	RETURNS(0, told(&threads[2], act_task_done_many, 3));
	RETURNS(0, spmcq_join(q));
	puppet_end(&threads[1]);
	puppet_end(&threads[2]);
	puppet_end(&process);
	queue_free(q);
}

static void threads_come_and_go(void)
{
	struct spmcq_shared_options options = {.threads = 2};
	struct puppet process, thread;
	struct spmcq *q = shared_at(200, &options);

	consumer_start(&process, q);
	put_numbers(q, 0, 200);
	for (uint32_t i = 0; i < 200; i++) {
		puppet_start_thread(&thread, &process);
		RETURNS(0, told(&thread, act_get, 0));
		CHECK(thread.call.items[0] == i, "got %u, not %u", thread.call.items[0], i);
		if (i % 2)
			RETURNS(0, told(&thread, act_task_done, 0));
		puppet_end(&thread);
	}
	COUNTS(100, spmcq_unfinished(q));
	RETURNS(0, told(&process, act_task_done_many, 100));
	RETURNS(-ERANGE, told(&process, act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&process);
	queue_free(q);
}

/* --- options --- */

static void on_signal(int signal)
{
	(void)signal;
}

static long act_catch_signals(struct call *call)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)call;
	return sigaction(SIGUSR1, &action, NULL);
}

static void a_signal_ends_a_call_only_if_asked(bool interruptible)
{
	struct spmcq_shared_options options = {.interruptible = interruptible};
	struct puppet producer, consumer, joiner;

	puppet_start(&producer);
	producer.call.capacity = 1;
	producer.call.item_size = sizeof(uint32_t);
	producer.call.options = options;
	RETURNS(0, told(&producer, act_create, 0));
	puppet_start(&consumer);
	puppet_start(&joiner);
	admit_by(&producer, &consumer);
	admit_by(&producer, &joiner);
	RETURNS(0, told(&producer, act_catch_signals, 0));
	RETURNS(0, told(&consumer, act_catch_signals, 0));
	RETURNS(0, told(&joiner, act_catch_signals, 0));
	tell(&consumer, act_get, 0);
	puppet_await_sleep(&consumer);
	/* A handler may run between two sleeps, which ends nothing. */
	for (int i = 0; i < 100 && !has_answered(&consumer); i++) {
		kill(consumer.process, SIGUSR1);
		sleep_ms(2);
	}
	CHECK(has_answered(&consumer) == interruptible, "get came back: %d", !interruptible);
	if (interruptible)
		RETURNS(-EINTR, answer(&consumer));
	RETURNS(0, told(&producer, act_put, 0));
	if (interruptible)
		RETURNS(0, told(&consumer, act_get, 0));
	else
		RETURNS(0, answer(&consumer));
	RETURNS(0, told(&producer, act_put, 0));
	tell(&producer, act_put, 0);
	tell(&joiner, act_join, 0);
	puppet_await_sleep(&producer);
	puppet_await_sleep(&joiner);
	for (int i = 0; i < 100 && !(has_answered(&producer) && has_answered(&joiner)); i++) {
		kill(producer.process, SIGUSR1);
		kill(joiner.process, SIGUSR1);
		sleep_ms(2);
	}
	CHECK(has_answered(&producer) == interruptible, "put came back: %d", !interruptible);
	CHECK(has_answered(&joiner) == interruptible, "join came back: %d", !interruptible);
	if (interruptible) {
		RETURNS(-EINTR, answer(&producer));
		RETURNS(-EINTR, answer(&joiner));
	}
	RETURNS(0, told(&consumer, act_task_done, 0));
	RETURNS(1, told(&consumer, act_get_many, 1));
	RETURNS(0, told(&consumer, act_task_done, 0));
	if (!interruptible) {
		RETURNS(0, answer(&producer));
		RETURNS(0, told(&consumer, act_get, 0));
		RETURNS(0, told(&consumer, act_task_done, 0));
		RETURNS(0, answer(&joiner));
	}
	puppet_end(&joiner);
	puppet_end(&consumer);
	puppet_end(&producer);
}

static void a_signal_ends_a_sleeping_call_with_interruptible_only(void)
{
	a_signal_ends_a_call_only_if_asked(true);
	a_signal_ends_a_call_only_if_asked(false);
}

static void redeliver_keeps_items_until_they_are_reported(void)
{
	struct spmcq_shared_options options = {.redeliver = true};
	struct puppet consumer;
	struct spmcq *q = shared_at(4, &options);
	uint32_t put = 0, number = 99;

	consumer_start(&consumer, q);
	for (int pass = 0; pass < 5; pass++) {
		/* Twice the capacity unfinished is allowed, and no more than that and one. */
		while (spmcq_unfinished(q) < 8) {
			put_numbers(q, put++, 1);
			RETURNS(0, told(&consumer, act_get, 0));
			CHECK(consumer.call.items[0] == put - 1, "got %u", consumer.call.items[0]);
		}
		if (spmcq_try_put(q, &put) == 0) {
			put++;
			RETURNS(0, told(&consumer, act_get, 0));
		}
		RETURNS(-EAGAIN, spmcq_try_put(q, &number));
		RETURNS(0, told(&consumer, act_task_done_many, spmcq_unfinished(q)));
		RETURNS(0, spmcq_join(q));
	}
	/* The bound on what waits is the capacity, as ever. */
	put_numbers(q, put, 4);
	RETURNS(-EAGAIN, spmcq_try_put(q, &number));
	RETURNS(4, told(&consumer, act_drain, 0));
	puppet_end(&consumer);
	queue_free(q);
}

static void with_redeliver_a_thread_has_room_for_so_many_gets(void)
{
	struct spmcq_shared_options options = {.redeliver = true};
	struct puppet consumer;
	struct spmcq *q = shared_at(400, &options);

	consumer_start(&consumer, q);
	put_numbers(q, 0, 300);
	for (uint32_t i = 0; i < 255; i++) {
		check_doing("get %u", i);
		RETURNS(0, told(&consumer, act_get, 0));
	}
	RETURNS(-ENOBUFS, told(&consumer, act_get, 0));
	RETURNS(-ENOBUFS, told(&consumer, act_try_get_many, 3));
	COUNTS(45, spmcq_size(q));
	RETURNS(0, told(&consumer, act_task_done, 0));
	RETURNS(0, told(&consumer, act_get, 0));
	CHECK(consumer.call.items[0] == 255, "got %u", consumer.call.items[0]);
	RETURNS(0, told(&consumer, act_task_done_many, 255));
	RETURNS(44, told(&consumer, act_drain, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&consumer);
	queue_free(q);
}

/* --- what is lost --- */

static void count_lost(struct spmcq *q, pid_t process, uint64_t most, unsigned char *named,
                       uint64_t *unknown)
{
	struct spmcq_lost lost;

	while (spmcq_shared_reap(q, &lost, 1) == 1) {
		RETURNS(process, lost.process);
		if (lost.position == SPMCQ_POSITION_UNKNOWN) {
			*unknown += lost.items;
			continue;
		}
		CHECK(lost.position < most && lost.items <= most - lost.position,
		      "%llu items at %llu", (unsigned long long)lost.items,
		      (unsigned long long)lost.position);
		for (uint64_t i = 0; i < lost.items; i++)
			named[lost.position + i]++;
	}
}

/* The queue does not remember all positions of one that reports nothing. */
static void all_that_one_held_is_counted(void)
{
	struct puppet consumer, second;
	struct spmcq *q = shared_of(1000);
	unsigned char named[700] = {0};
	uint64_t unknown = 0, known = 0;

	consumer_start(&consumer, q);
	puppet_start_thread(&second, &consumer);
	put_numbers(q, 0, 700);
	for (uint32_t i = 0; i < 100; i++) {
		RETURNS(3, told(&second, act_get_many, 3));
		RETURNS(0, told(&second, act_task_done_many, 2));
	}
	for (uint32_t i = 0; i < 400; i++)
		RETURNS(0, told(&consumer, act_get, 0));
	puppet_kill(&consumer);
	close(second.control);
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	count_lost(q, consumer.process, 700, named, &unknown);
	for (uint32_t i = 0; i < 700; i++) {
		/* The thread that got three reported the oldest that it had. */
		bool held = i >= 200;

		CHECK(named[i] <= held, "item %u was named %u times", i, named[i]);
		CHECK(named[i] || !held || (i >= 300 && i < 300 + 400 - 255),
		      "item %u was not named", i);
		known += named[i];
	}
	COUNTS(500, known + unknown);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

/* They hold items between each other's; some report for others. */
static void what_each_thread_of_a_process_held_is_named(void)
{
	for (int redeliver = 0; redeliver < 2; redeliver++) {
		struct spmcq_shared_options options = {.redeliver = redeliver};
		struct puppet process, threads[5], other;
		struct spmcq *q = shared_at(64, &options);
		unsigned char named[60] = {0};
		uint64_t unknown = 0;
		uint32_t sum = 0;
		long n;

		consumer_start(&process, q);
		consumer_start(&other, q);
		for (size_t i = 0; i < 5; i++)
			puppet_start_thread(&threads[i], &process);
		put_numbers(q, 0, 60);
		for (uint32_t i = 0; i < 60; i++)
			RETURNS(0, told(&threads[i % 5], act_get, 0));
		/* Thread 0 reports its 12, then as many of others; thread 4 reports one. */
		RETURNS(0, told(&threads[4], act_task_done, 0));
		RETURNS(0, told(&threads[0], act_task_done_many, 24));
		puppet_end(&threads[1]);
		COUNTS(35, spmcq_unfinished(q));
		puppet_kill(&process);
		for (size_t i = 0; i < 5; i++)
			if (i != 1)
				close(threads[i].control);
		count_lost(q, process.process, 60, named, &unknown);
		COUNTS(0, unknown);
		for (uint32_t i = 0; i < 60; i++) {
			CHECK(named[i] <= 1, "item %u was named %u times", i, named[i]);
			CHECK(!named[i] || (i % 5 != 0 && i != 4), "item %u was reported", i);
			sum += named[i];
		}
		COUNTS(35, sum);
		n = told(&other, act_drain, 0);
		RETURNS(redeliver ? 35 : 0, n);
		for (long i = 0; i < n; i++)
			CHECK(named[other.call.items[i]]-- == 1, "item %u came again",
			      other.call.items[i]);
		RETURNS(0, spmcq_join(q));
		puppet_end(&other);
		queue_free(q);
	}
}

/* --- all together --- */

enum { MANY = 200000, WORKERS = 4 };

/* How often each was got. */
static _Atomic unsigned char *times;

static long act_consume(struct call *call)
{
	uint32_t items[32], last = 0;
	bool any = false;
	ssize_t n;

	for (;;) {
		if (call->n == 1)
			n = spmcq_get(puppet_queue, items);
		else
			n = spmcq_get_many(puppet_queue, items, call->n);
		if (n < 0)
			break;
		n += call->n == 1; /* get gives no count */
		for (ssize_t i = 0; i < n; i++) {
			CHECK(!any || items[i] > last, "got %u behind %u", items[i], last);
			CHECK(items[i] < MANY, "got %u", items[i]);
			last = items[i];
			any = true;
			atomic_fetch_add(&times[last], 1);
		}
		RETURNS(0, spmcq_task_done_many(puppet_queue, (size_t)n));
	}
	RETURNS(-ESHUTDOWN, n);
	return 0;
}

static void all_get_each_item_once(size_t capacity, const struct spmcq_shared_options *options)
{
	struct puppet workers[WORKERS], second[WORKERS];
	struct spmcq *q = shared_at(capacity, options);
	uint32_t runs[50], n = 0;

	check_doing("capacity %zu, redeliver %d, sealed %d", capacity, options->redeliver,
	            options->sealed);
	times = common_memory(MANY);
	for (size_t i = 0; i < WORKERS; i++) {
		consumer_start(&workers[i], q);
		puppet_start_thread(&second[i], &workers[i]);
		tell(&workers[i], act_consume, 1);
		tell(&second[i], act_consume, 8 * i + 1);
	}
	for (double end = seconds_now() + 0.7; n + 50 <= MANY && seconds_now() < end;) {
		for (uint32_t i = 0; i < 50; i++)
			runs[i] = n + i;
		if (n % 3 == 0)
			for (uint32_t i = 0; i < 50; i++)
				RETURNS(0, spmcq_put(q, &runs[i]));
		else
			RETURNS(50, spmcq_put_many(q, runs, 50));
		n += 50;
	}
	RETURNS(0, spmcq_join(q));
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i < WORKERS; i++) {
		answer(&second[i]);
		answer(&workers[i]);
		puppet_end(&second[i]);
		puppet_end(&workers[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		CHECK(times[i] == 1, "item %u of %u was got %u times", i, n, times[i]);
	COUNTS(n, stats_of(q).done);
	queue_free(q);
}

static void every_item_is_got_exactly_once(void)
{
	static const struct spmcq_shared_options plain = {.first_position = WRAP - 1000};

	all_get_each_item_once(1, &plain);
	all_get_each_item_once(1000, &plain);
}

static void every_item_is_got_exactly_once_with_redeliver(void)
{
	static const struct spmcq_shared_options kept = {.redeliver = true,
	                                                 .first_position = WRAP - 1000};

	all_get_each_item_once(3, &kept);
	all_get_each_item_once(1000, &kept);
}

static void every_item_is_got_exactly_once_sealed(void)
{
	static const struct spmcq_shared_options sealed = {
	        .sealed = true, .first_position = WRAP - 1000, .redeliver = true};

	if (!can_seal())
		check_skip("sealing is not built");
	all_get_each_item_once(5, &sealed);
	all_get_each_item_once(100, &sealed);
}

int main(void)
{
	RUN(bad_arguments_are_refused);
	RUN(too_many_seats_are_refused);
	RUN(a_queue_is_made_and_freed_without_a_trace);
	RUN(capacity_and_item_size_are_known_to_all);
	RUN(exactly_capacity_items_fit_in_every_lap);
	RUN(items_come_in_order_and_in_runs);
	RUN(timed_calls_come_back_at_their_deadline);
	RUN(sleeping_gets_are_woken_by_puts);
	RUN(a_wake_up_takes_no_tenth_of_a_second);
	RUN(a_sleeping_put_is_woken_by_a_get);
	RUN(who_sleeps_uses_no_processor);
	RUN(a_process_reports_what_it_got_and_no_more);
	RUN(the_producers_process_gets_and_reports);
	RUN(join_returns_with_the_last_report_in_every_process);
	RUN(a_shutdown_from_either_side_lets_the_rest_be_got);
	RUN(shutdown_now_from_either_side_discards_what_is_queued);
	RUN(shutdown_from_either_side_wakes_sleeping_gets);
	RUN(shutdown_from_a_consumer_wakes_a_sleeping_put);
	RUN(size_unfinished_and_stats_are_the_same_everywhere);
	RUN(a_consumer_may_not_put);
	RUN(a_second_producer_thread_is_refused);
	RUN(a_consumer_that_destroys_its_handle_is_gone);
	RUN(destroy_is_refused_while_a_thread_waits);
	RUN(what_is_left_by_a_producer_that_destroys_is_got);
	RUN(a_child_of_fork_may_only_destroy);
	RUN(a_child_of_fork_may_join_by_itself);
	RUN(a_process_may_join_twice);
	RUN(each_thread_of_a_consumer_gets_and_reports);
	RUN(more_threads_than_seats_are_refused);
	RUN(threads_come_and_go);
	RUN(a_signal_ends_a_sleeping_call_with_interruptible_only);
	RUN(redeliver_keeps_items_until_they_are_reported);
	RUN(with_redeliver_a_thread_has_room_for_so_many_gets);
	RUN(all_that_one_held_is_counted);
	RUN(what_each_thread_of_a_process_held_is_named);
	RUN(every_item_is_got_exactly_once);
	RUN(every_item_is_got_exactly_once_with_redeliver);
	RUN(every_item_is_got_exactly_once_sealed);
	return check_finish();
}
