/*
 * Quantiles by walking the counts.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"

struct histogram *histogram_create(size_t n)
{
	struct histogram *histograms = calloc(n, sizeof(*histograms));
	volatile char *bytes = (volatile char *)histograms;

	for (size_t i = 0; histograms && i < n * sizeof(*histograms); i += 4096)
		bytes[i] = 0;
	return histograms;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_COUNTS; i++)
		to->counts[i] += from->counts[i];
	to->n += from->n;
	if (from->most > to->most)
		to->most = from->most;
}

/* The largest value that is counted there. */
static uint64_t top_of(size_t index)
{
	unsigned doublings =
	        index < 2 * HISTOGRAM_HALF ? 0 : (unsigned)(index / HISTOGRAM_HALF) - 1;
	uint64_t step = index - (size_t)doublings * HISTOGRAM_HALF;

	return ((step + 1) << doublings) - 1;
}

/* How many values a share of them is, rounded up; shares such as 0.999 are not exact. */
static uint64_t rank_of(double share, uint64_t n)
{
	double rank = ceil(share * (double)n - 1e-6);

	if (rank < 1)
		return 1;
	return rank < (double)n ? (uint64_t)rank : n;
}

/* Returns the value of that rank. Goes on at *index, where an earlier call stopped; *below is how
 * many values were counted before *index. */
static uint64_t walk_to(const struct histogram *histogram, uint64_t rank, size_t *index,
                        uint64_t *below)
{
	while (*index + 1 < HISTOGRAM_COUNTS && *below + histogram->counts[*index] < rank)
		*below += histogram->counts[(*index)++];
	return rank == histogram->n || top_of(*index) > histogram->most ? histogram->most
	                                                                : top_of(*index);
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	size_t index = 0;
	uint64_t below = 0;

	if (histogram->n == 0)
		return 0;
	return walk_to(histogram, rank_of(share, histogram->n), &index, &below);
}

double distribution_share(size_t i)
{
	if (i + 1 >= DISTRIBUTION_POINTS)
		return 1;
	return 1 - pow(10, -(double)i / DISTRIBUTION_PER_DECADE);
}

void histogram_distribution(const struct histogram *histogram, struct distribution *distribution)
{
	size_t index = 0;
	uint64_t below = 0;

	memset(distribution, 0, sizeof(*distribution));
	distribution->n = histogram->n;
	for (size_t i = 0; histogram->n && i < DISTRIBUTION_POINTS; i++)
		distribution->ns[i] = walk_to(
		        histogram, rank_of(distribution_share(i), histogram->n), &index, &below);
}
