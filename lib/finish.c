/*
 * The ends of items and of the queue: reporting items as done, waiting until all are, shutting
 * down.
 */
#include "queue.h"

#include <errno.h>

/* A joiner looks and pauses JOIN_PAUSES + 1 times before it sleeps: a sleep and a wake-up take each
 * side some 10 us. `spmcq-bench simulate --items 100 --consumers 5 --work 0` moves a fourth fewer
 * items/s without the pauses. */
#ifdef SPMCQ_MODEL
enum { JOIN_PAUSES = 0 };
#else
enum { JOIN_PAUSES = 8 };
#endif

/* If all is done, wake the joiners. If an item is still in the ring they are not woken, because the
 * thread that reports that item calls this, too. cell: the caller's cell, which may contain its new
 * report. Returns its argument r, so that the caller can end with this call. */
SLOW_PATH static int wake_joiners_if_done(struct spmcq *q, struct cell *cell, int r)
{
	tally_order(&q->tally, cell, cursor_is_held(&q->ring.cursor));
	if (!ring_knows_more(&q->ring) && tally_is_all_done(&q->tally, &q->ring))
		gate_wake(&q->finished, UINT64_MAX);
	return r;
}

/* After reporting. Returns r. */
static inline int after_report(struct spmcq *q, struct cell *cell, int r)
{
	/* A lazy report comes before this look for joiners: see the signal fence in
	 * tally_done_own(), and row 4 of the table in lib/DESIGN.md, "The lead". */
	return gate_sleepers(&q->finished) != 0 ? wake_joiners_if_done(q, cell, r) : r;
}

/* The slow path of a report: another thread got the items; or the cell is shared, or not at the
 * thread's home; or reports are not lazy, or go to shared now; or the queue lies elsewhere (see
 * elsewhere.h). */
__attribute__((noinline)) static int report_slowly(struct spmcq *q, size_t n)
{
	struct cell *cell;
	bool mine;

	if (is_elsewhere(q))
		return q->elsewhere.task_done(q, n);
	cell = my_cell(q);
	mine = tally_is_lazy(&q->tally) && !cell_is_shared(&q->ring.cursor.cells, cell)
	               ? tally_done_own(&q->tally, cell, n)
	               : tally_done_ordered(&q->tally, cell, n);
	return after_report(q, cell, mine ? 0 : tally_done_any(&q->tally, n, &q->ring));
}

/* Like put_item(), this needs no stack frame if the caller got the items itself. */
FAST_PATH int report(struct spmcq *q, size_t n)
{
	struct cell *cell;

	if (q == NULL || n == 0)
		return -EINVAL;
	cell = cell_at_home(&q->ring.cursor.cells);
	return tally_done_own(&q->tally, cell, n) ? after_report(q, cell, 0) : report_slowly(q, n);
}

int spmcq_task_done_many(struct spmcq *q, size_t n)
{
	return report(q, n);
}

int spmcq_task_done(struct spmcq *q)
{
	return report(q, 1);
}

static bool look_for_finish(void *arg, bool final)
{
	struct spmcq *q = arg;

	/* Each lazy report is visible after this, or its thread sees us: row 4 of the table in
	 * lib/DESIGN.md, "The lead". */
	if (final && tally_is_lazy(&q->tally))
		sys_fence_all();
	/* Read this before the sum and tail. Only a lead can make a put invisible; a lead that
	 * begins later affects only puts that are made after this load. */
	bool held = cursor_is_held(&q->ring.cursor);
	if (!tally_is_all_done(&q->tally, &q->ring))
		return false;
	/* A watched put may have returned and not be visible yet. */
	if (!held)
		return true;
	cursor_see_puts(&q->ring.cursor);
	return tally_is_all_done(&q->tally, &q->ring);
}

int spmcq_join_until(struct spmcq *q, const struct timespec *deadline)
{
	int r;

	if (q == NULL || !deadline_is_valid(deadline))
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.join(q, deadline);
	for (int i = 0; i <= JOIN_PAUSES; i++) {
		if (look_for_finish(q, false))
			return 0;
		if (deadline_has_passed(deadline))
			break;
		pause_and_spin();
	}
	enter(q);
	r = gate_wait(&q->finished, look_for_finish, q, deadline, q->interruptible);
	leave(q);
	return r;
}

int spmcq_join(struct spmcq *q)
{
	return spmcq_join_until(q, NULL);
}

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
	if (q == NULL)
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.shutdown(q, true);
	spmcq_shutdown(q);
	ring_discard(&q->ring);
	/* Also if there was nothing to discard: the thread that discarded may be stopped. */
	return wake_joiners_if_done(q, my_cell(q), 0);
}
