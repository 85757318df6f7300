/*
 * Sealed items in slots. All accesses are relaxed, because the release and acquire of tail and head
 * order them, as for items that are not sealed.
 */
#include "run.h"

#include <errno.h>

static slot_word *run_word(const struct handle *h, uint64_t position)
{
	return slot_of(h, position) + (h->layout.item_size + WORD - 1) / WORD;
}

INTERNAL int run_write(struct handle *h, uint64_t position, const void *items, uint64_t n)
{
	size_t item_size = h->layout.item_size;
	ssize_t bytes = spmcq_seal_items(h->key, position, items, n, item_size, h->run,
	                                 h->layout.run_most * item_size + h->layout.tag_size);
	slot_word *first = run_word(h, position);

	if (bytes < 0)
		return (int)bytes;
	for (uint64_t i = 0; i < n; i++) {
		slot_word *to = slot_of(h, position + i);

		words_in(to, h->run + i * item_size, item_size, to);
		atomic_store_explicit(run_word(h, position + i), i << 32 | n, memory_order_relaxed);
	}
	words_in(first + 1, h->run + n * item_size, h->layout.tag_size, first + 1);
	return 0;
}

INTERNAL bool run_find(const struct handle *h, uint64_t position, uint64_t *run_at, uint64_t *n)
{
	uint64_t place = atomic_load_explicit(run_word(h, position), memory_order_relaxed);

	*n = place & UINT32_MAX;
	*run_at = (position - (place >> 32)) & POSITION_ONES;
	return place >> 32 < *n && *n <= h->layout.run_most;
}

INTERNAL void run_read(const struct handle *h, uint64_t run_at, uint64_t n, unsigned char *run)
{
	size_t item_size = h->layout.item_size;
	const slot_word *tag = run_word(h, run_at) + 1;

	for (uint64_t i = 0; i < n; i++) {
		const slot_word *from = slot_of(h, run_at + i);

		words_out(run + i * item_size, from, item_size, from);
	}
	words_out(run + n * item_size, tag, h->layout.tag_size, tag);
}

INTERNAL int run_open(const struct handle *h, unsigned char *run, uint64_t position, uint64_t n,
                      uint64_t skip, uint64_t count, void *items)
{
	size_t item_size = h->layout.item_size;
	ssize_t r = spmcq_open_items(h->key, position, run, n * item_size + h->layout.tag_size, run,
	                             n, item_size);

	if (r < 0)
		return (int)r;
	memcpy(items, run + skip * item_size, count * item_size);
	return 0;
}
