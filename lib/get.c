/*
 * Getting: what is known of first, then what there is, else after waiting for some.
 */
#include "queue.h"

#include "clock.h"
#include "lead.h"

#include <errno.h>
#include <string.h>

/* A consumer that found so many items at its last look, and less than a quarter of the ring, lets
 * more gather before the next. */
enum { GATHER_ITEMS = 8 };

/* But only if they come so fast, by as many of them: else they waited for a consumer that was kept
 * from running. */
enum { PACE_NS = 4000 };

/* Others take this many items during one pause, one each 150 ns or less: no faster than that can
 * they be where items mean work. A pause may last long, as others run meanwhile, so the number
 * alone does not tell. `spmcq-bench work --work 200ns --consumers 2`: 7.0 M items/s instead of 4.4.
 */
enum { CROWD_ITEMS = 32, CROWD_ITEM_NS = 150, CROWD_PAUSES = 4 };

/* Some 50 us: with 64 consumers twice as fast as without. `spmcq-bench squares --consumers 64` */
enum { LEADER_PAUSES = 64 };

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

/* So often a get that loses tries again before it looks whether there is a crowd. */
enum { TRIES = 4 };

/* Take n items that are known of: n, or 0 if that many are not, or others were faster too often.
 * Where another consumer is faster, it waits a little and tries again, for fewer, down to one. */
static ssize_t get_known(struct spmcq *q, struct cell *cell, void *items, size_t n)
{
	enum ring_take how = ring_take_known(&q->ring, cell, items, n);
	bool lost = how == RING_LOST;

	for (int i = 0; how == RING_LOST && cell != NULL && i < TRIES; i++) {
		cell_back_off(cell, ring_head(&q->ring));
		n = n > 1 ? n / 2 : 1;
		how = ring_take_known(&q->ring, cell, items, n);
	}
	if (how != RING_TAKEN)
		return 0;
	if (lost)
		cell_was_fast(cell);
	taken(q);
	return (ssize_t)n;
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
	       ring_keeps_pace(&q->ring, GATHER_ITEMS, PACE_NS);
}

/* Pause; true if others took so many items meanwhile that one more consumer is a hindrance. They
 * cannot all think so of each other at once: who pauses does not take. */
static bool is_crowded(void *arg, bool last)
{
	struct spmcq *q = arg;
	uint64_t before = ring_head(&q->ring);
	int64_t began = clock_ns(), taken;

	(void)last;
	gate_yield();
	taken = ring_distance(before, ring_head(&q->ring));
	return taken >= CROWD_ITEMS && clock_ns() - began < taken * CROWD_ITEM_NS &&
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
	cell = cell_own(&q->ring.cells);
	r = get_known(q, cell, items, max);
	return r != 0 ? r : get_unknown(q, cell, items, max, deadline);
}

ssize_t spmcq_try_get_many(struct spmcq *q, void *items, size_t max)
{
	struct cell *cell;
	ssize_t r;

	if (q == NULL || items == NULL || max == 0)
		return -EINVAL;
	cell = cell_own(&q->ring.cells);
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

FAST_PATH int get_item_with(struct spmcq *q, struct cell *cell, void *item,
                            const struct timespec *deadline, bool try)
{
	uint64_t word;

	switch (ring_take_word(&q->ring, cell, &word)) {
	case RING_TAKEN:
		memcpy(item, &word, sizeof word);
		return taken(q);
	case RING_TAKE_DISPUTED:
		return get_item_disputed(q, cell, item, word, deadline, try);
	case RING_NONE_KNOWN:
		return try ? try_get_item_slowly(q, item)
		           : get_item_unknown(q, cell, item, deadline);
	default:
		return try ? try_get_item_slowly(q, item) : get_item_slowly(q, item, deadline);
	}
}

/* For a thread whose cell is not at home, or which has none. */
__attribute__((noinline)) static int get_item_from_afar(struct spmcq *q, void *item,
                                                        const struct timespec *deadline)
{
	return get_item_with(q, cell_find(&q->ring.cells, self_id()), item, deadline, false);
}

__attribute__((noinline)) static int try_get_item_from_afar(struct spmcq *q, void *item)
{
	return get_item_with(q, cell_find(&q->ring.cells, self_id()), item, NULL, true);
}

/* One item: as put_item(). */
FAST_PATH int get_item(struct spmcq *q, void *item, const struct timespec *deadline, bool try)
{
	struct cell *cell;

	if (q == NULL || item == NULL || !is_deadline(deadline))
		return -EINVAL;
	cell = cell_at_home(&q->ring.cells);
	if (cell == NULL)
		return try ? try_get_item_from_afar(q, item)
		           : get_item_from_afar(q, item, deadline);
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
