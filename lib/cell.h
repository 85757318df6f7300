/*
 * Cells: what a thread that gets items notes down for itself. A thread that finds one of its own
 * writes there alone, by plain stores that move no cache line. The others, when there are many
 * threads, share a few cells, where they count by locked instructions.
 */
#ifndef SPMCQ_CELL_H
#define SPMCQ_CELL_H

#include "internal.h"

#include "thread_id.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SPMCQ_MODEL: for a model checker, which explores every look at each cell. */
#ifdef SPMCQ_MODEL
enum { OWN_CELLS = 2, SHARED_CELLS = 1, CELL_PROBES = 2 };
#else
enum { OWN_CELLS = 64, SHARED_CELLS = 16, CELL_PROBES = 4 };
#endif
enum { CELLS = OWN_CELLS + SHARED_CELLS };
_Static_assert(OWN_CELLS <= 64, "a word has a bit for each");

struct cell {
	alignas(CACHE_LINE) _Atomic uint64_t owner; /* NO_THREAD -> a thread's id, once */
	_Atomic uint64_t done;                      /* items reported here; <= got */
	_Atomic uint64_t got;                       /* items taken; under a lead: or about to be */
#ifdef SPMCQ_LEAD
	/* For cursor_lead.c; all but verdict are written by the owner only. */
	_Atomic uint64_t lead_head;       /* next position to take, as leader */
	_Atomic uint64_t head_minus_got;  /* as of the owner's last look; constant while alone */
	_Atomic uint64_t verdict;         /* the lead's id, then how far got counts */
	_Atomic uint64_t lead_id;         /* of the lead begun last */
	_Atomic uint32_t alone_since_got; /* low half of got when it began to take items alone */
	_Atomic bool alone;               /* it takes items alone, since then */
#endif
	_Atomic bool streaming;   /* items came soon last time: see get.c */
	_Atomic uint8_t patience; /* pauses to make before sleeping: see get.c */
	_Atomic uint8_t backoff;  /* how long to wait before a claim: see cell_back_off() */
};
_Static_assert(CACHE_LINE % sizeof(struct cell) == 0, "a cell must not straddle lines");

/* What only the owner reads and writes. Relaxed: it is atomic for the next owner's sake, a thread
 * that begins after this one has ended, which the compiler's view of memory does not know; and for
 * shared cells, where it is but a hint. */
#define CELL_GET(cell, field) atomic_load_explicit(&(cell)->field, memory_order_relaxed)
#define CELL_SET(cell, field, value)                                                               \
	atomic_store_explicit(&(cell)->field, (value), memory_order_relaxed)

struct cells {
	_Atomic uint64_t used;   /* bit i: cell i has an owner. 0 -> 1 once, by the owner */
	_Atomic bool are_shared; /* the shared cells are used, too. false -> true once */
	struct cell cell[CELLS]; /* own ones, then shared ones */
};

INTERNAL void cells_init(struct cells *cells);

/* Where a thread looks for its cell first: bytes from the first one. Control blocks lie a stack
 * apart, mostly with a guard page, so the numbers of their pages tell them apart; where stacks are
 * powers of two, the higher bits do. (A multiplication would spread them better, and cost a tenth
 * of the time of a put, get and report.) */
static inline size_t cell_home(uint64_t thread)
{
	return (size_t)(thread >> 12 ^ thread >> 21) % OWN_CELLS * sizeof(struct cell);
}

/* Returns the calling thread's cell if it is at home; else NULL. */
static inline struct cell *cell_at_home(struct cells *cells)
{
	uint64_t self = thread_id();
	struct cell *cell = (struct cell *)(void *)((unsigned char *)cells->cell + cell_home(self));

	/* Relaxed: only we store our id, and it stays. */
	return CELL_GET(cell, owner) == self ? cell : NULL;
}

/* Returns the calling thread's cell when it is not at home, taking a free one near it or else a
 * shared one. The same one each time. */
INTERNAL struct cell *cell_find(struct cells *cells);

static inline struct cell *cell_mine(struct cells *cells)
{
	struct cell *cell = cell_at_home(cells);

	return cell != NULL ? cell : cell_find(cells);
}

static inline bool cell_is_shared(const struct cells *cells, const struct cell *cell)
{
	return cell >= cells->cell + OWN_CELLS;
}

/* Beyond this a consumer waits before its first claim already. */
enum { BACKOFF_EXPECTED = 8 };

/* Wait before the next claim, some random time. lost: another consumer was faster. */
INTERNAL void cell_back_off(struct cell *cell, uint64_t head, bool lost);
/* A claim after that succeeded. */
INTERNAL void cell_was_fast(struct cell *cell);

/* Whether to wait before the first claim already: others were faster too often lately. */
static inline bool cell_expects_to_lose(const struct cell *cell)
{
	return CELL_GET(cell, backoff) > BACKOFF_EXPECTED;
}

#endif
