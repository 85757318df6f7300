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
#include "measure.h"

static struct bench_run run_of(const struct plan *plan, const struct series *series, size_t round)
{
	return (struct bench_run){.queue = series->queue,
	                          .point = series->point,
	                          .pin = &plan->pin,
	                          .seed = plan->seed + round};
}

static void settle_items(const struct plan *plan, struct series *series)
{
	struct bench_run run = run_of(plan, series, 0);
	struct bench_result trial;

	if (series->point.items > 0)
		return;
	plan->watcher->trial(series->queue->name);
	series->point.items =
	        calibrate_items(&plan->calibration, plan->workload, &run, series->baseline, &trial);
	if (series->point.items == 0) {
		series->is_out = true;
		series->results[0] = trial; /* it tells why */
	}
}

/* series: one per queue. */
static void calibrate_point(const struct plan *plan, struct series *series)
{
	struct bench_run base = run_of(plan, series, 0);

	plan->watcher->trial(bench_mutex.name);
	double baseline = calibrate_baseline(&plan->calibration, plan->workload, &base);
	for (size_t i = 0; i < plan->queue_count; i++) {
		series[i].baseline = baseline;
		settle_items(plan, &series[i]);
	}
}

static void take_turn(const struct plan *plan, struct series *series, size_t round)
{
	struct bench_run run = run_of(plan, series, round);
	struct bench_result *result = &series->results[round];

	plan->watcher->run(series->queue->name);
	if (series->is_out)
		return;
	child_run(plan->workload, &run,
	          calibrate_limit(&plan->calibration, &run.point, series->baseline), result);
	series->is_out = result->outcome != BENCH_CHECKED;
}

/* series: one per queue. */
static void take_turns(const struct plan *plan, struct series *series, size_t round,
                       gsl_rng *random)
{
	size_t turns[PLAN_QUEUES], queues = plan->queue_count;

	for (size_t i = 0; i < queues; i++)
		turns[i] = i;
	gsl_ran_shuffle(random, turns, queues, sizeof(*turns));
	for (size_t i = 0; i < queues; i++)
		take_turn(plan, &series[turns[i]], round);
}

static void summarise_point(const struct plan *plan, const struct series *series,
                            struct report_row *rows)
{
	const struct series *baseline = NULL;

	for (size_t i = 0; i < plan->queue_count; i++)
		if (series[i].queue == &bench_mutex)
			baseline = &series[i];
	for (size_t i = 0; i < plan->queue_count; i++)
		summarise(&rows[i], &series[i], baseline, plan->workload, plan->runs, plan->seed);
}

static int prepare(struct measurement *m, const struct plan *plan)
{
	size_t points = plan_points(plan);

	*m = (struct measurement){.n = points * plan->queue_count};
	m->series = calloc(m->n, sizeof(*m->series));
	m->rows = calloc(m->n, sizeof(*m->rows));
	m->results = calloc(m->n * plan->runs, sizeof(*m->results));
	if (!m->series || !m->rows || !m->results) {
		measurement_free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < m->n; i++) {
		m->series[i].queue = plan->queues[i % plan->queue_count];
		m->series[i].point = plan_point(plan, i / plan->queue_count);
		m->series[i].results = &m->results[i * plan->runs];
	}
	return 0;
}

int measure_begin(struct measurement *measurement, const struct plan *plan)
{
	if (prepare(measurement, plan) != 0)
		return -ENOMEM;
	measurement->random = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(measurement->random, (unsigned long)plan->seed);
	plan->watcher->begin(measurement->n * plan->runs);
	for (size_t i = 0; i < measurement->n; i += plan->queue_count)
		calibrate_point(plan, &measurement->series[i]);
	plan->watcher->end();
	return 0;
}

void measure_rounds(struct measurement *measurement, const struct plan *plan, size_t from,
                    size_t to)
{
	for (size_t round = from; round < to; round++)
		for (size_t i = 0; i < measurement->n; i += plan->queue_count)
			take_turns(plan, &measurement->series[i], round, measurement->random);
}

void measure_end(struct measurement *measurement, const struct plan *plan)
{
	for (size_t i = 0; i < measurement->n; i += plan->queue_count)
		summarise_point(plan, &measurement->series[i], &measurement->rows[i]);
}

int measure(struct measurement *measurement, const struct plan *plan)
{
	int error;

	plan->watcher->begin(plan_points(plan) * plan->queue_count * plan->runs);
	error = measure_begin(measurement, plan);
	if (error == 0) {
		measure_rounds(measurement, plan, 0, plan->runs);
		measure_end(measurement, plan);
	}
	plan->watcher->end();
	return error;
}

struct report measure_report(const struct measurement *measurement, const struct plan *plan,
                             const struct machine *machine)
{
	return (struct report){.workload = plan->workload,
	                       .machine = machine,
	                       .pin = plan->pin.text,
	                       .seed = plan->seed,
	                       .rounds = plan->runs,
	                       .varying = plan_varying(plan),
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
