/*
 * The ring's protocol. Who pairs with whom:
 *
 *   R1 ring_put() moves tail    -> A1 ring_take() reads tail:  the items below it can be read
 *   R2 ring_take() moves head   -> A2 ring_put() reads head:   the slots below it were read out
 *   R2 ring_take() moves head   -> A3 ring_take() reads head:  a tail read next is not behind it
 *   R4 ring_take() stores tail_seen -> A4 reads it:            the same as A1, at second hand
 *
 * R1 and R2, and the loads in ring_take() and ring_room(), are sequentially consistent for the
 * sake of the gates: who publishes and then looks for sleepers, and who announces that it sleeps
 * and then looks at the ring, cannot both see nothing (see gate.h).
 */
#include "ring.h"

#include <errno.h>
#include <string.h>

/* How far ahead of tail the producer asks for slots: consumers had them last, and publishing waits
 * until they have come. About as long as a line takes to move, in items of one word. */
enum { PREFETCH_ITEMS = 32 };

static uint64_t slots_for(size_t capacity)
{
	uint64_t slots = 1;

	while (slots < capacity)
		slots *= 2;
	return slots;
}

INTERNAL size_t ring_slots_bytes(size_t capacity, size_t item_size)
{
	const size_t word = sizeof(ring_word);
	uint64_t slots, slot_bytes;

	if (capacity > PTRDIFF_MAX || item_size > PTRDIFF_MAX)
		return 0;
	slots = slots_for(capacity);
	slot_bytes = ((uint64_t)item_size + word - 1) / word * word;
	if (slots > PTRDIFF_MAX / slot_bytes)
		return 0;
	return (size_t)(slots * slot_bytes);
}

INTERNAL void ring_init(struct ring *ring, size_t capacity, size_t item_size, size_t words_offset,
                        uint64_t first)
{
	first &= ~RING_CLOSED;
	ring->mask = slots_for(capacity) - 1;
	ring->capacity = capacity;
	ring->item_size = item_size;
	ring->slot_words = (item_size + sizeof(ring_word) - 1) / sizeof(ring_word);
	ring->words_offset = words_offset;
	ring->first = first;
	ring->head_seen = first;
	atomic_init(&ring->tail, first);
	atomic_init(&ring->head, first);
	atomic_init(&ring->tail_seen, first);
	atomic_init(&ring->batch, 0);
}

static ring_word *first_word(const struct ring *ring)
{
	unsigned char *base = (unsigned char *)(uintptr_t)ring;

	return (ring_word *)(void *)(base + ring->words_offset);
}

static ring_word *slot_at(const struct ring *ring, uint64_t position)
{
	return first_word(ring) + (size_t)(position & ring->mask) * ring->slot_words;
}

/* The same for items of one word. */
static ring_word *word_at(const struct ring *ring, uint64_t position)
{
	return first_word(ring) + (position & ring->mask);
}

/* Relaxed, here and in words_read(): R1/A1 and R2/A2 order the words of a slot. */
static void words_write(ring_word *to, const unsigned char *from, size_t bytes)
{
	uint64_t word;

	for (; bytes >= sizeof word; bytes -= sizeof word, from += sizeof word) {
		memcpy(&word, from, sizeof word);
		atomic_store_explicit(to++, word, memory_order_relaxed);
	}
	if (bytes > 0) {
		word = 0;
		memcpy(&word, from, bytes);
		atomic_store_explicit(to, word, memory_order_relaxed);
	}
}

static void words_read(unsigned char *to, ring_word *from, size_t bytes)
{
	uint64_t word;

	for (; bytes >= sizeof word; bytes -= sizeof word, to += sizeof word) {
		word = atomic_load_explicit(from++, memory_order_relaxed);
		memcpy(to, &word, sizeof word);
	}
	if (bytes > 0) {
		word = atomic_load_explicit(from, memory_order_relaxed);
		memcpy(to, &word, bytes);
	}
}

/* How many of n items from position on can be copied in one go: up to the last slot if items fill
 * their slots, one otherwise. */
static size_t run_length(const struct ring *ring, uint64_t position, size_t n)
{
	uint64_t to_end = ring->mask + 1 - (position & ring->mask);

	if (ring->item_size != ring->slot_words * sizeof(ring_word))
		return 1;
	return n < to_end ? n : (size_t)to_end;
}

__attribute__((noinline)) static void copy_in(struct ring *ring, uint64_t position,
                                              const unsigned char *items, size_t n)
{
	while (n > 0) {
		size_t run = run_length(ring, position, n);

		words_write(slot_at(ring, position), items, run * ring->item_size);
		items += run * ring->item_size;
		position += run;
		n -= run;
	}
}

__attribute__((noinline)) static void copy_out(struct ring *ring, uint64_t position,
                                               unsigned char *items, size_t n)
{
	while (n > 0) {
		size_t run = run_length(ring, position, n);

		words_read(items, slot_at(ring, position), run * ring->item_size);
		items += run * ring->item_size;
		position += run;
		n -= run;
	}
}

SLOW_PATH INTERNAL uint64_t ring_room(struct ring *ring)
{
	/* Only the producer moves tail, and this is the producer; the bit may be set by anybody. */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	/* A2, pairs with R2 in move_head(): what consumers read from the slots below head, they
	 * read before we overwrite it. Without it an item could come out twice, or torn. */
	ring->head_seen = atomic_load_explicit(&ring->head, memory_order_seq_cst);
	return ring->capacity - (uint64_t)ring_distance(ring->head_seen, tail);
}

/* Make n filled slots visible: n, or -ESHUTDOWN. */
static inline ssize_t publish(struct ring *ring, uint64_t tail, uint64_t n)
{
	/* R1, pairs with A1 in fresh_tail(): who reads this tail also reads the items below it.
	 * Without it a consumer copies a slot's previous item. Fails only once closed: relaxed,
	 * nothing was read. */
	if (!atomic_compare_exchange_strong_explicit(&ring->tail, &tail, (tail + n) & ~RING_CLOSED,
	                                             memory_order_seq_cst, memory_order_relaxed))
		return -ESHUTDOWN;
	return (ssize_t)n;
}

FAST_PATH ssize_t ring_put_known(struct ring *ring, const void *items, size_t n)
{
	/* As in ring_room(). */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t room = ring->capacity - (uint64_t)ring_distance(ring->head_seen, tail);

	if (tail & RING_CLOSED)
		return -ESHUTDOWN;
	if (room == 0)
		return 0;
	if (n == 1 && ring->item_size == sizeof(ring_word)) {
		__builtin_prefetch(word_at(ring, tail + PREFETCH_ITEMS), 1);
		words_write(word_at(ring, tail), items, sizeof(ring_word));
		return publish(ring, tail, 1);
	}
	if (n > room)
		n = (size_t)room;
	copy_in(ring, tail, items, n);
	return publish(ring, tail, n);
}

/* Look at the producer's tail: the positions before it can be taken. RING_CLOSED may be set. */
SLOW_PATH static uint64_t fresh_tail(struct ring *ring, uint64_t head)
{
	/* A1, pairs with R1 in publish(). */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_seq_cst);

	if (ring_distance(head, tail) > 0) {
		/* R4, pairs with A4: hands on what A1 acquired. An older tail may overwrite a newer
		 * one; that costs a look at tail, no more. */
		atomic_store_explicit(&ring->tail_seen, tail & ~RING_CLOSED, memory_order_release);
		/* A hint; orders nothing. */
		atomic_store_explicit(&ring->batch, (uint64_t)ring_distance(head, tail),
		                      memory_order_relaxed);
	}
	return tail;
}

/* How many items from head on were seen; negative if head is beyond all of them. */
static inline int64_t known_items(struct ring *ring, uint64_t head)
{
	/* A4, pairs with R4 above. */
	return ring_distance(head, atomic_load_explicit(&ring->tail_seen, memory_order_acquire));
}

/* Make what lies before to ours, if head is still *head; else set *head to what it is. */
static bool move_head(struct ring *ring, uint64_t *head, uint64_t to)
{
	/* R2, pairs with A2 in ring_room() and A3 in ring_take(). The failing load is A3 again. */
	return atomic_compare_exchange_strong_explicit(&ring->head, head, to & ~RING_CLOSED,
	                                               memory_order_seq_cst, memory_order_acquire);
}

/* Take one item of one word: the copy stays in a register until the item is ours. */
static inline bool take_word(struct ring *ring, uint64_t *head, void *item)
{
	/* As in words_read(). */
	uint64_t word = atomic_load_explicit(word_at(ring, *head), memory_order_relaxed);

	if (!move_head(ring, head, *head + 1))
		return false;
	memcpy(item, &word, sizeof word);
	return true;
}

/* Take n items from *head on: n, or 0 and a newer *head if another consumer was faster. */
static inline size_t take_from(struct ring *ring, uint64_t *head, void *items, size_t n)
{
	if (n == 1 && ring->item_size == sizeof(ring_word))
		return take_word(ring, head, items);
	copy_out(ring, *head, items, n);
	return move_head(ring, head, *head + n) ? n : 0;
}

FAST_PATH size_t ring_take_known(struct ring *ring, void *items, size_t n)
{
	/* A3, pairs with R2: the tail we read next is not behind this head. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	int64_t known = known_items(ring, head);

	return known <= 0 || (uint64_t)known < n ? 0 : take_from(ring, &head, items, n);
}

INTERNAL ssize_t ring_take(struct ring *ring, void *items, size_t max)
{
	/* A3, as in ring_take_known(). */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	size_t n;

	do {
		uint64_t tail = fresh_tail(ring, head);
		uint64_t there = (uint64_t)ring_distance(head, tail);

		if (there == 0)
			return tail & RING_CLOSED ? -ESHUTDOWN : 0;
		n = take_from(ring, &head, items, there < max ? (size_t)there : max);
	} while (n == 0);
	return (ssize_t)n;
}

INTERNAL uint64_t ring_discard(struct ring *ring)
{
	/* A3, as in ring_take(). */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t tail, n;

	do {
		/* Closed, so nothing more will come: any value with the bit is the last one. */
		tail = atomic_load_explicit(&ring->tail, memory_order_seq_cst);
		n = (uint64_t)ring_distance(head, tail);
	} while (n > 0 && !move_head(ring, &head, head + n));
	return n;
}

INTERNAL void ring_close(struct ring *ring)
{
	/* Pairs with ring_put()'s update and with A1: after it no put succeeds, and a get that sees
	 * it and no items knows that there will be none. */
	atomic_fetch_or_explicit(&ring->tail, RING_CLOSED, memory_order_seq_cst);
}

INTERNAL bool ring_is_closed(const struct ring *ring)
{
	/* A snapshot; orders nothing. */
	return atomic_load_explicit(&ring->tail, memory_order_relaxed) & RING_CLOSED;
}

INTERNAL uint64_t ring_head(const struct ring *ring)
{
	/* Pairs with R2; sequentially consistent for the completion gate (see tally.c). */
	return atomic_load_explicit(&ring->head, memory_order_seq_cst);
}

INTERNAL uint64_t ring_tail(const struct ring *ring)
{
	/* Pairs with R1; sequentially consistent for the completion gate (see tally.c). */
	return atomic_load_explicit(&ring->tail, memory_order_seq_cst) & ~RING_CLOSED;
}

INTERNAL uint64_t ring_batch(const struct ring *ring)
{
	/* A hint; orders nothing. */
	return atomic_load_explicit(&ring->batch, memory_order_relaxed);
}

INTERNAL bool ring_knows_more(const struct ring *ring)
{
	/* The hint first, so that head is not older than it; see spmcq_task_done(). */
	uint64_t tail = atomic_load_explicit(&ring->tail_seen, memory_order_acquire);

	return ring_distance(ring_head(ring), tail) > 0;
}

INTERNAL size_t ring_size(const struct ring *ring)
{
	/* head first: a tail read later is not behind it, and at most the excess over capacity is
	 * what consumers took in between. */
	uint64_t head = ring_head(ring);
	int64_t size = ring_distance(head, ring_tail(ring));

	return size > (int64_t)ring->capacity ? (size_t)ring->capacity : (size_t)size;
}
