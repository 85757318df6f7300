/*
 * Draws a report: bars with intervals for one point, lines for a sweep, the distribution with a
 * logarithmic tail where the workload has one.
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "report.h"

enum plot_format { PLOT_SVG, PLOT_PNG };

/* By the end of the file's name: 0 or -EINVAL. */
int plot_format_of(const char *file, enum plot_format *format);

/* 0, or an error of gnuplot_run(). */
int plot_write(FILE *picture, const struct report *report, enum plot_format format);

#endif
