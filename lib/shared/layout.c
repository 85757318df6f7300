/*
 * Computes the layout of a shape, or returns an error if no queue can have the shape.
 */
#include "layout.h"

#include <errno.h>

/* A run has at most RUN_ITEMS items and, unless it is a single item, at most this many bytes. */
enum { RUN_BYTES = 65536 };

enum { TAG_MOST = 64 }; /* bytes */

/* Returns the offset of an array of n elements of `bytes` bytes. *at is the end of the preceding
 * array, and is set to the end of this one. Sets *full if the offsets become too large. */
static size_t lay_out(size_t *at, uint64_t n, uint64_t bytes, bool *full)
{
	size_t begin = (*at + 2 * CACHE_LINE - 1) / (2 * CACHE_LINE) * (2 * CACHE_LINE);

	if (*full || begin > PTRDIFF_MAX / 2 || (n > 0 && bytes > (PTRDIFF_MAX / 2 - begin) / n)) {
		*full = true;
		return 0;
	}
	*at = begin + (size_t)(n * bytes);
	return begin;
}

static bool is_possible(const struct shape *shape)
{
	return shape->capacity > 0 && shape->item_size > 0 && shape->first <= POSITION_ONES &&
	       shape->processes > 0 && shape->threads > 0 && shape->processes <= SEATS_MOST &&
	       shape->threads <= SEATS_MOST &&
	       (uint64_t)shape->processes * shape->threads <= SEATS_MOST &&
	       shape->tag_size <= TAG_MOST && (shape->tag_size > 0) == (shape->algorithm != 0);
}

static uint32_t run_most(const struct shape *shape)
{
	uint64_t n = shape->item_size < RUN_BYTES ? RUN_BYTES / shape->item_size : 1;

	if (shape->algorithm == 0)
		return 1;
	return n < RUN_ITEMS ? (uint32_t)n : RUN_ITEMS;
}

INTERNAL int layout_make(struct layout *layout, const struct shape *shape)
{
	uint64_t slots;
	bool full = false;
	size_t end;

	if (!is_possible(shape))
		return -EINVAL;
	/* A distance between two positions is signed and must fit. The margin is wide. */
	if (shape->capacity > (UINT64_C(1) << (POSITION_BITS - 3)) ||
	    shape->item_size > PTRDIFF_MAX / 4)
		return -EOVERFLOW;
	*layout = (struct layout){
	        .capacity = shape->capacity,
	        .first = shape->first,
	        .item_size = (size_t)shape->item_size,
	        .processes = shape->processes,
	        .threads = shape->threads,
	        .seats = (uint64_t)shape->processes * shape->threads,
	        .run_most = run_most(shape),
	        .tag_size = shape->tag_size,
	};
	/* There are so many slots that no slot of a run is filled again before the last item of the
	 * run was taken. */
	slots = power_of_two(shape->capacity + layout->run_most - 1);
	layout->mask = slots - 1;
	layout->slot_words = (size_t)(words_for(shape->item_size) +
	                              (shape->algorithm != 0 ? 1 + words_for(shape->tag_size) : 0));
	/* Kept places for `capacity` items that are copied to make room, and for as many lost items
	 * as there are slots. */
	layout->kept = shape->redeliver != 0 ? shape->capacity + slots : 0;
	layout->again_mask = power_of_two(layout->kept + 1) - 1;
	layout->kept_words = (size_t)(words_for(sizeof(struct kept)) + words_for(shape->item_size) +
	                              words_for(shape->tag_size));

	end = sizeof(struct part_one);
	layout->records_at = lay_out(&end, layout->processes, sizeof(struct peer_record), &full);
	layout->again_at = lay_out(&end, layout->again_mask + 1, sizeof(struct again), &full);
	layout->kept_at = lay_out(&end, layout->kept, layout->kept_words * WORD, &full);
	layout->slots_at = lay_out(&end, slots, layout->slot_words * WORD, &full);
	layout->one_bytes = end;
	end = sizeof(struct part_two);
	layout->lines_at = lay_out(&end, layout->processes, sizeof(struct peer_line), &full);
	layout->seats_at = lay_out(&end, layout->seats, sizeof(struct seat), &full);
	layout->two_bytes = end;
	return full ? -EOVERFLOW : 0;
}
