/*
 * The public calls that move items and count them. Each tries at the ring first, and only waits at
 * a gate if it must.
 */
#include "queue.h"

#include "self.h"

#include <errno.h>

/* How long the producer waits for half the ring before it takes any room: a batch of wake-ups saved
 * if consumers go on, a short delay if they stop. */
enum { ROOM_PATIENCE_NS = 200000 };

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

/* Make the calling thread the producer, if there is none. */
static bool claim_producer(struct spmcq *q)
{
	uint64_t nobody = 0;

	/* Acquire, pairs with spmcq_release_producer(): what the last owner knew of the ring. */
	return atomic_compare_exchange_strong_explicit(&q->producer, &nobody, self_id(),
	                                               memory_order_acquire, memory_order_relaxed);
}

static bool is_producer(struct spmcq *q)
{
	/* Relaxed: if it is our id, we stored it. */
	return q->unchecked ||
	       atomic_load_explicit(&q->producer, memory_order_relaxed) == self_id() ||
	       claim_producer(q);
}

/* Put what fits and tell consumers: how many, 0 when full, or -ESHUTDOWN. */
static ssize_t put_some(struct spmcq *q, const void *items, size_t n)
{
	ssize_t r = ring_put(&q->ring, items, n);

	if (r > 0)
		gate_ring(&q->items);
	else if (r == 0)
		/* Full, and who promised to take an item may have been stopped. */
		gate_ring_anyway(&q->items);
	return r;
}

struct room_wait {
	struct spmcq *q;
	uint64_t want; /* slots */
};

static bool look_for_room(void *arg)
{
	struct room_wait *wait = arg;

	return ring_room(&wait->q->ring) >= wait->want || ring_is_closed(&wait->q->ring);
}

static int wait_for_room(struct spmcq *q, uint64_t want, const struct timespec *deadline)
{
	struct room_wait wait = {.q = q, .want = want};

	/* Relaxed: a consumer reads it after it saw us announce that we sleep. */
	atomic_store_explicit(&q->room_at, ring_tail(&q->ring) - q->ring.capacity + want,
	                      memory_order_relaxed);
	return gate_wait(&q->room, look_for_room, &wait, deadline);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* First for half the ring, to be woken once for many items; soon for any room at all. */
static int await_room(struct spmcq *q, const struct timespec *deadline)
{
	struct timespec soon = spmcq_after(ROOM_PATIENCE_NS * 1e-9);
	int r;

	enter(q);
	if (deadline != NULL && is_before(deadline, &soon))
		soon = *deadline;
	r = wait_for_room(q, (q->ring.capacity + 1) / 2, &soon);
	if (r != 0)
		r = wait_for_room(q, 1, deadline);
	leave(q);
	return r;
}

/* Put all n, waiting for room: how many were placed, or why none was. */
static ssize_t put_all(struct spmcq *q, const void *items, size_t n,
                       const struct timespec *deadline)
{
	const unsigned char *from = items;
	size_t placed = 0;
	ssize_t r;

	for (;;) {
		r = put_some(q, from + placed * q->ring.item_size, n - placed);
		if (r > 0)
			placed += (size_t)r;
		if (r < 0 || placed == n)
			break;
		if (r == 0) {
			r = await_room(q, deadline);
			if (r < 0)
				break;
		}
	}
	return placed > 0 ? (ssize_t)placed : r;
}

ssize_t spmcq_put_many_until(struct spmcq *q, const void *items, size_t n,
                             const struct timespec *deadline)
{
	if (q == NULL || items == NULL || n == 0 || !is_deadline(deadline))
		return -EINVAL;
	return is_producer(q) ? put_all(q, items, n, deadline) : -EPERM;
}

ssize_t spmcq_try_put_many(struct spmcq *q, const void *items, size_t n)
{
	ssize_t r;

	if (q == NULL || items == NULL || n == 0)
		return -EINVAL;
	if (!is_producer(q))
		return -EPERM;
	r = put_some(q, items, n);
	return r != 0 ? r : -EAGAIN;
}

ssize_t spmcq_put_many(struct spmcq *q, const void *items, size_t n)
{
	return spmcq_put_many_until(q, items, n, NULL);
}

/* Of a count of one, or an error. */
static int status(ssize_t r)
{
	return r < 0 ? (int)r : 0;
}

int spmcq_put_until(struct spmcq *q, const void *item, const struct timespec *deadline)
{
	return status(spmcq_put_many_until(q, item, 1, deadline));
}

int spmcq_try_put(struct spmcq *q, const void *item)
{
	return status(spmcq_try_put_many(q, item, 1));
}

int spmcq_put(struct spmcq *q, const void *item)
{
	return status(spmcq_put_many_until(q, item, 1, NULL));
}

int spmcq_release_producer(struct spmcq *q)
{
	uint64_t self = self_id();

	if (q == NULL)
		return -EINVAL;
	/* Release, pairs with claim_producer(). */
	if (!q->unchecked &&
	    !atomic_compare_exchange_strong_explicit(&q->producer, &self, 0, memory_order_release,
	                                             memory_order_relaxed))
		return -EPERM;
	return 0;
}

/* --- get --- */

static void ring_room_gate(struct spmcq *q)
{
	/* Pairs with the announcement in gate_wait(); relaxed for room_at, which was stored before.
	 */
	if (atomic_load_explicit(&q->room.sleepers, memory_order_seq_cst) != 0 &&
	    ring_distance(atomic_load_explicit(&q->room_at, memory_order_relaxed),
	                  ring_head(&q->ring)) >= 0)
		gate_ring_sleeper(&q->room);
}

/* Take what there is, and tell the producer: how many, 0 when empty, or -ESHUTDOWN. */
static ssize_t get_some(struct spmcq *q, void *items, size_t max)
{
	ssize_t r = ring_take(&q->ring, items, max);

	if (r > 0) {
		tally_got(&q->tally, (uint64_t)r);
		ring_room_gate(q);
	}
	return r;
}

struct item_wait {
	struct spmcq *q;
	void *items;
	size_t max;
	ssize_t got; /* what get_some() said last */
};

static bool look_for_items(void *arg)
{
	struct item_wait *wait = arg;

	wait->got = get_some(wait->q, wait->items, wait->max);
	return wait->got != 0;
}

static ssize_t await_items(struct spmcq *q, void *items, size_t max,
                           const struct timespec *deadline)
{
	struct item_wait wait = {.q = q, .items = items, .max = max};
	int r;

	enter(q);
	r = gate_wait(&q->items, look_for_items, &wait, deadline);
	if (ring_size(&q->ring) > 0)
		gate_ring(&q->items);
	leave(q);
	return r != 0 ? r : wait.got;
}

ssize_t spmcq_get_many_until(struct spmcq *q, void *items, size_t max,
                             const struct timespec *deadline)
{
	ssize_t r;

	if (q == NULL || items == NULL || max == 0 || !is_deadline(deadline))
		return -EINVAL;
	r = get_some(q, items, max);
	return r != 0 ? r : await_items(q, items, max, deadline);
}

ssize_t spmcq_try_get_many(struct spmcq *q, void *items, size_t max)
{
	ssize_t r;

	if (q == NULL || items == NULL || max == 0)
		return -EINVAL;
	r = get_some(q, items, max);
	return r != 0 ? r : -EAGAIN;
}

ssize_t spmcq_get_many(struct spmcq *q, void *items, size_t max)
{
	return spmcq_get_many_until(q, items, max, NULL);
}

int spmcq_get_until(struct spmcq *q, void *item, const struct timespec *deadline)
{
	return status(spmcq_get_many_until(q, item, 1, deadline));
}

int spmcq_try_get(struct spmcq *q, void *item)
{
	return status(spmcq_try_get_many(q, item, 1));
}

int spmcq_get(struct spmcq *q, void *item)
{
	return status(spmcq_get_many_until(q, item, 1, NULL));
}

/* --- task_done, join --- */

/* If all is done, let the joiners know. */
static void ring_finished(struct spmcq *q)
{
	if (tally_check(&q->tally, &q->ring) != -EAGAIN)
		gate_ring(&q->finished);
}

int spmcq_task_done_many(struct spmcq *q, size_t n)
{
	int r;

	if (q == NULL || n == 0)
		return -EINVAL;
	r = tally_done(&q->tally, n, &q->ring);
	/* Pairs with the joiner's announcement in gate_wait(). While an item waits in the ring, its
	 * own report is to come, and will look. */
	if (r == 0 && atomic_load_explicit(&q->finished.sleepers, memory_order_seq_cst) != 0 &&
	    !ring_knows_more(&q->ring))
		ring_finished(q);
	return r;
}

int spmcq_task_done(struct spmcq *q)
{
	return spmcq_task_done_many(q, 1);
}

struct finish_wait {
	struct spmcq *q;
	int result; /* what tally_check() said last */
};

static bool look_for_finish(void *arg)
{
	struct finish_wait *wait = arg;

	wait->result = tally_check(&wait->q->tally, &wait->q->ring);
	return wait->result != -EAGAIN;
}

int spmcq_join_until(struct spmcq *q, const struct timespec *deadline)
{
	struct finish_wait wait = {.q = q};
	int r;

	if (q == NULL || !is_deadline(deadline))
		return -EINVAL;
	if (look_for_finish(&wait))
		return wait.result;
	enter(q);
	r = gate_wait(&q->finished, look_for_finish, &wait, deadline);
	ring_finished(q);
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
		ring_finished(q);
	}
	return 0;
}
