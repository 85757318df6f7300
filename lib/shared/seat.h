/*
 * Seats: each thread that gets has one of its process's, from its first get to its end. What it
 * holds then stays with the seat, which another thread may be given.
 */
#ifndef SPMCQ_SHARED_SEAT_H
#define SPMCQ_SHARED_SEAT_H

#include "handle.h"

/* With what a seat's back-off begins, in pauses. */
enum { BACKOFF_LEAST = 8 };

/* Returns the calling thread's seat, which it is given if it has none; NULL if all are in use. */
INTERNAL struct my_seat *seat_mine(struct handle *h);
/* Returns the calling thread's seat, or NULL if it has none yet. */
INTERNAL struct my_seat *seat_of_thread(struct handle *h);

INTERNAL int seats_make(struct handle *h);
INTERNAL void seats_free(struct handle *h);

#endif
