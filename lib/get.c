/*
 * Getting: takes known items, else reads tail, else waits for items.
 */
#include "queue.h"

#include <errno.h>
#include <string.h>

/* A look that reads a newer tail records how many items there are from head on. If the last record,
 * of any consumer, is at least this many, but less than a quarter of the ring, a consumer that
 * wants fewer items than this pauses before it looks, so that more items gather. `spmcq-bench work
 * --work 200ns --consumers 5`: a fourth fewer items/s without it. A consumer that wants more does
 * not pause (simulate --consumers 4 --bulk 32 --work 200ns: a fourth fewer if it did). But if it is
 * alone or leads, it lets items gather for 16 pause instructions (squares --bulk 32 --consumers 1:
 * a seventh fewer without, where moving a cache line takes 240 ns). */
enum { GATHER_ITEMS = 8 };

/* There is a crowd if other consumers take at least CROWD_ITEMS items while a consumer looks and
 * pauses, and take CROWD_ITEM_NS or less for each; consumers that work on their items are slower.
 * (The number alone is not enough, as a pause may be long.) `spmcq-bench work --work 200ns
 * --consumers 2`: 4.4 instead of 7.0 M items/s if no crowd were seen. squares --consumers 5 --pin
 * same: 60 instead of 79 M items/s if a crowd were seen in the first pause only. */
enum { CROWD_ITEMS = 32, CROWD_ITEM_NS = 150 };

/* Before it sleeps, a consumer looks and pauses in turn, as sleeping and waking take each side some
 * 10 us. It makes as many pauses as its cell's `patience` says, at most PAUSES_MOST. If all were in
 * vain, patience falls to PAUSES_MOST if it was above, else by a quarter, but not below 1, or
 * YIELDS_LEAST if they were yields. A
 * consumer makes LONG_PAUSES, some 50 us if they are yields, in three cases. (1) It is the leader:
 * if it slept, a put would wake another consumer, perhaps on the producer's processor. `spmcq-bench
 * squares --consumers 64`: half the items/s without. (2) It has woken the producer since it last
 * ran out of items: if it slept before the producer puts, the producer would fill the ring and
 * sleep in turn until this consumer is awake. squares --consumers 1 --bulk 32: half the items/s
 * without on two cores of a Xeon (on an EPYC as many). (3) It insists: see struct item_wait.
 * SPMCQ_MODEL: a model checker gains nothing from pauses. */
#ifdef SPMCQ_MODEL
enum { PAUSES_MOST = 0, YIELDS_LEAST = 0, LONG_PAUSES = 0 };
#else
enum { PAUSES_MOST = 8, YIELDS_LEAST = 3, LONG_PAUSES = 128 };
#endif

/* A consumer that slept for less than this is taken to be in a stream of items, and looks for
 * longer before it sleeps. `spmcq-bench simulate --consumers 1 --work 200ns --interval 3us`: the
 * median time from put to get is 1.5 times as long without it, twice as long with --machine
 * desktop --cores 2, and six times as long with YIELDS_LEAST of 1. */
enum { STREAM_NS = 50000 };

/* k reserves sleep k + 1 times this long at most, so one of them looks every 3 to 6 ms. This bounds
 * how long an item waits if the consumers that puts rely on are stopped or have left. With k
 * instead of k + 1, `spmcq-bench squares --consumers 2` moves 6 % fewer items/s. */
enum { RESERVE_NS = 3000000 };

/* A try_get lets items gather before it looks if the last STREAMING looks of the same thread all
 * found items: where all consumers use try_get, this is two to three times as fast. A thread that
 * polls for the answer to its own item is not delayed, as its looks before the answer find
 * nothing. */
enum { STREAMING = 2 };

/* Wake the producer if the room that it sleeps for is free. Returns 0. The producer takes some
 * microseconds to wake up, so only one consumer wakes it for each sleep. As that consumer may be
 * stopped before it does, each final look wakes the producer once more. again: the caller made a
 * final look. */
SLOW_PATH static int wake_producer_if_room(struct spmcq *q, struct cell *cell, bool again)
{
	/* Relaxed: stored before the announcement that we saw. */
	uint64_t at = atomic_load_explicit(&q->wake_producer_at, memory_order_relaxed);
	uint32_t entered = atomic_load_explicit(&q->room.entered, memory_order_relaxed);

	if (position_distance(at, cursor_head(&q->ring.cursor)) < 0)
		return 0;
	/* Relaxed: a hint, which final looks do not rely on. */
	if (!again && atomic_load_explicit(&q->producer_woken, memory_order_relaxed) == entered)
		return 0;
	atomic_store_explicit(&q->producer_woken, entered, memory_order_relaxed);
	gate_wake(&q->room, 1);
	CELL_SET(cell, patience, LONG_PAUSES);
	return 0;
}

/* After taking items, or looking for them. Returns 0. */
static inline int after_take(struct spmcq *q, struct cell *cell, bool again)
{
	return gate_sleepers(&q->room) != 0 ? wake_producer_if_room(q, cell, again) : 0;
}

/* Take exactly n known items. Returns n; or 0 if fewer are known, or head holds the id of a lead
 * that is not the caller's now, or the claims were lost. */
static ssize_t get_known(struct spmcq *q, struct cell *cell, void *items, size_t n)
{
	bool in_turn = cell_takes_turns(cell) && !cursor_is_held_by(&q->ring.cursor, cell);

	if (!(in_turn ? ring_take_in_turn : ring_take_known)(&q->ring, cell, items, n))
		return 0;
	after_take(q, cell, false);
	return (ssize_t)n;
}

/* Take the items that are there, up to max. Returns how many, 0 when empty, or -ESHUTDOWN. */
static inline ssize_t get_some(struct spmcq *q, struct cell *cell, void *items, size_t max,
                               bool final)
{
	ssize_t r = ring_take(&q->ring, cell, items, max, final);

	/* Also if we took nothing: we may have ended the lead of a leader that was stopped before
	 * it woke the producer. */
	after_take(q, cell, final);
	return r;
}

struct item_wait {
	struct spmcq *q;
	struct cell *cell;
	void *items;
	size_t max;
	const struct timespec *deadline;
	ssize_t got; /* what get_some() returned last */
	bool crowd;  /* the consumer saw a crowd, and has not slept since */
	/* Its last sleep as a reserve took RESERVE_NS or more, and there was a crowd. Now it
	 * competes with the crowd: otherwise the longest get of 3 consumers would take 22 instead
	 * of 12 ms, of 5 consumers 67 instead of 23. */
	bool insists;
};

static bool look_for_items(struct item_wait *wait, bool final)
{
	wait->got = get_some(wait->q, wait->cell, wait->items, wait->max, final);
	return wait->got != 0;
}

/* Returns whether there has been a crowd since head and the clock were read. At least one
 * consumer stays awake: the last to begin its wait counts only items that were taken after that,
 * and a consumer that took one of them was not lying down. */
static bool was_crowd(const struct spmcq *q, uint64_t head, int64_t began)
{
	const struct cursor *cursor = &q->ring.cursor;
	int64_t taken = position_distance(head, cursor_head(cursor));

	return taken >= CROWD_ITEMS && clock_ns() - began < taken * CROWD_ITEM_NS &&
	       !cursor_is_closed(cursor);
}

/* Pause, and return whether there is a crowd. The pause is a spin first, and a yield only if head
 * has not moved: Linux 6.18 may keep a thread that yields often waiting for up to 100 ms. */
static bool pause_and_see_crowd(struct spmcq *q)
{
	uint64_t before = cursor_head(&q->ring.cursor);
	int64_t began = clock_ns();

	pause_and_spin();
	/* Other consumers may be waiting for our processor. */
	if (cursor_head(&q->ring.cursor) == before)
		pause_and_yield();
	return was_crowd(q, before, began);
}

/* Look and pause in turn, until wait->got holds a result, or there is a crowd (unless the consumer
 * insists), or the pauses are used up. Patience adapts to how many pauses the last calls needed; a
 * crowd lowers it like pauses in vain. busy: items come in a stream, so pauses are yields. Returns
 * whether there is a result. */
static bool look_and_pause(struct item_wait *wait, bool busy)
{
	uint64_t before = cursor_head(&wait->q->ring.cursor);
	int64_t began = clock_ns();
	bool holds = cursor_is_held_by(&wait->q->ring.cursor, wait->cell);
	unsigned patience = CELL_GET(wait->cell, patience);
	unsigned pauses = holds || wait->insists ? LONG_PAUSES : patience;
	unsigned least = busy ? YIELDS_LEAST : 1, most = PAUSES_MOST, made = 0;

	while (!look_for_items(wait, false)) {
		wait->crowd = !wait->insists && was_crowd(wait->q, before, began);
		if (wait->crowd || made == pauses || deadline_has_passed(wait->deadline)) {
			patience = patience > most ? most : patience - (patience + 3) / 4;
			CELL_SET(wait->cell, patience,
			         (uint8_t)(patience < least ? least : patience));
			return false;
		}
		/* A consumer that insists yields only in every fourth pause, as others take each
		 * new item while it yields. */
		if (holds || (busy && (!wait->insists || made % 4 == 0)))
			pause_and_yield();
		else
			pause_and_spin();
		made++;
	}
	/* Allow twice as many pauses next time, to notice if more would help. */
	pauses = 2 * made;
	if (made > 0 && !holds && !wait->insists)
		CELL_SET(wait->cell, patience, (uint8_t)(pauses < most ? pauses : most));
	return true;
}

/* Between its announcement and its sleep a reserve does not look, so it may overlook an item that
 * was put before. Therefore its sleep has a time-out. */
static bool sleep_in_reserve(struct spmcq *q, const struct timespec *deadline)
{
	uint32_t epoch = gate_announce(&q->reserve);
	struct timespec soon = spmcq_after(1e-9 * RESERVE_NS * (gate_sleepers(&q->reserve) + 1));
	bool interrupted = false;

	/* Pairs with spmcq_shutdown(), whose wake-up is not missed. */
	if (!cursor_is_closed(&q->ring.cursor))
		interrupted = gate_sleep(&q->reserve, epoch, deadline_sooner(&soon, deadline));
	gate_leave(&q->reserve);
	return interrupted;
}

/* S1 to S4 of a sleeper (see gate.h). Returns whether a signal handler ran. */
static bool sleep_until_woken(struct item_wait *wait)
{
	struct gate *items = &wait->q->items;
	uint32_t epoch = gate_announce(items);
	bool interrupted = false;

	if (!look_for_items(wait, true))
		interrupted = gate_sleep(
		        items, epoch, deadline_for_sleep(wait->deadline, wait->q->interruptible));
	gate_leave(items);
	return interrupted;
}

/* Sleep, as a reserve or as a sleeper. Returns whether a signal handler ran. */
static bool sleep_once(struct item_wait *wait)
{
	struct spmcq *q = wait->q;
	struct cursor *cursor = &q->ring.cursor;
	uint64_t before = cursor_head(cursor);
	int64_t began = clock_ns(), slept;
	bool holds = cursor_is_held_by(cursor, wait->cell);
	bool reserve = watch_lie_down(&q->watch, wait->crowd, !holds && cursor_is_held(cursor));
	bool interrupted;

	/* A reserve needs no final look; but if it is the leader it makes one, to end its lead. */
	if (reserve && !(holds && look_for_items(wait, true)))
		interrupted = sleep_in_reserve(q, wait->deadline);
	else
		interrupted = !reserve && sleep_until_woken(wait);
	watch_get_up(&q->watch, reserve);
	wait->crowd = false;
	slept = clock_ns() - began;
	CELL_SET(wait->cell, streaming, slept < STREAM_NS ? 1 : 0);
	wait->insists = reserve && slept >= RESERVE_NS &&
	                position_distance(before, cursor_head(cursor)) * CROWD_ITEM_NS > slept;
	if (reserve && slept >= RESERVE_NS)
		watch_note_crowd(&q->watch, wait->insists);
	return interrupted;
}

/* Sleep again and again until wait->got holds a result. Returns 0 then, or -ETIMEDOUT or -EINTR. */
static int sleep_until_items(struct item_wait *wait)
{
	struct spmcq *q = wait->q;

	for (;;) {
		uint64_t before = cursor_head(&q->ring.cursor);
		bool interrupted = sleep_once(wait);

		if (wait->got != 0)
			return 0;
		/* A look ends another consumer's lead, so look only if there are items now, or if
		 * head moved during the sleep: then items come, even if others have taken each of
		 * them by now. */
		if ((ring_size(&q->ring) > 0 || cursor_is_closed(&q->ring.cursor) ||
		     before != cursor_head(&q->ring.cursor)) &&
		    look_and_pause(wait, true))
			return 0;
		interrupted = interrupted && q->interruptible;
		if (interrupted || deadline_has_passed(wait->deadline))
			return look_for_items(wait, true) ? 0 : interrupted ? -EINTR : -ETIMEDOUT;
	}
}

/* If more than this many reserves sleep, a consumer whose wait ends wakes two of them for items
 * that are left, so that many wake as a tree: if waking up takes 0.1 ms, 64 sleeping consumers get
 * an item each in 2 ms, instead of 7 if it always woke one. Otherwise it wakes one, because the
 * awake consumers usually take the items first: `spmcq-bench squares --consumers 5 --pin same`
 * moves a fifth fewer items/s if it always wakes two. */
enum { MANY_RESERVES = 8 };

/* Wake other consumers for the items that are left. */
static void pass_on(struct spmcq *q)
{
	size_t left = ring_size(&q->ring);

	if (left == 0 || !watch_needs_waking(&q->watch))
		return;
	if (watch_has_sleepers(&q->watch))
		gate_wake(&q->items, left);
	else
		gate_wake(&q->reserve, gate_sleepers(&q->reserve) > MANY_RESERVES ? 2 : 1);
}

SLOW_PATH static ssize_t await_items(struct item_wait *wait, bool busy)
{
	struct spmcq *q = wait->q;
	int r = 0;

	enter(q);
	watch_begin_to_look(&q->watch);
	if (wait->crowd || !look_and_pause(wait, busy))
		r = sleep_until_items(wait);
	watch_end_to_look(&q->watch);
	/* Puts may have relied on us to look. If we are the leader, they still do. */
	if (!cursor_is_held_by(&q->ring.cursor, wait->cell))
		pass_on(q);
	leave(q);
	return r != 0 ? r : wait->got;
}

/* Let the consumer become the leader if it has taken enough items alone. If there are sleepers, not
 * only reserves, its lead ends at once. */
static inline void hold_cursor(struct spmcq *q, struct cell *cell)
{
	struct cursor *cursor = &q->ring.cursor;

	if (!cursor_hold(cursor, cell))
		return;
	/* Pairs with watch_lie_down(), after which a sleeper makes a final look. */
	if (watch_has_sleepers(&q->watch))
		cursor_share(cursor);
	/* Puts may have relied on us in between. */
	if (!cursor_is_held_by(cursor, cell))
		pass_on(q);
}

/* Get items when get_known() or ring_take_word() took nothing. It may pause first, so that items
 * gather, as each read of tail moves its cache line away from the producer: see GATHER_ITEMS. If
 * items come fast, it also pauses after a look in vain, to see whether there is a crowd. */
SLOW_PATH static ssize_t get_unknown(struct spmcq *q, struct cell *cell, void *items, size_t max,
                                     const struct timespec *deadline)
{
	struct item_wait wait = {q, cell, items, max, deadline, 0, false, false};
	uint64_t batch = ring_batch(&q->ring);
	bool busy = batch >= GATHER_ITEMS || CELL_GET(cell, streaming);
	bool near = batch >= GATHER_ITEMS && batch < q->ring.capacity / 4;
	bool got;

	if (near && max < GATHER_ITEMS) {
		wait.crowd = pause_and_see_crowd(q);
	} else if (near && (CELL_GET(cell, alone) || cursor_is_held_by(&q->ring.cursor, cell))) {
		let_gather();
		let_gather();
	}
	got = !wait.crowd && look_for_items(&wait, false);

	hold_cursor(q, cell);
	if (got)
		return wait.got;
	/* While we lead, nobody else takes items, so there is no crowd. */
	if (busy && !wait.crowd && !cursor_is_held_by(&q->ring.cursor, cell))
		wait.crowd = pause_and_see_crowd(q);
	return await_items(&wait, busy);
}

static ssize_t try_get_many(struct spmcq *q, struct cell *cell, void *items, size_t max)
{
	uint8_t streaming = CELL_GET(cell, streaming);
	ssize_t r;

	/* So that items gather: see STREAMING. */
	if (streaming == STREAMING)
		let_gather();
	/* While the cursor is held, each "empty" would cost a system call. */
	if (cursor_is_held(&q->ring.cursor))
		cursor_share_for_good(&q->ring.cursor);
	r = get_some(q, cell, items, max, true);
	if (streaming < STREAMING)
		streaming++;
	CELL_SET(cell, streaming, r > 0 ? streaming : 0);
	return r != 0 ? r : -EAGAIN;
}

FAST_PATH ssize_t get_many(struct spmcq *q, void *items, size_t max,
                           const struct timespec *deadline, bool try)
{
	struct cell *cell;
	ssize_t r;

	if (q == NULL || items == NULL || max == 0 || !deadline_is_valid(deadline))
		return -EINVAL;
	if (is_elsewhere(q))
		return q->elsewhere.get(q, items, max, deadline, try);
	cell = my_cell(q);
	if (try)
		return try_get_many(q, cell, items, max);
	r = get_known(q, cell, items, max);
	return r != 0 ? r : get_unknown(q, cell, items, max, deadline);
}

ssize_t spmcq_get_many_until(struct spmcq *q, void *items, size_t max,
                             const struct timespec *deadline)
{
	return get_many(q, items, max, deadline, false);
}

ssize_t spmcq_try_get_many(struct spmcq *q, void *items, size_t max)
{
	return get_many(q, items, max, NULL, true);
}

ssize_t spmcq_get_many(struct spmcq *q, void *items, size_t max)
{
	return get_many(q, items, max, NULL, false);
}

__attribute__((noinline)) static int get_item_slowly(struct spmcq *q, void *item,
                                                     const struct timespec *deadline, bool try)
{
	return count_to_status(get_many(q, item, 1, deadline, try));
}

__attribute__((noinline)) static int get_item_unknown(struct spmcq *q, struct cell *cell,
                                                      void *item, const struct timespec *deadline)
{
	return count_to_status(get_unknown(q, cell, item, 1, deadline));
}

SLOW_PATH static int get_item_disputed(struct spmcq *q, struct cell *cell, void *item,
                                       uint64_t word, const struct timespec *deadline, bool try)
{
	if (!cursor_settle(&q->ring.cursor, cell, 1))
		return get_item_slowly(q, item, deadline, try);
	memcpy(item, &word, sizeof word);
	return after_take(q, cell, false);
}

FAST_PATH int get_item_with(struct spmcq *q, struct cell *cell, void *item,
                            const struct timespec *deadline, bool try)
{
	uint64_t word;

	switch (ring_take_word(&q->ring, cell, &word)) {
	case RING_TAKEN:
		memcpy(item, &word, sizeof word);
		return after_take(q, cell, false);
	case RING_DISPUTED:
		return get_item_disputed(q, cell, item, word, deadline, try);
	case RING_NONE_KNOWN:
		return try ? get_item_slowly(q, item, deadline, true)
		           : get_item_unknown(q, cell, item, deadline);
	default:
		return get_item_slowly(q, item, deadline, try);
	}
}

/* For threads whose cells are not at their homes. */
__attribute__((noinline)) static int get_item_by_search(struct spmcq *q, void *item,
                                                        const struct timespec *deadline, bool try)
{
	return get_item_with(q, cell_find(&q->ring.cursor.cells), item, deadline, try);
}

/* Get one item. Needs no stack frame, as put_item(). */
FAST_PATH int get_item(struct spmcq *q, void *item, const struct timespec *deadline, bool try)
{
	struct cell *cell;

	if (q == NULL || item == NULL || !deadline_is_valid(deadline))
		return -EINVAL;
	cell = cell_at_home(&q->ring.cursor.cells);
	if (cell == NULL && is_elsewhere(q))
		return q->elsewhere.get_item(q, item, deadline, try);
	if (cell == NULL)
		return get_item_by_search(q, item, deadline, try);
	return get_item_with(q, cell, item, deadline, try);
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
