/*
 * What a seat holds: the items that it took and has not reported. They are read from its notes,
 * which are not trusted: they are kept within bounds, but any process can have made them up
 * (.github/SECURITY.md).
 */
#ifndef SPMCQ_SHARED_HELD_H
#define SPMCQ_SHARED_HELD_H

#include "take.h"

struct held {
	enum lane lane;
	uint64_t start; /* position; in the lane AGAIN, the place of the kept item: one at a time */
	uint64_t items;
};

typedef void held_see(void *arg, const struct held *held);

struct seat_sum {
	uint64_t taken;    /* items */
	uint64_t reported; /* of those taken */
	uint64_t unknown;  /* of those held, items that no note names */
};

/* Call see() for what a seat holds, oldest first. This is exact if its process is gone. If the
 * process lives, no item is missed that was taken before the caller last read head; some may be
 * shown that have been reported since. */
INTERNAL struct seat_sum seat_held(const struct handle *h, uint64_t number, held_see *see,
                                   void *arg);

#endif
