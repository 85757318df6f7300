/*
 * What a seat holds: took and has not reported. Read from its notes, which are not trusted: whoever
 * wrote them had the right to take these items, and to lose them.
 */
#ifndef SPMCQ_SHARED_HELD_H
#define SPMCQ_SHARED_HELD_H

#include "take.h"

struct held {
	enum lane lane;
	uint64_t start; /* position; lane AGAIN: place of the kept item */
	uint64_t items;
};

typedef void held_see(void *arg, const struct held *held);

struct seat_sum {
	uint64_t taken;    /* items */
	uint64_t reported; /* of these */
	uint64_t unknown;  /* held, but no note tells which */
};

/* Show what a seat holds, run after run, oldest first. Exact if its process is gone; of one that
 * goes on, all that it took before the caller last read head, unless it has reported it. */
INTERNAL struct seat_sum seat_held(const struct handle *h, uint64_t number, held_see *see,
                                   void *arg);

#endif
