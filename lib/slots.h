/*
 * The slots are an array that is used as a ring, with a place for an item in each. An item is
 * copied into its slot and out of it word by word.
 *
 * Position p lies in slot p modulo the number of slots.
 */
#ifndef SPMCQ_SLOTS_H
#define SPMCQ_SLOTS_H

#include "words.h"

#include <stdalign.h>

/* Set by slots_init(), then only read. The slots lie right behind this struct. */
struct slots {
	alignas(2 * CACHE_LINE) uint64_t mask; /* slots - 1; slots is a power of two */
	size_t item_size;                      /* bytes */
	size_t words;                          /* of a slot: item_size rounded up */
};

/* Returns the bytes that the slots take, or 0 if they cannot be addressed. */
INTERNAL size_t slots_bytes(size_t capacity, size_t item_size);

INTERNAL void slots_init(struct slots *slots, size_t capacity, size_t item_size);

static inline slot_word *slots_first(const struct slots *slots)
{
	return (slot_word *)(void *)((uintptr_t)slots + sizeof *slots);
}

/* The slot of an item of one word. */
static inline slot_word *slots_word(const struct slots *slots, uint64_t position)
{
	return slots_first(slots) + (position & slots->mask);
}

/* Copy n items into the slots from position on, or out of them. known: how many slots from there on
 * are known to be free, or filled. It is n or more; slots beyond n are prefetched. */
INTERNAL void slots_write(struct slots *slots, uint64_t position, const void *items, size_t n,
                          uint64_t known);
INTERNAL void slots_read(const struct slots *slots, uint64_t position, void *items, size_t n,
                         uint64_t known);

#endif
