/*
 * Getting items, or waiting for them.
 */
#include "calls.h"

#include <errno.h>

/* Looks before sleeping. A sleep and its wake-up cost each side some 10 us. A consumer that gets
 * many items at once soon finds none in a stream, and looks for longer: `spmcq-bench squares
 * --between processes --bulk 32`: a sixth fewer items/s with LOOKS. If it got them one by one, this
 * would be worse: --consumers 5 --bulk 1: a tenth fewer. */
enum { LOOKS = 8, LOOKS_OF_MANY = 32 };

/* Looks of a consumer that has woken the producer since it last ran out of items: the producer is
 * about to put. Waking takes some 50 us; if the consumer slept meanwhile, the producer would fill
 * the ring and sleep until the consumer is awake, and so on. `spmcq-bench squares --between
 * processes --consumers 1`: a sixth fewer items/s with LOOKS. */
enum { LOOKS_FOR_PRODUCER = 128 };

/* As in the queue between threads: if other consumers take CROWD_ITEMS during CROWD_PAUSES, each
 * within CROWD_ITEM_NS, they are a crowd, which one more consumer would hinder. It then sleeps in
 * the reserve for RESERVE_NS at most. A put does not wake the reserve. `spmcq-bench squares
 * --between processes --consumers 5`: 66 M items/s, and 63 with a RESERVE_NS of 10 ms. */
enum { CROWD_ITEMS = 32, CROWD_ITEM_NS = 150, CROWD_PAUSES = 40, RESERVE_NS = 20000000 };

/* As there: if the last look at tail found at least GATHER_ITEMS, and less than a quarter of the
 * capacity, a consumer lets more items gather before the next look. A try call does so if the last
 * CHASE_FOUND looks all found items. If a caller waits for the answer to its own item, looks find
 * nothing before it, so the answer is not delayed. */
enum { GATHER_ITEMS = 8, CHASE_FOUND = 2 };

/* After this many try calls without an item, check whether the producer is gone. */
enum { TRIES = 1024 };

/* Acquire: if this thread reads that the producer is gone, it also sees all items that were put. */
static bool knows_it_is_gone(const struct handle *h)
{
	return atomic_load_explicit(&h->producer_gone, memory_order_acquire);
}

INTERNAL bool producer_is_gone(struct handle *h)
{
	if (h->is_producer)
		return false;
	/* Release, pairs with knows_it_is_gone() in other threads of this process. Acquire of
	 * `left`, for the same reason as there. */
	if (!knows_it_is_gone(h) &&
	    (life_is_over(h->producer_process, h->producer_lifeline) ||
	     atomic_load_explicit(&h->one->left, memory_order_acquire) != 0))
		atomic_store_explicit(&h->producer_gone, true, memory_order_release);
	return knows_it_is_gone(h);
}

/* Returns 0, so that shared_get_item() can end with this call. */
__attribute__((noinline)) static int wake_producer(struct handle *h, struct my_seat *me)
{
	/* Relaxed: the producer stored wake_at before it announced itself, and this thread has seen
	 * the announcement. The load of head sees at least this thread's own take. */
	uint64_t at = atomic_load_explicit(&h->one->wake_at, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&h->two->head, memory_order_relaxed);

	if (h->redelivers || position_distance(at, word_position(head)) >= 0)
		gate_wake(h, &h->two->room, 1);
	me->woke_producer = true;
	return 0;
}

/* Returns 0. */
static inline int after_take(struct handle *h, struct my_seat *me)
{
	return gate_has_waiters(&h->two->room) ? wake_producer(h, me) : 0;
}

/* Take up to max items. Returns how many, 0 if there are none, -ESHUTDOWN, -EPROTO, -EBADMSG or
 * -ENOBUFS. */
static ssize_t get_some(struct handle *h, struct my_seat *me, void *items, size_t max)
{
	ssize_t r = take(h, me, items, max);

	if (r == 0)
		return is_drained(h) ? -ESHUTDOWN : 0;
	after_take(h, me);
	return r;
}

static uint64_t head_glimpsed(const struct handle *h)
{
	/* Relaxed: a hint. */
	return word_position(atomic_load_explicit(&h->two->head, memory_order_relaxed));
}

/* Returns whether other consumers are a crowd. */
static bool see_crowd(const struct handle *h)
{
	uint64_t before = head_glimpsed(h);
	int64_t began = clock_ns(), taken;

	for (int i = 0; i < CROWD_PAUSES; i++)
		ck_pr_stall();
	if (head_glimpsed(h) == before)
		pause_and_yield();
	taken = position_distance(before, head_glimpsed(h));
	return taken >= CROWD_ITEMS && clock_ns() - began < taken * CROWD_ITEM_NS;
}

/* A consumer that waits. */
struct item_wait {
	struct handle *h;
	struct my_seat *me;
	void *items;
	size_t max;
	const struct timespec *deadline;
	ssize_t got; /* what get_some() returned last */
};

static bool look_for_items(struct item_wait *wait)
{
	wait->got = get_some(wait->h, wait->me, wait->items, wait->max);
	return wait->got != 0;
}

static bool look_around(struct item_wait *wait)
{
	int looks = wait->max < GATHER_ITEMS ? LOOKS : LOOKS_OF_MANY;

	if (wait->me->woke_producer)
		looks = LOOKS_FOR_PRODUCER;
	wait->me->woke_producer = false;
	for (int i = 0; i < looks; i++) {
		if (look_for_items(wait))
			return true;
		if (deadline_has_passed(wait->deadline))
			return false;
		pause_and_yield();
	}
	return false;
}

/* Sleep in the reserve. Returns true if a signal handler is to end the call. */
static bool sleep_as_reserve(struct item_wait *wait)
{
	struct shared_gate *gate = &wait->h->two->reserve;
	struct timespec soon = spmcq_after(1e-9 * RESERVE_NS);
	/* Sequentially consistent, pairs with wake_reserve(): read before `closing`. */
	uint32_t epoch = atomic_load_explicit(&gate->epoch, memory_order_seq_cst);

	return is_closed(wait->h) ? false
	                          : gate_sleep(gate, epoch, deadline_sooner(&soon, wait->deadline),
	                                       wait->h->interruptible) == GATE_SIGNAL;
}

/* Sleep until woken, or for a slice. Returns 0 to look again, 1 if wait->got holds the result,
 * -EINTR or -EOWNERDEAD. */
static int sleep_for_items(struct item_wait *wait)
{
	struct handle *h = wait->h;
	uint32_t epoch = gate_announce(&h->two->items);
	enum gate_woken woken;

	if (look_for_items(wait))
		return 1;
	/* All items that the producer put are visible now, so one more look is exact. */
	if (knows_it_is_gone(h))
		return look_for_items(wait) ? 1 : -EOWNERDEAD;
	/* Relaxed: a statistic. */
	atomic_fetch_add_explicit(&h->consumer_sleeps, 1, memory_order_relaxed);
	woken = gate_sleep(&h->two->items, epoch, wait->deadline, h->interruptible);
	if (woken == GATE_SIGNAL)
		return look_for_items(wait) ? 1 : -EINTR;
	if (woken == GATE_SLICE && producer_is_gone(h))
		return look_for_items(wait) ? 1 : -EOWNERDEAD;
	return 0;
}

/* Wait until wait->got holds a result. Returns 0, or the error that ended the wait. */
static int await_items(struct item_wait *wait, bool crowd)
{
	for (;; crowd = see_crowd(wait->h)) {
		bool interrupted = crowd && sleep_as_reserve(wait);
		int r;

		if (look_around(wait))
			return 0;
		if (interrupted || deadline_has_passed(wait->deadline))
			return interrupted ? -EINTR : -ETIMEDOUT;
		r = sleep_for_items(wait);
		if (r != 0)
			return r > 0 ? 0 : r;
	}
}

/* A consumer that waited and got items wakes another sleeper if items are left. */
static void pass_on(struct handle *h)
{
	if (gate_has_waiters(&h->two->items) &&
	    position_distance(head_glimpsed(h), queue_end(h)) > 0)
		gate_wake(h, &h->two->items, 1);
}

/* A try call when no items are known. */
static ssize_t try_unknown(struct item_wait *wait)
{
	struct my_seat *me = wait->me;

	if (me->found == CHASE_FOUND)
		let_gather();
	if (look_for_items(wait)) {
		me->found += me->found < CHASE_FOUND;
		me->found_nothing = 0;
		return wait->got;
	}
	me->found = 0;
	if (++me->found_nothing % TRIES == 0)
		producer_is_gone(wait->h);
	if (!knows_it_is_gone(wait->h))
		return -EAGAIN;
	return look_for_items(wait) ? wait->got : -EOWNERDEAD;
}

/* A waiting call when no items are known. */
static ssize_t get_unknown(struct item_wait *wait)
{
	struct handle *h = wait->h;
	/* Relaxed: a hint. */
	int64_t batch = atomic_load_explicit(&h->batch, memory_order_relaxed);
	bool busy = batch >= GATHER_ITEMS;
	bool near = busy && batch < (int64_t)(h->layout.capacity / 4);
	bool crowd = near && see_crowd(h);
	int r;

	if (!crowd && look_for_items(wait))
		return wait->got;
	/* A joiner may have missed a report that was made without a fence (report_own()). If all is
	 * done, wake it before waiting. */
	after_report(h);
	/* Otherwise two consumers on one processor would take turns with each item run:
	 * `spmcq-bench squares --between processes --consumers 5`: a tenth fewer items/s. */
	if (busy && !crowd)
		crowd = see_crowd(h);
	enter(h);
	r = await_items(wait, crowd);
	if (r == 0 && wait->got > 0)
		pass_on(h);
	leave(h);
	return r != 0 ? r : wait->got;
}

INTERNAL ssize_t shared_get(struct spmcq *q, void *items, size_t max,
                            const struct timespec *deadline, bool try)
{
	struct handle *h = handle_of(q);
	struct item_wait wait = {.h = h, .items = items, .max = max, .deadline = deadline};
	ssize_t r = handle_status(h);

	if (r != 0)
		return r;
	wait.me = seat_mine(h);
	if (wait.me == NULL)
		return -EUSERS;
	r = max == 1 && h->has_words && take_word(h, wait.me, items)
	            ? 1
	            : take_known(h, wait.me, items, max);
	if (r == 0)
		return try ? try_unknown(&wait) : get_unknown(&wait);
	after_take(h, wait.me);
	return r;
}

__attribute__((noinline)) static int get_item_slowly(struct spmcq *q, void *item,
                                                     const struct timespec *deadline, bool try)
{
	return count_to_status(shared_get(q, item, 1, deadline, try));
}

/* The rare cases are tail calls, so that the common case needs no stack frame. */
INTERNAL int shared_get_item(struct spmcq *q, void *item, const struct timespec *deadline, bool try)
{
	struct handle *h = handle_of(q);
	struct my_seat *me = seat_used_last(h);

	return me != NULL && h->has_words && handle_status(h) == 0 && take_word_alone(h, me, item)
	               ? after_take(h, me)
	               : get_item_slowly(q, item, deadline, try);
}
