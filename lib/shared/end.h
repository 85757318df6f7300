/*
 * The queue ends at tail, or, once it is closed, at a position that is decided once.
 */
#ifndef SPMCQ_SHARED_END_H
#define SPMCQ_SHARED_END_H

#include "handle.h"

/* Returns OPEN, or CLOSED | the position where the queue ends. */
INTERNAL uint64_t see_closing(const struct handle *h);

/* Returns whether the queue is closed. Acquire and sequentially consistent, as in see_closing(). */
static inline bool is_closed(const struct handle *h)
{
	return atomic_load_explicit(&h->closed, memory_order_acquire) != OPEN ||
	       (atomic_load_explicit(&h->two->closing, memory_order_seq_cst) != OPEN &&
	        see_closing(h) != OPEN);
}

/* Returns the position after the last item: tail, or the end of a closed queue. */
INTERNAL uint64_t queue_end(const struct handle *h);

#endif
