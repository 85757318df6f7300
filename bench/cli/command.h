/*
 * What spmcq-bench does besides running one workload: the first argument names it. The help is
 * here, too.
 */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include "workload.h"

struct command {
	const char *name;
	const char *arguments; /* for help */
	const char *what;      /* in one line, for help */

	/* Has all arguments, as main() has them: argv[1] is the name. Returns the exit status:
	 * 0; 1 when something went wrong; 2 when the arguments were bad. */
	int (*main)(int argc, const char **argv);
};

/* The list. Ends with a NULL name. */
extern const struct command commands[];

/* NULL when no command has that name. */
const struct command *command_named(const char *name);

/* Each in a file of its own. */
int scoreboard_main(int argc, const char **argv);
int report_main(int argc, const char **argv);
int plot_main(int argc, const char **argv);
int compare_main(int argc, const char **argv);

/* Help for this workload; NULL: none was named. */
void help_print(const struct bench_workload *workload);

#endif
