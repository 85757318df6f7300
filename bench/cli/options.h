/*
 * The command line, understood and checked.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "measure/calibrate.h"
#include "report/report.h"
#include "workload.h"

enum { OPTIONS_VALUES = 16, OPTIONS_QUEUES = 32 };

struct options_list {
	size_t n;
	uint64_t value[OPTIONS_VALUES];
};

struct options {
	const struct bench_workload *workload;
	const struct bench_queue *queues[OPTIONS_QUEUES];
	size_t queue_count;
	struct options_list lists[BENCH_PARAMETERS]; /* one value each, or a sweep */
	size_t runs;
	struct calibration calibration; /* no option; as usual unless changed after parsing */
	const struct report_format *format;
	const char *output; /* NULL: stdout */
	const char *plot;   /* a picture to draw as well; NULL: none */
	bool print;
	struct machine_pin pin;
	uint64_t seed;
};

enum options_outcome {
	OPTIONS_GO,
	OPTIONS_HELPED, /* help was printed: nothing more to do */
	OPTIONS_BAD,    /* said so in one line on stderr */
};

/* May be called again: then what an earlier output points to is gone. */
enum options_outcome options_parse(struct options *options, int argc, const char **argv);

#endif
