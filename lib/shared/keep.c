/*
 * Keeps items that may have to be delivered again.
 *
 * Relaxed accesses are to words that only this process writes. The producer wrote tail and the
 * slots before a consumer could take the item; all other words are written with h->lock held.
 */
#include "keep.h"

#include "run.h"

#include <stdlib.h>

/* --- kept places --- */

/* Returns the position before which slots may have been filled again. All items before it that are
 * held are in kept places. */
static uint64_t kept_up_to(const struct handle *h)
{
	return atomic_load_explicit(&h->one->kept_up_to, memory_order_relaxed);
}

static uint64_t kept_position(const struct handle *h, uint64_t place)
{
	return atomic_load_explicit(&kept_at(h, place)->position, memory_order_relaxed);
}

/* Returns the entry of a position in the index. The index is a hash table with open addressing, at
 * most half full, in this process's memory. An entry is a kept place + 1, or 0 if it is free. */
static uint64_t *index_entry(const struct handle *h, uint64_t position)
{
	uint64_t at = position;

	for (;; at++) {
		uint64_t *entry = &h->places.index[at & h->places.index_mask];

		if (*entry == 0 || kept_position(h, *entry - 1) == position)
			return entry;
	}
}

static uint64_t place_of(const struct handle *h, uint64_t position)
{
	uint64_t entry = *index_entry(h, position);

	return entry != 0 ? entry - 1 : KEPT_NOTHING;
}

INTERNAL int places_make(struct handle *h)
{
	struct places *places = &h->places;
	uint64_t size = 1;

	if (h->layout.kept == 0)
		return 0;
	while (size < 2 * h->layout.kept)
		size *= 2;
	places->index_mask = size - 1;
	places->index = calloc(size, sizeof *places->index);
	places->free = calloc(h->layout.kept, sizeof *places->free);
	places->needed = calloc(h->layout.kept, sizeof *places->needed);
	return places->index != NULL && places->free != NULL && places->needed != NULL ? 0
	                                                                               : -ENOMEM;
}

INTERNAL void places_free(struct handle *h)
{
	free(h->places.index);
	free(h->places.free);
	free(h->places.needed);
}

/* Compute the index and the list of free kept places from the kept places. */
INTERNAL void places_see(struct handle *h)
{
	struct places *places = &h->places;

	if (h->layout.kept == 0)
		return;
	memset(places->index, 0, (places->index_mask + 1) * sizeof *places->index);
	places->n_free = 0;
	for (uint64_t i = h->layout.kept; i-- > 0;)
		if (kept_position(h, i) == KEPT_NOTHING)
			places->free[places->n_free++] = i;
		else
			*index_entry(h, kept_position(h, i)) = i + 1;
}

/* Returns the first position whose slot is needed to read an item: if the item is sealed, the first
 * of its run. The slot of the item itself has not been filled again. */
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

/* Open the run of an item, and seal the item as a run of its own. Returns false if that fails. */
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
	/* The slot may hold a newer item, or the item may not have been put yet. */
	if (position_distance(kept_up_to(h), position) < 0 ||
	    position_distance(kept_up_to(h), read_from(h, position)) < 0 ||
	    position_distance(position,
	                      atomic_load_explicit(&h->one->tail, memory_order_relaxed)) <= 0)
		return KEPT_NOTHING;
	if (h->places.n_free == 0)
		return KEPT_NOTHING;
	place = h->places.free[h->places.n_free - 1];
	if (h->key == NULL)
		copy_aside(h, position, kept_at(h, place));
	else if (!seal_aside(h, position, kept_at(h, place)))
		return KEPT_NOTHING;
	/* Release, for a successor: if it reads the position, it also reads the item. */
	atomic_store_explicit(&kept_at(h, place)->position, position, memory_order_release);
	h->places.n_free--;
	*index_entry(h, position) = place + 1;
	return place;
}

INTERNAL void again_put(struct handle *h, uint64_t place, uint64_t lost_by)
{
	uint64_t tail = atomic_load_explicit(&h->one->again_tail, memory_order_relaxed);
	struct again *again = again_at(h, tail);

	atomic_store_explicit(&again->kept, place, memory_order_relaxed);
	atomic_store_explicit(&again->lost_by, lost_by, memory_order_relaxed);
	/* Release, pairs with lane_end(): the entry and the kept item are written. Sequentially
	 * consistent, for the gate and for is_drained(). */
	atomic_store_explicit(&h->one->again_tail, position_after(tail, 1), memory_order_seq_cst);
	gate_wake(h, &h->two->items, 1);
}

/* --- which kept places are needed, and which items are to be kept --- */

/* One call of make_room(). */
struct sweep {
	struct handle *h;
	uint64_t up_to; /* the slots of positions before it are to be filled again */
	uint64_t used;  /* kept places that are needed */
	uint64_t seen;  /* held items that this pass has looked at */
};

static void need(struct sweep *sweep, uint64_t place)
{
	if (place < sweep->h->layout.kept && !sweep->h->places.needed[place]) {
		sweep->h->places.needed[place] = true;
		sweep->used++;
	}
}

/* Returns how many of these held items to look at; 0 in the lane AGAIN. One pass looks at no more
 * than two items for each kept place. More items cannot be unfinished, so a greater number comes
 * from false notes, which are not allowed to keep the producer busy. */
static uint64_t to_see(struct sweep *sweep, const struct held *held)
{
	uint64_t most = 2 * sweep->h->layout.kept - sweep->seen;
	uint64_t n = held->items < most ? held->items : most;

	sweep->seen += n;
	return held->lane == QUEUE ? n : 0;
}

static void see_kept(void *arg, const struct held *held)
{
	struct sweep *sweep = arg;
	struct handle *h = sweep->h;

	if (held->lane == AGAIN)
		need(sweep, held->start);
	for (uint64_t i = 0, n = to_see(sweep, held); i < n; i++) {
		uint64_t place = place_of(h, position_after(held->start, i));

		if (place != KEPT_NOTHING)
			need(sweep, place);
	}
}

static void see_unkept(void *arg, const struct held *held)
{
	struct sweep *sweep = arg;
	struct handle *h = sweep->h;

	for (uint64_t i = 0, n = to_see(sweep, held); i < n; i++) {
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
			/* No kept place is free for this item: the slots from its run on are not
			 * filled again. */
			sweep->up_to = from;
	}
}

static void see_all_seats(struct sweep *sweep, held_see *see)
{
	struct handle *h = sweep->h;
	uint64_t peers = atomic_load_explicit(&h->one->peers, memory_order_relaxed);

	for (uint64_t peer = 0; peer < peers; peer++) {
		/* Sequentially consistent, pairs with count_seat(). */
		uint64_t used = place_is_used(h, peer)
		                        ? atomic_load_explicit(&line_of(h, peer)->seats,
		                                               memory_order_seq_cst)
		                        : 0;

		for (uint64_t i = 0; i < used && i < h->layout.threads; i++)
			seat_held(h, peer * h->layout.threads + i, see, sweep);
	}
}

/* Mark the kept places of the items in the lane AGAIN as needed. Sequentially consistent, pairs
 * with claim_items(). */
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
		if (!h->places.needed[i])
			atomic_store_explicit(&kept_at(h, i)->position, KEPT_NOTHING,
			                      memory_order_relaxed);
	places_see(h);
}

static uint64_t make_room(struct handle *h, uint64_t limit)
{
	uint64_t slots = h->layout.mask + 1;
	uint64_t up_to = position_after(limit, POSITION_ONES + 1 - slots);
	struct sweep sweep = {.h = h, .up_to = up_to};

	if (position_distance(kept_up_to(h), up_to) <= 0)
		return limit;
	memset(h->places.needed, 0, h->layout.kept * sizeof *h->places.needed);
	/* The lane AGAIN is read before the seats: if an item is taken from the lane in between, it
	 * is found in the seat. In the other order it would be found in neither. */
	see_waiting(&sweep);
	see_all_seats(&sweep, see_kept);
	free_the_rest(h);
	if (sweep.used > h->layout.capacity)
		return position_after(kept_up_to(h), slots);
	sweep.seen = 0;
	see_all_seats(&sweep, see_unkept);
	/* Release, for a successor: if it reads this position, it also reads the items that were
	 * kept. */
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
