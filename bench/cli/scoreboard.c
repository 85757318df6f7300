/*
 * spmcq-bench scoreboard: all that the library must reach, from one command. Exit status 0; 1 when
 * something was missed, or the report could not be written; 2 when the arguments were bad.
 */
#include <errno.h>
#include <popt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "command.h"
#include "measure/usage.h"
#include "progress.h"
#include "score_run.h"

enum { MOST_ROWS = 32, MOST_SCORES = MOST_ROWS * SCORE_GOALS };

struct given {
	char *output;
	int seed, help;
};

static void print_help(void)
{
	printf("Usage: spmcq-bench scoreboard [--output FILE.json] [--seed NUMBER]\n"
	       "Measures what spmcq must reach, in less than five minutes. Exit status 1 when it "
	       "misses something.\n"
	       "Rows, and what is run for each with several queues:\n");
	for (const struct score_row *row = score_rows; row->work; row++)
		printf("  %-30s  spmcq-bench %s\n", row->work, row->command);
}

/* Returns whether to go on; if not, *status says how it went. */
static bool read_arguments(struct given *given, int argc, const char **argv, int *status)
{
	const struct poptOption options[] = {
	        {"output", 0, POPT_ARG_STRING, &given->output, 0, NULL, NULL},
	        {"seed", 0, POPT_ARG_INT, &given->seed, 0, NULL, NULL},
	        {"help", 'h', POPT_ARG_NONE, &given->help, 0, NULL, NULL},
	        POPT_TABLEEND,
	};
	poptContext context = poptGetContext(NULL, argc, argv, options, 0);
	int error = poptGetNextOpt(context);
	const char *more;

	(void)poptGetArg(context); /* the command itself */
	more = error < -1 ? poptBadOption(context, 0) : poptGetArg(context);
	*status = more ? 2 : 0;
	if (more)
		fprintf(stderr,
		        "spmcq-bench: scoreboard takes --output FILE and --seed NUMBER, "
		        "not \"%s\"\n",
		        more);
	else if (given->help)
		print_help();
	poptFreeContext(context);
	return !more && !given->help;
}

static uint64_t any_seed(void)
{
	uint32_t random = 1;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return 1;
	return random & INT32_MAX;
}

static size_t runs_of(const struct score_trial *trials, size_t rows)
{
	size_t runs = 0;

	for (size_t i = 0; i < rows; i++)
		if (!trials[i].why)
			runs += trials[i].measurement.n * trials[i].plan.runs;
	return runs;
}

/* Returns how many rows. */
static size_t run_all(struct score_trial *trials, uint64_t seed)
{
	size_t rows = 0;

	for (; rows < MOST_ROWS && score_rows[rows].work; rows++)
		score_begin(&trials[rows], &score_rows[rows], seed);
	progress_begin(runs_of(trials, rows));
	for (size_t pass = 0; pass < SCORE_PASSES; pass++)
		for (size_t i = 0; i < rows; i++)
			score_pass(&trials[i], pass);
	progress_end();
	return rows;
}

static size_t measure_all(const struct machine *machine, uint64_t seed, struct score *scores)
{
	static struct score_trial trials[MOST_ROWS];
	double begin = usage_clock();
	size_t n = 0;

	score_print_heading(stdout, machine, seed);
	size_t rows = run_all(trials, seed);
	for (size_t i = 0; i < rows; i++) {
		size_t more = score_end(&trials[i], &scores[n]);
		score_print(stdout, &scores[n], more);
		n += more;
	}
	score_print_sum(stdout, scores, n, usage_clock() - begin);
	return n;
}

static bool is_missed(const struct score *scores, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (scores[i].verdict == SCORE_MISSED)
			return true;
	return false;
}

int scoreboard_main(int argc, const char **argv)
{
	static struct score scores[MOST_SCORES];
	struct given given = {NULL, -1, 0};
	struct machine machine;
	FILE *out = NULL;
	int status;

	if (!read_arguments(&given, argc, argv, &status))
		return status;
	/* Before the minutes that it takes. */
	if (given.output && !(out = fopen(given.output, "w"))) {
		fprintf(stderr, "spmcq-bench: %s: %s\n", given.output, strerror(errno));
		return 2;
	}
	uint64_t seed = given.seed >= 0 ? (uint64_t)given.seed : any_seed();
	machine_describe(&machine);
	size_t n = measure_all(&machine, seed, scores);
	status = is_missed(scores, n);
	if (out && (score_json(out, &machine, seed, scores, n) | fclose(out)) != 0) {
		fprintf(stderr, "spmcq-bench: %s: not written\n", given.output);
		status = 1;
	}
	free(given.output);
	return status;
}
