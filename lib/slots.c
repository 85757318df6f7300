/*
 * The slots: copying.
 */
#include "slots.h"

#include <string.h>

enum { WORD = sizeof(slot_word), LINE_WORDS = CACHE_LINE / WORD };

/* How many words ahead lines are prefetched, if known. Explicitly, as unrolled loops are too much
 * for the processor's own guesses: without, bulk of 256 loses a fourth. */
enum { AHEAD_WORDS = 64 };

static uint64_t slots_for(size_t capacity)
{
	uint64_t n = 1;

	while (n < capacity)
		n *= 2;
	return n;
}

static size_t words_for(size_t item_size)
{
	return (item_size + WORD - 1) / WORD;
}

INTERNAL size_t slots_bytes(size_t capacity, size_t item_size)
{
	uint64_t n, bytes;

	if (capacity > PTRDIFF_MAX || item_size > PTRDIFF_MAX)
		return 0;
	n = slots_for(capacity);
	bytes = (uint64_t)words_for(item_size) * WORD;
	return n > PTRDIFF_MAX / bytes ? 0 : (size_t)(n * bytes);
}

INTERNAL void slots_init(struct slots *slots, size_t capacity, size_t item_size)
{
	slots->mask = slots_for(capacity) - 1;
	slots->item_size = item_size;
	slots->words = words_for(item_size);
}

static slot_word *slot_at(const struct slots *slots, uint64_t position)
{
	return slots_first(slots) + (size_t)(position & slots->mask) * slots->words;
}

/* How many of n slots from position on lie before the end of all. */
static size_t to_end(const struct slots *slots, uint64_t position, uint64_t n)
{
	uint64_t most = slots->mask + 1 - (position & slots->mask);

	return (size_t)(n < most ? n : most);
}

/* How many of n items can be copied in one go: one, if they do not fill their slots. */
static size_t run_length(const struct slots *slots, uint64_t position, size_t n)
{
	return slots->item_size != slots->words * WORD ? 1 : to_end(slots, position, n);
}

/* The line to prefetch at word, before the end of what is known; itself if there is none. */
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

static void words_in(slot_word *to, const unsigned char *from, size_t bytes, const slot_word *end)
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

static void words_out(unsigned char *to, const slot_word *from, size_t bytes, const slot_word *end)
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

INTERNAL void slots_write(struct slots *slots, uint64_t position, const void *items, size_t n,
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

INTERNAL void slots_read(const struct slots *slots, uint64_t position, void *items, size_t n,
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
