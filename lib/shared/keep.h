/*
 * Keeps items that may have to be delivered again (options.redeliver). An item stays in its slot
 * until the producer wants to fill that slot again. If the item is still held then, it is copied to
 * a kept place, so that a process that is slow, stopped or gone does not delay the others.
 *
 * There are kept places for `capacity` items that were copied to make room, and for as many lost
 * items as there are slots. Only the producer's process calls these functions. The caller has
 * locked h->lock, except for keep_room(), which locks it, and while the handle is made or freed.
 */
#ifndef SPMCQ_SHARED_KEEP_H
#define SPMCQ_SHARED_KEEP_H

#include "held.h"

/* Make the index of the kept places, in this process's own memory. Returns 0 or -ENOMEM.
 * places_see() fills it from the kept places. */
INTERNAL int places_make(struct handle *h);
INTERNAL void places_free(struct handle *h);
INTERNAL void places_see(struct handle *h);

/* Keep the held items whose slots are needed for positions before `limit`. The caller has read
 * head. Returns the position before which the producer may fill slots: `limit`, or an earlier one.
 * Locks h->lock. */
INTERNAL uint64_t keep_room(struct handle *h, uint64_t limit);

/* Keep the item of a position, unless it is kept already. Returns its kept place, or KEPT_NOTHING
 * if the slot does not hold the item or no kept place is free. */
INTERNAL uint64_t keep_item(struct handle *h, uint64_t position);

/* Put the item of a kept place into the lane AGAIN. lost_by: see struct again. */
INTERNAL void again_put(struct handle *h, uint64_t place, uint64_t lost_by);

#endif
