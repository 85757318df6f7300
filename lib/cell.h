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
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many threads can have a cell: a power of two. Beyond, everything still works, and slower.
 * SPMCQ_MODEL: for a model checker, which explores every look at each of them. */
#ifdef SPMCQ_MODEL
enum { CELLS_LOG2 = 1 };
#else
enum { CELLS_LOG2 = 6 };
#endif
enum { CELLS = 1 << CELLS_LOG2 };
_Static_assert(CELLS <= 64, "a word of used has a bit for each");

/* A lead: this bit, a number never used before, and the index of its cell. 0 is none. */
#define LEAD (UINT64_C(1) << 63)
/* In mode only: this lead is being ended. Without the bit, and at least CELLS. */
#define ENDING(lead) ((lead) & ~LEAD)

struct cell {
	alignas(CACHE_LINE) _Atomic uint64_t owner; /* NOBODY -> self_id() of its thread, once */
	_Atomic uint64_t done; /* items reported here; <= got. The owner's to write */
	_Atomic uint64_t got;  /* items the owner took, or is about to. The owner's to write */
	/* Of the owner's lead, if it has one: see lead.c. The owner's to write, but for verdict. */
	_Atomic uint64_t at;      /* next position to take */
	_Atomic uint64_t base;    /* position - got, as of the owner's last look */
	_Atomic uint64_t verdict; /* the lead, while it may go on; then how far got counts */
	_Atomic uint64_t led;     /* the lead begun last */
	_Atomic uint32_t since;   /* low half of got when it began to take items alone */
	_Atomic bool alone;       /* it takes items alone, since then */
	_Atomic uint16_t backoff; /* most pauses to make when another consumer was faster */
};
_Static_assert(CACHE_LINE % sizeof(struct cell) == 0, "a cell must not straddle lines");

/* What only the owner reads and writes. Relaxed: it is atomic for the next owner's sake, a thread
 * that begins after this one has ended, which the compiler's view of memory does not know. */
#define CELL_GET(cell, field) atomic_load_explicit(&(cell)->field, memory_order_relaxed)
#define CELL_SET(cell, field, value)                                                               \
	atomic_store_explicit(&(cell)->field, (value), memory_order_relaxed)

struct cells {
	_Atomic uint64_t used; /* bit i: cell i has an owner. 0 -> 1 once, by the owner */
	struct cell cell[CELLS];
};

INTERNAL void cells_init(struct cells *cells);

/* Where a thread looks for its cell first: bytes from the first one. Multiplied by such a number,
 * addresses that are equally far apart, as threads' are, fall far from each other (Fibonacci
 * hashing: Knuth, The Art of Computer Programming, volume 3, 6.4). 31 bits: a constant that fits
 * into the instruction; the middle of the product depends on all bits of an address that differ. */
static inline size_t cell_home(uint64_t id)
{
	return (size_t)(id * UINT64_C(0x4F1BBCDD) >> 32) & (CELLS - 1) * sizeof(struct cell);
}

static inline struct cell *cell_at(struct cells *cells, size_t bytes)
{
	return (struct cell *)(void *)((unsigned char *)cells->cell + bytes);
}

/* The calling thread's cell when it is not at home; NULL if none is left. */
INTERNAL struct cell *cell_find(struct cells *cells, uint64_t id);

/* The calling thread's cell if it is at home; else NULL. */
static inline struct cell *cell_at_home(struct cells *cells)
{
	uint64_t id = self_id();
	struct cell *cell = cell_at(cells, cell_home(id));

	/* Relaxed: only we store our id, and it stays. */
	return atomic_load_explicit(&cell->owner, memory_order_relaxed) == id ? cell : NULL;
}

/* Another consumer took what was at head: wait a little before the next try. */
INTERNAL void cell_back_off(struct cell *cell, uint64_t head);
/* A try after that succeeded. */
INTERNAL void cell_was_fast(struct cell *cell);

static inline struct cell *cell_own(struct cells *cells)
{
	struct cell *cell = cell_at_home(cells);

	return cell != NULL ? cell : cell_find(cells, self_id());
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
