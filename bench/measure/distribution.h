/*
 * The distribution of a run's durations: the quantiles at a fixed list of shares, which lie closer
 * together near 1, for plots with a logarithmic tail. A run hands over this struct: it is small,
 * without pointers, and the shares are the same in all runs, so that runs can be compared.
 */
#ifndef BENCH_DISTRIBUTION_H
#define BENCH_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

enum {
	DISTRIBUTION_PER_DECADE = 50, /* shares from 0 to 0.9, from 0.9 to 0.99 ... */
	DISTRIBUTION_DECADES = 6,
	DISTRIBUTION_POINTS = DISTRIBUTION_PER_DECADE * DISTRIBUTION_DECADES + 2,
};

struct distribution {
	uint64_t n; /* values; 0: the workload has none. Beyond the share 1 - 1/n is the largest */
	uint64_t ns[DISTRIBUTION_POINTS]; /* what the share distribution_share(i) do not exceed */
};

/* 1 - 10^(-i/50): 0, ... 0.9 at i = 50, 0.99 at 100 ... 0.999999 at 300; the last one is 1. */
double distribution_share(size_t i);

#endif
