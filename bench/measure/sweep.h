/*
 * Every combination of the values given for each parameter.
 */
#ifndef BENCH_SWEEP_H
#define BENCH_SWEEP_H

#include "cli/options.h"

size_t sweep_points(const struct options *options);

/* Combination number i; the last parameter changes fastest. */
struct bench_point sweep_point(const struct options *options, size_t i);

/* 1 << enum bench_parameter for each that has several values, or not the workload's own. */
unsigned sweep_varying(const struct options *options);

#endif
