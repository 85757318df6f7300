/*
 * Random numbers (splitmix64) and random pauses for the stress tests.
 */
#include "chance.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t chance_seed(void)
{
	static uint64_t seed;
	const char *text = getenv("SPMCQ_SEED");

	if (seed)
		return seed;
	seed = text ? strtoull(text, NULL, 10) : (now_ns() ^ (uint64_t)getpid() << 40) >> 8;
	seed += seed == 0;
	printf("# seed %" PRIu64 " (SPMCQ_SEED=%" PRIu64 " takes it again)\n", seed, seed);
	fflush(stdout);
	return seed;
}

struct chance chance_stream(uint64_t seed, uint64_t number)
{
	struct chance chance = {seed * UINT64_C(0xd1342543de82ef95) + number};

	chance_next(&chance);
	return chance;
}

uint64_t chance_next(struct chance *chance)
{
	uint64_t x = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t chance_below(struct chance *chance, uint64_t below)
{
	return chance_next(chance) % below;
}

void chance_pause(struct chance *chance)
{
	uint64_t kind = chance_below(chance, 16);
	struct timespec pause = {0, (long)chance_below(chance, 50000)};

	if (kind == 0)
		nanosleep(&pause, NULL);
	else if (kind < 3)
		sched_yield();
	else if (kind < 8)
		for (volatile uint64_t i = chance_below(chance, 300); i > 0; i = i - 1)
			;
}

uint64_t stress_end_of(unsigned parts)
{
	const char *text = getenv("SPMCQ_STRESS_SECONDS");
	double seconds = text ? strtod(text, NULL) : 1;

	return now_ns() + (uint64_t)((seconds > 0 ? seconds : 1) * 1e9) / parts;
}

uint64_t stress_end(void)
{
	return stress_end_of(1);
}

bool stress_is_over(uint64_t end)
{
	return now_ns() >= end;
}
