/*
 * Pictures in files, and the messages if none can be drawn.
 */
#ifndef BENCH_COMMAND_PLOT_H
#define BENCH_COMMAND_PLOT_H

#include "report/plot.h"

/* Whether that picture could be drawn: 0; or 2, having said why not on stderr. */
int plot_check(const char *file);

/* Draws it: 0; or 1, having said why not. */
int plot_file(const char *file, const struct report *report);

#endif
