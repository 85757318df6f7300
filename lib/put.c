/*
 * Putting: fills known room, else reads head, else waits for room.
 */
#include "queue.h"

#include "thread_id.h"

#include <errno.h>

/* When the ring is nearly full, the producer waits until half of it is free: if it used each free
 * slot at once, the cache line of head would move to it every few items (`spmcq-bench squares
 * --consumers 1`: a fourth fewer items/s). It looks and pauses ROOM_PAUSES times at most, then
 * sleeps. After ROOM_NS any free slot will do. But if less than a third of the ring is free when
 * that sleep times out, the next sleep may last twice as long, up to ROOM_NS_MOST; after a wait
 * that begins ROOM_NS or more after the last one it is ROOM_NS again. With one consumer that works
 * for 1 us on each item, the producer so uses 12 % of a processor instead of 28 %. */
#ifdef SPMCQ_MODEL
enum { ROOM_PAUSES = 0 };
#else
enum { ROOM_PAUSES = 64 };
#endif
enum { ROOM_TRY_ALL = 16, ROOM_NS = 100000, ROOM_NS_MOST = 1600000 };

/* Returns whether the calling thread is the producer already. */
FAST_PATH bool is_producer_already(const struct spmcq *q)
{
	/* Relaxed: if the value is our id, we stored it, or a thread that has ended and whose
	 * control block lay at our address did. The allocator of that memory ordered the end of
	 * that thread before our beginning. */
	return q->unchecked ||
	       atomic_load_explicit(&q->producer, memory_order_relaxed) == thread_id();
}

/* Returns 0 if the caller may put, or the error. If there is no producer, the caller becomes it. */
static int refusal(struct spmcq *q)
{
	uint64_t nobody = NO_THREAD;

	/* Acquire, pairs with spmcq_release_producer(): we see what the last producer wrote. */
	if (is_producer_already(q) ||
	    atomic_compare_exchange_strong_explicit(&q->producer, &nobody, thread_id(),
	                                            memory_order_acquire, memory_order_relaxed))
		return 0;
	return cursor_is_closed(&q->ring.cursor) ? -ESHUTDOWN : -EPERM;
}

/* Returns 0. */
SLOW_PATH static int wake_consumers(struct spmcq *q, uint64_t n)
{
	if (watch_has_sleepers(&q->watch)) {
		gate_wake_new(&q->items, &q->woken, n);
	} else if (!gate_is_waking(&q->reserve, q->reserve_woken)) {
		/* Wake one reserve at a time: if it sees a crowd, the others need not wake up. */
		gate_wake_new(&q->reserve, &q->reserve_woken, 1);
	}
	return 0;
}

/* After putting n items. Returns 0. */
static inline int after_put(struct spmcq *q, uint64_t n)
{
	return watch_needs_waking(&q->watch) ? wake_consumers(q, n) : 0;
}

/* Put what fits into known room. Returns how many, or -ESHUTDOWN. */
static ssize_t put_some(struct spmcq *q, const void *items, size_t n)
{
	bool watched;
	ssize_t r = ring_put_known(&q->ring, items, n, &watched);

	if (r > 0 && !watched)
		after_put(q, (uint64_t)r);
	return r;
}

struct room_wait {
	struct spmcq *q;
	uint64_t want; /* slots */
};

static bool look_for_room(void *arg, bool final)
{
	struct room_wait *wait = arg;
	struct ring *ring = &wait->q->ring;

	if (final)
		cursor_see_takes(&ring->cursor);
	return ring_room(ring) >= wait->want || cursor_is_closed(&ring->cursor);
}

static int sleep_until_room(struct spmcq *q, uint64_t want, const struct timespec *deadline)
{
	struct room_wait wait = {.q = q, .want = want};

	/* Relaxed: a consumer reads this after it saw our announcement. */
	atomic_store_explicit(&q->wake_producer_at,
	                      cursor_own_tail(&q->ring.cursor) - q->ring.capacity + want,
	                      memory_order_relaxed);
	return gate_wait(&q->room, look_for_room, &wait, deadline, q->interruptible);
}

/* Look until half the ring is free; returns false if it did not become so. If all pauses of a call
 * were in vain, the next call may make half as many, but 8 at least. After a success it may make
 * all ROOM_PAUSES again, and so may every 16th call.
 * Each read of head moves its cache line away from the consumers. So if a call needed k pauses, the
 * next one makes k - 1 before it looks for the first time. If that look finds room at once, the
 * wait may have been too long, so the call after that makes half as many: otherwise one long wait
 * would make the next fifty too long, while the consumers have no items (2 consumers on one
 * processor, the producer on the other: 143 instead of 87 M items/s). */
static bool look_for_half(struct spmcq *q)
{
	struct room_wait half = {.q = q, .want = (q->ring.capacity + 1) / 2};
	unsigned most = q->room_waits++ % ROOM_TRY_ALL == 0 ? ROOM_PAUSES : q->room_patience;
	unsigned made = 0;

	for (; made < q->room_pauses && made < most; made++)
		pause_and_yield();
	while (!look_for_room(&half, false)) {
		if (made == most) {
			q->room_patience = most / 2 > ROOM_PAUSES / 8 ? most / 2 : ROOM_PAUSES / 8;
			return false;
		}
		pause_and_yield();
		made++;
	}
	q->room_patience = ROOM_PAUSES;
	q->room_pauses = made > q->room_pauses ? made - 1 : made / 2;
	return true;
}

/* Wait for room. Returns 0 if there may be some, or an error. */
SLOW_PATH static int await_room(struct spmcq *q, const struct timespec *deadline)
{
	uint64_t room = ring_room(&q->ring);
	int64_t since = clock_ns() - q->looked_ns;
	const struct timespec *until;
	struct timespec soon;
	int r = 0;

	if (since >= ROOM_NS || q->room_ns == 0)
		q->room_ns = ROOM_NS;
	if (room > q->ring.capacity / 8 || (room > 0 && since >= ROOM_NS) || look_for_half(q)) {
		q->looked_ns = clock_ns();
		return 0;
	}
	soon = spmcq_after(1e-9 * q->room_ns);
	until = deadline_sooner(&soon, deadline);
	r = sleep_until_room(q, (q->ring.capacity + 1) / 2, until);
	room = ring_room(&q->ring);
	if (r == -ETIMEDOUT && until == &soon && room < q->ring.capacity / 3 &&
	    q->room_ns < ROOM_NS_MOST)
		q->room_ns *= 2;
	if (r == -ETIMEDOUT && room > 0) {
		r = 0;
	} else if (r == -ETIMEDOUT) {
		/* If the ring stays full for so long, a lead saves nothing, and costs a membarrier
		 * each time that we sleep. And the consumers that puts relied on may be stopped, so
		 * wake others. */
		cursor_share(&q->ring.cursor);
		gate_wake(&q->items, 1);
		gate_wake(&q->reserve, 1);
		r = sleep_until_room(q, 1, deadline);
	}
	q->looked_ns = clock_ns();
	return r;
}

/* Put the rest of n items, waiting for room. Once an item was put, this ends after the deadline
 * even if there is room all the time. Returns how many of the n items are in the ring, or an error.
 */
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
	} while (r >= 0 && placed < n && !(placed > 0 && deadline_has_passed(deadline)));
	leave(q);
	return placed > 0 ? (ssize_t)placed : r;
}

/* Returns whether the ring is full. If it seems so and the cursor is held, the lead ends, and none
 * begins any more: takes of the leader may not be visible yet. */
static bool is_full(struct spmcq *q)
{
	if (is_little_room(q->room_found, q->ring.capacity))
		let_gather();
	q->room_found = ring_room(&q->ring);
	if (q->room_found > 0)
		return false;
	if (!cursor_is_held(&q->ring.cursor))
		return true;
	cursor_share_for_good(&q->ring.cursor);
	return ring_room(&q->ring) == 0;
}

/* Put the rest of n items if there is room now. Returns as put_rest(). */
static ssize_t try_put_rest(struct spmcq *q, const unsigned char *items, size_t n, size_t placed)
{
	ssize_t r = -EAGAIN;

	if (!is_full(q))
		r = put_some(q, items + placed * q->ring.slots.item_size, n - placed);
	return r > 0 ? (ssize_t)placed + r : placed > 0 ? (ssize_t)placed : r;
}

FAST_PATH ssize_t put_many(struct spmcq *q, const void *items, size_t n,
                           const struct timespec *deadline, bool try)
{
	ssize_t r;

	if (q == NULL || items == NULL || n == 0 || !deadline_is_valid(deadline))
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.put(q, items, n, deadline, try);
	r = refusal(q);
	if (r != 0)
		return r;
	r = put_some(q, items, n);
	if (r < 0 || (size_t)r == n)
		return r;
	return try ? try_put_rest(q, items, n, (size_t)r)
	           : put_rest(q, items, n, (size_t)r, deadline);
}

ssize_t spmcq_put_many_until(struct spmcq *q, const void *items, size_t n,
                             const struct timespec *deadline)
{
	return put_many(q, items, n, deadline, false);
}

ssize_t spmcq_try_put_many(struct spmcq *q, const void *items, size_t n)
{
	return put_many(q, items, n, NULL, true);
}

ssize_t spmcq_put_many(struct spmcq *q, const void *items, size_t n)
{
	return put_many(q, items, n, NULL, false);
}

__attribute__((noinline)) static int put_item_slowly(struct spmcq *q, const void *item,
                                                     const struct timespec *deadline, bool try)
{
	if (is_elsewhere(q))
		return q->elsewhere.put_item(q, item, deadline, try);
	return count_to_status(put_many(q, item, 1, deadline, try));
}

SLOW_PATH static int put_item_closing(struct spmcq *q)
{
	return count_to_status(cursor_kept(&q->ring.cursor, 1));
}

/* Put one item. Everything but the common case is in tail calls, so gcc compiles the common case
 * without a stack frame: a third faster. */
FAST_PATH int put_item(struct spmcq *q, const void *item, const struct timespec *deadline, bool try)
{
	enum cursor_put how;

	if (q == NULL || item == NULL || !deadline_is_valid(deadline))
		return -EINVAL;
	if (!is_producer_already(q) || !ring_put_word(&q->ring, item, &how))
		return put_item_slowly(q, item, deadline, try);
	switch (how) {
	case CURSOR_PUT_WATCHED:
		return 0;
	case CURSOR_PUT_CLOSING:
		return put_item_closing(q);
	default:
		return after_put(q, 1);
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
	uint64_t self = thread_id();

	if (q == NULL)
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.release_producer(q);
	/* Release, pairs with refusal(). */
	if (!q->unchecked &&
	    !atomic_compare_exchange_strong_explicit(&q->producer, &self, NO_THREAD,
	                                             memory_order_release, memory_order_relaxed))
		return -EPERM;
	return 0;
}

int spmcq_take_producer(struct spmcq *q)
{
	if (q == NULL)
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.take_producer(q);
	/* Acquire, pairs with spmcq_release_producer(). If the last producer has not released,
	 * the caller must know by other means that that producer has put for the last time, and
	 * these means must order its puts before ours. */
	atomic_exchange_explicit(&q->producer, thread_id(), memory_order_acq_rel);
	return 0;
}
