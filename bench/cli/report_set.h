/*
 * What `spmcq-bench report` is going to measure.
 */
#ifndef BENCH_REPORT_SET_H
#define BENCH_REPORT_SET_H

#include "options.h"
#include "standard.h"

enum { REPORT_PARTS = 16, REPORT_LINE = 400 };

/* One part, ready to be measured. */
struct part {
	const struct standard_part *standard;
	struct options options;
	char command[REPORT_LINE];
};

struct set {
	const char *folder;
	char *names, *pin, *runs, *seed, *seconds; /* NULL: not given. The seed is always set */

	struct part parts[REPORT_PARTS];
	size_t n;
	struct machine machine;
	bool is_void; /* a run was */
};

/* Fills in the parts: 0; or 2, having said on stderr what is wrong with what was given. */
int set_prepare(struct set *set);

/* Says on stderr which parts are left out, as something is not installed. */
void set_say_left_out(const struct set *set);

size_t part_runs(const struct part *part);
double part_seconds(const struct part *part); /* it will take, about */

/* One line on stderr. Returns 2. */
int report_complain(const char *what, const char *why);

#endif
