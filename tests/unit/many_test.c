/*
 * Many threads, at once and one after the other: each takes part and the counts are exact. With few
 * threads, none of them starves.
 */
#include "support/fixture.h"
#include "support/worker.h"
#include <stdint.h>
#include <stdlib.h>

enum {
	AT_ONCE = 300,
	ONE_BY_ONE = 1000,
	LAPS = 20,
	RIVALS = 3,
	RIVALRY_MS = 2000,
	STARVED_MS = 1000,
	LEAST = 10,
	WORK_US = 1,
};

struct crew {
	struct spmcq *q;
	_Atomic size_t holding; /* threads that have got their first item */
	_Atomic size_t got;
	_Atomic unsigned char *times;
};

static void note_got(struct crew *crew, uint32_t number)
{
	atomic_fetch_add(&crew->times[number], 1);
	atomic_fetch_add(&crew->got, 1);
}

/* No consumer reports before all have an item. */
static void take_part(void *arg)
{
	struct crew *crew = arg;
	uint32_t number, numbers[3];
	ssize_t n;

	RETURNS(0, spmcq_get(crew->q, &number));
	note_got(crew, number);
	atomic_fetch_add(&crew->holding, 1);
	await_count(&crew->holding, AT_ONCE, "threads that have an item");
	RETURNS(0, spmcq_task_done(crew->q));
	while ((n = spmcq_get_many(crew->q, numbers, 3)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			note_got(crew, numbers[i]);
		RETURNS(0, spmcq_task_done_many(crew->q, (size_t)n));
	}
	RETURNS(-ESHUTDOWN, n);
}

static void expect_each_once(struct crew *crew, uint32_t numbers)
{
	struct spmcq_stats stats = stats_of(crew->q);

	for (uint32_t n = 0; n < numbers; n++)
		CHECK(crew->times[n] == 1, "number %u was got %d times", n, crew->times[n]);
	COUNTS(numbers, stats.put);
	COUNTS(numbers, stats.got);
	COUNTS(numbers, stats.done);
	RETURNS(-ERANGE, spmcq_task_done(crew->q));
	RETURNS(0, spmcq_join(crew->q));
}

static void three_hundred_threads_take_part_and_count_exactly(void)
{
	enum { ALL = AT_ONCE * (1 + LAPS) };
	struct crew crew = {.q = queue_of(64), .times = calloc(ALL, 1)};
	static struct worker workers[AT_ONCE];

	CHECK(crew.times, "no memory");
	for (size_t i = 0; i < AT_ONCE; i++)
		worker_start(&workers[i], take_part, &crew);
	for (uint32_t n = 0; n < AT_ONCE; n++)
		RETURNS(0, spmcq_put(crew.q, &n));
	await_count(&crew.holding, AT_ONCE, "threads that have an item");
	for (uint32_t n = AT_ONCE; n < ALL; n++)
		RETURNS(0, spmcq_put(crew.q, &n));
	RETURNS(0, spmcq_join(crew.q));
	RETURNS(0, spmcq_shutdown(crew.q));
	for (size_t i = 0; i < AT_ONCE; i++)
		worker_join(&workers[i]);
	expect_each_once(&crew, ALL);
	queue_free(crew.q);
	free(crew.times);
}

static void get_one(void *arg)
{
	struct crew *crew = arg;
	uint32_t number;

	RETURNS(0, spmcq_get(crew->q, &number));
	note_got(crew, number);
	RETURNS(0, spmcq_task_done(crew->q));
}

static void a_thousand_threads_one_after_the_other_count_exactly(void)
{
	struct crew crew = {.q = queue_of(2), .times = calloc(ONE_BY_ONE, 1)};

	CHECK(crew.times, "no memory");
	for (uint32_t n = 0; n < ONE_BY_ONE; n++) {
		struct worker worker;

		RETURNS(0, spmcq_put(crew.q, &n));
		worker_start(&worker, get_one, &crew);
		worker_join(&worker);
		RETURNS(0, spmcq_join(crew.q));
	}
	expect_each_once(&crew, ONE_BY_ONE);
	queue_free(crew.q);
	free(crew.times);
}

/* --- a queue that is never empty --- */

struct rival {
	struct spmcq *q;
	uint64_t got;
	double longest_ms; /* of its gets, with items there before and after */
	struct worker worker;
};

static double now_ms(void)
{
	struct timespec now = spmcq_after(0);

	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void work_us(double us)
{
	double end = now_ms() + us / 1e3;

	while (now_ms() < end)
		;
}

static void get_against_rivals(void *arg)
{
	struct rival *rival = arg;
	uint32_t number;
	bool were_there = false;

	for (;;) {
		double began = now_ms(), ms;
		bool are_there;

		if (spmcq_get(rival->q, &number) != 0)
			return;
		ms = now_ms() - began;
		are_there = spmcq_size(rival->q) > 0;
		if (were_there && are_there && ms > rival->longest_ms)
			rival->longest_ms = ms;
		were_there = are_there;
		rival->got++;
		work_us(WORK_US);
	}
}

/* The ring is large, and items mean a little work: the producer keeps it filled even on few cores.
 */
static void nobody_starves_among_three(void)
{
	struct spmcq *q = queue_of(1 << 18);
	struct rival rivals[RIVALS];
	static uint32_t numbers[512];
	double end = now_ms() + RIVALRY_MS;
	size_t least = SIZE_MAX;

	for (int n = 0; n < 400; n++)
		RETURNS(COUNT_OF(numbers), spmcq_put_many(q, numbers, COUNT_OF(numbers)));
	for (size_t i = 0; i < RIVALS; i++) {
		rivals[i] = (struct rival){.q = q};
		worker_start(&rivals[i].worker, get_against_rivals, &rivals[i]);
	}
	while (now_ms() < end) {
		size_t size = spmcq_size(q);

		least = size < least ? size : least;
		RETURNS(COUNT_OF(numbers), spmcq_put_many(q, numbers, COUNT_OF(numbers)));
	}
	RETURNS(0, spmcq_shutdown_now(q));
	for (size_t i = 0; i < RIVALS; i++)
		worker_join(&rivals[i].worker);
	check_doing("at least %zu items were there", least);
	for (size_t i = 0; i < RIVALS; i++) {
		CHECK(rivals[i].longest_ms < STARVED_MS, "consumer %zu waited %.0f ms", i,
		      rivals[i].longest_ms);
		CHECK(rivals[i].got >= LEAST * (RIVALRY_MS / STARVED_MS),
		      "consumer %zu got %llu items in %d ms", i, (unsigned long long)rivals[i].got,
		      RIVALRY_MS);
	}
	queue_free(q);
}

int main(void)
{
	RUN(three_hundred_threads_take_part_and_count_exactly);
	RUN(a_thousand_threads_one_after_the_other_count_exactly);
	RUN(nobody_starves_among_three);
	return check_finish();
}
