/*
 * Picks the figures out of the runs and has stats.c do the arithmetic.
 */
#include <math.h>

#include "summary.h"

static bool failed(const struct series *series, size_t rounds)
{
	for (size_t i = 0; i < rounds; i++)
		if (series->results[i].outcome > BENCH_CHECKED)
			return true;
	return false;
}

static struct stats_spread spread_of(const struct series *series, size_t metric, size_t rounds,
                                     uint64_t seed)
{
	double values[STATS_MOST];
	size_t n = 0;

	for (size_t i = 0; i < rounds && n < STATS_MOST; i++)
		if (series->results[i].outcome == BENCH_CHECKED &&
		    !isnan(series->results[i].metric[metric]))
			values[n++] = series->results[i].metric[metric];
	return stats_spread(values, n, seed);
}

/* The median over the runs at each share by itself, so that an outlier of one run does not change
 * the whole distribution. */
static void distribution_of(struct distribution *median, const struct series *series, size_t rounds)
{
	double values[STATS_MOST];
	size_t n;

	for (size_t point = 0; point < DISTRIBUTION_POINTS; point++) {
		n = 0;
		median->n = 0;
		for (size_t i = 0; i < rounds && n < STATS_MOST; i++) {
			const struct bench_result *result = &series->results[i];

			if (result->outcome != BENCH_CHECKED || result->distribution.n == 0)
				continue;
			values[n++] = (double)result->distribution.ns[point];
			median->n += result->distribution.n;
		}
		median->ns[point] = (uint64_t)stats_median(values, n);
	}
}

/* Only rounds in which both finished make a pair; a baseline that failed once is none. */
static struct stats_spread ratio_of(const struct series *series, const struct series *baseline,
                                    double nothing, size_t rounds, uint64_t seed)
{
	double values[STATS_MOST], base[STATS_MOST];
	size_t n = 0;

	for (size_t i = 0; baseline && i < rounds && n < STATS_MOST; i++) {
		const struct bench_result *ours = &series->results[i];
		const struct bench_result *theirs = &baseline->results[i];

		if (ours->outcome != BENCH_CHECKED || theirs->outcome != BENCH_CHECKED ||
		    theirs->metric[0] < nothing)
			continue;
		values[n] = ours->metric[0];
		base[n++] = theirs->metric[0];
	}
	return stats_ratio(values, base, n, seed);
}

void summarise(struct report_row *row, const struct series *series, const struct series *baseline,
               const struct bench_workload *workload, size_t rounds, uint64_t seed)
{
	*row = (struct report_row){
	        .queue = series->queue, .point = series->point, .results = series->results};
	for (size_t i = 0; i < rounds; i++) {
		const struct bench_result *result = &series->results[i];

		if (result->outcome > row->outcome) {
			row->outcome = result->outcome;
			row->why = result->why;
		}
		if (result->outcome == BENCH_CHECKED && *result->parts[0].name && !row->parts)
			row->parts = result->parts;
		if (result->outcome == BENCH_CHECKED)
			row->disturbed += result->foreign > REPORT_DISTURBED;
	}
	if (row->outcome != BENCH_CHECKED) {
		row->parts = NULL;
		return; /* a queue that fails in one run has no figure of the others either */
	}
	for (size_t i = 0; workload->metrics[i].key; i++)
		row->metric[i] = spread_of(series, i, rounds, seed);
	distribution_of(&row->distribution, series, rounds);
	if (baseline && failed(baseline, rounds))
		baseline = NULL;
	if (workload->metrics[0].key)
		row->ratio = ratio_of(series, baseline, workload->nothing, rounds, seed);
}
