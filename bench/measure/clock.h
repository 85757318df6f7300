/*
 * The clock that everything is timed with, in whole nanoseconds. The same on all CPUs.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_now(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

/* Sleep until the clock shows this, or a little more, whatever signals come; not at all if it does
 * already. */
static inline void clock_sleep_until(uint64_t when)
{
	struct timespec until = {.tv_sec = (time_t)(when / 1000000000),
	                         .tv_nsec = (long)(when % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

#endif
