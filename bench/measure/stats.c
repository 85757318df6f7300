/*
 * Medians and bootstrap intervals, on the GNU Scientific Library.
 */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <string.h>

#include "stats.h"

/* Resamples: 100 of them lie beyond each end of the 95% interval. */
enum { RESAMPLES = 4000 };

double stats_median(double *values, size_t n)
{
	if (n == 0)
		return 0;
	gsl_sort(values, 1, n);
	return gsl_stats_median_from_sorted_data(values, 1, n);
}

static void bootstrap(struct stats_spread *spread, double *sorted, uint64_t seed)
{
	static double medians[RESAMPLES];
	double sample[STATS_MOST];
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);

	gsl_rng_set(random, (unsigned long)seed);
	for (size_t i = 0; i < RESAMPLES; i++) {
		gsl_ran_sample(random, sample, spread->n, sorted, spread->n, sizeof(*sample));
		medians[i] = stats_median(sample, spread->n);
	}
	gsl_rng_free(random);
	gsl_sort(medians, 1, RESAMPLES);
	spread->from = gsl_stats_quantile_from_sorted_data(medians, 1, RESAMPLES, 0.025);
	spread->to = gsl_stats_quantile_from_sorted_data(medians, 1, RESAMPLES, 0.975);
}

struct stats_spread stats_spread(const double *values, size_t n, uint64_t seed)
{
	struct stats_spread spread = {.n = n < STATS_MOST ? n : STATS_MOST};
	double sorted[STATS_MOST];

	if (spread.n == 0)
		return spread;
	memcpy(sorted, values, spread.n * sizeof(*sorted));
	spread.median = stats_median(sorted, spread.n);
	spread.low = spread.from = sorted[0];
	spread.high = spread.to = sorted[spread.n - 1];
	if (spread.n >= STATS_FEWEST)
		bootstrap(&spread, sorted, seed);
	return spread;
}

struct stats_spread stats_ratio(const double *values, const double *base, size_t n, uint64_t seed)
{
	double ratios[STATS_MOST];
	size_t ratio = 0;

	for (size_t i = 0; i < n && ratio < STATS_MOST; i++)
		if (base[i] != 0)
			ratios[ratio++] = values[i] / base[i];
	return stats_spread(ratios, ratio, seed);
}

enum stats_change stats_change(const struct stats_spread *first, const struct stats_spread *second)
{
	if (first->n < STATS_FEWEST || second->n < STATS_FEWEST)
		return STATS_UNKNOWN;
	if (second->from > first->to)
		return STATS_MORE;
	return second->to < first->from ? STATS_LESS : STATS_SAME;
}

double stats_jain(const double *shares, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += shares[i];
		squares += shares[i] * shares[i];
	}
	return squares > 0 ? sum * sum / ((double)n * squares) : 1;
}
