/*
 * Items overdue: every now and then the producer looks whether what it put is being taken.
 *
 * A put rings nobody while somebody leads, or has promised to look. That thread may have lost its
 * processor, or be stopped, and the others sleep. No item is lost then, but it would wait for a
 * time slice, or for ever. (What was put last before a pause still does.)
 */
#ifndef SPMCQ_OVERDUE_H
#define SPMCQ_OVERDUE_H

#include "internal.h"

#include <stdbool.h>
#include <stdint.h>

/* The producer's alone. Times are of clock_ns(). */
struct overdue {
	uint64_t stride;  /* puts from one look to the next */
	int64_t looked;   /* when it looked last */
	uint64_t goal;    /* where the head is to get */
	int64_t since;    /* when that was set */
	int64_t patience; /* ns until somebody is woken for it */
};

INTERNAL void overdue_init(struct overdue *overdue, uint64_t first);

/* stride puts have passed. needed: whether somebody sleeps. True: look now, which does not slow
 * down the puts, as they took so long. */
INTERNAL bool overdue_is_time(struct overdue *overdue, bool needed);

/* The look, at the head and the tail of the ring. True: wake somebody for what is in it. */
INTERNAL bool overdue_look(struct overdue *overdue, uint64_t head, uint64_t tail);

#endif
