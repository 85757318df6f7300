/*
 * Items of any size that carry their number in every byte, so that a torn one shows.
 */
#ifndef ITEM_H
#define ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The byte at place i of item number n: the number itself first, then a mix of both. */
static inline unsigned char item_byte(uint64_t n, size_t i)
{
	uint64_t mixed = i < 8 ? n >> (8 * i) : (n + i) * UINT64_C(0x9e3779b97f4a7c15) >> 56;

	return (unsigned char)(mixed & 0xff);
}

static inline void item_fill(void *item, size_t size, uint64_t n)
{
	unsigned char *bytes = item;

	for (size_t i = 0; i < size; i++)
		bytes[i] = item_byte(n, i);
}

/* The number an item says it has; only as many bits as the item is long. */
static inline uint64_t item_number(const void *item, size_t size)
{
	const unsigned char *bytes = item;
	uint64_t n = 0;

	for (size_t i = 0; i < size && i < 8; i++)
		n |= (uint64_t)bytes[i] << (8 * i);
	return n;
}

/* True if every byte belongs to item number n. */
static inline bool item_is(const void *item, size_t size, uint64_t n)
{
	const unsigned char *bytes = item;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != item_byte(n, i))
			return false;
	return true;
}

#endif
