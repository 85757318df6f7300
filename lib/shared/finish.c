/*
 * Reporting finished items, and waiting until all items are finished.
 */
#include "calls.h"

#include "reap.h"

#include <errno.h>

/* Looks before sleeping. */
enum { JOIN_LOOKS = 8 };

/* After so many seconds the first sleep of a joiner ends by itself; the time doubles with each
 * sleep. */
#define FIRST_PATIENCE 0.001

/* How often reports are added up, at most, while a peer is being settled. */
enum { SETTLING_LOOKS = 1000 };

INTERNAL uint64_t sum_of_puts(const struct handle *h)
{
	return (uint64_t)position_distance(h->layout.first, queue_end(h)) & POSITION_ONES;
}

/* Returns how many items the threads of a place have reported. Sequentially consistent, pairs with
 * report_own(), report_slowly() and count_seat(). */
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

/* Adds up again if `settling` is odd or has changed, that is, while the producer's process settles
 * a peer. Returns 0 if the settlement does not end within SETTLING_LOOKS times, as when the
 * producer was killed in it: join then waits for the successor. Sequentially consistent, pairs with
 * reap_settle_again() and record_write(). */
INTERNAL uint64_t sum_of_reports(const struct handle *h)
{
	for (int i = 0; i < SETTLING_LOOKS; i++) {
		uint64_t before = atomic_load_explicit(&h->one->settling, memory_order_seq_cst);
		uint64_t peers = atomic_load_explicit(&h->one->peers, memory_order_seq_cst);
		uint64_t sum = atomic_load_explicit(&h->one->settled, memory_order_seq_cst);

		for (uint64_t peer = 0; peer < peers && peer < h->layout.processes; peer++)
			if (place_is_used(h, peer))
				sum += reports_of(h, peer);
		if ((before & 1) == 0 &&
		    before == atomic_load_explicit(&h->one->settling, memory_order_seq_cst))
			return sum;
		pause_and_yield();
	}
	return 0;
}

/* Returns whether other processes have taken items that a successor put and that this process does
 * not see, as it has not rejoined. Sequentially consistent, pairs with claim_items(). */
static bool is_left_behind(const struct handle *h)
{
	uint64_t head = word_position(atomic_load_explicit(&h->two->head, memory_order_seq_cst));
	uint64_t tail = atomic_load_explicit(&h->one->tail, memory_order_seq_cst);

	return !h->is_producer && position_distance(tail, head) > 0;
}

/* Returns 1 if all items are finished, 0 if not, -ERANGE if more items were reported than put. */
static int is_all_done(const struct handle *h)
{
	/* The sum is read before tail, which never moves back, so the sum exceeds what was put only
	 * if a process reported too much. It is read before head, too: if it contains reports of
	 * items that a successor put, head, which is read later, is beyond these items, and
	 * is_left_behind() returns true. */
	uint64_t done = sum_of_reports(h);
	uint64_t put = sum_of_puts(h);

	if (is_left_behind(h))
		return 0;
	return done > put ? -ERANGE : done == put;
}

INTERNAL void after_report(struct handle *h)
{
	if (gate_has_waiters(&h->two->finished) && is_all_done(h) != 0)
		gate_wake(h, &h->two->finished, UINT64_MAX);
	/* The producer may wait for this report, because an item needs its slot or kept place until
	 * it is reported. */
	if (h->redelivers && gate_has_waiters(&h->two->room))
		gate_wake(h, &h->two->room, 1);
}

/* Returns whether there is an item that no thread has taken. The thread that reports that item will
 * look for joiners, so the caller need not. */
static bool knows_more(const struct handle *h)
{
	/* Relaxed: hints. */
	uint64_t head = atomic_load_explicit(&h->two->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&h->tail_seen, memory_order_relaxed);

	return position_distance(word_position(head), tail) > 0;
}

/* Returns 0, so that report_known() can end with this call. */
__attribute__((noinline)) static int after_last_report(struct handle *h)
{
	after_report(h);
	return 0;
}

/* Only the last report has to be followed by a look for joiners, so an earlier report needs no
 * fence. But the last report may be made at the same time, and the store of this one may become
 * visible late. Then neither thread finds that all is done, and nobody wakes a joiner. The joiner
 * finds it when its sleep ends (FIRST_PATIENCE), or a consumer that is about to wait wakes it
 * (get_unknown()). Returns 0. */
FAST_PATH int report_known(struct handle *h, struct my_seat *me, uint64_t n)
{
	uint64_t reported = atomic_load_explicit(&me->reported, memory_order_relaxed) + n;

	/* Relaxed: only this thread writes it; other threads of this process only compare it. */
	atomic_store_explicit(&me->reported, reported, memory_order_relaxed);
	/* Release, pairs with reports_of(): a joiner sees what was written before the report. */
	if (knows_more(h) && !h->redelivers) {
		atomic_store_explicit(&me->seat->done, reported, memory_order_release);
		return 0;
	}
	/* Sequentially consistent, for the gate. */
	atomic_store_explicit(&me->seat->done, reported, memory_order_seq_cst);
	return after_last_report(h);
}

INTERNAL void report_own(struct handle *h, struct my_seat *me, uint64_t n)
{
	report_known(h, me, n);
}

/* Returns how many items a seat took that its thread has not reported. */
static uint64_t unreported_of(const struct my_seat *me)
{
	/* Acquire, pairs with note_take(): an item was taken before it is reported. Relaxed: an old
	 * value makes the result too large, which can let a report of too many items through; join
	 * then returns -ERANGE. */
	return atomic_load_explicit(&me->taken, memory_order_acquire) -
	       atomic_load_explicit(&me->reported, memory_order_relaxed);
}

/* Report n items when the calling thread holds fewer than n, or when a thread of this process has
 * reported items of another thread before. The items of the calling thread are reported first.
 * Returns 0 or -ERANGE. The caller has locked h->lock. */
static int report_slowly(struct handle *h, struct my_seat *me, uint64_t n)
{
	uint64_t held = 0, others = atomic_load_explicit(&h->for_others, memory_order_relaxed);
	uint64_t own = me != NULL ? unreported_of(me) : 0;

	for (uint32_t i = 0; i < h->layout.threads; i++)
		held += unreported_of(&h->seats[i]);
	if (held < others || held - others < n)
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

/* Returns whether the thread of a seat may report n items without the lock. Relaxed: if another
 * thread is just reporting items of this one, an item may be reported twice; join then returns
 * -ERANGE. */
static inline bool may_report(const struct handle *h, const struct my_seat *me, uint64_t n)
{
	return me != NULL && atomic_load_explicit(&h->for_others, memory_order_relaxed) == 0 &&
	       unreported_of(me) >= n;
}

/* The rare cases of shared_task_done(). */
__attribute__((noinline)) static int report_by_search(struct handle *h, size_t n)
{
	struct my_seat *me;
	int r = handle_status(h);

	if (r != 0)
		return r;
	me = seat_of_thread(h);
	if (may_report(h, me, n))
		return report_known(h, me, n);
	pthread_mutex_lock(&h->lock);
	r = report_slowly(h, me, n);
	pthread_mutex_unlock(&h->lock);
	return r;
}

/* The rare cases are tail calls, as in shared_get_item(). */
INTERNAL int shared_task_done(struct spmcq *q, size_t n)
{
	struct handle *h = handle_of(q);
	struct my_seat *me = seat_used_last(h);

	return may_report(h, me, n) && handle_status(h) == 0 ? report_known(h, me, n)
	                                                     : report_by_search(h, n);
}

/* Returns 1 if all is done, 0 if the joiner has to wait, -EOWNERDEAD or -ERANGE. If
 * looks_for_lives, checks whether the producer is gone, or, in the producer's process, whether
 * there are losses to name. */
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
