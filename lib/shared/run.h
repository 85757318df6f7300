/*
 * Sealed items in slots. A run of items is sealed as one, for the position of its first. Each slot
 * holds the bytes of its item, and a word that says how many items the run has and which of them
 * this one is; the slot of the first also holds the tag. Slots are filled anew only after the last
 * item of the run was taken.
 */
#ifndef SPMCQ_SHARED_RUN_H
#define SPMCQ_SHARED_RUN_H

#include "handle.h"

/* An item that is given out again is sealed a second time, by itself, for its position with this
 * bit. So no position is sealed twice with one key. */
#define RUN_AGAIN (UINT64_C(1) << 63)

/* Seal n items, run_most at most, into the slots from position on. Returns 0 or -errno. */
INTERNAL int run_write(struct handle *h, uint64_t position, const void *items, uint64_t n);

/* Find the run that the item at a position is part of. Returns false if the slot holds nonsense. */
INTERNAL bool run_find(const struct handle *h, uint64_t position, uint64_t *run_at, uint64_t *n);

/* Copy a run as it is, followed by its tag. run: room for run_most items and the tag. */
INTERNAL void run_read(const struct handle *h, uint64_t run_at, uint64_t n, unsigned char *run);

/* Open, in place, a run that was read, and copy `count` of its n items to `items`, leaving out the
 * first `skip`. Returns 0 or -EBADMSG. */
INTERNAL int run_open(const struct handle *h, unsigned char *run, uint64_t position, uint64_t n,
                      uint64_t skip, uint64_t count, void *items);

#endif
