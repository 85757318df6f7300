/*
 * The standard set: what `spmcq-bench report` measures, in less than four minutes on two cores.
 */
#ifndef BENCH_STANDARD_H
#define BENCH_STANDARD_H

#include "options.h"

struct standard_part {
	const char *name; /* of its file, and in the page */
	const char *title;
	const char *question;
	const char *workload;  /* the command line, without --queue */
	const char *queues[8]; /* those that are there take part; none: all */
	double seconds;        /* of a run */
	size_t runs;
	const char *needs; /* a program; NULL: nothing */
};

/* The list. Ends with a NULL name. */
extern const struct standard_part standard_parts[];

#endif
