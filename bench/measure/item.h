/*
 * What goes through a queue: a number, repeated so that every byte of the item depends on it. A
 * copy that leaves bytes out, or mixes two items, comes out as an item that was never put.
 */
#ifndef BENCH_ITEM_H
#define BENCH_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The 8 bytes of a number: it is multiplied by 2^32 + 1 on its way in and by the inverse of that
 * modulo 2^64, 1 - 2^32, on its way out, which is a shift and a sum. So the upper half
 * depends on the lower one, and halves of two items give no number of the run. (By a multiplication
 * the squares of spmcq were some percent slower.) */
static inline uint64_t item_word(uint64_t number)
{
	return number + (number << 32);
}

static inline uint64_t item_number_of(uint64_t word)
{
	return word - (word << 32);
}

/* From a word of an item to the next: 2^64 divided by the golden ratio. */
#define ITEM_STEP UINT64_C(0x9e3779b97f4a7c15)

/* What is returned for an item that was never put. */
#define ITEM_STRANGE UINT64_MAX

/* The bytes behind the first 8: a word for each 8 of them, and what fits of one more. */
static inline void item_write_rest(char *item, size_t size, uint64_t word)
{
	size_t at = sizeof(word);

	for (; at + sizeof(word) <= size; at += sizeof(word)) {
		word += ITEM_STEP;
		memcpy(item + at, &word, sizeof(word));
	}
	word += ITEM_STEP;
	memcpy(item + at, &word, size - at);
}

static inline bool item_rest_is(const char *item, size_t size, uint64_t word)
{
	size_t at = sizeof(word);
	uint64_t wrong = 0, there;

	for (; at + sizeof(word) <= size; at += sizeof(word)) {
		word += ITEM_STEP;
		memcpy(&there, item + at, sizeof(there));
		wrong |= there ^ word;
	}
	word += ITEM_STEP;
	return wrong == 0 && memcmp(item + at, &word, size - at) == 0;
}

/* The item of this number; size >= 8. */
static inline void item_write(void *item, size_t size, uint64_t number)
{
	uint64_t word = item_word(number);

	memcpy(item, &word, sizeof(word));
	if (size > sizeof(word))
		item_write_rest(item, size, word);
}

/* The number of an item; ITEM_STRANGE, or a number too large, if it is not whole. */
static inline uint64_t item_read(const void *item, size_t size)
{
	uint64_t word;

	memcpy(&word, item, sizeof(word));
	if (size > sizeof(word) && !item_rest_is(item, size, word))
		return ITEM_STRANGE;
	return item_number_of(word);
}

#endif
