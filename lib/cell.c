/*
 * Who has which cell.
 */
#include "cell.h"

INTERNAL void cells_init(struct cell *cells)
{
	for (unsigned i = 0; i < CELLS; i++) {
		atomic_init(&cells[i].owner, NOBODY);
		atomic_init(&cells[i].done, 0);
		atomic_init(&cells[i].got, 0);
		atomic_init(&cells[i].at, 0);
		atomic_init(&cells[i].base, 0);
		atomic_init(&cells[i].verdict, 0);
		cells[i].led = LEAD | i;
		cells[i].since = LEAD;
	}
}

/* A thread's cell never lies behind a free one, as cells are taken in order and never given back.
 */
SLOW_PATH INTERNAL struct cell *cell_find(struct cell *cells, uint64_t id)
{
	for (unsigned i = 0; i < CELLS; i++) {
		uint64_t owner = NOBODY;

		/* Sequentially consistent: tally_position() stops at a free cell. If a dead thread
		 * had our id, its counts are ours to go on with: it has ended, or its control block
		 * would not be ours. */
		if (atomic_compare_exchange_strong_explicit(&cells[i].owner, &owner, id,
		                                            memory_order_seq_cst,
		                                            memory_order_acquire) ||
		    owner == id) {
			self_known.cell = i * sizeof *cells;
			return &cells[i];
		}
	}
	return NULL;
}
