/*
 * Turns: consumers that lose claims draw numbers, and each opens the place of the next number but
 * one when it is done. All this is advice: a claim counts only if its compare-and-swap succeeds,
 * and a consumer whose place nobody opens goes ahead after a while. "Claiming" in lib/DESIGN.md
 * explains it.
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

/* If more consumers wait than there are places, some read the same place. A consumer looks at its
 * place TURN_LOOKS times, with two pause instructions in between, and then goes ahead. That takes
 * 30 to 200 us, and each wait of 60 consumers, which lasts 25, ends in time. SPMCQ_MODEL: as for
 * cells. */
#ifdef SPMCQ_MODEL
enum { TURN_PLACES = 2, TURN_LOOKS = 2 };
#else
enum { TURN_PLACES = 64, TURN_LOOKS = 1500 };
#endif

struct turn_place {
	alignas(CACHE_LINE) _Atomic uint32_t number; /* who may claim; open to it */
	_Atomic uint64_t head;                       /* a guess: where head is then */
	_Atomic uint64_t tail;                       /* a tail read earlier, as tail_seen */
};

struct turns {
	alignas(2 * CACHE_LINE) _Atomic uint32_t next; /* the number to draw */
	struct turn_place place[TURN_PLACES];          /* that of number i is i % TURN_PLACES */
};

/* A consumer's turn, and what it found in its place. */
struct turn {
	uint32_t number;
	bool was_told; /* the place was opened while it waited; else head and tail may be old */
	uint64_t head, tail;
};

static void turns_init(struct turns *turns, uint64_t first)
{
	atomic_init(&turns->next, 0);
	for (uint32_t i = 0; i < TURN_PLACES; i++) {
		struct turn_place *place = &turns->place[i];

		atomic_init(&place->number, i < TURNS_AT_ONCE ? i : i - TURN_PLACES);
		atomic_init(&place->head, first);
		atomic_init(&place->tail, first);
	}
}

/* Draw a number, and wait for its place to be open. If it is open already, fewer consumers compete
 * than the caller expected. If it does not open in time, the caller takes no more turns until its
 * next loss. Wait-free. */
static struct turn turns_await(struct turns *turns, struct cell *cell)
{
	/* Relaxed, as number and head: hints. */
	uint32_t mine = atomic_fetch_add_explicit(&turns->next, 1, memory_order_relaxed);
	struct turn_place *place = &turns->place[mine % TURN_PLACES];
	struct turn turn;
	int looks = 0;

	while ((int32_t)(atomic_load_explicit(&place->number, memory_order_relaxed) - mine) < 0 &&
	       looks < TURN_LOOKS) {
		ck_pr_stall();
		ck_pr_stall();
		looks++;
	}
	if (looks == 0)
		cell_turn_was_free(cell);
	else if (looks == TURN_LOOKS)
		CELL_SET(cell, losses, LOSSES_MOST);
	turn.number = mine;
	turn.was_told = looks > 0 && looks < TURN_LOOKS;
	turn.head = atomic_load_explicit(&place->head, memory_order_relaxed);
	/* A9, pairs with R9. */
	turn.tail = atomic_load_explicit(&place->tail, memory_order_acquire);
	return turn;
}

/* The turn of `number` is over: open the place of the next but one. Wait-free. */
static void turns_pass(struct turns *turns, uint32_t number, uint64_t head, uint64_t tail)
{
	uint32_t next = number + TURNS_AT_ONCE;
	struct turn_place *place = &turns->place[next % TURN_PLACES];

	atomic_store_explicit(&place->head, head, memory_order_relaxed);
	/* R9, pairs with A9: passes on what this thread acquired by A4 or A9. */
	atomic_store_explicit(&place->tail, tail, memory_order_release);
	/* Relaxed: with this number, but an older head or tail, a consumer only claims in vain. */
	atomic_store_explicit(&place->number, next, memory_order_relaxed);
}

#endif
