/*
 * Where things lie in the two parts: computed by each process from the shape, which it has checked,
 * and kept in its own memory.
 */
#ifndef SPMCQ_SHARED_LAYOUT_H
#define SPMCQ_SHARED_LAYOUT_H

#include "parts.h"

struct layout {
	uint64_t capacity;
	uint64_t first;
	size_t item_size;
	uint32_t processes;  /* with the producer's */
	uint32_t threads;    /* of each */
	uint64_t seats;      /* of all */
	uint32_t run_most;   /* items sealed as one; 1 if not sealed */
	size_t tag_size;     /* bytes; 0 if not sealed */
	uint64_t mask;       /* slots - 1 */
	size_t slot_words;   /* item, and if sealed a word about its run, and the tag */
	uint64_t kept;       /* places for kept items; 0 without redeliver */
	uint64_t again_mask; /* places of the lane AGAIN - 1 */
	size_t kept_words;   /* of a kept item with its struct */
	/* Bytes from the beginning of part one, or of part two. */
	size_t records_at, again_at, kept_at, slots_at, one_bytes;
	size_t lines_at, seats_at, two_bytes;
};

/* Returns 0; -EINVAL or -EOVERFLOW if there can be no such queue. */
INTERNAL int layout_make(struct layout *layout, const struct shape *shape);

#endif
