/*
 * The queue ends at tail, or, once it is closed, at a position that is decided once.
 */
#ifndef SPMCQ_SHARED_END_H
#define SPMCQ_SHARED_END_H

#include "handle.h"

/* Begin to close the queue. The first thread that then reads `closing` decides where it ends. */
INTERNAL void begin_to_close(struct handle *h);

/* For a successor, before its first put: processes of older generations can no longer decide where
 * the queue ends. If the queue is closing, the successor decides. */
INTERNAL void begin_generation(struct handle *h);

enum { OPEN = 0 };

/* Returns OPEN, or CLOSED | the position where the queue ends. */
INTERNAL uint64_t see_closing(const struct handle *h);

/* Returns whether the queue is closed. Acquire and sequentially consistent, as in see_closing(). */
static inline bool is_closed(const struct handle *h)
{
	return atomic_load_explicit(&h->closed, memory_order_acquire) != OPEN ||
	       ((atomic_load_explicit(&h->two->closing, memory_order_seq_cst) &
	         (CLOSED | CLOSING)) != 0 &&
	        see_closing(h) != OPEN);
}

/* Returns whether the queue is closed, and ends at this position or before it. */
INTERNAL bool has_ended(const struct handle *h, uint64_t at);

/* Returns the position after the last item: tail, or the end of a closed queue. */
INTERNAL uint64_t queue_end(const struct handle *h);

#endif
