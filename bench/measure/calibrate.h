/*
 * How many items make a run of about a second, and how long a run may take at most.
 */
#ifndef BENCH_CALIBRATE_H
#define BENCH_CALIBRATE_H

#include "workload.h"

struct calibration {
	double run_seconds; /* what a run takes whose items are not given */
	double least_limit; /* seconds: a run is stopped no sooner */
	double most_limit;  /* seconds: a run without --interval is stopped then */
};

extern const struct calibration calibrate_usual;

/* The seconds the baseline needs per item at this point, found by short runs of at most
 * run->point.items items (0: as many as it takes). 0 when it did not finish. */
double calibrate_baseline(const struct calibration *calibration,
                          const struct bench_workload *workload, const struct bench_run *run);

/* The items this queue handles in run_seconds. 0 when a trial failed: trial then says how. */
uint64_t calibrate_items(const struct calibration *calibration,
                         const struct bench_workload *workload, const struct bench_run *run,
                         double baseline, struct bench_result *trial);

/* The seconds after which a run is stopped: ten times what the baseline needs, but within the
 * limits; plus the time of the schedule with --interval. */
double calibrate_limit(const struct calibration *calibration, const struct bench_point *point,
                       double baseline);

#endif
