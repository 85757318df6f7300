/*
 * The only function that the module exports.
 */
#include "simulate/driver.h"

__attribute__((visibility("default"))) simulate_function simulate_run;
void simulate_run(const struct sim_job *job, uint64_t *latency_ns, struct sim_outcome *outcome)
{
	driver_run(bench_queue_named(job->queue), job, latency_ns, outcome);
}
