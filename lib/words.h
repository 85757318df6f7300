/*
 * Copying items to and from slots, word by word. Words are atomic: if the producer overwrites a
 * slot while a consumer copies it, the consumer copies garbage, which it drops, but there is no
 * data race. All accesses to words are relaxed.
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

/* The copy prefetches this many words ahead, within the known slots. `spmcq-bench squares --bulk
 * 256`: a fourth fewer items/s without it, as the processor's own prefetching fails on unrolled
 * loops. */
enum { AHEAD_WORDS = 64 };

/* Returns the word to prefetch while copying at word: AHEAD_WORDS on, if that is before end. */
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

/* Copy bytes into slots, or out of them. end: slots up to here are known to be free, or filled. */
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
