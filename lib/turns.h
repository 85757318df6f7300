/*
 * Turns: consumers that often lose claims draw numbers. When a consumer's turn is over it tells the
 * next but one: that it may claim, where head should be then, and which items are known. All this
 * is advice. A claim counts only if its compare-and-swap succeeds, and a consumer that nobody tells
 * goes ahead after a while. "Claiming" in lib/DESIGN.md explains it.
 *
 *   R9 turns_pass() stores tail -> A9 turns_await() reads it: the items below can be read
 */
#ifndef SPMCQ_TURNS_H
#define SPMCQ_TURNS_H

#include "internal.h"

#include "cell.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How many consumers have a turn at a time. `spmcq-bench simulate --consumers 64 --work 1us
 * --arbitration queued`: 1.6 M items/s with one, 2.5 with two, 1.5 with three. */
enum { TURNS_AT_ONCE = 2 };

/* If more consumers wait than there are lines, some read the same line. A consumer goes ahead after
 * TURN_LOOKS looks, of two pause instructions each, as the one that should tell it may be stopped.
 * (In a queue of 256 consumers it waits for 100 us.) SPMCQ_MODEL: as for cells. */
#ifdef SPMCQ_MODEL
enum { TURN_LINES = 2, TURN_LOOKS = 2 };
#else
enum { TURN_LINES = 64, TURN_LOOKS = 1500 };
#endif

struct turn_line {
	alignas(CACHE_LINE) _Atomic uint32_t number; /* the number that may claim */
	_Atomic uint64_t head;                       /* where head should be then */
	_Atomic uint64_t tail;                       /* a tail read earlier, as tail_seen */
};

struct turns {
	alignas(2 * CACHE_LINE) _Atomic uint32_t next; /* the number to draw */
	/* Who has number i waits at line[i % TURN_LINES]; the last but one writes it. */
	struct turn_line line[TURN_LINES];
};

/* A consumer's turn, and what it was told. */
struct turn {
	uint32_t number;
	bool was_told;       /* just now; otherwise head and tail may be old */
	uint64_t head, tail; /* as in struct turn_line */
};

static void turns_init(struct turns *turns, uint64_t first)
{
	atomic_init(&turns->next, 0);
	for (uint32_t i = 0; i < TURN_LINES; i++) {
		struct turn_line *line = &turns->line[i];

		atomic_init(&line->number, i < TURNS_AT_ONCE ? i : i - TURN_LINES);
		atomic_init(&line->head, first);
		atomic_init(&line->tail, first);
	}
}

/* Draw a number, and wait for its turn, but not for long. If the turn comes at once, fewer
 * consumers compete than the caller expected; if it does not come, turns are of no help. Wait-free.
 */
static struct turn turns_await(struct turns *turns, struct cell *cell)
{
	/* Relaxed, as number and head: hints. */
	uint32_t mine = atomic_fetch_add_explicit(&turns->next, 1, memory_order_relaxed);
	struct turn_line *line = &turns->line[mine % TURN_LINES];
	struct turn turn;
	int looks = 0;

	while ((int32_t)(atomic_load_explicit(&line->number, memory_order_relaxed) - mine) < 0 &&
	       looks < TURN_LOOKS) {
		ck_pr_stall();
		ck_pr_stall();
		looks++;
	}
	if (looks == 0)
		cell_turn_was_free(cell);
	else if (looks == TURN_LOOKS)
		CELL_SET(cell, backoff, BACKOFF_MOST);
	turn.number = mine;
	turn.was_told = looks > 0 && looks < TURN_LOOKS;
	turn.head = atomic_load_explicit(&line->head, memory_order_relaxed);
	/* A9, pairs with R9. */
	turn.tail = atomic_load_explicit(&line->tail, memory_order_acquire);
	return turn;
}

/* The turn is over: tell the next but one where head should be then, and a tail. Wait-free. */
static void turns_pass(struct turns *turns, const struct turn *turn)
{
	uint32_t next = turn->number + TURNS_AT_ONCE;
	struct turn_line *line = &turns->line[next % TURN_LINES];

	atomic_store_explicit(&line->head, turn->head, memory_order_relaxed);
	/* R9, pairs with A9: passes on what this thread acquired by A4 or A9. */
	atomic_store_explicit(&line->tail, turn->tail, memory_order_release);
	/* Relaxed: a consumer that reads this before head or tail only claims in vain. */
	atomic_store_explicit(&line->number, next, memory_order_relaxed);
}

#endif
