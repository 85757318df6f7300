/*
 * Items that may have to be given out again (options.redeliver). An item stays in its slot until
 * the producer wants to fill that anew. Those that are still held then are copied to a place aside,
 * so that who is slow, or stopped, or gone, keeps nobody from going on.
 *
 * There are places for `capacity` items that were put aside, and for all that a peer may lose at
 * one time. All of it is the producer's process's, under its lock.
 */
#ifndef SPMCQ_SHARED_KEEP_H
#define SPMCQ_SHARED_KEEP_H

#include "held.h"

/* What this process has beside the places: 0 or -ENOMEM. And what is to be known of them first. */
INTERNAL int places_make(struct handle *h);
INTERNAL void places_free(struct handle *h);
INTERNAL void places_see(struct handle *h);

/* The producer wants to fill slots up to position limit. Put aside what is held in them; returns up
 * to where it may. Head was read before. */
INTERNAL uint64_t keep_room(struct handle *h, uint64_t limit);

/* Returns whether a peer that is gone has to be reaped before there can be room. */
INTERNAL bool keep_waits_for_reaping(struct handle *h);

/* The place where the item of a position is kept, after putting it there if it was not: or
 * KEPT_NOTHING if it is not to be had any more. */
INTERNAL uint64_t keep_item(struct handle *h, uint64_t position);

/* Give a kept item out again. lost_by: for struct again. */
INTERNAL void again_put(struct handle *h, uint64_t place, uint64_t lost_by);

#endif
