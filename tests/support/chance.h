/*
 * Random numbers that can be repeated: SPMCQ_SEED sets the seed, and every run prints it. Also how
 * long a stress property lasts: SPMCQ_STRESS_SECONDS, else 1.
 */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

/* The seed of this run; the first call in a process prints it. Not for threads: hand it down. */
uint64_t chance_seed(void);

/* A stream of its own for each number, for example one per thread. */
struct chance chance_stream(uint64_t seed, uint64_t number);

uint64_t chance_next(struct chance *chance);

/* 0..below-1; below must not be 0. */
uint64_t chance_below(struct chance *chance, uint64_t below);

/* Nothing, a yield, a short spin or a short sleep. */
void chance_pause(struct chance *chance);

/* When a stress property that starts now should stop, in ns of CLOCK_MONOTONIC. */
uint64_t stress_end(void);
/* The same when so many parts share the time: each has an equal share of it. */
uint64_t stress_end_of(unsigned parts);
bool stress_is_over(uint64_t end);

#endif
