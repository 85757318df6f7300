/*
 * What a seat holds: the items that it took and has not reported. They are found from the seat's
 * notes. The values of a note are checked against bounds, but any process can have written false
 * ones (.github/SECURITY.md).
 */
#ifndef SPMCQ_SHARED_HELD_H
#define SPMCQ_SHARED_HELD_H

#include "take.h"

struct held {
	enum lane lane;
	uint64_t start; /* position; in the lane AGAIN, the kept place of the one item */
	uint64_t items;
};

typedef void held_see(void *arg, const struct held *held);

struct seat_sum {
	uint64_t taken;    /* items */
	uint64_t reported; /* items of `taken` */
	uint64_t unknown;  /* held items that are in no note any more */
};

/* Call see() for the items that a seat holds, oldest first. The result is exact if the seat's
 * process is gone. If the process lives, see() is called for each held item that was taken before
 * the caller last read head, and perhaps for items that were reported in the meantime. */
INTERNAL struct seat_sum seat_held(const struct handle *h, uint64_t number, held_see *see,
                                   void *arg);

#endif
