/*
 * shutdown and shutdown_now, from several threads, at any moment of a busy queue. Afterwards every
 * item whose put succeeded was got once or discarded, all threads have returned, and nothing is
 * unfinished.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/worker.h"

enum { CONSUMERS_MAX = 6, JOINERS = 2, STOPPERS_MAX = 3, NUMBERS = 1 << 16, HELD = 8 };

enum stop { DRAIN, DISCARD, BOTH };

struct round {
	struct spmcq *q;
	uint64_t seed;
	_Atomic uint64_t streams;
	enum stop stop;
	_Atomic unsigned char times[NUMBERS];
	uint32_t placed; /* by the producer; read after it is back */
	_Atomic size_t got;
};

static struct chance own_chance(struct round *round)
{
	return chance_stream(round->seed, atomic_fetch_add(&round->streams, 1));
}

static void produce(void *arg)
{
	struct round *round = arg;
	struct chance chance = own_chance(round);
	ssize_t result = 0;

	while (round->placed < NUMBERS - 8 && result >= 0) {
		uint32_t numbers[8], n = 1 + (uint32_t)chance_below(&chance, 8);

		for (uint32_t i = 0; i < 8; i++)
			numbers[i] = round->placed + i;
		switch (chance_below(&chance, 3)) {
		case 0:
			result = spmcq_put(round->q, numbers);
			round->placed += result == 0;
			break;
		case 1:
			result = spmcq_try_put(round->q, numbers);
			round->placed += result == 0;
			break;
		default:
			result = spmcq_put_many(round->q, numbers, n);
			round->placed += result > 0 ? (uint32_t)result : 0;
		}
		result = result == -EAGAIN ? 0 : result;
		chance_pause(&chance);
	}
	CHECK(result >= 0 || result == -ESHUTDOWN, "put returned %zd", result);
}

/* Keeps up to HELD items before it reports them; reports the last ones after get has returned
 * -ESHUTDOWN. */
static void consume(void *arg)
{
	struct round *round = arg;
	struct chance chance = own_chance(round);
	size_t held = 0;

	for (;;) {
		uint32_t numbers[4];
		ssize_t n = spmcq_get_many(round->q, numbers, 1 + chance_below(&chance, 4));

		if (n == -ESHUTDOWN)
			break;
		CHECK(n > 0, "get_many returned %zd", n);
		for (ssize_t i = 0; i < n; i++)
			atomic_fetch_add(&round->times[numbers[i]], 1);
		atomic_fetch_add(&round->got, (size_t)n);
		for (held += (size_t)n; held > HELD; held--)
			RETURNS(0, spmcq_task_done(round->q));
		chance_pause(&chance);
	}
	chance_pause(&chance);
	if (held)
		RETURNS(0, spmcq_task_done_many(round->q, held));
}

static void join_once(void *arg)
{
	struct round *round = arg;
	struct chance chance = own_chance(round);

	chance_pause(&chance);
	RETURNS(0, spmcq_join(round->q));
}

static void stop(void *arg)
{
	struct round *round = arg;
	struct chance chance = own_chance(round);

	for (uint64_t i = chance_below(&chance, 8); i > 0; i--)
		chance_pause(&chance);
	if (round->stop == DRAIN || (round->stop == BOTH && chance_below(&chance, 2)))
		RETURNS(0, spmcq_shutdown(round->q));
	else
		RETURNS(0, spmcq_shutdown_now(round->q));
	CHECK(spmcq_is_shutdown(round->q), "is_shutdown is false after shutdown");
	RETURNS(0, round->stop == DRAIN ? spmcq_shutdown(round->q) : spmcq_shutdown_now(round->q));
}

static void expect_balance(const struct round *round)
{
	struct spmcq_stats stats = stats_of(round->q);
	uint32_t once = 0;

	for (uint32_t n = 0; n < NUMBERS; n++) {
		unsigned char times = atomic_load(&round->times[n]);

		CHECK(times <= (n < round->placed), "item %u of %u was got %d times", n,
		      round->placed, times);
		once += times;
	}
	COUNTS(round->placed, stats.put);
	COUNTS(once, stats.got);
	COUNTS(once, stats.done);
	COUNTS(round->placed - once, stats.discarded);
	CHECK(round->stop != DRAIN || once == round->placed, "%u put, only %u got", round->placed,
	      once);
	COUNTS(0, spmcq_size(round->q));
	COUNTS(0, spmcq_unfinished(round->q));
}

static void run_round(struct round *round, size_t consumers, size_t stoppers)
{
	struct worker workers[CONSUMERS_MAX + JOINERS + STOPPERS_MAX + 1];
	size_t n = 0;

	worker_start(&workers[n++], produce, round);
	for (size_t i = 0; i < consumers; i++)
		worker_start(&workers[n++], consume, round);
	for (size_t i = 0; i < JOINERS; i++)
		worker_start(&workers[n++], join_once, round);
	for (size_t i = 0; i < stoppers; i++)
		worker_start(&workers[n++], stop, round);
	for (size_t i = 0; i < n; i++)
		worker_join(&workers[i]);
	expect_balance(round);
	RETURNS(0, spmcq_join(round->q));
	queue_free(round->q);
}

static void rounds(enum stop kind)
{
	static const size_t capacities[] = {1, 2, 3, 5, 1024};
	static struct round round;
	struct chance chance = chance_stream(chance_seed(), (uint64_t)kind);
	uint64_t end = stress_end();

	do {
		size_t capacity = capacities[chance_below(&chance, COUNT_OF(capacities))];
		size_t consumers = 1 + (size_t)chance_below(&chance, CONSUMERS_MAX);
		size_t stoppers = 1 + (size_t)chance_below(&chance, STOPPERS_MAX);

		round.q = queue_of(capacity);
		round.seed = chance_next(&chance);
		round.stop = kind;
		atomic_init(&round.streams, 0);
		atomic_init(&round.got, 0);
		round.placed = 0;
		for (uint32_t n = 0; n < NUMBERS; n++)
			atomic_init(&round.times[n], 0);
		check_doing("capacity %zu, %zu consumers, %zu threads that shut down", capacity,
		            consumers, stoppers);
		run_round(&round, consumers, stoppers);
	} while (!stress_is_over(end));
}

static void shutdown_at_any_moment_loses_nothing(void)
{
	rounds(DRAIN);
}

static void shutdown_now_at_any_moment_leaves_nothing_unfinished(void)
{
	rounds(DISCARD);
}

static void both_at_any_moment_leave_nothing_unfinished(void)
{
	rounds(BOTH);
}

/* Consumers that sleep, or are just about to, when the queue is shut down. */
static void get_until_shutdown(void *arg)
{
	RETURNS(-ESHUTDOWN, spmcq_get(arg, &(uint32_t){0}));
}

static void a_thread_that_is_about_to_sleep_sees_shutdown(void)
{
	struct chance chance = chance_stream(chance_seed(), 9);
	uint64_t end = stress_end();

	do {
		struct spmcq *q = queue_of(2);
		struct worker workers[3];

		for (size_t i = 0; i < COUNT_OF(workers); i++)
			worker_start(&workers[i], get_until_shutdown, q);
		chance_pause(&chance);
		RETURNS(0, chance_below(&chance, 2) ? spmcq_shutdown(q) : spmcq_shutdown_now(q));
		for (size_t i = 0; i < COUNT_OF(workers); i++)
			worker_join(&workers[i]);
		queue_free(q);
	} while (!stress_is_over(end));
}

int main(void)
{
	RUN(shutdown_at_any_moment_loses_nothing);
	RUN(shutdown_now_at_any_moment_leaves_nothing_unfinished);
	RUN(both_at_any_moment_leave_nothing_unfinished);
	RUN(a_thread_that_is_about_to_sleep_sees_shutdown);
	return check_finish();
}
