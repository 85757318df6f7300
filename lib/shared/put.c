/*
 * Putting. Only the producer's process puts, and so writes tail and slots.
 */
#include "calls.h"

#include "keep.h"
#include "reap.h"
#include "run.h"
#include "thread_id.h"

#include <errno.h>

/* A put that has used up the known room reads head. If no more than an eighth of the capacity is
 * free, it yields up to ROOM_PAUSES times until half is free, then sleeps until half is free, for
 * h->room_ns at most, and then takes any room. room_ns is ROOM_NS if the last wait ended ROOM_NS
 * ago or earlier; then a put also takes any room that there is at once. Otherwise room_ns doubles,
 * up to ROOM_NS_MOST, each time that less than a third became free during a sleep. Each read of
 * head delays the consumers. */
enum { ROOM_PAUSES = 64, ROOM_NS = 100000, ROOM_NS_MOST = 1600000 };

/* A put of one item prefetches the slot this many items ahead of tail, as in lib/ring.h, if it is
 * free. `spmcq-bench squares --between processes --consumers 1`: a tenth fewer items/s without. */
enum { PREFETCH_ITEMS = 32 };

/* Returns 0 if the caller may put, or the error that refuses it. */
FAST_PATH int refusal(struct handle *h)
{
	uint64_t nobody = NO_THREAD, self = thread_id();
	int r = handle_status(h);

	if (r != 0)
		return r;
	if (!h->is_producer)
		return is_closed(h) ? -ESHUTDOWN : -EPERM;
	/* Acquire, pairs with shared_release_producer(). The load of owner that precedes it is
	 * relaxed, because no other thread stores this thread's id. */
	if (h->unchecked || atomic_load_explicit(&h->owner, memory_order_relaxed) == self ||
	    atomic_compare_exchange_strong_explicit(&h->owner, &nobody, self, memory_order_acquire,
	                                            memory_order_relaxed))
		return 0;
	return is_closed(h) ? -ESHUTDOWN : -EPERM;
}

/* Returns how many items may be put, or -EPROTO. Reads head if less room is known than is wanted.
 */
static int64_t look_for_room(struct handle *h, uint64_t want)
{
	int64_t room = position_distance(h->tail, h->room_limit);
	uint64_t head;

	if (room >= (int64_t)want)
		return room;
	/* Acquire, pairs with claim_items(): the slots before it were read. Sequentially
	 * consistent, for the gate. */
	head = word_position(atomic_load_explicit(&h->two->head, memory_order_seq_cst));
	if (position_distance(h->head_of_room, head) < 0 || position_distance(head, h->tail) < 0)
		return break_handle(h);
	h->head_of_room = head;
	h->room_limit = position_after(head, h->layout.capacity);
	if (h->redelivers)
		h->room_limit = keep_room(h, h->room_limit);
	h->room_found = position_distance(h->tail, h->room_limit);
	return h->room_found;
}

/* The queue was closed during a put. Returns how many of the n items that were just published are
 * before its end; or -ESHUTDOWN, -EPROTO. */
__attribute__((noinline)) static ssize_t kept_after_closing(struct handle *h, uint64_t n)
{
	uint64_t before = position_after(h->tail, POSITION_ONES + 1 - n);
	int64_t kept = position_distance(before, queue_end(h));

	/* The queue was open before these items, so it cannot end before them: another process
	 * wrote a false end. */
	if (kept < 0)
		return break_handle(h);
	return kept == 0 ? -ESHUTDOWN : (ssize_t)kept;
}

/* Publish the n items in the slots from tail on. Returns n, or the result of kept_after_closing().
 */
static inline ssize_t publish(struct handle *h, uint64_t n)
{
	h->tail = position_after(h->tail, n);
	/* Release, pairs with queue_end(): the slots are filled. Sequentially consistent: this
	 * store comes before the reads of `closing` and of the gate. */
	atomic_store_explicit(&h->one->tail, h->tail, memory_order_seq_cst);
	if (is_closed(h))
		return kept_after_closing(h, n);
	if (gate_has_waiters(&h->two->items))
		gate_wake(h, &h->two->items, n);
	return (ssize_t)n;
}

static void copy_in(struct handle *h, const unsigned char *items, uint64_t n)
{
	uint64_t position = h->tail;
	/* Slots that the copy may prefetch. */
	uint64_t free = (uint64_t)position_distance(position, h->room_limit);

	while (n > 0) {
		uint64_t run = slots_in_a_row(h, position, n);
		slot_word *to = slot_of(h, position);

		words_in(to, items, run * h->layout.item_size,
		         to + slots_in_a_row(h, position, free) * h->layout.slot_words);
		items += run * h->layout.item_size;
		position += run;
		free -= run;
		n -= run;
	}
}

/* Put as many of the n items as fit into known room. Returns how many, -ESHUTDOWN, or an error of
 * run_write(). */
static ssize_t put_some(struct handle *h, const unsigned char *items, size_t n)
{
	int64_t room = position_distance(h->tail, h->room_limit);

	if (is_closed(h))
		return -ESHUTDOWN;
	if (room <= 0)
		return 0;
	if (n > (uint64_t)room)
		n = (size_t)room;
	if (h->key != NULL) {
		int r;

		n = n > h->layout.run_most ? h->layout.run_most : n;
		r = run_write(h, h->tail, items, n);
		if (r != 0)
			return r;
	} else {
		copy_in(h, items, n);
	}
	return publish(h, n);
}

/* The common case of put_some() for one item of one word, in half as many instructions. Returns 1,
 * 0 if no room is known, -ESHUTDOWN, or the result of kept_after_closing(). */
static inline ssize_t put_word(struct handle *h, const void *item)
{
	int64_t room = position_distance(h->tail, h->room_limit);
	uint64_t word;

	if (room <= 0)
		return 0;
	if (is_closed(h))
		return -ESHUTDOWN;
	if (room > PREFETCH_ITEMS)
		__builtin_prefetch(slot_of(h, h->tail + PREFETCH_ITEMS), 1);
	memcpy(&word, item, sizeof word);
	/* Relaxed: the store of tail releases it. */
	atomic_store_explicit(slot_of(h, h->tail), word, memory_order_relaxed);
	return publish(h, 1);
}

static bool has_room(struct handle *h, uint64_t want, int64_t *room)
{
	*room = look_for_room(h, want);
	return *room < 0 || *room >= (int64_t)want || is_closed(h);
}

/* Sleep until there is room for `want` items, the queue is closed, or the deadline has passed.
 * Returns 0, -ETIMEDOUT, -EINTR, -EPROTO or -EOWNERDEAD. */
static int sleep_until_room(struct handle *h, uint64_t want, const struct timespec *deadline)
{
	struct shared_gate *gate = &h->two->room;
	int64_t room;

	/* Relaxed: wake_producer() reads it after it has seen the announcement below. */
	atomic_store_explicit(
	        &h->one->wake_at,
	        position_after(h->tail, POSITION_ONES + 1 - h->layout.capacity + want),
	        memory_order_relaxed);
	for (;;) {
		uint32_t epoch = gate_announce(gate);
		enum gate_woken woken;

		if (has_room(h, want, &room))
			return room < 0 ? (int)room : 0;
		if (deadline_has_passed(deadline))
			return -ETIMEDOUT;
		/* Relaxed: a statistic. */
		atomic_fetch_add_explicit(&h->producer_sleeps, 1, memory_order_relaxed);
		woken = gate_sleep(gate, epoch, deadline, h->interruptible);
		if (has_room(h, want, &room))
			return room < 0 ? (int)room : 0;
		if (woken == GATE_SIGNAL)
			return -EINTR;
		if (woken == GATE_SLICE && h->redelivers && reap_finds_losses(h))
			return -EOWNERDEAD;
	}
}

/* Wait for half of the capacity to be free, for ROOM_PAUSES pauses at most. Returns whether
 * has_room() became true. When the first look comes: see look_for_half() in lib/put.c. */
static bool look_for_half(struct handle *h, uint64_t half)
{
	int64_t room;

	for (unsigned made = 0; made < ROOM_PAUSES; made++) {
		if (made >= h->room_pauses && has_room(h, half, &room)) {
			h->room_pauses = made > h->room_pauses ? made - 1 : made / 2;
			return true;
		}
		pause_and_yield();
	}
	return false;
}

/* Sleep until half of the capacity is free, for h->room_ns at most, or else until there is any
 * room. Returns as sleep_until_room(). */
static int sleep_for_half(struct handle *h, uint64_t half, const struct timespec *deadline)
{
	struct timespec soon = spmcq_after(1e-9 * h->room_ns);
	const struct timespec *until = deadline_sooner(&soon, deadline);
	int r = sleep_until_room(h, half, until);

	/* The caller hears of losses only if there is no room at all. */
	if (r == -EOWNERDEAD && h->room_found > 0)
		return 0;
	if (r != -ETIMEDOUT)
		return r;
	if (until == &soon && h->room_found < (int64_t)(h->layout.capacity / 3) &&
	    h->room_ns < ROOM_NS_MOST)
		h->room_ns *= 2;
	return sleep_until_room(h, 1, deadline);
}

/* Wait for room. Returns 0 when there is some or the queue is closed, or an error. */
static int await_room(struct handle *h, const struct timespec *deadline)
{
	uint64_t half = (h->layout.capacity + 1) / 2;
	int64_t room = look_for_room(h, 1);
	bool first = clock_ns() - h->looked_ns >= ROOM_NS, late = deadline_has_passed(deadline);
	int r = 0;

	if (first || h->room_ns == 0)
		h->room_ns = ROOM_NS;
	if (room < 0 || (room == 0 && late))
		return room < 0 ? (int)room : -ETIMEDOUT;
	if (room <= (int64_t)(h->layout.capacity / 8) && (room == 0 || !(first || late)) &&
	    !look_for_half(h, half))
		r = sleep_for_half(h, half, deadline);
	h->looked_ns = clock_ns();
	return r;
}

static int wait_for_room(struct handle *h, const struct timespec *deadline)
{
	int r;

	enter(h);
	r = await_room(h, deadline);
	leave(h);
	return r;
}

/* For a try call. Returns 0 if there is room, else -EAGAIN or -EPROTO. */
static int try_for_room(struct handle *h)
{
	int64_t room;

	if (is_little_room((uint64_t)h->room_found, h->layout.capacity))
		let_gather();
	room = look_for_room(h, 1);
	return room < 0 ? (int)room : room == 0 ? -EAGAIN : 0;
}

/* Put n items, and wait for room unless `try`. Returns how many were put, or an error. */
static ssize_t put_many(struct handle *h, const unsigned char *items, size_t n,
                        const struct timespec *deadline, bool try)
{
	size_t placed = 0;
	ssize_t r;

	for (;;) {
		r = put_some(h, items + placed * h->layout.item_size, n - placed);
		placed += r > 0 ? (size_t)r : 0;
		if (r < 0 || placed == n)
			break;
		if (r > 0)
			continue;
		/* A deadline also ends a call for which consumers make room all the time. */
		if (placed > 0 && deadline_has_passed(deadline))
			break;
		r = try ? try_for_room(h) : wait_for_room(h, deadline);
		if (r < 0)
			break;
	}
	return placed > 0 ? (ssize_t)placed : r;
}

INTERNAL ssize_t shared_put(struct spmcq *q, const void *items, size_t n,
                            const struct timespec *deadline, bool try)
{
	struct handle *h = handle_of(q);
	ssize_t r = refusal(h);

	return r != 0 ? r : put_many(h, items, n, deadline, try);
}

__attribute__((noinline)) static int put_item_slowly(struct spmcq *q, const void *item,
                                                     const struct timespec *deadline, bool try)
{
	return count_to_status(shared_put(q, item, 1, deadline, try));
}

INTERNAL int shared_put_item(struct spmcq *q, const void *item, const struct timespec *deadline,
                             bool try)
{
	struct handle *h = handle_of(q);
	ssize_t r = refusal(h);

	if (r == 0 && h->has_words)
		r = put_word(h, item);
	return r != 0 ? count_to_status(r) : put_item_slowly(q, item, deadline, try);
}

INTERNAL int shared_release_producer(struct spmcq *q)
{
	struct handle *h = handle_of(q);
	uint64_t self = thread_id();
	int r = handle_status(h);

	if (r != 0)
		return r;
	/* Release, pairs with refusal(). */
	if (!h->is_producer ||
	    (!h->unchecked &&
	     !atomic_compare_exchange_strong_explicit(&h->owner, &self, NO_THREAD,
	                                              memory_order_release, memory_order_relaxed)))
		return -EPERM;
	return 0;
}

INTERNAL int shared_take_producer(struct spmcq *q)
{
	struct handle *h = handle_of(q);
	int r = handle_status(h);

	if (r != 0)
		return r;
	if (!h->is_producer)
		return -EPERM;
	/* Acquire, pairs with shared_release_producer(); release, for the next refusal(). */
	atomic_exchange_explicit(&h->owner, thread_id(), memory_order_acq_rel);
	return 0;
}
