/*
 * Shutting down: puts fail from then on, and gets fail when no item is left.
 */
#include "queue.h"

#include <errno.h>

int spmcq_shutdown(struct spmcq *q)
{
	if (q == NULL)
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.shutdown(q, false);
	cursor_close(&q->ring.cursor);
	gate_wake(&q->items, UINT64_MAX);
	gate_wake(&q->reserve, UINT64_MAX);
	gate_wake(&q->room, UINT64_MAX);
	return 0;
}

int spmcq_shutdown_now(struct spmcq *q)
{
	uint64_t n;

	if (q == NULL)
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.shutdown(q, true);
	spmcq_shutdown(q);
	n = ring_discard(&q->ring);
	if (n > 0) {
		/* A statistic; orders nothing. */
		atomic_fetch_add_explicit(&q->discarded, n, memory_order_relaxed);
		tally_discard(&q->tally, n);
		wake_joiners_if_done(q, my_cell(q), 0);
	}
	return 0;
}
