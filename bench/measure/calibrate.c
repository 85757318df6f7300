/*
 * Short runs, each at least twice the one before, until one is long enough to tell the pace.
 */
#include <math.h>

#include "calibrate.h"
#include "child.h"

const struct calibration calibrate_usual = {
        .run_seconds = 1, .least_limit = 20, .most_limit = INFINITY};

double calibrate_limit(const struct calibration *calibration, const struct bench_point *point,
                       double baseline)
{
	double wanted = 10 * baseline * (double)point->items;
	double limit = fmin(fmax(wanted, calibration->least_limit), calibration->most_limit);

	return limit + (double)point->interval_ns * 1e-9 * (double)point->items;
}

/* A run this long tells the pace to a few percent; all trials together take two or three times
 * that. Shorter for short runs: threads have settled after some milliseconds. */
static double trial_seconds(const struct calibration *calibration)
{
	return fmax(calibration->run_seconds / 10, 0.02);
}

/* Returns how many items the next trial has: as many as should take long enough, but 2 to 16 times
 * as many as this one. */
static uint64_t next_items(uint64_t items, double seconds, double enough)
{
	double wanted = 1.2 * enough / seconds;

	if (wanted < 2)
		return items * 2;
	return wanted > 16 ? items * 16 : (uint64_t)((double)items * wanted);
}

/* Runs until one is long enough or has had most items; returns its seconds per item. */
static double pace(const struct calibration *calibration, const struct bench_workload *workload,
                   struct bench_run run, uint64_t most, double baseline, struct bench_result *trial)
{
	double enough = trial_seconds(calibration);
	uint64_t items = 1000;

	for (;;) {
		run.point.items = items < most ? items : most;
		child_run(workload, &run, calibrate_limit(calibration, &run.point, baseline),
		          trial);
		if (trial->outcome != BENCH_CHECKED)
			return 0;
		if (trial->seconds >= enough || run.point.items == most)
			return trial->seconds / (double)run.point.items;
		items = next_items(run.point.items, trial->seconds, enough);
	}
}

/* A quarter of the memory at most goes to what a run keeps of its items. */
static uint64_t most_items(const struct bench_workload *workload)
{
	struct machine machine;

	machine_describe(&machine);
	return machine.memory / 4 / (workload->bytes_per_item + 1);
}

double calibrate_baseline(const struct calibration *calibration,
                          const struct bench_workload *workload, const struct bench_run *run)
{
	struct bench_run base = *run;
	struct bench_result trial;
	double known = workload->pace ? workload->pace(&run->point) : 0;
	uint64_t most = run->point.items ? run->point.items : most_items(workload);

	if (known > 0)
		return known;
	base.queue = &bench_mutex;
	return pace(calibration, workload, base, most, 0, &trial);
}

/* Two digits are enough, and easier to read. */
static uint64_t round_items(double items)
{
	uint64_t unit = 1;

	while (items / (double)unit >= 100)
		unit *= 10;
	return (uint64_t)(items / (double)unit) * unit;
}

uint64_t calibrate_items(const struct calibration *calibration,
                         const struct bench_workload *workload, const struct bench_run *run,
                         double baseline, struct bench_result *trial)
{
	uint64_t most = most_items(workload);
	double seconds = workload->pace ? workload->pace(&run->point) : 0;

	if (seconds <= 0)
		seconds = pace(calibration, workload, *run, most, baseline, trial);

	if (seconds <= 0)
		return 0;
	uint64_t items = round_items(calibration->run_seconds / seconds);
	return items < 1 ? 1 : items < most ? items : most;
}
