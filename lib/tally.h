/*
 * The completion counter behind task_done and join: how many items were reported as done.
 *
 * A thread that gets items has a cell of its own, where it counts what it got and what it reported
 * of that; nobody else writes there, so reporting moves no cache line. Reports by others than the
 * getter, or when the cells have run out, go to one shared counter, after comparing the sum of all
 * with what was taken from the ring; from the first of them on the queue is "strict" and all
 * reports go there, as a thread may no longer trust that its own items are still its own to report.
 */
#ifndef SPMCQ_TALLY_H
#define SPMCQ_TALLY_H

#include "internal.h"

#include "ring.h"

enum tally_way {
	/* In cells, not ordered against what the reporter reads next, which saves the one locked
	 * instruction here: who sees a joiner calls tally_order(), and who joins makes all threads
	 * fence. */
	TALLY_LAZY,
	TALLY_ORDERED, /* in cells */
	TALLY_STRICT,  /* all go to shared */
};

struct tally {
	/* Written by threads that report what others got, or have no cell. */
	alignas(CACHE_LINE) _Atomic uint64_t shared; /* starts at the ring's first position */
	_Atomic uint32_t way;                        /* enum tally_way; to TALLY_STRICT once */
	_Atomic uint32_t overrun;                    /* 0 -> 1 once: more reported than taken */
};

INTERNAL void tally_init(struct tally *tally, uint64_t first, enum tally_way way);

/* Report n items in the caller's cell (NULL: it has none), if it got that many and the tally is
 * this way; nobody else may have reported them then. Wait-free. */
static inline bool tally_done_own(struct tally *tally, enum tally_way way, struct cell *cell,
                                  uint64_t n)
{
	uint64_t done;

	/* Acquire, pairs with the store in tally_done_any(): who is called after such a report
	 * returned goes there, too. */
	if (cell == NULL || atomic_load_explicit(&tally->way, memory_order_acquire) != way)
		return false;
	/* Only we write it. */
	done = atomic_load_explicit(&cell->done, memory_order_relaxed);
	if (cell_got(cell) - done < n)
		return false;
	/* R5. */
	if (way == TALLY_LAZY)
		atomic_store_explicit(&cell->done, done + n, memory_order_release);
	else
		atomic_store_explicit(&cell->done, done + n, memory_order_seq_cst);
	return true;
}

/* Order the caller's reports before what it reads next, and after those of others who did so. */
INTERNAL void tally_order(struct tally *tally);

/* Report n items that anybody got: 0, or -ERANGE if that is more than ring says were taken.
 * Lock-free. */
INTERNAL int tally_done_any(struct tally *tally, uint64_t n, const struct ring *ring);

/* Report n items as done that the caller knows were taken. */
INTERNAL void tally_discard(struct tally *tally, uint64_t n);

/* The position up to which items would be done if they were done in order: what was reported. It
 * was at least this when the call ended. */
INTERNAL uint64_t tally_position(const struct tally *tally, const struct ring *ring);

/* 0: at an instant during the call nothing was unfinished. -EAGAIN: something was. -ERANGE: more
 * was reported than taken, now or ever before. */
INTERNAL int tally_check(struct tally *tally, struct ring *ring);

#endif
