/*
 * What --help prints: a screen for the workload that was named, or for the first and a list of all.
 */
#ifndef BENCH_HELP_H
#define BENCH_HELP_H

#include "workload.h"

/* NULL: none was named. */
void help_print(const struct bench_workload *workload);

#endif
