/*
 * What is reported, and the forms it can take. Forms print; they do no arithmetic but units.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "measure/stats.h"
#include "workload.h"

/* One queue at one point, after all its runs. */
struct report_row {
	const struct bench_queue *queue;
	struct bench_point point;           /* items settled; 0 if the queue never finished */
	const struct bench_result *results; /* rounds of them, some perhaps not run */
	enum bench_outcome outcome;         /* the worst of them */
	const char *why;                    /* unless checked */
	size_t disturbed;                   /* checked runs during which others used the machine */
	struct stats_spread metric[BENCH_METRICS]; /* over checked runs */
	struct stats_spread ratio;        /* of the first metric to the baseline's, pair by pair */
	struct distribution distribution; /* at each share the median over checked runs */
};

struct report {
	const struct bench_workload *workload;
	const struct machine *machine;
	const char *pin;
	uint64_t seed;
	size_t rounds;
	unsigned varying; /* 1 << enum bench_parameter: differs between rows, or from the default */
	const struct report_row *rows;
	size_t row_count;
};

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

/* A run is called disturbed from this share of the machine's time on. Ticks of 10 ms, sampled, are
 * wrong by a few percent on a quiet machine. */
#define REPORT_DISTURBED 0.10

const char *report_outcome(enum bench_outcome outcome);

/* "AMD EPYC, 2 cores, ..." in one line, without a newline. */
void report_machine(FILE *out, const struct report *report);

/* Whether rows differ in it. Without a number of items of its own each queue has another: that is
 * no sweep. */
bool report_is_swept(const struct report *report, enum bench_parameter parameter);

/* What this queue cannot do by itself, in words; "" for one that can do everything. */
const char *report_lacks(const struct bench_queue *queue, char *text, size_t size);

#endif
