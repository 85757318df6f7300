/*
 * Reporting what is finished, and waiting for all of it.
 */
#include "queue.h"

#include <errno.h>

SLOW_PATH INTERNAL int ring_finished(struct spmcq *q, int r)
{
	tally_order(&q->tally);
	if (!ring_knows_more(&q->ring) && tally_check(&q->tally, &q->ring) != -EAGAIN)
		gate_ring(&q->finished);
	return r;
}

/* Having reported: r. */
static inline int reported(struct spmcq *q, int r)
{
	/* If the report is lazy, the joiner's fence falls before this look, which then sees it, or
	 * after the report, which the joiner then sees; the compiler must not swap the two either.
	 */
	atomic_signal_fence(memory_order_seq_cst);
	return gate_has_sleepers(&q->finished) ? ring_finished(q, r) : r;
}

/* Of items that others got, or of the caller's where that is not as usual. */
__attribute__((noinline)) static int report_slowly(struct spmcq *q, size_t n)
{
	return reported(
	        q, tally_done_own(&q->tally, tally_is_lazy(&q->tally), cell_own(&q->ring.cells), n)
	                   ? 0
	                   : tally_done_any(&q->tally, n, &q->ring));
}

/* Needs no stack either, for a caller that reports its own. */
FAST_PATH int report(struct spmcq *q, size_t n)
{
	if (q == NULL || n == 0)
		return -EINVAL;
	return tally_done_own(&q->tally, true, cell_at_home(&q->ring.cells), n)
	               ? reported(q, 0)
	               : report_slowly(q, n);
}

int spmcq_task_done_many(struct spmcq *q, size_t n)
{
	return report(q, n);
}

int spmcq_task_done(struct spmcq *q)
{
	return report(q, 1);
}

struct finish_wait {
	struct spmcq *q;
	int result; /* what tally_check() said last */
};

static bool look_for_finish(void *arg, bool last)
{
	struct finish_wait *wait = arg;
	bool led;

	/* Lazy reports are not ordered against looking for us. */
	if (last && tally_is_lazy(&wait->q->tally))
		park_fence_all();
	/* Before the look: a put that relies on a lead which begins later is not missed by us. */
	led = ring_is_led(&wait->q->ring);
	wait->result = tally_check(&wait->q->tally, &wait->q->ring);
	/* A put may have returned that only a leader is sure to see. */
	if (wait->result == 0 && led) {
		park_fence_all();
		wait->result = tally_check(&wait->q->tally, &wait->q->ring);
	}
	return wait->result != -EAGAIN;
}

int spmcq_join_until(struct spmcq *q, const struct timespec *deadline)
{
	struct finish_wait wait = {.q = q};
	int r;

	if (q == NULL || !is_deadline(deadline))
		return -EINVAL;
	if (look_for_finish(&wait, false))
		return wait.result;
	enter(q);
	r = gate_wait(&q->finished, look_for_finish, &wait, gate_spin, deadline);
	ring_finished(q, 0);
	leave(q);
	return r != 0 ? r : wait.result;
}

int spmcq_join(struct spmcq *q)
{
	return spmcq_join_until(q, NULL);
}
