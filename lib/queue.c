/*
 * The public calls that move items and count them. Each tries at the ring first, and only waits at
 * a gate if it must.
 */
#include "queue.h"

#include "lead.h"
#include "self.h"

#include <errno.h>
#include <string.h>

/* How long the producer waits for half the ring before it takes any room: a batch of wake-ups saved
 * if consumers go on, a short delay if they stop. */
enum { ROOM_PATIENCE_NS = 200000 };

/* A consumer that found so many items at its last look, and less than a quarter of the ring, lets
 * more gather before the next. */
enum { GATHER_ITEMS = 8 };

/* But only if they come so fast, by so many of them: else they waited for a consumer that was kept
 * from running. */
enum { PACE_NS = 4000, PACE_ITEMS = 64 };

/* So many items taken by others during one pause: an item each 40 ns or less, as fast as they can
 * be handed over at all. */
enum { CROWD_ITEMS = 32, CROWD_PAUSES = 4 };

/* Some 50 us: with 64 consumers twice as fast as without. `spmcq-bench squares --consumers 64` */
enum { LEADER_PAUSES = 64 };

static bool is_deadline(const struct timespec *deadline)
{
	return deadline == NULL || (deadline->tv_nsec >= 0 && deadline->tv_nsec <= 999999999);
}

/* Relaxed: destroy is for after everything else, and only looks for who is still there. */
static void enter(struct spmcq *q)
{
	atomic_fetch_add_explicit(&q->inside, 1, memory_order_relaxed);
}

/* Release, pairs with spmcq_destroy(). */
static void leave(struct spmcq *q)
{
	atomic_fetch_sub_explicit(&q->inside, 1, memory_order_release);
}

/* --- put --- */

/* Whether the calling thread was the producer before. */
FAST_PATH bool is_producer_already(const struct spmcq *q)
{
	/* Relaxed: if it is our id, we stored it. */
	return q->unchecked ||
	       atomic_load_explicit(&q->producer, memory_order_relaxed) == self_known.id;
}

/* Whether it is; if there is none, it becomes the producer. */
static bool is_producer(struct spmcq *q)
{
	uint64_t nobody = NOBODY;

	/* Acquire, pairs with spmcq_release_producer(): what the last owner knew of the ring. */
	return is_producer_already(q) ||
	       atomic_compare_exchange_strong_explicit(&q->producer, &nobody, self_id(),
	                                               memory_order_acquire,
	                                               memory_order_relaxed) ||
	       nobody == self_id();
}

/* Wake somebody for items that are overdue. */
SLOW_PATH static void look_after_items(struct spmcq *q)
{
	if (overdue_is_time(&q->overdue, gate_has_sleepers(&q->items)) &&
	    overdue_look(&q->overdue, ring_head(&q->ring), ring_size(&q->ring) > 0)) {
		ring_end_lead(&q->ring);
		gate_ring_anyway(&q->items);
	}
	ring_look_in(&q->ring, q->overdue.stride);
}

/* Put what fits into the known room and tell consumers: how many, or -ESHUTDOWN. */
static ssize_t put_some(struct spmcq *q, const void *items, size_t n)
{
	bool watched;
	ssize_t r;

	if (ring_is_look_due(&q->ring))
		look_after_items(q);
	r = ring_put_known(&q->ring, items, n, &watched);
	if (r > 0 && !watched)
		gate_ring(&q->items);
	return r;
}

struct room_wait {
	struct spmcq *q;
	uint64_t want; /* slots */
};

static bool look_for_room(void *arg, bool last)
{
	struct room_wait *wait = arg;

	uint64_t room = last ? ring_room_exactly(&wait->q->ring) : ring_room(&wait->q->ring);

	return room >= wait->want || ring_is_closed(&wait->q->ring);
}

static int wait_for_room(struct spmcq *q, uint64_t want, const struct timespec *deadline)
{
	struct room_wait wait = {.q = q, .want = want};

	/* Relaxed: a consumer reads it after it saw us announce that we sleep. */
	atomic_store_explicit(&q->room_at, ring_tail_glimpsed(&q->ring) - q->ring.capacity + want,
	                      memory_order_relaxed);
	return gate_wait(&q->room, look_for_room, &wait, gate_yield, deadline);
}

/* Wait for room. While the ring is nearly full the producer holds out for half of it: chasing the
 * consumers moves their line, and the slots, for a few items each time. It does so for some pauses
 * as long as there is any room, and asleep for a while if there is none; then any room will do. */
SLOW_PATH static int await_room(struct spmcq *q, const struct timespec *deadline)
{
	struct room_wait half = {.q = q, .want = (q->ring.capacity + 1) / 2};
	struct timespec soon;
	int r = 0;

	if (ring_room(&q->ring) > q->ring.capacity / 8)
		return 0;
	enter(q);
	if (!gate_look_around(&q->room, look_for_room, &half, gate_yield, deadline) &&
	    ring_room(&q->ring) == 0) {
		soon = spmcq_after(ROOM_PATIENCE_NS * 1e-9);
		r = wait_for_room(q, half.want, gate_sooner(&soon, deadline));
		if (r != 0) {
			/* A leader this slow saves nothing, and costs a fence each time. */
			ring_end_lead(&q->ring);
			gate_ring_anyway(&q->items);
			r = wait_for_room(q, 1, deadline);
		}
	}
	leave(q);
	return r;
}

/* Put the rest of n items, waiting for room: how many are placed in the end, or why none is. */
SLOW_PATH static ssize_t put_rest(struct spmcq *q, const unsigned char *items, size_t n,
                                  size_t placed, const struct timespec *deadline)
{
	ssize_t r;

	do {
		r = await_room(q, deadline);
		if (r == 0)
			r = put_some(q, items + placed * q->ring.item_size, n - placed);
		if (r > 0)
			placed += (size_t)r;
	} while (r >= 0 && placed < n);
	return placed > 0 ? (ssize_t)placed : r;
}

ssize_t spmcq_put_many_until(struct spmcq *q, const void *items, size_t n,
                             const struct timespec *deadline)
{
	ssize_t r;

	if (q == NULL || items == NULL || n == 0 || !is_deadline(deadline))
		return -EINVAL;
	if (!is_producer(q))
		return -EPERM;
	r = put_some(q, items, n);
	return r < 0 || (size_t)r == n ? r : put_rest(q, items, n, (size_t)r, deadline);
}

/* Really, not only as far as a leader's takes can be seen. */
static bool is_full(struct spmcq *q)
{
	if (ring_room(&q->ring) > 0)
		return false;
	ring_end_lead(&q->ring);
	return ring_room(&q->ring) == 0;
}

ssize_t spmcq_try_put_many(struct spmcq *q, const void *items, size_t n)
{
	ssize_t r, more;

	if (q == NULL || items == NULL || n == 0)
		return -EINVAL;
	if (!is_producer(q))
		return -EPERM;
	r = put_some(q, items, n);
	if (r < 0 || (size_t)r == n)
		return r;
	if (is_full(q)) {
		gate_ring_anyway(&q->items);
		return r > 0 ? r : -EAGAIN;
	}
	more = put_some(q, (const unsigned char *)items + (size_t)r * q->ring.item_size,
	                n - (size_t)r);
	return more > 0 ? r + more : r > 0 ? r : more;
}

ssize_t spmcq_put_many(struct spmcq *q, const void *items, size_t n)
{
	return spmcq_put_many_until(q, items, n, NULL);
}

/* Of a count of one, or an error. */
static inline int status(ssize_t r)
{
	return r < 0 ? (int)r : 0;
}

/* The rest of put_item(). */
__attribute__((noinline)) static int put_item_slowly(struct spmcq *q, const void *item,
                                                     const struct timespec *deadline)
{
	return status(spmcq_put_many_until(q, item, 1, deadline));
}

__attribute__((noinline)) static int try_put_item_slowly(struct spmcq *q, const void *item)
{
	return status(spmcq_try_put_many(q, item, 1));
}

SLOW_PATH static int put_item_closing(struct spmcq *q)
{
	return status(ring_put_closing(&q->ring, 1));
}

SLOW_PATH static int put_item_ringing(struct spmcq *q)
{
	gate_ring_sleeper(&q->items);
	return 0;
}

/* One item. What a put of a word mostly is, and tail calls for the rest, so that it needs no stack,
 * with gcc: a third faster. */
FAST_PATH int put_item(struct spmcq *q, const void *item, const struct timespec *deadline, bool try)
{
	if (q == NULL || item == NULL || !is_deadline(deadline))
		return -EINVAL;
	switch (is_producer_already(q) ? ring_put_word(&q->ring, item) : RING_NOT_PUT) {
	case RING_PUT_WATCHED:
		return 0;
	case RING_PUT:
		return gate_has_sleepers(&q->items) ? put_item_ringing(q) : 0;
	case RING_PUT_CLOSING:
		return put_item_closing(q);
	default:
		return try ? try_put_item_slowly(q, item) : put_item_slowly(q, item, deadline);
	}
}

int spmcq_put_until(struct spmcq *q, const void *item, const struct timespec *deadline)
{
	return put_item(q, item, deadline, false);
}

int spmcq_try_put(struct spmcq *q, const void *item)
{
	return put_item(q, item, NULL, true);
}

int spmcq_put(struct spmcq *q, const void *item)
{
	return put_item(q, item, NULL, false);
}

int spmcq_release_producer(struct spmcq *q)
{
	uint64_t self = self_id();

	if (q == NULL)
		return -EINVAL;
	/* Release, pairs with is_producer(). */
	if (!q->unchecked &&
	    !atomic_compare_exchange_strong_explicit(&q->producer, &self, NOBODY,
	                                             memory_order_release, memory_order_relaxed))
		return -EPERM;
	return 0;
}

/* --- get --- */

/* Ring for room, if what the producer sleeps for is there; 0. */
SLOW_PATH static int ring_for_room(struct spmcq *q)
{
	/* Relaxed: stored before the announcement that we saw. */
	if (ring_distance(atomic_load_explicit(&q->room_at, memory_order_relaxed),
	                  ring_head(&q->ring)) >= 0)
		gate_ring_sleeper(&q->room);
	return 0;
}

/* Having taken something: 0. */
static inline int taken(struct spmcq *q)
{
	return gate_has_sleepers(&q->room) ? ring_for_room(q) : 0;
}

/* Take n items that are known of: n or 0. */
static ssize_t get_known(struct spmcq *q, struct cell *cell, void *items, size_t n)
{
	size_t r = ring_take_known(&q->ring, cell, items, n);

	if (r > 0)
		taken(q);
	return (ssize_t)r;
}

/* Take what there is: how many, 0 when empty, or -ESHUTDOWN. */
static inline ssize_t get_some(struct spmcq *q, struct cell *cell, void *items, size_t max,
                               bool last)
{
	ssize_t r = ring_take(&q->ring, cell, items, max, last);

	/* Also if we took nothing: we may have settled what a stopped leader took. */
	taken(q);
	return r;
}

struct item_wait {
	struct spmcq *q;
	struct cell *cell;
	void *items;
	size_t max;
	ssize_t got; /* what get_some() said last */
};

static bool look_for_items(void *arg, bool last)
{
	struct item_wait *wait = arg;

	wait->got = get_some(wait->q, wait->cell, wait->items, wait->max, last);
	return wait->got != 0;
}

/* Whether items come in a stream, by what the last look at the producer's line found. */
static bool is_busy(struct spmcq *q)
{
	return ring_batch(&q->ring) >= GATHER_ITEMS &&
	       ring_keeps_pace(&q->ring, PACE_ITEMS, PACE_NS);
}

/* Pause; true if others took so many items meanwhile that one more consumer is a hindrance. They
 * cannot all think so of each other at once: who pauses does not take. */
static bool is_crowded(void *arg, bool last)
{
	struct spmcq *q = arg;
	uint64_t before = ring_head(&q->ring);

	(void)last;
	gate_yield();
	return ring_distance(before, ring_head(&q->ring)) >= CROWD_ITEMS &&
	       !ring_is_closed(&q->ring);
}

/* The same, but it takes some pauses without a crowd to believe that it has gone: the others pause,
 * too. */
static bool is_still_crowded(void *arg, bool last)
{
	for (int i = 0; i < CROWD_PAUSES; i++)
		if (is_crowded(arg, last))
			return true;
	return false;
}

/* A leader goes on looking for longer: if it slept in a lull, a put would wake another, on the
 * producer's processor as like as not. */
static bool lead_on(struct item_wait *wait, const struct timespec *deadline)
{
	for (int i = 0; i < LEADER_PAUSES && lead_is_of(&wait->q->ring, wait->cell); i++) {
		if (look_for_items(wait, false))
			return true;
		if (gate_is_past(deadline))
			return false;
		gate_yield();
	}
	return false;
}

SLOW_PATH static ssize_t await_items(struct spmcq *q, struct cell *cell, void *items, size_t max,
                                     const struct timespec *deadline, bool busy, bool crowded)
{
	struct item_wait wait = {.q = q, .cell = cell, .items = items, .max = max};
	int r = 0;

	enter(q);
	if (crowded) {
		gate_nap(&q->items, is_still_crowded, q, deadline);
		/* It relied on a napper, if there are sleepers. */
		ring_end_lead(&q->ring);
	}
	if (!lead_on(&wait, deadline))
		r = gate_wait(&q->items, look_for_items, &wait, busy ? gate_yield : gate_spin,
		              deadline);
	if (ring_size(&q->ring) > 0)
		gate_ring(&q->items);
	leave(q);
	return r != 0 ? r : wait.got;
}

/* Let the consumer lead, unless somebody sleeps whom puts must ring. */
SLOW_PATH static void begin_to_lead(struct spmcq *q, struct cell *cell)
{
	if (!lead_begin(&q->ring, cell)) {
	} else if (gate_needs_rings(&q->items)) {
		ring_end_lead(&q->ring);
	} else {
		return;
	}
	/* A put may have relied on the lead in between. */
	if (ring_size(&q->ring) > 0)
		gate_ring(&q->items);
}

/* When the known items have run out, or another consumer was faster. If the producer is busy and
 * near, look elsewhere first: chasing it moves its line, and the slots, for a few items each time,
 * and slows both sides down. */
SLOW_PATH static ssize_t get_unknown(struct spmcq *q, struct cell *cell, void *items, size_t max,
                                     const struct timespec *deadline)
{
	bool busy = is_busy(q);
	bool near = busy && ring_batch(&q->ring) < q->ring.capacity / 4;
	bool crowded = (near || ring_knows_more(&q->ring)) && is_crowded(q, false);
	ssize_t r = crowded ? 0 : get_some(q, cell, items, max, false);

	if (lead_is_due(&q->ring, cell))
		begin_to_lead(q, cell);
	if (r != 0)
		return r;
	return await_items(q, cell, items, max, deadline, busy,
	                   crowded || (busy && is_crowded(q, false)));
}

ssize_t spmcq_get_many_until(struct spmcq *q, void *items, size_t max,
                             const struct timespec *deadline)
{
	struct cell *cell;
	ssize_t r;

	if (q == NULL || items == NULL || max == 0 || !is_deadline(deadline))
		return -EINVAL;
	cell = cell_own(q->ring.cells);
	r = get_known(q, cell, items, max);
	return r != 0 ? r : get_unknown(q, cell, items, max, deadline);
}

ssize_t spmcq_try_get_many(struct spmcq *q, void *items, size_t max)
{
	struct cell *cell;
	ssize_t r;

	if (q == NULL || items == NULL || max == 0)
		return -EINVAL;
	cell = cell_own(q->ring.cells);
	r = get_known(q, cell, items, max);
	if (r == 0)
		r = get_some(q, cell, items, max, true);
	return r != 0 ? r : -EAGAIN;
}

ssize_t spmcq_get_many(struct spmcq *q, void *items, size_t max)
{
	return spmcq_get_many_until(q, items, max, NULL);
}

/* The rest of get_item(). */
__attribute__((noinline)) static int get_item_slowly(struct spmcq *q, void *item,
                                                     const struct timespec *deadline)
{
	return status(spmcq_get_many_until(q, item, 1, deadline));
}

__attribute__((noinline)) static int get_item_unknown(struct spmcq *q, struct cell *cell,
                                                      void *item, const struct timespec *deadline)
{
	return status(get_unknown(q, cell, item, 1, deadline));
}

__attribute__((noinline)) static int try_get_item_slowly(struct spmcq *q, void *item)
{
	return status(spmcq_try_get_many(q, item, 1));
}

SLOW_PATH static int get_item_disputed(struct spmcq *q, struct cell *cell, void *item,
                                       uint64_t word, const struct timespec *deadline, bool try)
{
	if (!lead_settle_claim(&q->ring, cell, 1))
		return try ? try_get_item_slowly(q, item) : get_item_slowly(q, item, deadline);
	lead_advance(cell, 1);
	memcpy(item, &word, sizeof word);
	return taken(q);
}

/* One item: as put_item(). */
FAST_PATH int get_item(struct spmcq *q, void *item, const struct timespec *deadline, bool try)
{
	struct cell *cell;
	uint64_t word;

	if (q == NULL || item == NULL || !is_deadline(deadline))
		return -EINVAL;
	cell = cell_hinted(q->ring.cells);
	switch (ring_take_word(&q->ring, cell, &word)) {
	case RING_TAKEN:
		memcpy(item, &word, sizeof word);
		return taken(q);
	case RING_TAKE_DISPUTED:
		return get_item_disputed(q, cell, item, word, deadline, try);
	case RING_NOT_TAKEN:
		return try ? try_get_item_slowly(q, item)
		           : get_item_unknown(q, cell, item, deadline);
	default:
		return try ? try_get_item_slowly(q, item) : get_item_slowly(q, item, deadline);
	}
}

int spmcq_get_until(struct spmcq *q, void *item, const struct timespec *deadline)
{
	return get_item(q, item, deadline, false);
}

int spmcq_try_get(struct spmcq *q, void *item)
{
	return get_item(q, item, NULL, true);
}

int spmcq_get(struct spmcq *q, void *item)
{
	return get_item(q, item, NULL, false);
}

/* --- task_done, join --- */

/* If all is done, let the joiners know. While an item waits in the ring it is not: the report of
 * that item is to come, and will look again. r: returned. */
SLOW_PATH static int ring_finished(struct spmcq *q, int r)
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
	return reported(q, tally_done_own(&q->tally, q->lazy_reports ? TALLY_LAZY : TALLY_ORDERED,
	                                  cell_own(q->ring.cells), n)
	                           ? 0
	                           : tally_done_any(&q->tally, n, &q->ring));
}

/* Needs no stack either, for a caller that reports its own. */
FAST_PATH int report(struct spmcq *q, size_t n)
{
	if (q == NULL || n == 0)
		return -EINVAL;
	return tally_done_own(&q->tally, TALLY_LAZY, cell_hinted(q->ring.cells), n)
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

	/* Lazy reports are not ordered against looking for us. */
	if (last && wait->q->lazy_reports)
		park_fence_all();
	wait->result = tally_check(&wait->q->tally, &wait->q->ring);
	/* A put may have returned that only a leader is sure to see. */
	if (wait->result == 0 && !last && ring_is_led(&wait->q->ring)) {
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

/* --- shutdown --- */

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
