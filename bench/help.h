/*
 * What --help prints: a screen for the workload that was named.
 */
#ifndef BENCH_HELP_H
#define BENCH_HELP_H

#include "workload.h"

void help_print(const struct bench_workload *workload);

#endif
