/*
 * Random histories of the queue, with the time at which each call began and ended, are those of a
 * FIFO queue that does one thing at a time (history.h). The first two properties test the
 * checker: it must accept right histories and refuse wrong ones.
 */
#include "histories.h"
#include "support/fixture.h"
#include <stdio.h>

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

enum { TURNS_MAX = 400 };

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
	struct spmcq *q = caller->handle;
	struct timespec deadline = soon(caller);

	if (n > 1) {
		switch (chance_below(&caller->chance, 3)) {
		case 0:
			caller_begin(caller);
			return spmcq_put_many(q, items, n);
		case 1:
			caller_begin(caller);
			return spmcq_put_many_until(q, items, n, &deadline);
		default:
			caller_begin(caller);
			return spmcq_try_put_many(q, items, n);
		}
	}
	switch (chance_below(&caller->chance, 3)) {
	case 0:
		caller_begin(caller);
		return one(spmcq_put(q, items));
	case 1:
		caller_begin(caller);
		return one(spmcq_put_until(q, items, &deadline));
	default:
		caller_begin(caller);
		return one(spmcq_try_put(q, items));
	}
}

static ssize_t any_get(struct caller *caller, void *items, size_t max)
{
	struct spmcq *q = caller->handle;
	struct timespec deadline = soon(caller);

	if (max > 1) {
		switch (chance_below(&caller->chance, 3)) {
		case 0:
			caller_begin(caller);
			return spmcq_get_many(q, items, max);
		case 1:
			caller_begin(caller);
			return spmcq_get_many_until(q, items, max, &deadline);
		default:
			caller_begin(caller);
			return spmcq_try_get_many(q, items, max);
		}
	}
	switch (chance_below(&caller->chance, 3)) {
	case 0:
		caller_begin(caller);
		return one(spmcq_get(q, items));
	case 1:
		caller_begin(caller);
		return one(spmcq_get_until(q, items, &deadline));
	default:
		caller_begin(caller);
		return one(spmcq_try_get(q, items));
	}
}

static int task_done(void *q, size_t n)
{
	return spmcq_task_done_many(q, n);
}

static int join(void *q)
{
	return spmcq_join(q);
}

static int shut_down(void *q, bool now)
{
	return now ? spmcq_shutdown_now(q) : spmcq_shutdown(q);
}

static const struct round_calls calls = {
        .put = any_put,
        .get = any_get,
        .task_done = task_done,
        .join = join,
        .shut_down = shut_down,
};

static void rounds(enum ending ending)
{
	static const size_t capacities[] = {1, 2, 3, 5, 8, 64};
	static const size_t item_sizes[] = {4, 8, 12, HISTORIES_ITEM};
	static const uint64_t firsts[] = {0, (UINT64_C(1) << 63) - 5};
	struct chance chance = chance_stream(chance_seed(), (uint64_t)ending);
	uint64_t end = stress_end();
	size_t steps = 0, n = 0;

	do {
		struct round round = {.calls = &calls, .ending = ending};
		uint64_t first = firsts[chance_below(&chance, COUNT_OF(firsts))];

		round.capacity = capacities[chance_below(&chance, COUNT_OF(capacities))];
		round.item_size = item_sizes[chance_below(&chance, COUNT_OF(item_sizes))];
		round.consumers = 1 + (size_t)chance_below(&chance, HISTORIES_CONSUMERS);
		round.seed = chance_next(&chance);
		round.turns = chance_below(&chance, TURNS_MAX);
		round.stop_turn = chance_below(&chance, TURNS_MAX / 8);
		round.queue = queue_at(round.capacity, round.item_size, first);
		check_doing("round %zu: capacity %zu, %zu consumers, items of %zu", n,
		            round.capacity, round.consumers, round.item_size);
		steps += round_run(&round);
		queue_free(round.queue);
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
