/*
 * One run of a queue on the simulated machine.
 */
#ifndef BENCH_SIMULATE_DRIVER_H
#define BENCH_SIMULATE_DRIVER_H

#include "simulate/job.h"

/* queue: NULL, if there is none of the job's name. Once in a process. */
void driver_run(const struct bench_queue *queue, const struct sim_job *job, uint64_t *latency_ns,
                struct sim_outcome *outcome);

#endif
