/*
 * One run in a process of its own: its counters are its own, a crash does no harm to other runs,
 * and a run that never ends can be ended.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include "workload.h"

/* Runs the workload, for limit_seconds at most. The result is always filled in. */
void child_run(const struct bench_workload *workload, const struct bench_run *run,
               double limit_seconds, struct bench_result *result);

#endif
