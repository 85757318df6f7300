/*
 * Shutting down: puts fail from here on, and gets when nothing is left.
 */
#include "queue.h"

#include <errno.h>

int spmcq_shutdown(struct spmcq *q)
{
	if (q == NULL)
		return -EINVAL;
	ring_close(&q->ring);
	gate_open(&q->items);
	gate_open(&q->room);
	return 0;
}

int spmcq_shutdown_now(struct spmcq *q)
{
	uint64_t n;

	if (q == NULL)
		return -EINVAL;
	spmcq_shutdown(q);
	n = ring_discard(&q->ring);
	if (n > 0) {
		/* A statistic; orders nothing. */
		atomic_fetch_add_explicit(&q->discarded, n, memory_order_relaxed);
		tally_discard(&q->tally, n);
		ring_finished(q, 0);
	}
	return 0;
}
