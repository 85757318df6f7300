/*
 * The forms that results can take. Forms print; they do no arithmetic but units.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "measure/summary.h"

struct report_format {
	const char *name;
	int (*write)(FILE *out, const struct report *report); /* 0 or -errno */
};

/* The list. Ends with a NULL name. The first is the default. */
extern const struct report_format report_formats[];

int report_table(FILE *out, const struct report *report);
int report_csv(FILE *out, const struct report *report);
int report_json(FILE *out, const struct report *report);
int report_markdown(FILE *out, const struct report *report);

/* Shared by the forms. */

const char *report_outcome(enum bench_outcome outcome);

/* "AMD EPYC, 2 cores, ..." in one line, without a newline. */
void report_machine(FILE *out, const struct report *report);

/* The machines that the times are of, where that is not the one it ran on; "" where it is. */
const char *report_described(const struct report *report, char *text, size_t size);

/* Whether rows differ in the parameter. The number of items counts only if --items was given:
 * otherwise each queue has its own. */
bool report_is_swept(const struct report *report, enum bench_parameter parameter);

/* A part of a metric: "ring.head 6.96 (get 6.61, put 0.35)"; shares that would print as 0.00 are
 * left out. */
const char *report_part(const struct bench_workload *workload, const struct bench_part *part,
                        char *text, size_t size);

/* What this queue cannot do by itself, in words; "" for one that can do everything. */
const char *report_lacks(const struct bench_queue *queue, char *text, size_t size);

#endif
