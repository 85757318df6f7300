/*
 * A first round finds the best others; then these, spmcq and whoever else is asked for take turns.
 */
#include <popt.h>
#include <stdlib.h>

#include "score_run.h"

/* So many runs of each in the first round, of which the best counts, and so many get on. */
enum { FIRST_RUNS = 3, FINALISTS = 3 };

/* Short runs tell the fast from the slow. Who hangs costs no more than the limit. */
static const struct calibration first_round = {
        .run_seconds = 0.1, .least_limit = 2, .most_limit = 2};

const struct bench_queue *score_us(void)
{
	return bench_queue_named("spmcq");
}

static bool parse(struct options *options, const struct score_row *row, uint64_t seed)
{
	char line[256];
	const char **argv;
	int argc;
	bool is_good;

	snprintf(line, sizeof(line), "spmcq-bench %s", row->command);
	if (poptParseArgvString(line, &argc, &argv) != 0)
		return false;
	is_good = options_parse(options, argc, argv) == OPTIONS_GO;
	free(argv);
	options->queue_count = 0;
	options->runs = row->runs;
	options->seed = seed;
	options->calibration = (struct calibration){
	        .run_seconds = row->seconds, .least_limit = 5, .most_limit = 10};
	return is_good;
}

static bool is_among(const struct bench_queue *queue, const struct bench_queue *const *queues,
                     size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (queues[i] == queue)
			return true;
	return false;
}

static bool takes_part(const struct options *options, const struct bench_queue *queue)
{
	return is_among(queue, options->queues, options->queue_count);
}

static void add_queue(struct options *options, const struct bench_queue *queue)
{
	if (!takes_part(options, queue) && options->queue_count < OPTIONS_QUEUES)
		options->queues[options->queue_count++] = queue;
}

const struct report_row *score_fastest(const struct measurement *measurement,
                                       const struct bench_queue *const *but, size_t n)
{
	const struct report_row *best = NULL;

	for (size_t i = 0; i < measurement->n; i++) {
		const struct report_row *row = &measurement->rows[i];

		if (row->outcome == BENCH_CHECKED && !is_among(row->queue, but, n) &&
		    (!best || row->metric[0].median > best->metric[0].median))
			best = row;
	}
	return best;
}

/* The same by its best run: some do well in every other run only. */
static const struct bench_queue *most_promising(const struct measurement *measurement,
                                                const struct options *but)
{
	const struct report_row *best = NULL;

	for (size_t i = 0; i < measurement->n; i++) {
		const struct report_row *row = &measurement->rows[i];

		if (row->outcome == BENCH_CHECKED && !takes_part(but, row->queue) &&
		    (!best || row->metric[0].high > best->metric[0].high))
			best = row;
	}
	return best ? best->queue : NULL;
}

/* Adds the best of those who do not take part anyway. */
static int add_finalists(struct options *options)
{
	struct options trial = *options;
	struct measurement measurement;
	const struct bench_queue *best;

	trial.queue_count = 0;
	trial.runs = FIRST_RUNS;
	trial.calibration = first_round;
	for (size_t i = 0; bench_queues[i]; i++)
		if (!(bench_queues[i]->can & BENCH_YARDSTICK) &&
		    !takes_part(options, bench_queues[i]) &&
		    bench_workload_takes(options->workload, bench_queues[i]))
			add_queue(&trial, bench_queues[i]);
	if (measure(&measurement, &trial) != 0)
		return -1;
	for (int i = 0; i < FINALISTS; i++)
		if ((best = most_promising(&measurement, options)))
			add_queue(options, best);
	measurement_free(&measurement);
	return 0;
}

static int add_queues(struct options *options, const struct score_row *row)
{
	bool others = false;

	add_queue(options, score_us());
	for (const struct score_goal *goal = row->goals; goal->against; goal++) {
		if (goal->against == SCORE_QUEUE)
			add_queue(options, bench_queue_named(goal->name));
		others |= goal->against == SCORE_BEST_OTHER;
	}
	if (!others)
		return 0;
	add_queue(options, &bench_mutex);
	return add_finalists(options);
}

static const char *begin(struct score_trial *trial, uint64_t seed)
{
	struct machine machine;

	machine_describe(&machine);
	if (machine.cores < trial->row->cores)
		return "takes more cores than there are";
	if (!parse(&trial->options, trial->row, seed))
		return "cannot be done here";
	if (add_queues(&trial->options, trial->row) != 0 ||
	    measure_begin(&trial->measurement, &trial->options) != 0)
		return "no memory";
	return NULL;
}

void score_begin(struct score_trial *trial, const struct score_row *row, uint64_t seed)
{
	trial->row = row;
	trial->why = begin(trial, seed);
}

void score_pass(struct score_trial *trial, size_t pass)
{
	size_t runs = trial->row->runs;

	if (!trial->why)
		measure_rounds(&trial->measurement, &trial->options, pass * runs / SCORE_PASSES,
		               (pass + 1) * runs / SCORE_PASSES);
}
