/*
 * Sealed items in slots. A run of items is sealed as one, and bound to the position of its first
 * item. Each slot holds the bytes of its item, and a word with the number of items in the run and
 * the index of this item; the first slot also holds the tag. No slot of a run is filled again
 * before the last item of the run was taken.
 */
#ifndef SPMCQ_SHARED_RUN_H
#define SPMCQ_SHARED_RUN_H

#include "handle.h"

/* A kept item is sealed again as a run of its own, at its position | RUN_AGAIN. So no position is
 * sealed twice with one key. */
#define RUN_AGAIN (UINT64_C(1) << 63)

/* Seal n items, run_most at most, into the slots from position on. Returns 0 or -errno. */
INTERNAL int run_write(struct handle *h, uint64_t position, const void *items, uint64_t n);

/* Find the run of the item at a position. Returns false if the slot's word about the run is
 * invalid. */
INTERNAL bool run_find(const struct handle *h, uint64_t position, uint64_t *run_at, uint64_t *n);

/* Copy a sealed run, followed by its tag. run: room for run_most items and the tag. */
INTERNAL void run_read(const struct handle *h, uint64_t run_at, uint64_t n, unsigned char *run);

/* Open a run that run_read() copied, in place. Copy `count` of its n items to `items`, beginning
 * after the first `skip`. Returns 0 or -EBADMSG. */
INTERNAL int run_open(const struct handle *h, unsigned char *run, uint64_t position, uint64_t n,
                      uint64_t skip, uint64_t count, void *items);

#endif
