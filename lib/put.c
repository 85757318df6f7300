/*
 * Putting: into the room known of, else after a look, else after waiting for some.
 */
#include "queue.h"

#include "self.h"

#include <errno.h>

/* How long the producer waits for half the ring before it takes any room: a batch of wake-ups saved
 * if consumers go on, a short delay if they stop. */
enum { ROOM_PATIENCE_NS = 200000 };

/* Whether the calling thread was the producer before. */
FAST_PATH bool is_producer_already(const struct spmcq *q)
{
	/* Relaxed: if it is our id, we stored it. */
	return q->unchecked ||
	       atomic_load_explicit(&q->producer, memory_order_relaxed) == self_id();
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

/* Why the caller may not put: 0 if it may. */
static int refusal(struct spmcq *q)
{
	if (is_producer(q))
		return 0;
	return ring_is_closed(&q->ring) ? -ESHUTDOWN : -EPERM;
}

/* Wake somebody for items that are overdue. */
SLOW_PATH static void look_after_items(struct spmcq *q)
{
	if (overdue_is_time(&q->overdue, gate_has_sleepers(&q->items)) &&
	    overdue_look(&q->overdue, ring_head(&q->ring), ring_tail_glimpsed(&q->ring))) {
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
	return r;
}

/* Put the rest of n items, waiting for room: how many are placed in the end, or why none is. */
SLOW_PATH static ssize_t put_rest(struct spmcq *q, const unsigned char *items, size_t n,
                                  size_t placed, const struct timespec *deadline)
{
	ssize_t r;

	enter(q);
	do {
		r = await_room(q, deadline);
		if (r == 0)
			r = put_some(q, items + placed * q->ring.slots.item_size, n - placed);
		if (r > 0)
			placed += (size_t)r;
	} while (r >= 0 && placed < n);
	leave(q);
	return placed > 0 ? (ssize_t)placed : r;
}

ssize_t spmcq_put_many_until(struct spmcq *q, const void *items, size_t n,
                             const struct timespec *deadline)
{
	ssize_t r;

	if (q == NULL || items == NULL || n == 0 || !is_deadline(deadline))
		return -EINVAL;
	r = refusal(q);
	if (r != 0)
		return r;
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
	r = refusal(q);
	if (r != 0)
		return r;
	r = put_some(q, items, n);
	if (r < 0 || (size_t)r == n)
		return r;
	if (is_full(q)) {
		gate_ring_anyway(&q->items);
		return r > 0 ? r : -EAGAIN;
	}
	more = put_some(q, (const unsigned char *)items + (size_t)r * q->ring.slots.item_size,
	                n - (size_t)r);
	return more > 0 ? r + more : r > 0 ? r : more;
}

ssize_t spmcq_put_many(struct spmcq *q, const void *items, size_t n)
{
	return spmcq_put_many_until(q, items, n, NULL);
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
