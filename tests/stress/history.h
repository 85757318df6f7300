/*
 * Histories of a queue: what each thread called, when the call began and ended, and what came of
 * it. history_check() finds out whether a FIFO queue that does one step at a time could have
 * answered so, each step at some instant between the stamps of its call.
 *
 * Items are numbered in the order they are put, from 0.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTORY_THREADS = 8 };

enum step_kind {
	STEP_PUT,        /* item value went in; there was room and the queue was not shut down */
	STEP_FULL,       /* put found no room */
	STEP_PUT_CLOSED, /* put found the queue shut down */
	STEP_GET,        /* items value .. value + n - 1 came out, in one step */
	STEP_EMPTY,      /* get found nothing, and the queue not shut down */
	STEP_GET_CLOSED, /* get found nothing, and the queue shut down */
	STEP_CLOSE,      /* shutdown */
	STEP_DISCARD,    /* what was left is thrown away */
};

/* A call of several steps, as put_many, has a step for each, with the stamps of the call. */
struct step {
	enum step_kind kind;
	uint64_t value;
	uint64_t n;
	uint64_t start, end; /* of any clock that all threads agree on; start <= end */
};

/* What one thread did, in order. Its own to write. */
struct track {
	struct step *steps;
	size_t n;
	size_t room; /* steps that steps has room for */
};

struct history {
	uint64_t capacity;
	size_t threads;
	struct track tracks[HISTORY_THREADS];
};

void history_add(struct track *track, struct step step);

/* Free the tracks. */
void history_clear(struct history *history);

/* Returns how many steps can be put in order: all, or this is no history of a queue. If it is
 * none, and stuck is not NULL, stuck[t] is the step of thread t at which the search did not get
 * further. */
size_t history_check(const struct history *history, size_t stuck[HISTORY_THREADS]);

size_t history_steps(const struct history *history);

/* Print the steps of each thread around its stuck one, for a failure. */
void history_print(const struct history *history, const size_t stuck[HISTORY_THREADS]);

#endif
