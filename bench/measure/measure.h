/*
 * Carries out what the options ask: every queue at every point of the sweep, taking turns. All at
 * once, or begun, some rounds at a time, and ended.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <gsl/gsl_rng.h>

#include "cli/options.h"
#include "summary.h"

struct measurement {
	size_t n; /* points x queues: point by point, within a point in the order of --queue */
	struct series *series;
	struct bench_result *results; /* of all series; rounds each */
	struct report_row *rows;      /* what reports show of each series */
	gsl_rng *random;              /* for the order of turns */
};

/* 0 or -ENOMEM. What goes wrong in a run is in its row. */
int measure(struct measurement *measurement, const struct options *options);

/* Find out how many items are enough: 0 or -ENOMEM. */
int measure_begin(struct measurement *measurement, const struct options *options);
/* The rounds from one to before another, of options->runs. */
void measure_rounds(struct measurement *measurement, const struct options *options, size_t from,
                    size_t to);
/* Fill in the rows. */
void measure_end(struct measurement *measurement, const struct options *options);

/* What is reported of it; points into all three. */
struct report measure_report(const struct measurement *measurement, const struct options *options,
                             const struct machine *machine);

void measurement_free(struct measurement *measurement);

#endif
