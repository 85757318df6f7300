/*
 * Reporting what is finished, and waiting for all of it.
 */
#include "calls.h"

#include "reap.h"

#include <errno.h>

/* Looks before sleeping. */
enum { JOIN_LOOKS = 8 };

/* Seconds after which a joiner looks without being woken; twice as many each time. */
#define FIRST_PATIENCE 0.001

/* Times that reports are added up again while a peer is being settled. */
enum { SETTLING_LOOKS = 1000 };

INTERNAL uint64_t sum_of_puts(const struct handle *h)
{
	return (uint64_t)position_distance(h->layout.first, queue_end(h)) & POSITION_ONES;
}

/* Returns the sum of what a peer has reported. Sequentially consistent, pairs with report_own(),
 * report_slowly() and count_seat(). */
static uint64_t reports_of(const struct handle *h, uint64_t peer)
{
	struct peer_line *line = line_of(h, peer);
	uint64_t used = atomic_load_explicit(&line->seats, memory_order_seq_cst);
	uint64_t sum = atomic_load_explicit(&line->done_for_others, memory_order_seq_cst);

	for (uint64_t i = 0; i < used && i < h->layout.threads; i++)
		sum += atomic_load_explicit(&seat_at(h, peer * h->layout.threads + i)->done,
		                            memory_order_seq_cst);
	return sum;
}

/* Adds up again while the producer's process settles a peer: `settling` is odd, or changes
 * meanwhile. Returns 0 if that goes on, as it does if the producer was killed there: join then
 * waits for its successor. Sequentially consistent, pairs with reap_settle_again() and
 * record_write(). */
INTERNAL uint64_t sum_of_reports(const struct handle *h)
{
	for (int i = 0; i < SETTLING_LOOKS; i++) {
		uint64_t before = atomic_load_explicit(&h->one->settling, memory_order_seq_cst);
		uint64_t peers = atomic_load_explicit(&h->one->peers, memory_order_seq_cst);
		uint64_t sum = atomic_load_explicit(&h->one->settled, memory_order_seq_cst);

		for (uint64_t peer = 0; peer < peers && peer < h->layout.processes; peer++)
			if (seats_count(h, peer))
				sum += reports_of(h, peer);
		if ((before & 1) == 0 &&
		    before == atomic_load_explicit(&h->one->settling, memory_order_seq_cst))
			return sum;
		pause_and_yield();
	}
	return 0;
}

/* Returns 1 if nothing is unfinished, else 0; -ERANGE if more was reported than put. */
static int is_all_done(const struct handle *h)
{
	/* The sum is read first, and what was put last; neither ever becomes less. */
	uint64_t done = sum_of_reports(h);
	uint64_t put = sum_of_puts(h);

	return done > put ? -ERANGE : done == put;
}

INTERNAL void after_report(struct handle *h)
{
	if (gate_has_waiters(&h->two->finished) && is_all_done(h) != 0)
		gate_wake(h, &h->two->finished, UINT64_MAX);
	/* A producer may wait for this report, as items are kept until they are reported. */
	if (h->redelivers && gate_has_waiters(&h->two->room))
		gate_wake(h, &h->two->room, 1);
}

/* Returns whether there is an item that nobody has taken. Its reporter will look for joiners, so
 * this one need not. */
static bool knows_more(const struct handle *h)
{
	/* Relaxed: hints. */
	uint64_t head = atomic_load_explicit(&h->two->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&h->tail_seen, memory_order_relaxed);

	return position_distance(word_position(head), tail) > 0;
}

/* A report that is not the last one needs no fence. But the last one may be made at the same
 * moment, and this one reach memory late: then neither thread sees that all is done, and nobody
 * wakes a joiner. The joiner finds it when it next looks without being woken, or is woken by a
 * consumer that is about to wait (get_unknown()). */
INTERNAL void report_own(struct handle *h, struct my_seat *me, uint64_t n)
{
	uint64_t reported = atomic_load_explicit(&me->reported, memory_order_relaxed) + n;

	/* Relaxed: only this thread writes it; others of this process only compare it. */
	atomic_store_explicit(&me->reported, reported, memory_order_relaxed);
	/* Release, pairs with reports_of(): a joiner sees what was written before the report. */
	if (knows_more(h) && !h->redelivers) {
		atomic_store_explicit(&me->seat->done, reported, memory_order_release);
		return;
	}
	/* Sequentially consistent, for the gate. */
	atomic_store_explicit(&me->seat->done, reported, memory_order_seq_cst);
	after_report(h);
}

/* Returns how many items a seat took and its thread did not report. */
static uint64_t unreported_of(const struct my_seat *me)
{
	/* Acquire, pairs with note_take(): what is reported was got before. Relaxed: an old value
	 * makes the result too large, and join then returns -ERANGE. */
	return atomic_load_explicit(&me->taken, memory_order_acquire) -
	       atomic_load_explicit(&me->reported, memory_order_relaxed);
}

/* Report n items the slow way: when the thread did not get all of them, or some thread of this
 * process has once done that. The thread's own come first. Returns 0 or -ERANGE. The caller has the
 * lock. */
static int report_slowly(struct handle *h, struct my_seat *me, uint64_t n)
{
	uint64_t held = 0, others = atomic_load_explicit(&h->for_others, memory_order_relaxed);
	uint64_t own = me != NULL ? unreported_of(me) : 0;

	for (uint32_t i = 0; i < h->layout.threads; i++)
		held += unreported_of(&h->seats[i]);
	if (held < others + n)
		return -ERANGE;
	own = own < n ? own : n;
	if (own > 0)
		report_own(h, me, own);
	if (own == n)
		return 0;
	others += n - own;
	atomic_store_explicit(&h->for_others, others, memory_order_relaxed);
	/* Sequentially consistent, for the gate, as in report_own(). Relaxed above: written under
	 * the lock. */
	atomic_store_explicit(&line_of(h, h->number)->done_for_others, others,
	                      memory_order_seq_cst);
	after_report(h);
	return 0;
}

INTERNAL int shared_task_done(struct spmcq *q, size_t n)
{
	struct handle *h = handle_of(q);
	struct my_seat *me;
	int r = handle_status(h);

	if (r != 0)
		return r;
	me = seat_of_thread(h);
	/* Relaxed: if reports for other threads begin just now, an item may be counted twice; join
	 * then returns -ERANGE. */
	if (me != NULL && atomic_load_explicit(&h->for_others, memory_order_relaxed) == 0 &&
	    unreported_of(me) >= n) {
		report_own(h, me, n);
		return 0;
	}
	pthread_mutex_lock(&h->lock);
	r = report_slowly(h, me, n);
	pthread_mutex_unlock(&h->lock);
	return r;
}

/* Returns 1 if all is done, 0 if the joiner is to wait, -EOWNERDEAD or -ERANGE. Looks who lives if
 * looks_for_lives. */
static int look_for_finish(struct handle *h, bool looks_for_lives)
{
	int r = is_all_done(h);

	if (r != 0 || !looks_for_lives)
		return r;
	if (h->is_producer ? reap_finds_losses(h) : producer_is_gone(h)) {
		r = is_all_done(h);
		return r != 0 ? r : -EOWNERDEAD;
	}
	return 0;
}

static int await_finish(struct handle *h, const struct timespec *deadline)
{
	double patience = FIRST_PATIENCE;
	bool looks = false;

	for (;;) {
		struct timespec soon = spmcq_after(patience);
		uint32_t epoch = gate_announce(&h->two->finished);
		int r = look_for_finish(h, looks);
		enum gate_woken woken;

		if (r != 0)
			return r < 0 ? r : 0;
		if (deadline_has_passed(deadline))
			return -ETIMEDOUT;
		/* Relaxed: a statistic. */
		atomic_fetch_add_explicit(&h->joiner_sleeps, 1, memory_order_relaxed);
		woken = gate_sleep(&h->two->finished, epoch, deadline_sooner(&soon, deadline),
		                   h->interruptible);
		if (woken == GATE_SIGNAL)
			return is_all_done(h) == 1 ? 0 : -EINTR;
		looks = woken == GATE_SLICE;
		patience *= 2;
	}
}

INTERNAL int shared_join(struct spmcq *q, const struct timespec *deadline)
{
	struct handle *h = handle_of(q);
	int r = handle_status(h);

	if (r != 0)
		return r;
	for (int i = 0; i < JOIN_LOOKS; i++) {
		r = is_all_done(h);
		if (r != 0)
			return r < 0 ? r : 0;
		if (deadline_has_passed(deadline))
			return -ETIMEDOUT;
		pause_and_yield();
	}
	enter(h);
	r = await_finish(h, deadline);
	leave(h);
	return r;
}
