/*
 * Items are reported by other threads than those that got them, while threads come and go: every
 * report for an item that was got is counted, and join sees them all.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/worker.h"

enum { SLOTS = 6, STINT = 30 };

struct round {
	struct spmcq *q;
	uint64_t seed;
	_Atomic uint64_t streams;
	_Atomic long owed; /* items got, to be reported by other threads */
	_Atomic bool over;
};

static struct chance own_chance(struct round *round)
{
	return chance_stream(round->seed, atomic_fetch_add(&round->streams, 1));
}

/* Takes up to `most` of the items that still must be reported. Returns how many. */
static size_t take_owed(struct round *round, long most)
{
	long owed = atomic_load(&round->owed);

	while (owed > 0) {
		long take = owed < most ? owed : most;

		if (atomic_compare_exchange_weak(&round->owed, &owed, owed - take))
			return (size_t)take;
	}
	return 0;
}

static void report(struct round *round, size_t n, bool one_by_one)
{
	if (!one_by_one && n > 0)
		RETURNS(0, spmcq_task_done_many(round->q, n));
	for (; one_by_one && n > 0; n--)
		RETURNS(0, spmcq_task_done(round->q));
}

/* Gets items, reports some of them, leaves the rest to other threads, and reports items of
 * others. */
static void work_a_stint(void *arg)
{
	struct round *round = arg;
	struct chance chance = own_chance(round);

	for (int i = 0; i < STINT; i++) {
		uint32_t numbers[4];
		ssize_t n = chance_below(&chance, 4) == 0
		                    ? 0
		                    : spmcq_try_get_many(round->q, numbers,
		                                         1 + chance_below(&chance, 4));

		if (n > 0) {
			size_t own = (size_t)chance_below(&chance, (uint64_t)n + 1);

			atomic_fetch_add(&round->owed, (long)((size_t)n - own));
			report(round, own, chance_below(&chance, 2));
		} else {
			report(round, take_owed(round, 3), chance_below(&chance, 2));
		}
		chance_pause(&chance);
	}
}

/* One short-lived thread after the other. */
static void employ(void *arg)
{
	struct round *round = arg;

	while (!atomic_load(&round->over)) {
		struct worker worker;

		worker_start(&worker, work_a_stint, round);
		worker_join(&worker);
	}
}

static void reports_by_any_thread_are_all_counted(void)
{
	struct round round = {.q = queue_of(16), .seed = chance_seed()};
	struct chance chance = chance_stream(round.seed, 1000000);
	struct worker employers[SLOTS];
	uint64_t end = stress_end(), put = 0;
	struct timespec past = {0, 0};

	for (size_t i = 0; i < SLOTS; i++)
		worker_start(&employers[i], employ, &round);
	do {
		for (uint64_t n = chance_below(&chance, 100); n > 0; n--, put++)
			RETURNS(0, spmcq_put(round.q, &(uint32_t){0}));
		check_doing("join after %llu items", (unsigned long long)put);
		RETURNS(0, spmcq_join(round.q));
		COUNTS(0, spmcq_unfinished(round.q));
		COUNTS(put, stats_of(round.q).done);
		RETURNS(-ERANGE, spmcq_task_done(round.q));
		RETURNS(0, spmcq_join_until(round.q, &past));
	} while (!stress_is_over(end) || atomic_load(&round.streams) < 150);
	atomic_store(&round.over, true);
	for (size_t i = 0; i < SLOTS; i++)
		worker_join(&employers[i]);
	queue_free(round.q);
}

struct pipe {
	struct spmcq *q;
	struct spmcq *reports; /* one entry for each item that was got, not yet reported */
};

static void get_and_pass_on(void *arg)
{
	struct pipe *pipe = arg;
	uint32_t number;

	while (spmcq_get(pipe->q, &number) == 0)
		RETURNS(0, spmcq_put(pipe->reports, &number));
}

static void report_what_was_passed(void *arg)
{
	struct pipe *pipe = arg;
	uint32_t number;

	while (spmcq_get(pipe->reports, &number) == 0)
		RETURNS(0, spmcq_task_done(pipe->q));
}

/* One thread gets all, others report all; the getter itself never reports. */
static void a_pipeline_may_report_at_its_far_end(void)
{
	struct pipe pipe = {queue_of(5), queue_of(3)};
	struct worker getter, reporters[3];
	struct chance chance = chance_stream(chance_seed(), 0);
	uint64_t end = stress_end();

	worker_start(&getter, get_and_pass_on, &pipe);
	for (size_t i = 0; i < COUNT_OF(reporters); i++)
		worker_start(&reporters[i], report_what_was_passed, &pipe);
	do {
		for (uint64_t n = 1 + chance_below(&chance, 50); n > 0; n--)
			RETURNS(0, spmcq_put(pipe.q, &(uint32_t){0}));
		RETURNS(0, spmcq_join(pipe.q));
	} while (!stress_is_over(end));
	RETURNS(0, spmcq_shutdown(pipe.q));
	worker_join(&getter);
	RETURNS(0, spmcq_shutdown(pipe.reports));
	for (size_t i = 0; i < COUNT_OF(reporters); i++)
		worker_join(&reporters[i]);
	queue_free(pipe.q);
	queue_free(pipe.reports);
}

struct overlap {
	struct spmcq *q;
	uint64_t seed;
	_Atomic bool over;
};

static void dawdle(struct chance *chance)
{
	for (volatile uint64_t i = chance_below(chance, 500); i > 0; i = i - 1)
		;
}

/* Puts the next item before it reports the one before. */
static void always_owe_one(void *arg)
{
	struct overlap *overlap = arg;
	struct chance chance = chance_stream(overlap->seed, 0);
	uint32_t number = 0;

	while (!atomic_load(&overlap->over)) {
		RETURNS(0, spmcq_put(overlap->q, &number));
		RETURNS(0, spmcq_get(overlap->q, &number));
		dawdle(&chance);
		RETURNS(0, spmcq_task_done(overlap->q));
	}
}

static void a_join_sees_that_one_is_always_unfinished(void)
{
	struct overlap overlap = {.q = queue_of(8), .seed = chance_seed()};
	uint64_t end = stress_end();
	struct worker worker;

	RETURNS(0, spmcq_put(overlap.q, &(uint32_t){0}));
	RETURNS(0, spmcq_release_producer(overlap.q));
	worker_start(&worker, always_owe_one, &overlap);
	while (!stress_is_over(end)) {
		struct timespec soon = spmcq_after(2e-5);

		RETURNS(-ETIMEDOUT, spmcq_join_until(overlap.q, &soon));
	}
	atomic_store(&overlap.over, true);
	worker_join(&worker);
	get_numbers(overlap.q, 0, 1);
	RETURNS(0, spmcq_task_done(overlap.q));
	RETURNS(0, spmcq_join(overlap.q));
	queue_free(overlap.q);
}

int main(void)
{
	RUN(reports_by_any_thread_are_all_counted);
	RUN(a_pipeline_may_report_at_its_far_end);
	RUN(a_join_sees_that_one_is_always_unfinished);
	return check_finish();
}
