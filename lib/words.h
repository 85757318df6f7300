/*
 * How many slots and words a ring takes, and copying items to and from slots, word by word. All
 * accesses to words are atomic and relaxed, for the reason in step 3 of "Claiming" in
 * lib/DESIGN.md.
 */
#ifndef SPMCQ_WORDS_H
#define SPMCQ_WORDS_H

#include "internal.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef _Atomic uint64_t slot_word;

enum { WORD = sizeof(slot_word), LINE_WORDS = CACHE_LINE / WORD };

/* Returns the least power of two that is not less than this. */
static inline uint64_t power_of_two(uint64_t at_least)
{
	uint64_t n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

/* Returns how many words hold so many bytes. */
static inline uint64_t words_for(uint64_t bytes)
{
	return (bytes + WORD - 1) / WORD;
}

/* A copy prefetches the word this many words ahead of the one that it copies, within the known
 * slots: the processor's own prefetching fails on unrolled loops. `spmcq-bench squares --bulk 256`:
 * a fourth fewer items/s without. */
enum { AHEAD_WORDS = 64 };

/* Returns the word to prefetch while copying at word: the one AHEAD_WORDS further, or word itself
 * if that is not before end. */
static inline const slot_word *line_ahead(const slot_word *word, const slot_word *end)
{
	return end - word > AHEAD_WORDS ? word + AHEAD_WORDS : word;
}

static inline void word_in(slot_word *to, const unsigned char *from, size_t bytes)
{
	uint64_t word = 0;

	memcpy(&word, from, bytes);
	atomic_store_explicit(to, word, memory_order_relaxed);
}

static inline void word_out(unsigned char *to, const slot_word *from, size_t bytes)
{
	uint64_t word = atomic_load_explicit(from, memory_order_relaxed);

	memcpy(to, &word, bytes);
}

/* Copy bytes into slots. end: the slots before it are known to be free. */
static inline void words_in(slot_word *to, const unsigned char *from, size_t bytes,
                            const slot_word *end)
{
	for (; bytes >= CACHE_LINE; bytes -= CACHE_LINE, to += LINE_WORDS, from += CACHE_LINE) {
		__builtin_prefetch(line_ahead(to, end), 1);
#pragma GCC unroll 8
		for (size_t i = 0; i < LINE_WORDS; i++)
			word_in(to + i, from + i * WORD, WORD);
	}
	for (; bytes >= WORD; bytes -= WORD, to++, from += WORD)
		word_in(to, from, WORD);
	if (bytes > 0)
		word_in(to, from, bytes);
}

/* Copy bytes out of slots. end: the slots before it are known to be filled. */
static inline void words_out(unsigned char *to, const slot_word *from, size_t bytes,
                             const slot_word *end)
{
	for (; bytes >= CACHE_LINE; bytes -= CACHE_LINE, to += CACHE_LINE, from += LINE_WORDS) {
		__builtin_prefetch(line_ahead(from, end));
#pragma GCC unroll 8
		for (size_t i = 0; i < LINE_WORDS; i++)
			word_out(to + i * WORD, from + i, WORD);
	}
	for (; bytes >= WORD; bytes -= WORD, to += WORD, from++)
		word_out(to, from, WORD);
	if (bytes > 0)
		word_out(to, from, bytes);
}

#endif
