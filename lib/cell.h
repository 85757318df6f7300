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
	_Atomic uint64_t got; /* items taken; a leader counts an item before it is sure of it */
#ifdef SPMCQ_LEAD
	/* For cursor_lead.c; all but verdict are written by the owner only. */
	_Atomic uint64_t lead_head;      /* next position that the leader takes */
	_Atomic uint64_t head_minus_got; /* at its last look; constant while it takes items alone */
	_Atomic uint64_t verdict; /* the lead's id, then got as whoever ends the lead decided it */
	_Atomic uint64_t lead_id; /* of its last lead */
	_Atomic uint32_t alone_since_got; /* low half of got when alone was set */
	_Atomic bool alone;               /* nobody else takes items */
#endif
	_Atomic uint8_t streaming; /* how often items came soon, at most STREAMING: see get.c */
	_Atomic uint8_t patience;  /* pauses to make before sleeping: see get.c */
	_Atomic uint8_t backoff;   /* how often it lost lately: see cell_back_off() */
};
_Static_assert(CACHE_LINE % sizeof(struct cell) == 0, "a cell must not straddle lines");

/* Fields that only the owner reads and writes. They are atomic for two reasons. A new
 * thread may have the id of one that has ended, and C11 does not order the two. And several threads
 * use a shared cell, where all these fields are hints. */
#define CELL_GET(cell, field) atomic_load_explicit(&(cell)->field, memory_order_relaxed)
#define CELL_SET(cell, field, value)                                                               \
	atomic_store_explicit(&(cell)->field, (value), memory_order_relaxed)

struct cells {
	_Atomic uint64_t used;   /* bit i: cell i has an owner. 0 -> 1 once, by the owner */
	_Atomic bool are_shared; /* the shared cells are used, too. false -> true once */
	struct cell cell[CELLS]; /* own ones, then shared ones */
};

INTERNAL void cells_init(struct cells *cells);

/* Returns where a thread looks for its cell first, in bytes from cell[0]. Control blocks
 * lie one stack and mostly a guard page apart, so the low bits of their page numbers differ. With
 * stacks of 2^n bytes and no guard page only higher bits differ, so both are mixed. (A
 * multiplication would spread them better, but takes a tenth of the time of a put, get and report.)
 */
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

/* Returns the calling thread's cell when it is not at home: a free one near it, or else a shared
 * one. The same one each time. */
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

/* A consumer whose backoff exceeds this waits before its first claim, too. */
enum { BACKOFF_EXPECTED = 8 };

/* Wait a random time before a claim. lost: the last one was lost. */
INTERNAL void cell_back_off(struct cell *cell, uint64_t head, bool lost);
/* A claim after cell_back_off() succeeded. */
INTERNAL void cell_was_fast(struct cell *cell);

static inline bool cell_expects_to_lose(const struct cell *cell)
{
	return CELL_GET(cell, backoff) > BACKOFF_EXPECTED;
}

#endif
