/*
 * Who has which cell.
 */
#include "cell.h"

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
		cell->led = LEAD | i;
		cell->since = LEAD;
	}
}

/* From home on, the first that is ours or free: a thread's cell never lies behind a free one, as
 * cells are never given back. */
SLOW_PATH INTERNAL struct cell *cell_find(struct cells *cells, uint64_t id)
{
	unsigned home = cell_home(id);

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
