/*
 * The command line, understood and checked.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "measure/plan.h"
#include "report/report.h"

/* Which queues there are beside those between threads. */
enum between { BETWEEN_THREADS, BETWEEN_PROCESSES, BETWEEN_MACHINES };

struct options {
	struct plan plan; /* no option sets its calibration: the caller may, after parsing */
	const struct report_format *format;
	const char *output; /* NULL: stdout */
	const char *plot;   /* a picture to draw as well; NULL: none */
	bool print;
	enum between between;
	const char *server, *ca; /* between machines; NULL: a server is started */
};

enum options_outcome {
	OPTIONS_GO,
	OPTIONS_HELPED, /* help was printed: nothing more to do */
	OPTIONS_BAD,    /* said so in one line on stderr */
};

/* May be called again: then what an earlier output points to is gone. */
enum options_outcome options_parse(struct options *options, int argc, const char **argv);

#endif
