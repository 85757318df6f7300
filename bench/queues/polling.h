/*
 * How a thread waits on a queue that cannot put it to sleep: look again and again, and every so
 * often let another thread run. The same for every polled competitor.
 */
#ifndef BENCH_POLLING_H
#define BENCH_POLLING_H

#include <ck_pr.h>
#include <sched.h>

/* Looks between two yields: a few microseconds, the price of a yield and one or two line transfers,
 * so that with a core per thread little is lost, and with fewer cores than threads little is burnt.
 */
enum { POLLING_LOOKS = 100 };

struct polling {
	unsigned looks; /* since the last yield; start with 0 */
};

/* After a look that found nothing. */
static inline void polling_wait(struct polling *polling)
{
	if (++polling->looks < POLLING_LOOKS) {
		ck_pr_stall();
	} else {
		polling->looks = 0;
		sched_yield();
	}
}

#endif
