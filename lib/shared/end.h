/*
 * Where the queue ends: at tail, or, once it is closed, at a position that is decided once.
 */
#ifndef SPMCQ_SHARED_END_H
#define SPMCQ_SHARED_END_H

#include "handle.h"

INTERNAL bool is_closed(const struct handle *h);

/* Returns the position up to which there are items: tail, or where the queue ended when it was
 * closed. */
INTERNAL uint64_t queue_end(const struct handle *h);

#endif
