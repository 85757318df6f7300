/*
 * Shutting down. Any process may do so.
 */
#include "calls.h"

#include <errno.h>
#include <limits.h>

static void wake_reserve(struct handle *h)
{
	/* Sleepers of the reserve do not announce themselves: wake all of them. Sequentially
	 * consistent, pairs with sleep_as_reserve(). */
	atomic_fetch_add_explicit(&h->two->reserve.epoch, 1, memory_order_seq_cst);
	futex_wake(&h->two->reserve.epoch, INT_MAX, 0);
}

static int discard(struct handle *h)
{
	struct my_seat *me = seat_mine(h);
	_Atomic uint64_t *dropped = &line_of(h, h->number)->dropped;
	ssize_t n;

	if (me == NULL)
		return -EUSERS;
	n = drop_all(h, me);
	if (n > 0)
		/* Relaxed: a statistic. */
		atomic_fetch_add_explicit(dropped, (uint64_t)n, memory_order_relaxed);
	return n < 0 ? (int)n : 0;
}

INTERNAL int shared_shutdown(struct spmcq *q, bool now)
{
	struct handle *h = handle_of(q);
	int r = handle_status(h);

	if (r != 0)
		return r;
	if (now && seat_mine(h) == NULL)
		return -EUSERS;
	begin_to_close(h);
	queue_end(h);
	if (now)
		r = discard(h);
	gate_wake(h, &h->two->items, UINT64_MAX);
	wake_reserve(h);
	gate_wake(h, &h->two->room, UINT64_MAX);
	after_report(h);
	return r;
}
