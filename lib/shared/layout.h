/*
 * The layout says where the arrays of the two parts begin. Each process computes it from the shape,
 * which it has checked, and stores it in its own memory.
 */
#ifndef SPMCQ_SHARED_LAYOUT_H
#define SPMCQ_SHARED_LAYOUT_H

#include "parts.h"

struct layout {
	uint64_t capacity;
	uint64_t first;
	size_t item_size;
	uint32_t processes; /* how many places */
	uint32_t threads;   /* the most threads of one process that get; each has a seat */
	uint64_t seats;     /* of all places */
	uint32_t run_most;  /* the most items that are sealed as one run; 1 if not sealed */
	size_t tag_size;    /* bytes; 0 if not sealed */
	uint64_t mask;      /* slots - 1 */
	/* Words of a slot: the item; if sealed, also a word about its run, and room for a tag. */
	size_t slot_words;
	uint64_t kept;       /* how many kept places; 0 without redeliver */
	uint64_t again_mask; /* entries of the lane AGAIN, minus 1 */
	size_t kept_words;   /* words of a struct kept and its item */
	/* Offsets in bytes from the beginning of part one, and of part two. */
	size_t records_at, again_at, kept_at, slots_at, one_bytes;
	size_t lines_at, seats_at, two_bytes;
};

/* Returns 0, or -EINVAL or -EOVERFLOW if no queue can have this shape. */
INTERNAL int layout_make(struct layout *layout, const struct shape *shape);

#endif
