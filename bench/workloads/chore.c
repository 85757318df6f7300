/*
 * The steps are measured by the thread's CPU clock, which other programs do not advance.
 */
#include "chore.h"
#include "measure/clock.h"

/* Long enough that reading the clock does not count, short enough that some try is undisturbed. */
enum { TRIES = 10, TRY_STEPS = 1000 * 1000 };

static const uint64_t most_ns = 200 * 1000 * 1000;

static uint64_t ns_of(uint64_t steps)
{
	uint64_t begin = clock_of(CLOCK_THREAD_CPUTIME_ID);

	chore_do(steps);
	return clock_of(CLOCK_THREAD_CPUTIME_ID) - begin;
}

uint64_t chore_steps(uint64_t ns)
{
	uint64_t quickest = UINT64_MAX;

	if (ns == 0)
		return 0;
	for (int i = 0; i < TRIES; i++) {
		uint64_t took = ns_of(TRY_STEPS);

		if (took < quickest)
			quickest = took;
	}
	return (uint64_t)((double)ns * TRY_STEPS / (double)quickest + 0.5);
}

struct chore_time chore_time(uint64_t steps, uint64_t chores)
{
	uint64_t cpu_begin = clock_of(CLOCK_THREAD_CPUTIME_ID), begin = clock_now();
	uint64_t took = 0, done = 0;
	uint64_t batch = 1 + 100 * 1000 / (steps + 1); /* about 100 us between looks at the clock */

	while (done < chores && took < most_ns) {
		for (uint64_t i = 0; i < batch && done < chores; i++, done++)
			chore_do(steps);
		took = clock_now() - begin;
	}
	uint64_t cpu = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_begin;
	double seconds_of_ns = 1e-9 / (double)done * (double)chores;
	return (struct chore_time){(double)took * seconds_of_ns, (double)cpu * seconds_of_ns};
}
