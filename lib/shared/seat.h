/*
 * Seats: each thread that gets has one of its process's, from its first get to its end. What it
 * holds then stays with the seat, which another thread may be given.
 */
#ifndef SPMCQ_SHARED_SEAT_H
#define SPMCQ_SHARED_SEAT_H

#include "handle.h"

/* With what a seat's back-off begins, in pauses. */
enum { BACKOFF_LEAST = 8 };

/* The last seat that this thread asked for: quicker than asking the C library. */
static _Thread_local struct {
	uint64_t handle; /* id */
	struct my_seat *seat;
} last_seat;

/* Ask the C library for the calling thread's seat. Returns NULL if it has none yet. */
INTERNAL struct my_seat *seat_ask(struct handle *h);
/* Give the calling thread a seat. Returns NULL if all are in use. */
INTERNAL struct my_seat *seat_find(struct handle *h);

/* Returns the calling thread's seat, or NULL if it has none yet. */
static inline struct my_seat *seat_of_thread(struct handle *h)
{
	return last_seat.handle == h->id ? last_seat.seat : seat_ask(h);
}

/* Returns the calling thread's seat, which it is given if it has none; NULL if all are in use. */
static inline struct my_seat *seat_mine(struct handle *h)
{
	struct my_seat *mine = seat_of_thread(h);

	return mine != NULL ? mine : seat_find(h);
}

INTERNAL int seats_make(struct handle *h);
INTERNAL void seats_free(struct handle *h);

#endif
