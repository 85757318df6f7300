/*
 * A cell is what a thread that gets items records for itself. Only the thread that owns the cell
 * writes it (but any thread may write `verdict`), so the cache line stays with its processor.
 * Threads that find no cell to own share a few: see "Identity" in lib/DESIGN.md.
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

/* SPMCQ_MODEL: a model checker explores every access to each cell, so it gets few cells. */
#ifdef SPMCQ_MODEL
enum { OWN_CELLS = 2, SHARED_CELLS = 1, CELL_PROBES = 2 };
#else
enum { OWN_CELLS = 256, SHARED_CELLS = 16, CELL_PROBES = 4 };
#endif
enum { CELLS = OWN_CELLS + SHARED_CELLS };
/* Each bit of `used` stands for a group of this many cells. */
enum { CELL_GROUP = (OWN_CELLS + 63) / 64 };
_Static_assert(OWN_CELLS % CELL_GROUP == 0, "a group must not reach into the shared cells");

#ifdef SPMCQ_LEAD
/* A lead's id consists of this bit, a number that grows with each lead of the same cell, and the
 * index of the leader's cell. */
#define LEAD (UINT64_C(1) << 63)
#endif

struct cell {
	alignas(CACHE_LINE) _Atomic uint64_t owner; /* NO_THREAD, then for ever an id */
	_Atomic uint64_t done;                      /* items reported here; <= got */
	_Atomic uint64_t got;            /* items taken; a leader may have to subtract some again */
	_Atomic uint64_t head_minus_got; /* head - got, as the owner last noted it */
#ifdef SPMCQ_LEAD
	_Atomic uint64_t lead_head; /* next position that the leader takes */
	/* First the id of the lead. After a thread has decided how the lead ended: the value of got
	 * up to which the items are the leader's. */
	_Atomic uint64_t verdict;
	_Atomic uint64_t lead_id;         /* of the owner's newest lead */
	_Atomic uint32_t alone_since_got; /* got when counting for a lead began */
#endif
	_Atomic bool alone;        /* as far as the owner knows, head is at head_minus_got + got */
	_Atomic uint8_t streaming; /* above 0 if items come soon; <= STREAMING, see get.c */
	_Atomic uint8_t patience;  /* pauses to make before sleeping: see get.c */
	_Atomic uint8_t losses;    /* recent lost claims: see LOSSES_MOST */
};
_Static_assert(CACHE_LINE % sizeof(struct cell) == 0, "a cell must not straddle lines");

/* Use these relaxed accesses for fields that only the owner uses; anywhere else say why relaxed is
 * enough. The fields that only the owner uses are atomic for two reasons. A new thread may have the
 * id of a thread that has ended, and C11 does not order the accesses of the two threads. And
 * several threads use a shared cell, where these fields are hints. */
#define CELL_GET(cell, field) atomic_load_explicit(&(cell)->field, memory_order_relaxed)
#define CELL_SET(cell, field, value)                                                               \
	atomic_store_explicit(&(cell)->field, (value), memory_order_relaxed)

struct cells {
	_Atomic uint64_t used;   /* bit i is set once, when a cell of group i has got an owner */
	_Atomic bool are_shared; /* the shared cells are used, too. Set once */
	struct cell cell[CELLS]; /* own ones, then shared ones */
};

static void cells_init(struct cells *cells)
{
	atomic_init(&cells->used, 0);
	atomic_init(&cells->are_shared, false);
	for (unsigned i = 0; i < CELLS; i++) {
		struct cell *cell = &cells->cell[i];

		atomic_init(&cell->owner, NO_THREAD);
		atomic_init(&cell->done, 0);
		atomic_init(&cell->got, 0);
		atomic_init(&cell->head_minus_got, 0);
		atomic_init(&cell->alone, false);
#ifdef SPMCQ_LEAD
		atomic_init(&cell->lead_head, 0);
		atomic_init(&cell->verdict, 0);
		atomic_init(&cell->lead_id, LEAD | i);
		atomic_init(&cell->alone_since_got, 0);
#endif
		atomic_init(&cell->streaming, 0);
		atomic_init(&cell->patience, 1);
		atomic_init(&cell->losses, 0);
	}
}

/* Returns the home of a thread: where it looks for its cell first, in bytes from cell[0]. The
 * control blocks of two threads are usually a stack and a guard page apart, so the low bits of
 * their page numbers differ. With stacks of 2^n bytes and no guard page only higher bits differ. So
 * this mixes low and high bits. (A multiplication would spread the homes better, but would make a
 * put, get and report together a tenth slower.) */
static inline size_t cell_home(uint64_t thread)
{
	return (size_t)(thread >> 12 ^ thread >> 21) % OWN_CELLS * sizeof(struct cell);
}

/* Returns the calling thread's cell if it is at the thread's home, else NULL. */
static inline struct cell *cell_at_home(struct cells *cells)
{
	uint64_t self = thread_id();
	struct cell *cell = (struct cell *)(void *)((unsigned char *)cells->cell + cell_home(self));

	/* Relaxed: an id, once stored, stays; if it is ours, it is ours. */
	return CELL_GET(cell, owner) == self ? cell : NULL;
}

/* Returns whether the cell is, or now becomes, that of this thread. */
static bool own(struct cells *cells, size_t i, uint64_t self)
{
	_Atomic uint64_t *owner = &cells->cell[i].owner;
	/* Acquire, here and when the update fails, for a thread that inherits a cell: it must see
	 * what the ended thread wrote there. (Relaxed would do, as in is_producer_already(): the
	 * memory of its control block became ours after that.) */
	uint64_t before = atomic_load_explicit(owner, memory_order_acquire);

	if (before != NO_THREAD ||
	    !atomic_compare_exchange_strong_explicit(owner, &before, self, memory_order_seq_cst,
	                                             memory_order_acquire))
		return before == self;
	/* Sequentially consistent; pairs with tally_sum(), which then counts what we report. */
	atomic_fetch_or_explicit(&cells->used, UINT64_C(1) << i / CELL_GROUP, memory_order_seq_cst);
	return true;
}

/* For a thread whose cell is not at its home. Returns the thread's cell; if it has none yet, it
 * takes a free one near its home, or else uses a shared one. Each call returns the same cell.
 * Wait-free. */
SLOW_PATH static struct cell *cell_find(struct cells *cells)
{
	uint64_t self = thread_id();
	size_t home = cell_home(self) / sizeof(struct cell);

	/* Cells are never given back: if other threads own these cells, they always will. */
	for (size_t i = home; i < home + CELL_PROBES; i++)
		if (own(cells, i % OWN_CELLS, self))
			return &cells->cell[i % OWN_CELLS];
	/* Sequentially consistent; pairs with tally_sum(), as used does. */
	if (!atomic_load_explicit(&cells->are_shared, memory_order_relaxed))
		atomic_store_explicit(&cells->are_shared, true, memory_order_seq_cst);
	return &cells->cell[OWN_CELLS + home % SHARED_CELLS];
}

/* Returns the calling thread's cell. Wait-free. */
static inline struct cell *cell_mine(struct cells *cells)
{
	struct cell *cell = cell_at_home(cells);

	return cell != NULL ? cell : cell_find(cells);
}

static inline bool cell_is_shared(const struct cells *cells, const struct cell *cell)
{
	return cell >= cells->cell + OWN_CELLS;
}

/* The owner of the cell has taken n items. */
static inline void cell_add_got(struct cells *cells, struct cell *cell, uint64_t n)
{
	/* Relaxed: the claim was R2. A thread that ends a later lead of ours acquires this from the
	 * id in head. */
	if (cell_is_shared(cells, cell))
		atomic_fetch_add_explicit(&cell->got, n, memory_order_relaxed);
	else
		CELL_SET(cell, got, CELL_GET(cell, got) + n);
}

/* `losses` counts the claims that a consumer has lost in ring_take(), final looks left out. After
 * each of the first LOSSES_MOST it waits for a random time, of 16 pause instructions at most, which
 * is some times as long as a cache line takes to move to another processor. With the next loss it
 * begins to take turns (see turns.h), and `losses` jumps to LOSSES_TURNS. Each turn that comes at
 * once takes 1 off again. So after 36 of them without a new loss the consumer claims without turns,
 * until its next loss. `spmcq-bench simulate --consumers 64 --work 1us --arbitration queued`: 0.07
 * M items/s without waits and turns, 2.6 with them. With LOSSES_TURNS = 6, --consumers 4 --work
 * 200ns would move 2.5 M items/s instead of 5.2. */
enum { LOSSES_MOST = 4, LOSSES_TURNS = 40 };

static inline bool cell_takes_turns(const struct cell *cell)
{
	return CELL_GET(cell, losses) > LOSSES_MOST;
}

/* The owner has lost a claim of the item at head. Returns whether it shall take a turn; otherwise
 * waits. */
SLOW_PATH static bool cell_lost(struct cell *cell, uint64_t head)
{
	unsigned losses = CELL_GET(cell, losses);
	/* Random enough: few threads share a cell, and head has changed after each lost claim. */
	uint64_t chance = (head ^ (uintptr_t)cell >> 6) * UINT64_C(0x9E3779B97F4A7C15) >> 60;

	if (losses >= LOSSES_MOST) {
		CELL_SET(cell, losses, LOSSES_TURNS);
		return true;
	}
	CELL_SET(cell, losses, (uint8_t)(losses + 1));
	for (uint64_t i = 0; i <= chance; i++)
		ck_pr_stall();
	return false;
}

/* A turn came at once: few consumers compete. */
static void cell_turn_was_free(struct cell *cell)
{
	unsigned losses = CELL_GET(cell, losses);

	if (losses > LOSSES_MOST)
		CELL_SET(cell, losses, (uint8_t)(losses - 1));
}

#endif
