/*
 * Assigns cells to threads, and makes a thread wait after lost claims.
 */
#include "cell.h"

/* A consumer whose backoff is n waits for at most 4, 6, 8, 12, ... pauses, which double with every
 * second n, and for at most 8192 when n is 22. A pause takes 10 to 65 ns. So the first wait is
 * about as long as a cache line takes to move to another processor, and the last 80 to 500 us.
 * `spmcq-bench simulate --consumers 16 --work 1us --arbitration queued`: 0.66 instead of 3.4 M
 * items/s without it. */
enum { BACKOFF_MOST = 22 };

INTERNAL void cells_init(struct cells *cells)
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
		lead_cell_init(cell, i);
#endif
		atomic_init(&cell->streaming, 0);
		atomic_init(&cell->patience, 1);
		atomic_init(&cell->backoff, 0);
	}
}

/* Returns whether the cell is, or now becomes, that of this thread. */
static bool own(struct cells *cells, size_t i, uint64_t self)
{
	_Atomic uint64_t *owner = &cells->cell[i].owner;
	uint64_t before = atomic_load_explicit(owner, memory_order_acquire);

	/* If a thread that has ended had our id, we inherit its cell: see thread_id.h. */
	if (before != NO_THREAD ||
	    !atomic_compare_exchange_strong_explicit(owner, &before, self, memory_order_seq_cst,
	                                             memory_order_acquire))
		return before == self;
	/* Pairs with tally_sum(): what we report later is counted. */
	atomic_fetch_or_explicit(&cells->used, UINT64_C(1) << i / CELL_GROUP, memory_order_seq_cst);
	return true;
}

SLOW_PATH INTERNAL struct cell *cell_find(struct cells *cells)
{
	uint64_t self = thread_id();
	size_t home = cell_home(self) / sizeof(struct cell);

	/* Cells are never given back. So if other threads own these cells, they always will. */
	for (size_t i = home; i < home + CELL_PROBES; i++)
		if (own(cells, i % OWN_CELLS, self))
			return &cells->cell[i % OWN_CELLS];
	/* Pairs with tally_sum(), as used does. */
	if (!atomic_load_explicit(&cells->are_shared, memory_order_relaxed))
		atomic_store_explicit(&cells->are_shared, true, memory_order_seq_cst);
	return &cells->cell[OWN_CELLS + home % SHARED_CELLS];
}

/* As in Ethernet: a random wait, longer the more often claims are lost (Metcalfe and Boggs,
 * "Ethernet", CACM 19, 1976). */
SLOW_PATH INTERNAL void cell_back_off(struct cell *cell, uint64_t head, bool lost)
{
	unsigned step = CELL_GET(cell, backoff);
	unsigned most = (step % 2 == 0 ? 4u : 6u) << step / 2;
	/* Random enough: few threads share a cell, and head has changed after each lost claim. */
	uint64_t chance = (head ^ (uintptr_t)cell >> 6) * UINT64_C(0x9E3779B97F4A7C15) >> 32;
	unsigned pauses = 1 + (unsigned)(chance * most >> 32);

	while (pauses-- > 0)
		ck_pr_stall();
	if (lost && step < BACKOFF_MOST)
		CELL_SET(cell, backoff, (uint8_t)(step + 1));
}

INTERNAL void cell_was_fast(struct cell *cell)
{
	unsigned step = CELL_GET(cell, backoff);

	CELL_SET(cell, backoff, (uint8_t)(step < 2 ? 0 : step - 2));
}
