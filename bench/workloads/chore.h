/*
 * CPU work of a given length, as a consumer would spend on an item. It is a number of steps, not a
 * time on the clock, so that a thread that is preempted still has its work to do. Each step needs
 * the one before, so that a sibling on the same core hardly slows it.
 */
#ifndef BENCH_CHORE_H
#define BENCH_CHORE_H

#include <stdint.h>

/* The steps that take so much CPU time on this machine, found by trying: takes 20 ms. */
uint64_t chore_steps(uint64_t ns);

struct chore_time {
	double seconds;     /* on CLOCK_MONOTONIC, with the time that others used this core */
	double cpu_seconds; /* of this thread */
};

/* Returns how long `chores` chores of `steps` steps each take in this thread, one after the other;
 * tries for up to 0.2 s. */
struct chore_time chore_time(uint64_t steps, uint64_t chores);

static inline void chore_do(uint64_t steps)
{
	uint64_t x = steps;

	/* Knuth's MMIX generator; the empty assembly keeps the compiler from foreseeing x. */
	for (uint64_t i = 0; i < steps; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(x));
	}
}

#endif
