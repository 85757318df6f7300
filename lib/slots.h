/*
 * The slots: an array that is used as a ring. Each slot holds one item. An item is copied into its
 * slot and out of it word by word.
 */
#ifndef SPMCQ_SLOTS_H
#define SPMCQ_SLOTS_H

#include "words.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

/* Set by slots_init(), then only read. The slots follow this struct in memory. */
struct slots {
	alignas(2 * CACHE_LINE) uint64_t mask; /* slots - 1; slots is a power of two */
	size_t item_size;                      /* bytes */
	size_t words;                          /* of a slot: item_size rounded up */
};

static inline slot_word *slots_first(const struct slots *slots)
{
	return (slot_word *)(void *)((uintptr_t)slots + sizeof *slots);
}

/* The slot of an item of one word. */
static inline slot_word *slots_word(const struct slots *slots, uint64_t position)
{
	return slots_first(slots) + (position & slots->mask);
}

/* Returns the bytes that the slots take, or 0 if they cannot be addressed. */
static size_t slots_bytes(size_t capacity, size_t item_size)
{
	uint64_t n, bytes;

	if (capacity > PTRDIFF_MAX || item_size > PTRDIFF_MAX)
		return 0;
	n = power_of_two(capacity);
	bytes = words_for(item_size) * WORD;
	return n > PTRDIFF_MAX / bytes ? 0 : (size_t)(n * bytes);
}

static void slots_init(struct slots *slots, size_t capacity, size_t item_size)
{
	slots->mask = power_of_two(capacity) - 1;
	slots->item_size = item_size;
	slots->words = (size_t)words_for(item_size);
}

static slot_word *slot_at(const struct slots *slots, uint64_t position)
{
	return slots_first(slots) + (size_t)(position & slots->mask) * slots->words;
}

/* Returns how many of the n slots from position on come before the array wraps. */
static size_t to_end(const struct slots *slots, uint64_t position, uint64_t n)
{
	uint64_t most = slots->mask + 1 - (position & slots->mask);

	return (size_t)(n < most ? n : most);
}

/* Returns how many of the n items one copy can move: 1 if item_size is no multiple of a word, as
 * each slot then ends with unused bytes. */
static size_t run_length(const struct slots *slots, uint64_t position, size_t n)
{
	return slots->item_size != slots->words * WORD ? 1 : to_end(slots, position, n);
}

/* Copy n items into the slots from position on. known: how many slots from there on are known to be
 * free, n or more; the copy prefetches slots beyond n, too. */
static void slots_write(struct slots *slots, uint64_t position, const void *items, size_t n,
                        uint64_t known)
{
	const unsigned char *from = items;

	while (n > 0) {
		size_t run = run_length(slots, position, n);
		slot_word *first = slot_at(slots, position);

		words_in(first, from, run * slots->item_size,
		         first + to_end(slots, position, known) * slots->words);
		from += run * slots->item_size;
		position += run;
		known -= run;
		n -= run;
	}
}

/* Copy n items out of the slots from position on. known: as in slots_write(), but filled. */
static void slots_read(const struct slots *slots, uint64_t position, void *items, size_t n,
                       uint64_t known)
{
	unsigned char *to = items;

	while (n > 0) {
		size_t run = run_length(slots, position, n);
		const slot_word *first = slot_at(slots, position);

		words_out(to, first, run * slots->item_size,
		          first + to_end(slots, position, known) * slots->words);
		to += run * slots->item_size;
		position += run;
		known -= run;
		n -= run;
	}
}

#endif
