/*
 * Counts durations, in little and fixed memory, and tells their quantiles to three digits.
 *
 * The layout is that of HdrHistogram (Gil Tene, http://hdrhistogram.org; HdrHistogram_c, which
 * Debian 12 lacks): 2048 counts of width 1, then 1024 of width 2, 1024 of width 4 and so on, so
 * that a count is never wider than a thousandth of its values. GSL's histograms find
 * the count by bisection of 34000 doubles, which takes too long between two gets. This one finds it
 * by a shift.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "distribution.h"

enum {
	HISTOGRAM_HALF_BITS = 10,
	HISTOGRAM_HALF = 1 << HISTOGRAM_HALF_BITS, /* counts of one width, but for the first */
	HISTOGRAM_MOST_BITS = 42,                  /* 2^42 ns: over an hour */
	HISTOGRAM_COUNTS = (HISTOGRAM_MOST_BITS - HISTOGRAM_HALF_BITS + 1) * HISTOGRAM_HALF,
};

/* All zero is an empty one. */
struct histogram {
	uint64_t n;                        /* values counted */
	uint64_t most;                     /* the largest, exactly */
	uint32_t counts[HISTOGRAM_COUNTS]; /* a run has fewer than 2^32 */
};

/* How often the widths have doubled where this value is counted. */
static inline unsigned histogram_doublings(uint64_t value)
{
	uint64_t at_least = value | (2 * HISTOGRAM_HALF - 1);

	return (unsigned)(63 - HISTOGRAM_HALF_BITS - __builtin_clzll(at_least));
}

static inline size_t histogram_index(uint64_t value)
{
	unsigned doublings = histogram_doublings(value);

	return ((size_t)doublings << HISTOGRAM_HALF_BITS) + (size_t)(value >> doublings);
}

/* Values of 2^42 or more are counted with the largest that is less. */
static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	const uint64_t most = (UINT64_C(1) << HISTOGRAM_MOST_BITS) - 1;

	histogram->counts[histogram_index(value < most ? value : most)]++;
	histogram->n++;
	if (value > histogram->most)
		histogram->most = value;
}

/* Returns n empty histograms, whose pages are mapped, so that counting meets no page fault. NULL:
 * no memory. */
struct histogram *histogram_create(size_t n);

void histogram_merge(struct histogram *to, const struct histogram *from);

/* The least value that at least this share (0..1) of all do not exceed; rounded up within its
 * count, by less than a thousandth. 0 when nothing was counted. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

void histogram_distribution(const struct histogram *histogram, struct distribution *distribution);

#endif
