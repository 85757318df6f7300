/*
 * What a workload is: written once, run with every queue. It measures one run, in a process of its
 * own, and leaves repetition, comparison and printing to others.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "measure/distribution.h"
#include "measure/machine.h"
#include "measure/point.h"
#include "queue.h"

/* One run: what to do. */
struct bench_run {
	const struct bench_queue *queue;
	struct bench_point point; /* the number of items is not 0 */
	const struct machine_pin *pin;
	uint64_t seed;
	FILE *print; /* where the workload prints what happens; NULL: it only measures */
};

enum bench_outcome {
	BENCH_NOT_RUN = 0,
	BENCH_CHECKED, /* finished, and every item accounted for */
	BENCH_VOID,    /* finished wrong, or crashed: its figures mean nothing */
	BENCH_STOPPED, /* did not finish in time */
};

enum { BENCH_METRICS = 10 };

/* One row of a breakdown of a metric, for example the moves of one field, split by call.
 */
enum { BENCH_PARTS = 8, BENCH_SHARES = 5 };
struct bench_part {
	char name[56]; /* "": no more parts */
	double share[BENCH_SHARES];
};

/* One run: what came of it. Lives in memory shared with the process that ran it; no pointers. */
struct bench_result {
	enum bench_outcome outcome;
	char why[200];                /* unless checked: what went wrong */
	double seconds;               /* the timed part */
	double metric[BENCH_METRICS]; /* as the workload's metrics[] say; NAN: it has none */
	double foreign;               /* share of the machine's time that went to others, 0..1 */
	struct distribution distribution;     /* of the durations it is about; n == 0: none */
	struct bench_part parts[BENCH_PARTS]; /* the largest first */
};

enum bench_better { BENCH_MORE, BENCH_LESS };

struct bench_metric {
	const char *key;   /* in JSON and CSV, in units of the value */
	const char *title; /* in tables; NULL: not shown there */
	double scale;      /* tables and pictures show value / scale */
	enum bench_better better;
};

struct bench_workload {
	const char *name;
	const char *what;            /* in one line, for help */
	const char *method;          /* what the clock covers and what is checked, for reports */
	unsigned uses;               /* 1 << enum bench_parameter */
	struct bench_point defaults; /* items 0: as many as take about a second */
	size_t bytes_per_item;       /* memory that the workload itself needs for an item */
	const char *queues;          /* default of --queue */
	size_t runs;                 /* default of --runs */
	bool can_print;              /* knows --print: its output then is what it prints */
	bool talks;                  /* prints always; there are no figures */
	const char *interval; /* what --interval is here, for help; NULL: between two items */
	const char
	        *lists[BENCH_PARAMETERS]; /* what is swept if nothing is said; NULL: the default */
	const char *remarks; /* for help and the page, what its figures leave out; NULL: nothing */
	const char
	        *examples[4]; /* for help, what follows the name; NULL: no more; none: usual ones */

	/* Whether it cannot run at this point: then why says so, in one line. NULL: it always can.
	 */
	bool (*refuses)(const struct bench_point *point, char *why, size_t size);
	bool needs_simulated; /* only queues that are BENCH_SIMULATED */

	/* Describes the simulated machine whose times are measured. NULL: times are of the real
	 * one. */
	void (*describe)(const struct bench_point *point, char *text, size_t size);

	/* The seconds that an item takes, if they follow from the options, for example from an
	 * interval. Then the number of items need not be found by trial. 0, or NULL: it must be. */
	double (*pace)(const struct bench_point *point);

	const char *axis;      /* what pictures call the first metric, with its unit */
	const char *durations; /* what the distribution is of; NULL: there is none */
	const char *parts;     /* what the parts are of, in words; NULL: there are none */
	const char *parts_key; /* the same, in JSON and CSV */
	const char *shares[BENCH_SHARES]; /* the calls that a part is divided among */

	/* Ends with a NULL key. The first is the one that is compared with the baseline. */
	struct bench_metric metrics[BENCH_METRICS + 1];
	double nothing; /* if the first metric is below, it counts as 0, without a ratio */

	/* Fills in the result: outcome and why, or outcome and the rest. */
	void (*run)(const struct bench_run *run, struct bench_result *result);
};

/* The list. Ends with NULL. */
extern const struct bench_workload *const bench_workloads[];

/* NULL when no workload has that name. */
const struct bench_workload *bench_workload_named(const char *name);

/* Whether it can run with that queue: some competitors know nothing but squares. */
bool bench_workload_takes(const struct bench_workload *workload, const struct bench_queue *queue);

/* Marks the run as void; the first reason stays. */
__attribute__((format(printf, 2, 3))) void bench_void(struct bench_result *result,
                                                      const char *format, ...);

#endif
