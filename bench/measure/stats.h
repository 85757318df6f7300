/*
 * Arithmetic on repeated measurements. It prints nothing and knows nothing of queues.
 */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

enum { STATS_MOST = 1024 }; /* values taken into account */

struct stats_spread {
	size_t n; /* values; 0: nothing was measured and the rest is 0 */
	double median, low, high;
	double from, to; /* 95% interval of the median, by bootstrap; n < 3: low and high */
};

/* The same seed gives the same interval. */
struct stats_spread stats_spread(const double *values, size_t n, uint64_t seed);

/* Sorts the values. 0 when there are none. */
double stats_median(double *values, size_t n);

/* How what was measured second differs from the first. */
enum stats_change {
	STATS_UNKNOWN, /* fewer than STATS_FEWEST values: their interval is not known */
	STATS_SAME,    /* the intervals touch: noise alone may have done it */
	STATS_LESS,
	STATS_MORE,
};
enum { STATS_FEWEST = 3 };

enum stats_change stats_change(const struct stats_spread *first, const struct stats_spread *second);

/* How evenly n parties share: 1 when all have the same, 1/n when one has all; 1 when none has any.
 * Jain, Chiu and Hawe, "A quantitative measure of fairness and discrimination", DEC TR-301, 1984.
 */
double stats_jain(const double *shares, size_t n);

/* Of values[i] / base[i]: what was measured in the same round is divided pair by pair, so that what
 * slowed both does not count. */
struct stats_spread stats_ratio(const double *values, const double *base, size_t n, uint64_t seed);

#endif
