/*
 * Find out how many items are enough at each point; then, round by round and point by point, let
 * the queues take turns, A B C, in an order shuffled anew each time, so that a change of the
 * machine meets them all alike.
 */
#include <errno.h>
#include <gsl/gsl_randist.h>
#include <stdlib.h>

#include "calibrate.h"
#include "child.h"
#include "cli/progress.h"
#include "measure.h"
#include "sweep.h"

static struct bench_run run_of(const struct options *options, const struct series *series,
                               size_t round)
{
	return (struct bench_run){.queue = series->queue,
	                          .point = series->point,
	                          .pin = &options->pin,
	                          .seed = options->seed + round};
}

static void settle_items(const struct options *options, struct series *series)
{
	struct bench_run run = run_of(options, series, 0);
	struct bench_result trial;

	if (series->point.items > 0)
		return;
	progress_trial(series->queue->name);
	series->point.items = calibrate_items(&options->calibration, options->workload, &run,
	                                      series->baseline, &trial);
	if (series->point.items == 0) {
		series->is_out = true;
		series->results[0] = trial; /* it tells why */
	}
}

/* series: one per queue. */
static void calibrate_point(const struct options *options, struct series *series)
{
	struct bench_run base = run_of(options, series, 0);

	progress_trial(bench_mutex.name);
	double baseline = calibrate_baseline(&options->calibration, options->workload, &base);
	for (size_t i = 0; i < options->queue_count; i++) {
		series[i].baseline = baseline;
		settle_items(options, &series[i]);
	}
}

static void take_turn(const struct options *options, struct series *series, size_t round)
{
	struct bench_run run = run_of(options, series, round);
	struct bench_result *result = &series->results[round];

	progress_run(series->queue->name);
	if (series->is_out)
		return;
	child_run(options->workload, &run,
	          calibrate_limit(&options->calibration, &run.point, series->baseline), result);
	series->is_out = result->outcome != BENCH_CHECKED;
}

/* series: one per queue. */
static void take_turns(const struct options *options, struct series *series, size_t round,
                       gsl_rng *random)
{
	size_t turns[OPTIONS_QUEUES], queues = options->queue_count;

	for (size_t i = 0; i < queues; i++)
		turns[i] = i;
	gsl_ran_shuffle(random, turns, queues, sizeof(*turns));
	for (size_t i = 0; i < queues; i++)
		take_turn(options, &series[turns[i]], round);
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

	*m = (struct measurement){.n = points * options->queue_count};
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

int measure_begin(struct measurement *measurement, const struct options *options)
{
	if (prepare(measurement, options) != 0)
		return -ENOMEM;
	measurement->random = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(measurement->random, (unsigned long)options->seed);
	progress_begin(measurement->n * options->runs);
	for (size_t i = 0; i < measurement->n; i += options->queue_count)
		calibrate_point(options, &measurement->series[i]);
	progress_end();
	return 0;
}

void measure_rounds(struct measurement *measurement, const struct options *options, size_t from,
                    size_t to)
{
	for (size_t round = from; round < to; round++)
		for (size_t i = 0; i < measurement->n; i += options->queue_count)
			take_turns(options, &measurement->series[i], round, measurement->random);
}

void measure_end(struct measurement *measurement, const struct options *options)
{
	for (size_t i = 0; i < measurement->n; i += options->queue_count)
		summarise_point(options, &measurement->series[i], &measurement->rows[i]);
}

int measure(struct measurement *measurement, const struct options *options)
{
	int error;

	progress_begin(sweep_points(options) * options->queue_count * options->runs);
	error = measure_begin(measurement, options);
	if (error == 0) {
		measure_rounds(measurement, options, 0, options->runs);
		measure_end(measurement, options);
	}
	progress_end();
	return error;
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
	gsl_rng_free(measurement->random);
	free(measurement->results);
	free(measurement->rows);
	free(measurement->series);
}
