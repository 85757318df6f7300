/*
 * Sleeping to a point in time, whatever signals come.
 */
#include <errno.h>

#include "clock.h"

void clock_sleep_until(uint64_t when)
{
	struct timespec until = {.tv_sec = (time_t)(when / 1000000000),
	                         .tv_nsec = (long)(when % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}
