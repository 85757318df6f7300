/*
 * Point by point: find out how many items are enough, then let the queues take turns, A B C A B C,
 * in an order shuffled anew each round, so that a change of the machine meets them all alike.
 */
#include <errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>

#include "calibrate.h"
#include "child.h"
#include "measure.h"
#include "progress.h"
#include "sweep.h"

static struct bench_run run_of(const struct options *options, const struct series *series,
                               size_t round)
{
	return (struct bench_run){.queue = series->queue,
	                          .point = series->point,
	                          .pin = &options->pin,
	                          .seed = options->seed + round};
}

static void settle_items(const struct options *options, struct series *series, double baseline)
{
	struct bench_run run = run_of(options, series, 0);
	struct bench_result trial;

	if (series->point.items > 0)
		return;
	progress_trial(series->queue->name);
	series->point.items =
	        calibrate_items(&options->calibration, options->workload, &run, baseline, &trial);
	if (series->point.items == 0) {
		series->is_out = true;
		series->results[0] = trial; /* it tells why */
	}
}

static void take_turn(const struct options *options, struct series *series, size_t round,
                      double baseline)
{
	struct bench_run run = run_of(options, series, round);
	struct bench_result *result = &series->results[round];

	progress_run(series->queue->name);
	if (series->is_out)
		return;
	child_run(options->workload, &run,
	          calibrate_limit(&options->calibration, &run.point, baseline), result);
	series->is_out = result->outcome != BENCH_CHECKED;
}

/* series: one per queue. */
static void measure_point(const struct options *options, struct series *series, gsl_rng *random)
{
	struct bench_run base = run_of(options, series, 0);
	size_t turns[OPTIONS_QUEUES], queues = options->queue_count;

	progress_trial(bench_mutex.name);
	double baseline = calibrate_baseline(&options->calibration, options->workload, &base);
	for (size_t i = 0; i < queues; i++) {
		settle_items(options, &series[i], baseline);
		turns[i] = i;
	}
	for (size_t round = 0; round < options->runs; round++) {
		gsl_ran_shuffle(random, turns, queues, sizeof(*turns));
		for (size_t i = 0; i < queues; i++)
			take_turn(options, &series[turns[i]], round, baseline);
	}
}

static void summarise_point(const struct options *options, const struct series *series,
                            struct report_row *rows)
{
	const struct series *baseline = NULL;

	for (size_t i = 0; i < options->queue_count; i++)
		if (series[i].queue == &bench_mutex)
			baseline = &series[i];
	for (size_t i = 0; i < options->queue_count; i++)
		summarise(&rows[i], &series[i], baseline, options->workload, options->runs,
		          options->seed);
}

static int prepare(struct measurement *m, const struct options *options)
{
	size_t points = sweep_points(options);

	m->n = points * options->queue_count;
	m->series = calloc(m->n, sizeof(*m->series));
	m->rows = calloc(m->n, sizeof(*m->rows));
	m->results = calloc(m->n * options->runs, sizeof(*m->results));
	if (!m->series || !m->rows || !m->results) {
		measurement_free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->n; i++) {
		m->series[i].queue = options->queues[i % options->queue_count];
		m->series[i].point = sweep_point(options, i / options->queue_count);
		m->series[i].results = &m->results[i * options->runs];
	}
	return 0;
}

int measure(struct measurement *measurement, const struct options *options)
{
	gsl_rng *random;

	if (prepare(measurement, options) != 0)
		return -ENOMEM;
	random = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(random, (unsigned long)options->seed);
	progress_begin(measurement->n * options->runs);
	for (size_t i = 0; i < measurement->n; i += options->queue_count) {
		measure_point(options, &measurement->series[i], random);
		summarise_point(options, &measurement->series[i], &measurement->rows[i]);
	}
	progress_end();
	gsl_rng_free(random);
	return 0;
}

struct report measure_report(const struct measurement *measurement, const struct options *options,
                             const struct machine *machine)
{
	return (struct report){.workload = options->workload,
	                       .machine = machine,
	                       .pin = options->pin.text,
	                       .seed = options->seed,
	                       .rounds = options->runs,
	                       .varying = sweep_varying(options),
	                       .rows = measurement->rows,
	                       .row_count = measurement->n};
}

void measurement_free(struct measurement *measurement)
{
	free(measurement->results);
	free(measurement->rows);
	free(measurement->series);
}
