/*
 * How many items make a run of about a second, and how long a run may take at most.
 */
#ifndef BENCH_CALIBRATE_H
#define BENCH_CALIBRATE_H

#include "workload.h"

/* The seconds the baseline needs per item at this point, found by short runs of at most
 * run->point.items items (0: as many as it takes). 0 when it did not finish. */
double calibrate_baseline(const struct bench_workload *workload, const struct bench_run *run);

/* The items this queue handles in about a second. 0 when a trial failed: trial then says how. */
uint64_t calibrate_items(const struct bench_workload *workload, const struct bench_run *run,
                         double baseline, struct bench_result *trial);

/* The seconds after which a run is stopped: ten times what the baseline needs, at least 20. */
double calibrate_limit(const struct bench_point *point, double baseline);

#endif
