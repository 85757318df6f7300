/*
 * Items that may have to be given out again.
 */
#include "keep.h"

#include "reap.h"
#include "run.h"

#include <stdlib.h>

/* --- places --- */

/* Slots of positions before it may be filled anew; of them, those that are held are kept. */
static uint64_t kept_up_to(const struct handle *h)
{
	return atomic_load_explicit(&h->one->kept_up_to, memory_order_relaxed);
}

static uint64_t kept_position(const struct handle *h, uint64_t place)
{
	return atomic_load_explicit(&kept_at(h, place)->position, memory_order_relaxed);
}

static uint64_t find_place(const struct handle *h, uint64_t position)
{
	for (uint64_t i = 0; i < h->layout.kept; i++)
		if (kept_position(h, i) == position)
			return i;
	return KEPT_NOTHING;
}

static uint64_t place_of(const struct handle *h, uint64_t position)
{
	return h->kept_n > 0 ? find_place(h, position) : KEPT_NOTHING;
}

/* The first slot that the item of a position is read from: sealed, that of its run. The slot of the
 * position is intact. */
static uint64_t read_from(const struct handle *h, uint64_t position)
{
	uint64_t run_at, n;

	return h->key != NULL && run_find(h, position, &run_at, &n) ? run_at : position;
}

static void copy_aside(struct handle *h, uint64_t position, struct kept *kept)
{
	const slot_word *from = slot_of(h, position);
	size_t words = (h->layout.item_size + WORD - 1) / WORD;

	for (size_t i = 0; i < words; i++)
		atomic_store_explicit(kept_item(kept) + i,
		                      atomic_load_explicit(from + i, memory_order_relaxed),
		                      memory_order_relaxed);
}

/* Open the run that an item is of, and seal the item by itself. Returns whether that worked. */
static bool seal_aside(struct handle *h, uint64_t position, struct kept *kept)
{
	size_t item_size = h->layout.item_size, sealed = item_size + h->layout.tag_size;
	uint64_t run_at, n;

	if (!run_find(h, position, &run_at, &n))
		return false;
	run_read(h, run_at, n, h->run);
	if (run_open(h, h->run, run_at, n, (position - run_at) & POSITION_ONES, 1, h->aside) != 0)
		return false;
	if (spmcq_seal_items(h->key, RUN_AGAIN | position, h->aside, 1, item_size, h->aside,
	                     sealed) < 0)
		return false;
	words_in(kept_item(kept), h->aside, sealed, kept_item(kept));
	return true;
}

INTERNAL uint64_t keep_item(struct handle *h, uint64_t position)
{
	uint64_t place = place_of(h, position);

	if (place != KEPT_NOTHING)
		return place;
	/* The slot holds another item by now, or none yet. */
	if (position_distance(kept_up_to(h), position) < 0 ||
	    position_distance(kept_up_to(h), read_from(h, position)) < 0 ||
	    position_distance(position,
	                      atomic_load_explicit(&h->one->tail, memory_order_relaxed)) <= 0)
		return KEPT_NOTHING;
	place = find_place(h, KEPT_NOTHING);
	if (place == KEPT_NOTHING)
		return KEPT_NOTHING;
	if (h->key == NULL)
		copy_aside(h, position, kept_at(h, place));
	else if (!seal_aside(h, position, kept_at(h, place)))
		return KEPT_NOTHING;
	/* Release: a successor that finds the position finds the item. */
	atomic_store_explicit(&kept_at(h, place)->position, position, memory_order_release);
	h->kept_n++;
	return place;
}

INTERNAL void again_put(struct handle *h, uint64_t place, uint64_t lost_by)
{
	uint64_t tail = atomic_load_explicit(&h->one->again_tail, memory_order_relaxed);
	struct again *again = again_at(h, tail);

	atomic_store_explicit(&again->kept, place, memory_order_relaxed);
	atomic_store_explicit(&again->lost_by, lost_by, memory_order_relaxed);
	/* Release, pairs with lane_end(): the place, and the item there. Sequentially consistent,
	 * for the gate. */
	atomic_store_explicit(&h->one->again_tail, position_after(tail, 1), memory_order_seq_cst);
	gate_wake(h, &h->two->items, 1);
}

/* --- which places are needed, and what is to be put aside --- */

struct sweep {
	struct handle *h;
	uint64_t up_to; /* slots before it are to be filled anew */
	uint64_t used;
};

static void need(struct sweep *sweep, uint64_t place)
{
	if (place < sweep->h->layout.kept && !sweep->h->needed[place]) {
		sweep->h->needed[place] = true;
		sweep->used++;
	}
}

static void see_kept(void *arg, const struct held *held)
{
	struct sweep *sweep = arg;
	struct handle *h = sweep->h;

	if (held->lane == AGAIN)
		need(sweep, held->start);
	for (uint64_t i = 0; held->lane == QUEUE && i < held->items; i++) {
		uint64_t place = place_of(h, position_after(held->start, i));

		if (place != KEPT_NOTHING)
			need(sweep, place);
	}
}

static void see_unkept(void *arg, const struct held *held)
{
	struct sweep *sweep = arg;
	struct handle *h = sweep->h;

	for (uint64_t i = 0; held->lane == QUEUE && i < held->items; i++) {
		uint64_t position = position_after(held->start, i), from;

		if (position_distance(kept_up_to(h), position) < 0 ||
		    place_of(h, position) != KEPT_NOTHING)
			continue;
		from = read_from(h, position);
		if (position_distance(from, sweep->up_to) <= 0 ||
		    position_distance(kept_up_to(h), from) < 0)
			continue;
		if (sweep->used < h->layout.capacity && keep_item(h, position) != KEPT_NOTHING)
			sweep->used++;
		else
			sweep->up_to = from;
	}
}

static void see_all_seats(struct sweep *sweep, held_see *see)
{
	struct handle *h = sweep->h;
	uint64_t peers = atomic_load_explicit(&h->one->peers, memory_order_relaxed);

	for (uint64_t peer = 0; peer < peers; peer++) {
		uint64_t used =
		        atomic_load_explicit(&line_of(h, peer)->seats, memory_order_seq_cst);

		for (uint64_t i = 0; i < used && i < h->layout.threads; i++)
			seat_held(h, peer * h->layout.threads + i, see, sweep);
	}
}

/* Those that wait for being taken again. */
static void see_waiting(struct sweep *sweep)
{
	struct handle *h = sweep->h;
	uint64_t tail = atomic_load_explicit(&h->one->again_tail, memory_order_relaxed);
	uint64_t at =
	        word_position(atomic_load_explicit(&h->two->again_head, memory_order_seq_cst));

	for (uint64_t i = 0; i <= h->layout.again_mask && position_distance(at, tail) > 0;
	     i++, at = position_after(at, 1))
		need(sweep, atomic_load_explicit(&again_at(h, at)->kept, memory_order_relaxed));
}

static void free_the_rest(struct handle *h)
{
	for (uint64_t i = 0; i < h->layout.kept; i++)
		if (!h->needed[i])
			atomic_store_explicit(&kept_at(h, i)->position, KEPT_NOTHING,
			                      memory_order_relaxed);
}

static uint64_t make_room(struct handle *h, uint64_t limit)
{
	uint64_t slots = h->layout.mask + 1;
	uint64_t up_to = position_after(limit, POSITION_ONES + 1 - slots);
	struct sweep sweep = {.h = h, .up_to = up_to};

	if (position_distance(kept_up_to(h), up_to) <= 0)
		return limit;
	memset(h->needed, 0, h->layout.kept * sizeof *h->needed);
	/* Waiting first: one that is taken meanwhile is then seen as held. */
	see_waiting(&sweep);
	see_all_seats(&sweep, see_kept);
	free_the_rest(h);
	h->kept_n = sweep.used;
	if (sweep.used > h->layout.capacity)
		return position_after(kept_up_to(h), slots);
	see_all_seats(&sweep, see_unkept);
	atomic_store_explicit(&h->one->kept_up_to, sweep.up_to, memory_order_release);
	return position_after(sweep.up_to, slots);
}

INTERNAL uint64_t keep_room(struct handle *h, uint64_t limit)
{
	pthread_mutex_lock(&h->lock);
	limit = make_room(h, limit);
	pthread_mutex_unlock(&h->lock);
	return limit;
}

INTERNAL bool keep_waits_for_reaping(struct handle *h)
{
	return reap_finds_losses(h);
}
