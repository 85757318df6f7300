/*
 * Carries out the plan: every queue at every point of the sweep, taking turns. One call measures
 * everything; or the caller begins, runs some rounds at a time, and ends.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <gsl/gsl_rng.h>

#include "plan.h"
#include "summary.h"

struct measurement {
	size_t n; /* points x queues: point by point, within a point in the order of --queue */
	struct series *series;
	struct bench_result *results; /* of all series; rounds each */
	struct report_row *rows;      /* what reports show of each series */
	gsl_rng *random;              /* for the order of turns */
};

/* Returns 0 or -ENOMEM. A run that fails is noted in its row. */
int measure(struct measurement *measurement, const struct plan *plan);

/* Find out how many items are enough: 0 or -ENOMEM. */
int measure_begin(struct measurement *measurement, const struct plan *plan);
/* The rounds from one to before another, of plan->runs. */
void measure_rounds(struct measurement *measurement, const struct plan *plan, size_t from,
                    size_t to);
/* Fill in the rows. */
void measure_end(struct measurement *measurement, const struct plan *plan);

/* What is reported of it; points into all three. */
struct report measure_report(const struct measurement *measurement, const struct plan *plan,
                             const struct machine *machine);

void measurement_free(struct measurement *measurement);

#endif
