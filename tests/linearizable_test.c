/*
 * Random histories of the queue, with the time at which each call began and ended, are those of a
 * FIFO queue that does one thing at a time (history.h). The first two properties are about the
 * checker: it must know right from wrong.
 */
#include "chance.h"
#include "fixture.h"
#include "history.h"
#include "item.h"
#include "worker.h"
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- the checker --- */

static void add(struct history *history, size_t thread, struct step step)
{
	if (history->threads <= thread)
		history->threads = thread + 1;
	history_add(&history->tracks[thread], step);
}

/* Whether a queue of one could have done these, thread by thread. */
static bool is_history(uint64_t capacity, const struct step *const steps[2], const size_t n[2])
{
	struct history history = {.capacity = capacity};
	bool is;

	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0; i < n[t]; i++)
			add(&history, t, steps[t][i]);
	is = history_check(&history, NULL) == n[0] + n[1];
	history_clear(&history);
	return is;
}

struct example {
	const char *what;
	uint64_t capacity;
	struct step first[4], second[4];
	size_t n[2];
};

static void expect_verdict(const struct example *examples, size_t n, bool verdict)
{
	for (size_t i = 0; i < n; i++) {
		const struct example *e = &examples[i];

		CHECK(is_history(e->capacity, (const struct step *const[2]){e->first, e->second},
		                 e->n) == verdict,
		      "%s: %s", e->what, verdict ? "refused" : "accepted");
	}
}

static void the_checker_accepts_what_a_queue_may_do(void)
{
	static const struct example examples[] = {
	        {"one after the other",
	         1,
	         {{STEP_PUT, 0, 1, 1, 2}},
	         {{STEP_GET, 0, 1, 3, 4}},
	         {1, 1}},
	        {"got while being put",
	         1,
	         {{STEP_PUT, 0, 1, 1, 9}},
	         {{STEP_GET, 0, 1, 2, 3}},
	         {1, 1}},
	        {"full until got",
	         1,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_FULL, 0, 0, 3, 4}, {STEP_PUT, 1, 1, 5, 6}},
	         {{STEP_GET, 0, 1, 1, 6}, {STEP_EMPTY, 0, 0, 7, 30}, {STEP_GET, 1, 1, 31, 32}},
	         {3, 1}},
	        {"empty before the put took effect",
	         1,
	         {{STEP_PUT, 0, 1, 1, 5}},
	         {{STEP_EMPTY, 0, 0, 2, 3}, {STEP_GET, 0, 1, 4, 9}},
	         {1, 2}},
	        {"drained, then shut down",
	         2,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_CLOSE, 0, 0, 3, 4}, {STEP_PUT_CLOSED, 0, 0, 5, 6}},
	         {{STEP_GET, 0, 1, 7, 8}, {STEP_GET_CLOSED, 0, 0, 9, 10}},
	         {3, 2}},
	        {"discarded",
	         2,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_CLOSE, 0, 0, 3, 9}, {STEP_DISCARD, 0, 0, 3, 9}},
	         {{STEP_GET_CLOSED, 0, 0, 4, 5}},
	         {3, 1}},
	};

	expect_verdict(examples, COUNT_OF(examples), true);
}

static void the_checker_refuses_what_it_may_not(void)
{
	static const struct example examples[] = {
	        {"got before it was put",
	         1,
	         {{STEP_PUT, 0, 1, 3, 4}},
	         {{STEP_GET, 0, 1, 1, 2}},
	         {1, 1}},
	        {"got twice",
	         2,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_GET, 0, 1, 3, 9}},
	         {{STEP_GET, 0, 1, 3, 9}},
	         {2, 1}},
	        {"got in the wrong order",
	         2,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_PUT, 1, 1, 3, 4}},
	         {{STEP_GET, 1, 1, 5, 6}, {STEP_GET, 0, 1, 7, 8}},
	         {2, 2}},
	        {"empty with an item inside",
	         2,
	         {{STEP_PUT, 0, 1, 1, 2}},
	         {{STEP_EMPTY, 0, 0, 3, 4}},
	         {1, 1}},
	        {"full with room",
	         2,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_FULL, 0, 0, 3, 4}},
	         {{STEP_PUT, 0, 0, 0, 0}},
	         {2, 0}},
	        {"one item too many",
	         1,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_PUT, 1, 1, 3, 4}},
	         {{STEP_GET, 0, 1, 5, 6}},
	         {2, 1}},
	        {"shut down with an item inside",
	         2,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_CLOSE, 0, 0, 3, 4}},
	         {{STEP_GET_CLOSED, 0, 0, 5, 6}},
	         {2, 1}},
	        {"put after shutdown",
	         2,
	         {{STEP_CLOSE, 0, 0, 1, 2}, {STEP_PUT, 0, 1, 3, 4}},
	         {{STEP_PUT, 0, 0, 0, 0}},
	         {2, 0}},
	        {"a run with a hole",
	         4,
	         {{STEP_PUT, 0, 1, 1, 2}, {STEP_PUT, 1, 1, 3, 4}},
	         {{STEP_GET, 0, 3, 5, 6}},
	         {2, 1}},
	};

	expect_verdict(examples, COUNT_OF(examples), false);
}

/* --- the queue --- */

enum { CONSUMERS_MAX = 5, MANY = 4, SIZE_MAX_ITEM = 24, TURNS_MAX = 400 };

enum ending { DRAINED, SHUT_DOWN, SHUT_DOWN_NOW };

struct round {
	struct spmcq *q;
	uint64_t seed;
	size_t item_size;
	enum ending ending;
	uint64_t turns;     /* calls of the producer */
	uint64_t stop_turn; /* unless DRAINED: the consumer's turn after which it shuts down */
	size_t threads;
	_Atomic size_t ready;
	_Atomic size_t number;
	struct history history;
};

/* A thread of a round, and the call it is in. */
struct caller {
	struct round *round;
	struct track *track;
	struct chance chance;
	uint64_t start;
};

static uint64_t stamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct caller join_in(struct round *round)
{
	size_t number = atomic_fetch_add(&round->number, 1);
	struct caller caller = {
	        .round = round,
	        .track = &round->history.tracks[number],
	        .chance = chance_stream(round->seed, number),
	};

	atomic_fetch_add(&round->ready, 1);
	while (atomic_load(&round->ready) < round->threads)
		sched_yield();
	return caller;
}

static void begin(struct caller *caller)
{
	caller->start = stamp();
}

static void note(struct caller *caller, enum step_kind kind, uint64_t value, uint64_t n,
                 uint64_t end)
{
	history_add(caller->track, (struct step){kind, value, n, caller->start, end});
}

/* A put of n items returned result; placed items had been put before. */
static uint64_t note_put(struct caller *caller, uint64_t placed, uint64_t n, ssize_t result)
{
	uint64_t end = stamp();
	uint64_t done = result > 0 ? (uint64_t)result : 0;

	CHECK(result > 0 || result == -EAGAIN || result == -ETIMEDOUT || result == -ESHUTDOWN,
	      "put returned %zd", result);
	CHECK(done <= n, "put of %llu returned %zd", (unsigned long long)n, result);
	for (uint64_t i = 0; i < done; i++)
		note(caller, STEP_PUT, placed + i, 1, end);
	if (result == -ESHUTDOWN)
		note(caller, STEP_PUT_CLOSED, 0, 0, end);
	else if (result < 0)
		note(caller, STEP_FULL, 0, 0, end);
	return placed + done;
}

static ssize_t one(int result)
{
	return result == 0 ? 1 : result;
}

/* A deadline that has passed, or soon will. */
static struct timespec soon(struct caller *caller)
{
	return spmcq_after((double)chance_below(&caller->chance, 3) * 20e-6);
}

static ssize_t any_put(struct caller *caller, const void *items, size_t n)
{
	struct spmcq *q = caller->round->q;
	struct timespec deadline = soon(caller);

	if (n > 1) {
		switch (chance_below(&caller->chance, 3)) {
		case 0:
			begin(caller);
			return spmcq_put_many(q, items, n);
		case 1:
			begin(caller);
			return spmcq_put_many_until(q, items, n, &deadline);
		default:
			begin(caller);
			return spmcq_try_put_many(q, items, n);
		}
	}
	switch (chance_below(&caller->chance, 3)) {
	case 0:
		begin(caller);
		return one(spmcq_put(q, items));
	case 1:
		begin(caller);
		return one(spmcq_put_until(q, items, &deadline));
	default:
		begin(caller);
		return one(spmcq_try_put(q, items));
	}
}

static ssize_t any_get(struct caller *caller, void *items, size_t max)
{
	struct spmcq *q = caller->round->q;
	struct timespec deadline = soon(caller);

	if (max > 1) {
		switch (chance_below(&caller->chance, 3)) {
		case 0:
			begin(caller);
			return spmcq_get_many(q, items, max);
		case 1:
			begin(caller);
			return spmcq_get_many_until(q, items, max, &deadline);
		default:
			begin(caller);
			return spmcq_try_get_many(q, items, max);
		}
	}
	switch (chance_below(&caller->chance, 3)) {
	case 0:
		begin(caller);
		return one(spmcq_get(q, items));
	case 1:
		begin(caller);
		return one(spmcq_get_until(q, items, &deadline));
	default:
		begin(caller);
		return one(spmcq_try_get(q, items));
	}
}

static void shut_down(struct caller *caller, bool now)
{
	uint64_t end;

	begin(caller);
	RETURNS(0, now ? spmcq_shutdown_now(caller->round->q) : spmcq_shutdown(caller->round->q));
	end = stamp();
	note(caller, STEP_CLOSE, 0, 0, end);
	if (now)
		note(caller, STEP_DISCARD, 0, 0, end);
}

static void produce(void *arg)
{
	struct round *round = arg;
	struct caller caller = join_in(round);
	unsigned char items[MANY * SIZE_MAX_ITEM];
	uint64_t placed = 0;

	for (uint64_t turn = 0; turn < round->turns; turn++) {
		size_t n = 1 + (size_t)chance_below(&caller.chance, MANY);
		ssize_t result;

		n = n > MANY / 2 ? 1 : n;
		for (size_t i = 0; i < n; i++)
			item_fill(items + i * round->item_size, round->item_size, placed + i);
		result = any_put(&caller, items, n);
		placed = note_put(&caller, placed, n, result);
		if (result == -ESHUTDOWN)
			return;
		chance_pause(&caller.chance);
	}
	shut_down(&caller, false);
}

static bool consume_once(struct caller *caller)
{
	size_t size = caller->round->item_size;
	size_t max = 1 + (size_t)chance_below(&caller->chance, MANY);
	unsigned char items[MANY * SIZE_MAX_ITEM];
	ssize_t result;
	uint64_t end, first;

	result = any_get(caller, items, max);
	end = stamp();
	CHECK(result <= (ssize_t)max, "get of %zu returned %zd", max, result);
	if (result <= 0) {
		CHECK(result == -EAGAIN || result == -ETIMEDOUT || result == -ESHUTDOWN,
		      "get returned %zd", result);
		note(caller, result == -ESHUTDOWN ? STEP_GET_CLOSED : STEP_EMPTY, 0, 0, end);
		return result != -ESHUTDOWN;
	}
	first = item_number(items, size);
	for (ssize_t i = 0; i < result; i++)
		CHECK(item_is(items + (size_t)i * size, size, first + (uint64_t)i),
		      "item %zd of a run of %zd from %llu is torn or another", i, result,
		      (unsigned long long)first);
	note(caller, STEP_GET, first, (uint64_t)result, end);
	RETURNS(0, spmcq_task_done_many(caller->round->q, (size_t)result));
	return true;
}

static void consume(void *arg)
{
	struct round *round = arg;
	struct caller caller = join_in(round);

	while (consume_once(&caller))
		chance_pause(&caller.chance);
}

static void consume_and_stop(void *arg)
{
	struct round *round = arg;
	struct caller caller = join_in(round);

	for (uint64_t turn = 0; consume_once(&caller); turn++) {
		chance_pause(&caller.chance);
		if (turn == round->stop_turn && round->ending != DRAINED)
			shut_down(&caller, round->ending == SHUT_DOWN_NOW);
	}
}

static void run_round(struct round *round, size_t consumers)
{
	struct worker workers[CONSUMERS_MAX + 1];
	size_t stuck[HISTORY_THREADS], steps, placed;

	round->threads = consumers + 1;
	round->history.threads = round->threads;
	atomic_init(&round->ready, 0);
	atomic_init(&round->number, 0);
	worker_start(&workers[0], produce, round);
	worker_start(&workers[1], consume_and_stop, round);
	for (size_t i = 2; i < round->threads; i++)
		worker_start(&workers[i], consume, round);
	for (size_t i = 0; i < round->threads; i++)
		worker_join(&workers[i]);
	RETURNS(0, spmcq_join(round->q));
	steps = history_steps(&round->history);
	placed = history_check(&round->history, stuck);
	if (placed < steps)
		history_print(&round->history, stuck);
	CHECK(placed == steps, "of %zu steps no order holds more than %zu", steps, placed);
}

static void rounds(enum ending ending)
{
	static const size_t capacities[] = {1, 2, 3, 5, 8, 64};
	static const size_t item_sizes[] = {4, 8, 12, 24};
	static const uint64_t firsts[] = {0, (UINT64_C(1) << 63) - 5};
	struct chance chance = chance_stream(chance_seed(), (uint64_t)ending);
	uint64_t end = stress_end();
	size_t steps = 0, n = 0;

	do {
		struct round round = {.ending = ending};
		size_t capacity = capacities[chance_below(&chance, COUNT_OF(capacities))];
		size_t consumers = 1 + (size_t)chance_below(&chance, CONSUMERS_MAX);
		uint64_t first = firsts[chance_below(&chance, COUNT_OF(firsts))];

		round.history.capacity = capacity;
		round.item_size = item_sizes[chance_below(&chance, COUNT_OF(item_sizes))];
		round.q = queue_at(capacity, round.item_size, first);
		round.seed = chance_next(&chance);
		round.turns = chance_below(&chance, TURNS_MAX);
		round.stop_turn = chance_below(&chance, TURNS_MAX / 8);
		check_doing("round %zu: capacity %zu, %zu consumers, items of %zu", n, capacity,
		            consumers, round.item_size);
		run_round(&round, consumers);
		steps += history_steps(&round.history);
		history_clear(&round.history);
		queue_free(round.q);
		n++;
	} while (!stress_is_over(end));
	printf("# %zu histories, %zu steps\n", n, steps);
}

static void random_histories_are_those_of_a_queue(void)
{
	rounds(DRAINED);
}

static void random_histories_with_shutdown_are_those_of_a_queue(void)
{
	rounds(SHUT_DOWN);
}

static void random_histories_with_shutdown_now_are_those_of_a_queue(void)
{
	rounds(SHUT_DOWN_NOW);
}

int main(void)
{
	RUN(the_checker_accepts_what_a_queue_may_do);
	RUN(the_checker_refuses_what_it_may_not);
	RUN(random_histories_are_those_of_a_queue);
	RUN(random_histories_with_shutdown_are_those_of_a_queue);
	RUN(random_histories_with_shutdown_now_are_those_of_a_queue);
	return check_finish();
}
