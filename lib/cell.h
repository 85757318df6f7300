/*
 * What a thread that gets items writes down for itself, in a cell of its own: nobody else writes
 * there, but for a verdict (see lead.c), so doing so moves no cache line.
 */
#ifndef SPMCQ_CELL_H
#define SPMCQ_CELL_H

#include "internal.h"

#include "self.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* How many threads can have a cell: a power of two. Beyond, everything still works, and slower.
 * SPMCQ_MODEL: for a model checker, which explores every look at each of them. */
#ifdef SPMCQ_MODEL
enum { CELLS = 2 };
#else
enum { CELLS = 64 };
#endif

/* A lead: this bit, a number never used before, and the index of its cell. 0 is none. */
#define LEAD (UINT64_C(1) << 63)

struct cell {
	alignas(CACHE_LINE) _Atomic uint64_t owner; /* NOBODY -> self_id() of its thread, once */
	_Atomic uint64_t done; /* items reported here; <= got. The owner's to write */
	_Atomic uint64_t got;  /* items the owner took, or is about to. The owner's to write */
	/* Of the owner's lead, if it has one: see lead.c. The owner's to write, but for verdict. */
	_Atomic uint64_t at;      /* next position to take */
	_Atomic uint64_t base;    /* position - got, as of the owner's last look */
	_Atomic uint64_t verdict; /* the lead, while it may go on; then how far got counts */
	uint64_t led;             /* the lead begun last */
	uint64_t since;           /* got when it began to take items alone; LEAD: not now */
};
_Static_assert(CACHE_LINE % sizeof(struct cell) == 0, "a cell must not straddle lines");

INTERNAL void cells_init(struct cell *cells);

/* The calling thread's cell when it is not where it was last time; NULL if none is left. */
INTERNAL struct cell *cell_find(struct cell *cells, uint64_t id);

/* The calling thread's cell if it is where it was last time; else NULL. */
static inline struct cell *cell_hinted(struct cell *cells)
{
	struct cell *cell = (struct cell *)(void *)((unsigned char *)cells + self_known.cell);

	/* Relaxed: only we store our id, and it stays. */
	return atomic_load_explicit(&cell->owner, memory_order_relaxed) == self_known.id ? cell
	                                                                                 : NULL;
}

static inline struct cell *cell_own(struct cell *cells)
{
	uint64_t id = self_id();
	struct cell *cell = cell_hinted(cells);

	return cell != NULL ? cell : cell_find(cells, id);
}

/* How many items the owner took. For the owner, who alone writes it. */
static inline uint64_t cell_got(const struct cell *cell)
{
	return atomic_load_explicit(&cell->got, memory_order_relaxed);
}

/* The owner takes n more, or gives them back. */
static inline void cell_set_got(struct cell *cell, uint64_t got)
{
	/* R6, pairs with A6 in lead_end(): the slots were read before. */
	atomic_store_explicit(&cell->got, got, memory_order_release);
}

#endif
