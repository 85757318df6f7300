/*
 * Who has which cell.
 */
#include "cell.h"

#include <ck_pr.h>

/* Pauses; one takes 10 to 65 ns by processor. The least is about a line's way, the most 20 to 130
 * us. `spmcq-bench simulate --consumers 16,64 --work 1us`: without, a tenth. */
enum { BACKOFF_LEAST = 4, BACKOFF_MOST = 2048 };

INTERNAL void cells_init(struct cells *cells)
{
	atomic_init(&cells->used, 0);
	for (unsigned i = 0; i < CELLS; i++) {
		struct cell *cell = &cells->cell[i];

		atomic_init(&cell->owner, NOBODY);
		atomic_init(&cell->done, 0);
		atomic_init(&cell->got, 0);
		atomic_init(&cell->at, 0);
		atomic_init(&cell->base, 0);
		atomic_init(&cell->verdict, 0);
		atomic_init(&cell->led, LEAD | i);
		atomic_init(&cell->since, 0);
		atomic_init(&cell->alone, false);
		atomic_init(&cell->backoff, BACKOFF_LEAST);
	}
}

/* From home on, the first that is ours or free: a thread's cell never lies behind a free one, as
 * cells are never given back. */
SLOW_PATH INTERNAL struct cell *cell_find(struct cells *cells, uint64_t id)
{
	unsigned home = (unsigned)(cell_home(id) / sizeof(struct cell));

	for (unsigned i = 0; i < CELLS; i++) {
		unsigned at = (home + i) % CELLS;
		struct cell *cell = &cells->cell[at];
		uint64_t owner = atomic_load_explicit(&cell->owner, memory_order_acquire);

		/* If a dead thread had our id, its counts are ours to go on with: it has ended, or
		 * its control block would not be ours. */
		if (owner == id)
			return cell;
		if (owner == NOBODY &&
		    atomic_compare_exchange_strong_explicit(
		            &cell->owner, &owner, id, memory_order_seq_cst, memory_order_acquire)) {
			/* Sequentially consistent: tally_position() adds up those that are used. */
			atomic_fetch_or_explicit(&cells->used, UINT64_C(1) << at,
			                         memory_order_seq_cst);
			return cell;
		}
	}
	return NULL;
}

/* As in Ethernet: the more often it fails, the longer it may wait, and how long is left to chance
 * (Metcalfe and Boggs, "Ethernet", CACM 19, 1976). What was found stays for the next time. */
SLOW_PATH INTERNAL void cell_back_off(struct cell *cell, uint64_t head)
{
	unsigned most = CELL_GET(cell, backoff);
	/* Chance enough: no two consumers have the same address, nor one the same head twice. */
	uint64_t chance = (head ^ (uintptr_t)cell >> 6) * UINT64_C(0x9E3779B97F4A7C15) >> 32;
	unsigned pauses = 1 + (unsigned)(chance * most >> 32);

	while (pauses-- > 0)
		ck_pr_stall();
	if (most < BACKOFF_MOST)
		CELL_SET(cell, backoff, (uint16_t)(2 * most));
}

INTERNAL void cell_was_fast(struct cell *cell)
{
	unsigned most = CELL_GET(cell, backoff), less = most - (most + 7) / 8;

	CELL_SET(cell, backoff, (uint16_t)(less > BACKOFF_LEAST ? less : BACKOFF_LEAST));
}
