/*
 * Items that may have to be given out again (options.redeliver). An item stays in its slot until
 * the producer wants to fill that slot anew. Items that are still held then are copied to a place
 * aside, so that a process that is slow, stopped or gone does not hold up the others.
 *
 * There are places for `capacity` items that were put aside, and for all that peers may lose at one
 * time. Only the producer's process uses these functions. The caller holds h->lock, but not for
 * those that take it, nor while the handle is made or freed.
 */
#ifndef SPMCQ_SHARED_KEEP_H
#define SPMCQ_SHARED_KEEP_H

#include "held.h"

/* Make the index of places, in this process's memory. Returns 0 or -ENOMEM. places_see() fills it
 * from what lies in the places. */
INTERNAL int places_make(struct handle *h);
INTERNAL void places_free(struct handle *h);
INTERNAL void places_see(struct handle *h);

/* The producer wants to fill slots up to position limit, and has read head. Put aside what is held
 * in them. Returns up to where it may fill. Takes the lock. */
INTERNAL uint64_t keep_room(struct handle *h, uint64_t limit);

/* Keep the item of a position, if it is not kept already. Returns its place, or KEPT_NOTHING if the
 * item is not to be had any more. */
INTERNAL uint64_t keep_item(struct handle *h, uint64_t position);

/* Give a kept item out again. lost_by is for struct again. */
INTERNAL void again_put(struct handle *h, uint64_t place, uint64_t lost_by);

#endif
