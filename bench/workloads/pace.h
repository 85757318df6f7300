/*
 * A schedule, and a thread that keeps to it. Item n is due at start + n x interval, even if earlier
 * items were late: latency counted from when an item was due includes the wait of an item that was
 * sent late because the queue held up the sender ("coordinated omission" would leave it out).
 *
 * The thread sleeps as long as it can and spins with the clock for the last of it, since a sleep
 * may end tens of microseconds late, which would be taken for the queue's. What it spins is
 * counted, so that it need not be taken for the queue's either.
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include "measure/clock.h"

struct pace {
	/* Set by pace_begin(), then only read, by anyone. */
	uint64_t start_ns; /* when item 0 is due */
	uint64_t interval_ns;

	uint64_t spun_ns; /* CPU time spent spinning so far; the keeper's only */
};

/* By the thread that keeps it. The first item is due so much later. */
void pace_begin(struct pace *pace, uint64_t interval_ns, uint64_t later_ns);

static inline uint64_t pace_due(const struct pace *pace, uint64_t n)
{
	return pace->start_ns + n * pace->interval_ns;
}

/* Waits until item n is due. Returns the time it then is. */
uint64_t pace_wait(struct pace *pace, uint64_t n);

#endif
