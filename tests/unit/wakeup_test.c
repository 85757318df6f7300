/*
 * Which threads are woken, by what, and how many. Each property is an order of events, not a time:
 * the test waits for the event, and if it does not happen, the property hangs and is reported.
 */
#include "support/fixture.h"
#include "support/worker.h"

enum { SLEEPERS = 5 };

static void put_one(void *arg)
{
	RETURNS(0, spmcq_put(arg, &(uint32_t){0}));
	RETURNS(0, spmcq_release_producer(arg));
}

/* No second get follows, so the producer must be woken for room for one item, whatever the
 * capacity. */
static void one_get_wakes_a_blocked_producer(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		struct spmcq *q = queue_of(all_capacities[c]);

		check_doing("capacity %zu", all_capacities[c]);
		put_numbers(q, 0, all_capacities[c]);
		RETURNS(0, spmcq_release_producer(q));
		for (int again = 0; again < 5; again++) {
			struct worker producer;

			worker_start(&producer, put_one, q);
			worker_await_sleep(&producer);
			RETURNS(0, spmcq_try_get(q, &(uint32_t){0}));
			worker_join(&producer);
			COUNTS(all_capacities[c], spmcq_size(q));
		}
		queue_free(q);
	}
}

struct bulk {
	struct spmcq *q;
	size_t n;
};

static void put_bulk(void *arg)
{
	struct bulk *bulk = arg;
	uint32_t numbers[1024 + 8] = {0};

	RETURNS((ssize_t)bulk->n, spmcq_put_many(bulk->q, numbers, bulk->n));
}

static void one_get_lets_a_blocked_put_many_place_one_more(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		size_t capacity = all_capacities[c];
		struct bulk bulk = {queue_of(capacity), capacity + 8};
		struct worker producer;

		check_doing("capacity %zu", capacity);
		worker_start(&producer, put_bulk, &bulk);
		worker_await_sleep(&producer);
		for (size_t more = 1; more <= 8; more++) {
			RETURNS(0, spmcq_try_get(bulk.q, &(uint32_t){0}));
			while (stats_of(bulk.q).put < capacity + more)
				sleep_ms(1);
			COUNTS(capacity, spmcq_size(bulk.q));
		}
		worker_join(&producer);
		queue_free(bulk.q);
	}
}

/* Consumers that count what they got. */
struct crew {
	struct spmcq *q;
	_Atomic size_t got;
	_Atomic size_t together; /* becomes SLEEPERS when each consumer holds an item */
	struct worker workers[SLEEPERS];
	size_t size;
};

static void count_items(void *arg)
{
	struct crew *crew = arg;

	while (spmcq_get(crew->q, &(uint32_t){0}) == 0) {
		atomic_fetch_add(&crew->got, 1);
		RETURNS(0, spmcq_task_done(crew->q));
	}
}

static void crew_start(struct crew *crew, size_t size, size_t capacity, void (*run)(void *))
{
	crew->q = queue_of(capacity);
	crew->size = size;
	atomic_init(&crew->got, 0);
	atomic_init(&crew->together, 0);
	for (size_t i = 0; i < size; i++)
		worker_start(&crew->workers[i], run, crew);
	for (size_t i = 0; i < size; i++)
		worker_await_sleep(&crew->workers[i]);
}

static void crew_end(struct crew *crew)
{
	RETURNS(0, spmcq_shutdown(crew->q));
	for (size_t i = 0; i < crew->size; i++)
		worker_join(&crew->workers[i]);
	queue_free(crew->q);
}

/* The next item is put only when the one before was got: none makes up for a wake-up lost. */
static void each_single_item_wakes_a_sleeper(void)
{
	for (size_t size = 1; size <= SLEEPERS; size += SLEEPERS - 1) {
		for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
			struct crew crew;

			check_doing("%zu sleepers, capacity %zu", size, all_capacities[c]);
			crew_start(&crew, size, all_capacities[c], count_items);
			for (uint32_t i = 1; i <= 100; i++) {
				RETURNS(0, spmcq_put(crew.q, &i));
				await_count(&crew.got, i, "items got");
				if (i % 4 == 0)
					sleep_ms(1);
			}
			crew_end(&crew);
		}
	}
}

static void hold_until_all_hold(void *arg)
{
	struct crew *crew = arg;

	RETURNS(0, spmcq_get(crew->q, &(uint32_t){0}));
	atomic_fetch_add(&crew->got, 1);
	await_count(&crew->got, SLEEPERS, "consumers that hold an item while others sleep");
}

/* No consumer gets a second item, so every sleeper has to be woken. */
static void as_many_sleepers_wake_as_there_are_items(void)
{
	for (int round = 0; round < 20; round++) {
		struct crew crew;
		uint32_t numbers[SLEEPERS] = {0};

		check_doing("round %d", round);
		crew_start(&crew, SLEEPERS, 8, hold_until_all_hold);
		if (round % 2)
			put_numbers(crew.q, 0, SLEEPERS);
		else
			RETURNS(SLEEPERS, spmcq_put_many(crew.q, numbers, SLEEPERS));
		crew_end(&crew);
	}
}

enum { BEHIND = 50 };

/* The consumer that gets number 0 works on it until all numbers behind it were got. */
static void work_long_on_the_first(void *arg)
{
	struct crew *crew = arg;
	uint32_t number;

	while (spmcq_get(crew->q, &number) == 0) {
		if (number == 0)
			await_count(&crew->got, BEHIND, "items got behind a slow one");
		else
			atomic_fetch_add(&crew->got, 1);
		RETURNS(0, spmcq_task_done(crew->q));
	}
}

static void put_behind(struct spmcq *q, int way)
{
	uint32_t numbers[BEHIND + 1];

	for (uint32_t i = 0; i <= BEHIND; i++)
		numbers[i] = i;
	if (way == 0)
		RETURNS(BEHIND + 1, spmcq_put_many(q, numbers, BEHIND + 1));
	for (uint32_t i = 0; way > 0 && i <= BEHIND; i++) {
		RETURNS(0, spmcq_put(q, &numbers[i]));
		if (way == 2)
			sleep_ms(1);
	}
}

static void a_slow_consumer_holds_up_nobody(void)
{
	static const size_t capacities[] = {2, 3, 5, 64, 1024};

	for (size_t c = 0; c < COUNT_OF(capacities); c++) {
		for (int way = 0; way < 3; way++) {
			struct crew crew;

			check_doing("capacity %zu, way %d to put", capacities[c], way);
			crew_start(&crew, 2 + c % 3, capacities[c], work_long_on_the_first);
			put_behind(crew.q, way);
			RETURNS(0, spmcq_join(crew.q));
			crew_end(&crew);
		}
	}
}

/* A put of one item wakes one sleeping consumer, not all of them. */
static void one_item_wakes_one_sleeper(void)
{
	enum { ITEMS = 100 };
	struct crew crew;
	long switches = 0;

	crew_start(&crew, SLEEPERS, 8, count_items);
	for (size_t i = 0; i < SLEEPERS; i++)
		switches -= worker_switches(&crew.workers[i]);
	if (worker_switches(&crew.workers[0]) < 0)
		check_skip("switches of a thread cannot be seen here");
	for (uint32_t i = 1; i <= ITEMS; i++) {
		RETURNS(0, spmcq_put(crew.q, &i));
		await_count(&crew.got, i, "items got");
		sleep_ms(3);
	}
	for (size_t i = 0; i < SLEEPERS; i++)
		switches += worker_switches(&crew.workers[i]);
	CHECK(switches < ITEMS * SLEEPERS / 2, "%d items made %d sleepers switch %ld times", ITEMS,
	      SLEEPERS, switches);
	crew_end(&crew);
}

static void count_items_impatiently(void *arg)
{
	struct crew *crew = arg;
	int result = 0;

	while (result != -ESHUTDOWN) {
		struct timespec soon = spmcq_after(0.0005);

		result = spmcq_get_until(crew->q, &(uint32_t){0}, &soon);
		if (result == 0)
			atomic_fetch_add(&crew->got, 1);
	}
}

/* One consumer times out again and again, another waits for ever. If a put woke the consumer that
 * was timing out, the other must be woken, too. */
static void a_timeout_swallows_no_wakeup(void)
{
	struct spmcq *q;
	struct crew crew;
	struct worker impatient;

	crew_start(&crew, 1, 8, count_items);
	q = crew.q;
	worker_start(&impatient, count_items_impatiently, &crew);
	for (uint32_t i = 1; i <= 1000; i++) {
		struct timespec pause = {0, (long)(i % 97 * 7000)};

		nanosleep(&pause, NULL);
		RETURNS(0, spmcq_put(q, &i));
		await_count(&crew.got, i, "items got");
	}
	RETURNS(0, spmcq_shutdown(q));
	worker_join(&impatient);
	crew_end(&crew);
}

int main(void)
{
	RUN(one_get_wakes_a_blocked_producer);
	RUN(one_get_lets_a_blocked_put_many_place_one_more);
	RUN(each_single_item_wakes_a_sleeper);
	RUN(as_many_sleepers_wake_as_there_are_items);
	RUN(a_slow_consumer_holds_up_nobody);
	RUN(one_item_wakes_one_sleeper);
	RUN(a_timeout_swallows_no_wakeup);
	return check_finish();
}
