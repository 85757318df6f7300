/*
 * Sealed items in slots: a run of them is sealed as one, for the position of its first. Each slot
 * holds the bytes of its item, and a word that says where in a run of how many it is; the slot of
 * the first one also the tag. Slots are reused only after the last item of a run was taken.
 */
#ifndef SPMCQ_SHARED_RUN_H
#define SPMCQ_SHARED_RUN_H

#include "handle.h"

/* An item that is given out again was sealed a second time: by itself, and for this position beside
 * its own, as no position is sealed twice with one key. */
#define RUN_AGAIN (UINT64_C(1) << 63)

/* Seal n items, of run_most at most, into the slots from position on. Returns 0 or -errno. */
INTERNAL int run_write(struct handle *h, uint64_t position, const void *items, uint64_t n);

/* The run that the item at a position is of. Returns false if the slot holds nonsense. */
INTERNAL bool run_find(const struct handle *h, uint64_t position, uint64_t *run_at, uint64_t *n);

/* Copy a run as it is, with its tag behind. run: room for run_most items and the tag. */
INTERNAL void run_read(const struct handle *h, uint64_t run_at, uint64_t n, unsigned char *run);

/* Open a run that was read, in place, and copy `count` of its n items from number `skip` on.
 * Returns 0 or -EBADMSG. */
INTERNAL int run_open(const struct handle *h, unsigned char *run, uint64_t position, uint64_t n,
                      uint64_t skip, uint64_t count, void *items);

#endif
