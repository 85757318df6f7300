/*
 * Random histories: one thread puts, others get, all at random, and each notes when its calls began
 * and ended. history.h says whether a FIFO queue could have answered so. Which queue that is, and
 * by which calls, each test says for itself.
 */
#ifndef HISTORIES_H
#define HISTORIES_H

#include "history.h"
#include "support/chance.h"
#include "support/check.h"
#include "support/item.h"
#include "support/worker.h"
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
	HISTORIES_CONSUMERS = 5, /* most of them */
	HISTORIES_MANY = 4,      /* most items of a call */
	HISTORIES_ITEM = 24,     /* bytes of an item, at most */
	HISTORIES_JOIN = 16,     /* a producer that joins does so in one of 16 turns */
};

/* A thread of a round, and the call it is in. */
struct caller {
	struct round *round;
	size_t number; /* 0: the producer */
	void *handle;  /* what it passes to the queue's calls */
	struct track *track;
	struct chance chance;
	uint64_t start; /* of the call, set by caller_begin() */
};

/* How to call the queue. put and get choose among its calls, and say caller_begin() right before.
 * Results are those of the library. */
struct round_calls {
	void *(*handle)(const struct caller *caller); /* by its own thread; NULL: the queue */
	ssize_t (*put)(struct caller *caller, const void *items, size_t n);
	ssize_t (*get)(struct caller *caller, void *items, size_t max);
	int (*task_done)(void *handle, size_t n);
	int (*join)(void *queue); /* by the producer */
	int (*shut_down)(void *queue, bool now);

	bool gets_one_by_one; /* the items of a get need not follow each other */
	bool joins;           /* now and then, before the next put */
};

enum ending { DRAINED, SHUT_DOWN, SHUT_DOWN_NOW };

/* One history. Set all but the last four. */
struct round {
	const struct round_calls *calls;
	void *queue;
	size_t capacity; /* SIZE_MAX: put never waits */
	size_t item_size;
	size_t consumers;
	uint64_t seed;
	uint64_t turns;     /* calls of the producer, who shuts down after them */
	enum ending ending; /* DRAINED: shut down when all items were got */
	uint64_t stop_turn; /* else: after this many turns a consumer shuts down */

	struct caller callers[HISTORY_THREADS];
	size_t threads;
	_Atomic size_t ready;
	struct history history;
};

static uint64_t caller_stamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The call begins now. */
static void caller_begin(struct caller *caller)
{
	caller->start = caller_stamp();
}

/* All threads begin at once. */
static void caller_enter(struct caller *caller)
{
	struct round *round = caller->round;

	caller->handle = round->calls->handle ? round->calls->handle(caller) : round->queue;
	atomic_fetch_add(&round->ready, 1);
	while (atomic_load(&round->ready) < round->threads)
		sched_yield();
}

static void caller_note(struct caller *caller, enum step_kind kind, uint64_t value, uint64_t n,
                        uint64_t end)
{
	history_add(caller->track, (struct step){kind, value, n, caller->start, end});
}

/* A put of n items returned result; placed items had been put before. */
static uint64_t caller_note_put(struct caller *caller, uint64_t placed, uint64_t n, ssize_t result)
{
	uint64_t end = caller_stamp();
	uint64_t done = result > 0 ? (uint64_t)result : 0;

	CHECK(result > 0 || result == -EAGAIN || result == -ETIMEDOUT || result == -ESHUTDOWN,
	      "put returned %zd", result);
	CHECK(done <= n, "put of %llu returned %zd", (unsigned long long)n, result);
	for (uint64_t i = 0; i < done; i++)
		caller_note(caller, STEP_PUT, placed + i, 1, end);
	if (result == -ESHUTDOWN)
		caller_note(caller, STEP_PUT_CLOSED, 0, 0, end);
	else if (result < 0)
		caller_note(caller, STEP_FULL, 0, 0, end);
	return placed + done;
}

static void caller_shut_down(struct caller *caller, bool now)
{
	const struct round *round = caller->round;
	uint64_t end;

	caller_begin(caller);
	RETURNS(0, round->calls->shut_down(round->queue, now));
	end = caller_stamp();
	caller_note(caller, STEP_CLOSE, 0, 0, end);
	if (now)
		caller_note(caller, STEP_DISCARD, 0, 0, end);
}

/* When join returns, all items are reported, so they were got, and the queue was empty at some
 * instant of the join. */
static void caller_join(struct caller *caller)
{
	const struct round *round = caller->round;

	caller_begin(caller);
	RETURNS(0, round->calls->join(round->queue));
	caller_note(caller, STEP_EMPTY, 0, 0, caller_stamp());
}

static void caller_produce(void *arg)
{
	struct caller *caller = arg;
	const struct round *round = caller->round;
	unsigned char items[HISTORIES_MANY * HISTORIES_ITEM];
	uint64_t placed = 0;

	caller_enter(caller);
	for (uint64_t turn = 0; turn < round->turns; turn++) {
		size_t n = 1 + (size_t)chance_below(&caller->chance, HISTORIES_MANY);
		ssize_t result;

		n = n > HISTORIES_MANY / 2 ? 1 : n;
		for (size_t i = 0; i < n; i++)
			item_fill(items + i * round->item_size, round->item_size, placed + i);
		result = round->calls->put(caller, items, n);
		placed = caller_note_put(caller, placed, n, result);
		if (result == -ESHUTDOWN)
			return;
		if (round->calls->joins && chance_below(&caller->chance, HISTORIES_JOIN) == 0)
			caller_join(caller);
		chance_pause(&caller->chance);
	}
	caller_shut_down(caller, false);
}

/* A get returned n items. */
static void caller_note_get(struct caller *caller, const unsigned char *items, size_t n,
                            uint64_t end)
{
	size_t size = caller->round->item_size;
	uint64_t first = item_number(items, size);
	bool is_run = !caller->round->calls->gets_one_by_one;

	for (size_t i = 0; i < n; i++) {
		const unsigned char *item = items + i * size;
		uint64_t number = is_run ? first + i : item_number(item, size);

		CHECK(item_is(item, size, number),
		      "item %zu of %zu, the first of them %llu, is torn or another", i, n,
		      (unsigned long long)first);
		if (!is_run)
			caller_note(caller, STEP_GET, number, 1, end);
	}
	if (is_run)
		caller_note(caller, STEP_GET, first, n, end);
}

/* Returns whether there may be more. */
static bool caller_consume_once(struct caller *caller)
{
	const struct round_calls *calls = caller->round->calls;
	size_t max = 1 + (size_t)chance_below(&caller->chance, HISTORIES_MANY);
	unsigned char items[HISTORIES_MANY * HISTORIES_ITEM];
	ssize_t result;
	uint64_t end;

	result = calls->get(caller, items, max);
	end = caller_stamp();
	CHECK(result <= (ssize_t)max, "get of %zu returned %zd", max, result);
	if (result <= 0) {
		CHECK(result == -EAGAIN || result == -ETIMEDOUT || result == -ESHUTDOWN,
		      "get returned %zd", result);
		caller_note(caller, result == -ESHUTDOWN ? STEP_GET_CLOSED : STEP_EMPTY, 0, 0, end);
		return result != -ESHUTDOWN;
	}
	caller_note_get(caller, items, (size_t)result, end);
	RETURNS(0, calls->task_done(caller->handle, (size_t)result));
	return true;
}

/* Whether it is this consumer's part to shut the queue down now. */
static bool caller_stops(const struct caller *caller, uint64_t turn)
{
	return caller->round->ending != DRAINED && caller->number == 1 &&
	       turn == caller->round->stop_turn;
}

static void caller_consume(void *arg)
{
	struct caller *caller = arg;

	caller_enter(caller);
	for (uint64_t turn = 0; caller_consume_once(caller); turn++) {
		chance_pause(&caller->chance);
		if (caller_stops(caller, turn))
			caller_shut_down(caller, caller->round->ending == SHUT_DOWN_NOW);
	}
}

/* Runs the threads and fails the property if this is no history of a queue. Returns how many steps
 * it has. The queue is the caller's to free. */
static size_t round_run(struct round *round)
{
	struct worker workers[HISTORY_THREADS];
	size_t stuck[HISTORY_THREADS], steps, placed;

	round->threads = round->consumers + 1;
	round->history.capacity = round->capacity;
	round->history.threads = round->threads;
	atomic_init(&round->ready, 0);
	for (size_t i = 0; i < round->threads; i++) {
		round->callers[i] = (struct caller){
		        .round = round,
		        .number = i,
		        .track = &round->history.tracks[i],
		        .chance = chance_stream(round->seed, i),
		};
		worker_start(&workers[i], i == 0 ? caller_produce : caller_consume,
		             &round->callers[i]);
	}
	for (size_t i = 0; i < round->threads; i++)
		worker_join(&workers[i]);
	steps = history_steps(&round->history);
	placed = history_check(&round->history, stuck);
	if (placed < steps)
		history_print(&round->history, stuck);
	CHECK(placed == steps, "of %zu steps no order holds more than %zu", steps, placed);
	RETURNS(0, round->calls->join(round->queue)); /* nothing is left to do */
	history_clear(&round->history);
	return steps;
}

#endif
