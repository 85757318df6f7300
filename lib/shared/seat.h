/*
 * Each thread that gets has one of its process's seats, from its first get until it ends. When
 * it ends, the items that it holds stay with the seat, and another thread of the process may get
 * that seat.
 */
#ifndef SPMCQ_SHARED_SEAT_H
#define SPMCQ_SHARED_SEAT_H

#include "handle.h"

/* The back-off of a new seat, in pauses. */
enum { BACKOFF_LEAST = 8 };

enum { NO_HANDLE = 0 };

/* The seat that this thread used last. Reading it is quicker than asking the C library. */
static _Thread_local struct {
	uint64_t handle; /* id of the handle whose seat it is, or NO_HANDLE */
	struct my_seat *seat;
} last_seat;

/* Ask the C library for the calling thread's seat. Returns NULL if it has none yet. */
INTERNAL struct my_seat *seat_ask(struct handle *h);
/* Give the calling thread a seat. Returns NULL if all are in use. */
INTERNAL struct my_seat *seat_find(struct handle *h);

/* Returns the calling thread's seat if the thread's last call was on this handle, else NULL. */
static inline struct my_seat *seat_used_last(const struct handle *h)
{
	return last_seat.handle == h->id ? last_seat.seat : NULL;
}

/* Returns the calling thread's seat, or NULL if it has none yet. */
static inline struct my_seat *seat_of_thread(struct handle *h)
{
	return last_seat.handle == h->id ? last_seat.seat : seat_ask(h);
}

/* Returns the calling thread's seat, and gives it one if it has none. Returns NULL if all are in
 * use. */
static inline struct my_seat *seat_mine(struct handle *h)
{
	struct my_seat *mine = seat_of_thread(h);

	return mine != NULL ? mine : seat_find(h);
}

INTERNAL int seats_make(struct handle *h);
INTERNAL void seats_free(struct handle *h);

#endif
