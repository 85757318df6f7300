/*
 * Each result of each call between processes. This process is the producer and puppets are
 * consumers, if a property does not say otherwise.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include "support/item.h"
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>

static const struct timespec past = {0, 0};
static const struct timespec bad = {0, 1000000000};

#define WRAP (UINT64_C(1) << 52)

/* --- making a queue --- */

static void bad_arguments_are_refused(void)
{
	static char untouched;
	struct spmcq *const before = (struct spmcq *)(void *)&untouched;
	struct spmcq *none = before, *q = shared_of(2);
	struct spmcq_lost lost;
	item_value number = 0;

	RETURNS(-EINVAL, spmcq_shared_create(NULL, 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_shared_create(&none, 0, 4, NULL));
	RETURNS(-EINVAL, spmcq_shared_create(&none, 1, 0, NULL));
	RETURNS(-EOVERFLOW, spmcq_shared_create(&none, SIZE_MAX, 4, NULL));
	RETURNS(-EOVERFLOW, spmcq_shared_create(&none, 4, SIZE_MAX, NULL));
	RETURNS(-EOVERFLOW, spmcq_shared_create(&none, SIZE_MAX / 8, 8, NULL));
	RETURNS(-EINVAL, spmcq_shared_admit(NULL, 0));
	RETURNS(-EINVAL, spmcq_shared_join(NULL, 0, 0));
	RETURNS(-EINVAL, spmcq_shared_rejoin(NULL, 0));
	RETURNS(-EINVAL, spmcq_shared_rejoin(q, 0)); /* q is the handle of a producer */
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

/* More threads in all processes together than the queue has numbers (seats) for: see handle.h. */
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

/* On a 32-bit system the capacity may be more than can be addressed; then the result is
 * -EOVERFLOW. */
static void more_memory_than_the_machine_has_is_refused(void)
{
	struct spmcq *none = NULL;
	struct sysinfo machine;
	uint64_t bytes;
	int result;

	RETURNS(0, sysinfo(&machine));
	bytes = ((uint64_t)machine.totalram + machine.totalswap) * machine.mem_unit;
	result = spmcq_shared_create(&none, (size_t)(bytes / 4096) + 1, 4096, NULL);
	CHECK((result == -ENOMEM || (sizeof(size_t) == 4 && result == -EOVERFLOW)) && !none,
	      "%llu bytes: %d", (unsigned long long)bytes, result);
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

/* Gets n items of call->item_size, each into a buffer of exactly that size. */
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
	item_value numbers[300], next = 0;

	for (item_value i = 0; i < 300; i++)
		numbers[i] = i;
	consumer_start(&a, q);
	RETURNS(300, spmcq_put_many(q, numbers, 300));
	RETURNS(-EAGAIN, spmcq_try_put_many(q, numbers, 2));
	consumer_start(&b, q); /* joins after the items were put */
	for (int i = 0; next < 300; i++) {
		struct puppet *consumer = i % 2 ? &a : &b;
		long n = told(consumer, i % 3 ? act_get_many : act_try_get_many, 1 + 7 * (size_t)i);

		CHECK(n == 1 + 7 * i || next + (uint32_t)n == 300, "get_many(%d): %ld", 1 + 7 * i,
		      n);
		for (long j = 0; j < n; j++, next++)
			CHECK(consumer->call.items[j] == next, "got %" PRI_ITEM ", not %" PRI_ITEM,
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
	item_value numbers[2] = {1, 2};
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
	CHECK(consumer.call.items[0] == 77, "a get that failed wrote %" PRI_ITEM,
	      consumer.call.items[0]);

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

/* Each of three sleeping consumers gets one of three items. */
static void sleeping_gets_are_woken_by_puts(void)
{
	struct puppet consumers[3];
	struct spmcq *q = shared_of(5);

	for (size_t i = 0; i < 3; i++)
		consumer_start(&consumers[i], q);
	for (uint32_t round = 0; round < 20; round++) {
		item_value sum = 0;

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

/* A sleeper wakes after a tenth of a second in any case, to check whether other processes are gone.
 * That would hide a lost wake-up, so the test allows less time. */
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
	struct spmcq *q = producer_start(&producer, 3);
	item_value items[10];

	producer.call.number = 0;
	tell(&producer, act_put_many, 10);
	puppet_await_sleep(&producer);
	COUNTS(3, spmcq_size(q));
	for (item_value i = 0; i < 10; i++) {
		RETURNS(0, spmcq_get(q, items));
		CHECK(items[0] == i, "got %" PRI_ITEM ", not %" PRI_ITEM, items[0], i);
	}
	RETURNS(10, answer(&producer));
	RETURNS(0, spmcq_task_done_many(q, 10));
	RETURNS(0, spmcq_join(q));
	queue_free(q);
	puppet_end(&producer);
}

static void sleeping_threads_use_no_processor(void)
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
	CHECK(used < 0.04, "four sleeping threads used %.3f s of processor time in a second", used);
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

static void a_process_reports_no_more_than_it_got(void)
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
	/* Another thread of the process reports an item that the first thread got. */
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
	CHECK(consumer.call.items[0] == 2, "got %" PRI_ITEM, consumer.call.items[0]);
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
			CHECK(!has_answered(&joiners[i]), "join returned before the last report");
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

/* Shuts the queue down from a puppet, or from this process if by is NULL. */
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
	item_value number = 9;

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
	CHECK(!has_answered(&joiner), "join returned with an item unfinished");
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
		struct spmcq *q = producer_start(&producer, 3);

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

int main(void)
{
	RUN(bad_arguments_are_refused);
	RUN(too_many_seats_are_refused);
	RUN(more_memory_than_the_machine_has_is_refused);
	RUN(a_queue_is_made_and_freed_without_a_trace);
	RUN(capacity_and_item_size_are_known_to_all);
	RUN(exactly_capacity_items_fit_in_every_lap);
	RUN(items_come_in_order_and_in_runs);
	RUN(timed_calls_come_back_at_their_deadline);
	RUN(sleeping_gets_are_woken_by_puts);
	RUN(a_wake_up_takes_no_tenth_of_a_second);
	RUN(a_sleeping_put_is_woken_by_a_get);
	RUN(sleeping_threads_use_no_processor);
	RUN(a_process_reports_no_more_than_it_got);
	RUN(the_producers_process_gets_and_reports);
	RUN(join_returns_with_the_last_report_in_every_process);
	RUN(a_shutdown_from_either_side_lets_the_rest_be_got);
	RUN(shutdown_now_from_either_side_discards_what_is_queued);
	RUN(shutdown_from_either_side_wakes_sleeping_gets);
	RUN(shutdown_from_a_consumer_wakes_a_sleeping_put);
	RUN(size_unfinished_and_stats_are_the_same_everywhere);
	return check_finish();
}
