/*
 * A report in words, for the forms that people read.
 */
#ifndef BENCH_REPORT_CELLS_H
#define BENCH_REPORT_CELLS_H

#include "cells.h"
#include "report.h"

/* Makes the table: 0 or -ENOMEM. */
int report_cells(struct cells *cells, const struct report *report);

/* "5 runs each in turns, median; ..." in one line. */
const char *report_rounds(const struct report *report, char *text, size_t size);

/* Calls note() with each thing to know, one line without a newline. */
void report_notes(const struct report *report, void (*note)(FILE *out, const char *text),
                  FILE *out);

#endif
