/*
 * The slots: copying.
 */
#include "slots.h"

#include "words.h"

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

/* Returns how many of n slots from position on lie before the last slot's end. */
static size_t to_end(const struct slots *slots, uint64_t position, uint64_t n)
{
	uint64_t most = slots->mask + 1 - (position & slots->mask);

	return (size_t)(n < most ? n : most);
}

/* Returns how many of n items one copy can move: 1 if item_size is no multiple of a word, as the
 * slots then have unused bytes. */
static size_t run_length(const struct slots *slots, uint64_t position, size_t n)
{
	return slots->item_size != slots->words * WORD ? 1 : to_end(slots, position, n);
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
