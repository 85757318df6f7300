/*
 * The search for an order, after Wing and Gong, and Lowe: take any step that may come first, as no
 * other call ended before its own began, and that the queue allows; go on; go back if stuck. A
 * state is the number of steps that each thread has taken, as that says what the queue holds; no
 * state is tried twice.
 *
 * It stays short because a queue leaves few choices: one thread puts, so items go in and come out
 * in the order of their numbers, and a step that changes nothing is taken as soon as it can be.
 */
#include "history.h"

#include "support/check.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The queue, as the steps see it. */
struct model {
	uint64_t head, tail;
	bool closed;
};

struct move {
	size_t thread;
	struct model before;
	bool forced; /* changed nothing: no other step need be tried here */
};

struct search {
	const struct history *history;
	struct model model;
	size_t at[HISTORY_THREADS];
	struct move *moves; /* how we came here */
	size_t depth;
	uint64_t *seen; /* fingerprints of the states tried; 0: none. 64 bits, taken for equality */
	size_t seen_size, seen_n;
};

void history_add(struct track *track, struct step step)
{
	if (track->n == track->room) {
		track->room = track->room ? 2 * track->room : 256;
		track->steps = realloc(track->steps, track->room * sizeof(*track->steps));
		CHECK(track->steps, "no memory for %zu steps", track->room);
	}
	track->steps[track->n++] = step;
}

void history_clear(struct history *history)
{
	for (size_t t = 0; t < history->threads; t++)
		free(history->tracks[t].steps);
	memset(history, 0, sizeof(*history));
}

size_t history_steps(const struct history *history)
{
	size_t n = 0;

	for (size_t t = 0; t < history->threads; t++)
		n += history->tracks[t].n;
	return n;
}

static uint64_t fingerprint(const struct search *search)
{
	uint64_t print = 0;

	for (size_t t = 0; t < search->history->threads; t++) {
		print = (print + search->at[t] + 1) * UINT64_C(0x9e3779b97f4a7c15);
		print ^= print >> 29;
	}
	return print | 1;
}

static void seen_grow(struct search *search);

/* Notes the state. True: it was there already. */
static bool seen_add(struct search *search, uint64_t print)
{
	size_t i;

	if (2 * search->seen_n >= search->seen_size)
		seen_grow(search);
	for (i = (size_t)print & (search->seen_size - 1); search->seen[i];
	     i = (i + 1) & (search->seen_size - 1))
		if (search->seen[i] == print)
			return true;
	search->seen[i] = print;
	search->seen_n++;
	return false;
}

static void seen_grow(struct search *search)
{
	uint64_t *old = search->seen;
	size_t old_size = search->seen_size;

	search->seen_size = old_size ? 2 * old_size : 1024;
	search->seen_n = 0;
	search->seen = calloc(search->seen_size, sizeof(*search->seen));
	CHECK(search->seen, "no memory for %zu states", search->seen_size);
	for (size_t i = 0; i < old_size; i++)
		if (old[i])
			seen_add(search, old[i]);
	free(old);
}

static const struct step *next_step(const struct search *search, size_t thread)
{
	const struct track *track = &search->history->tracks[thread];

	return search->at[thread] < track->n ? &track->steps[search->at[thread]] : NULL;
}

static bool changes_nothing(const struct step *step)
{
	return step->kind == STEP_FULL || step->kind == STEP_PUT_CLOSED ||
	       step->kind == STEP_EMPTY || step->kind == STEP_GET_CLOSED;
}

static bool allows(const struct search *search, const struct step *step)
{
	const struct model *model = &search->model;
	uint64_t size = model->tail - model->head;

	switch (step->kind) {
	case STEP_PUT:
		return !model->closed && size < search->history->capacity &&
		       step->value == model->tail;
	case STEP_FULL:
		return !model->closed && size == search->history->capacity;
	case STEP_PUT_CLOSED:
		return model->closed;
	case STEP_GET:
		return step->value == model->head && step->n <= size;
	case STEP_EMPTY:
		return !model->closed && size == 0;
	case STEP_GET_CLOSED:
		return model->closed && size == 0;
	case STEP_CLOSE:
		return true;
	case STEP_DISCARD:
		return model->closed;
	}
	return false;
}

static void apply(struct model *model, const struct step *step)
{
	if (step->kind == STEP_PUT)
		model->tail++;
	else if (step->kind == STEP_GET)
		model->head += step->n;
	else if (step->kind == STEP_CLOSE)
		model->closed = true;
	else if (step->kind == STEP_DISCARD)
		model->head = model->tail;
}

/* Returns the earliest end of the calls that are not in the order yet: a call that began later must
 * wait. */
static uint64_t first_end(const struct search *search)
{
	uint64_t first = UINT64_MAX;

	for (size_t t = 0; t < search->history->threads; t++) {
		const struct step *step = next_step(search, t);

		if (step && step->end < first)
			first = step->end;
	}
	return first;
}

/* The first thread from from on whose next step can be taken, or the number of threads. */
static size_t pick(const struct search *search, size_t from, bool forced)
{
	uint64_t end = first_end(search);
	size_t t;

	for (t = from; t < search->history->threads; t++) {
		const struct step *step = next_step(search, t);

		if (step && step->start <= end && (!forced || changes_nothing(step)) &&
		    allows(search, step))
			break;
	}
	return t;
}

static void go(struct search *search, size_t thread, bool forced)
{
	search->moves[search->depth++] = (struct move){thread, search->model, forced};
	apply(&search->model, next_step(search, thread));
	search->at[thread]++;
}

/* Back to where something else can be tried. Returns the first thread to try, or the number of
 * threads when all has been. */
static size_t go_back(struct search *search)
{
	while (search->depth > 0) {
		struct move move = search->moves[--search->depth];

		search->model = move.before;
		search->at[move.thread]--;
		if (!move.forced)
			return move.thread + 1;
	}
	return search->history->threads;
}

static size_t best_order(struct search *search, size_t steps, size_t stuck[HISTORY_THREADS])
{
	size_t threads = search->history->threads;
	size_t best = 0, from = 0;

	if (stuck)
		memset(stuck, 0, HISTORY_THREADS * sizeof(*stuck));
	while (search->depth < steps) {
		size_t thread = from == 0 ? pick(search, 0, true) : threads;
		bool forced = thread < threads;

		if (!forced)
			thread = pick(search, from, false);
		from = 0;
		if (thread < threads) {
			go(search, thread, forced);
			if (search->depth > best) {
				best = search->depth;
				if (stuck)
					memcpy(stuck, search->at, sizeof(search->at));
			}
			if (forced || !seen_add(search, fingerprint(search)))
				continue;
		}
		/* Threads from the one after the last choice; none left there means back again. */
		do {
			from = go_back(search);
			if (from == threads && search->depth == 0)
				return best;
		} while (from == threads);
	}
	return steps;
}

size_t history_check(const struct history *history, size_t stuck[HISTORY_THREADS])
{
	struct search search = {.history = history};
	size_t steps = history_steps(history);
	size_t best;

	search.moves = calloc(steps + 1, sizeof(*search.moves));
	CHECK(search.moves, "no memory for %zu moves", steps);
	best = best_order(&search, steps, stuck);
	free(search.moves);
	free(search.seen);
	return best;
}

void history_print(const struct history *history, const size_t stuck[HISTORY_THREADS])
{
	static const char *const names[] = {
	        [STEP_PUT] = "put",
	        [STEP_FULL] = "put: full",
	        [STEP_PUT_CLOSED] = "put: shut down",
	        [STEP_GET] = "get",
	        [STEP_EMPTY] = "get: empty",
	        [STEP_GET_CLOSED] = "get: shut down",
	        [STEP_CLOSE] = "shutdown",
	        [STEP_DISCARD] = "discard",
	};

	printf("# capacity %" PRIu64 "; * is the first step that fits nowhere\n",
	       history->capacity);
	for (size_t t = 0; t < history->threads; t++) {
		const struct track *track = &history->tracks[t];

		for (size_t i = stuck[t] < 3 ? 0 : stuck[t] - 3; i < track->n && i < stuck[t] + 3;
		     i++) {
			const struct step *step = &track->steps[i];

			printf("# thread %zu, step %zu%s %s", t, i, i == stuck[t] ? "*" : "",
			       names[step->kind]);
			if (step->kind == STEP_PUT || step->kind == STEP_GET)
				printf(" %" PRIu64 " x %" PRIu64, step->value, step->n);
			printf(", from %" PRIu64 " to %" PRIu64 "\n", step->start, step->end);
		}
	}
}
