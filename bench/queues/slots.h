/*
 * An array used as a ring, for competitors with a lock. It knows nothing of threads.
 */
#ifndef BENCH_SLOTS_H
#define BENCH_SLOTS_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct slots {
	size_t capacity;
	size_t item_size;
	unsigned char *bytes; /* capacity x item_size */
	size_t head;          /* slot of the oldest item */
	size_t size;          /* items in it; <= capacity */
};

/* 0 or -ENOMEM. */
static inline int slots_init(struct slots *slots, size_t capacity, size_t item_size)
{
	*slots = (struct slots){.capacity = capacity, .item_size = item_size};
	slots->bytes = calloc(capacity, item_size);
	return slots->bytes ? 0 : -ENOMEM;
}

static inline void slots_destroy(struct slots *slots)
{
	free(slots->bytes);
}

static inline size_t slots_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A constant size becomes one instruction, and 8 bytes is what nearly every run moves. */
static inline void slots_copy(void *to, const void *from, size_t bytes)
{
	if (bytes == 8)
		memcpy(to, from, 8);
	else
		memcpy(to, from, bytes);
}

/* As many of n items as there is room for. Returns how many. */
static inline size_t slots_put(struct slots *slots, const void *items, size_t n)
{
	const unsigned char *from = items;
	size_t tail = slots->head + slots->size;

	n = slots_least(n, slots->capacity - slots->size);
	if (tail >= slots->capacity)
		tail -= slots->capacity;
	size_t first = slots_least(n, slots->capacity - tail);
	slots_copy(slots->bytes + tail * slots->item_size, from, first * slots->item_size);
	if (first < n)
		slots_copy(slots->bytes, from + first * slots->item_size,
		           (n - first) * slots->item_size);
	slots->size += n;
	return n;
}

/* Up to max items. Returns how many. */
static inline size_t slots_get(struct slots *slots, void *items, size_t max)
{
	unsigned char *to = items;
	size_t n = slots_least(max, slots->size);
	size_t first = slots_least(n, slots->capacity - slots->head);

	slots_copy(to, slots->bytes + slots->head * slots->item_size, first * slots->item_size);
	if (first < n)
		slots_copy(to + first * slots->item_size, slots->bytes,
		           (n - first) * slots->item_size);
	slots->head += n;
	if (slots->head >= slots->capacity)
		slots->head -= slots->capacity;
	slots->size -= n;
	return n;
}

#endif
