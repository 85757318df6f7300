/*
 * What spmcq-bench does besides running one workload: the first argument names it.
 */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

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

#endif
