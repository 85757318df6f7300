/*
 * A first round finds the best others; then these, spmcq and the queues named on the command line
 * take turns.
 */
#include <popt.h>
#include <stdlib.h>

#include "options.h"
#include "score_run.h"

/* Runs of each queue in the first round, of which the best counts; queues that go on to the second
 * round. */
enum { FIRST_RUNS = 3, FINALISTS = 3 };

/* Short runs tell fast queues from slow ones. A queue that hangs takes no more than the limit. */
static const struct calibration first_round = {
        .run_seconds = 0.1, .least_limit = 2, .most_limit = 2};

const struct bench_queue *score_us(void)
{
	return bench_queue_named("spmcq");
}

static bool parse(struct plan *plan, const struct score_row *row, uint64_t seed)
{
	struct options options;
	char line[256];
	const char **argv;
	int argc;
	bool is_good;

	snprintf(line, sizeof(line), "spmcq-bench %s", row->command);
	if (poptParseArgvString(line, &argc, &argv) != 0)
		return false;
	is_good = options_parse(&options, argc, argv) == OPTIONS_GO;
	free(argv);
	*plan = options.plan;
	plan->queue_count = 0;
	plan->runs = row->runs;
	plan->seed = seed;
	plan->calibration = (struct calibration){
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

static bool takes_part(const struct plan *plan, const struct bench_queue *queue)
{
	return is_among(queue, plan->queues, plan->queue_count);
}

static void add_queue(struct plan *plan, const struct bench_queue *queue)
{
	if (!takes_part(plan, queue) && plan->queue_count < PLAN_QUEUES)
		plan->queues[plan->queue_count++] = queue;
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

/* As score_fastest(), but by the best run, because some queues are fast in half of their runs
 * only. */
static const struct bench_queue *most_promising(const struct measurement *measurement,
                                                const struct plan *but)
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
static int add_finalists(struct plan *plan)
{
	struct plan trial = *plan;
	struct measurement measurement;
	const struct bench_queue *best;

	trial.queue_count = 0;
	trial.runs = FIRST_RUNS;
	trial.calibration = first_round;
	for (size_t i = 0; bench_queues[i]; i++)
		if (!(bench_queues[i]->can & BENCH_YARDSTICK) &&
		    bench_is_between_threads(bench_queues[i]->can) &&
		    !takes_part(plan, bench_queues[i]) &&
		    bench_workload_takes(plan->workload, bench_queues[i]))
			add_queue(&trial, bench_queues[i]);
	if (measure(&measurement, &trial) != 0)
		return -1;
	for (int i = 0; i < FINALISTS; i++)
		if ((best = most_promising(&measurement, plan)))
			add_queue(plan, best);
	measurement_free(&measurement);
	return 0;
}

static int add_queues(struct plan *plan, const struct score_row *row)
{
	bool others = false;

	add_queue(plan, score_us());
	for (const struct score_goal *goal = row->goals; goal->against; goal++) {
		if (goal->against == SCORE_QUEUE)
			add_queue(plan, bench_queue_named(goal->name));
		others |= goal->against == SCORE_BEST_OTHER;
	}
	if (!others)
		return 0;
	add_queue(plan, &bench_mutex);
	return add_finalists(plan);
}

static const char *begin(struct score_trial *trial, uint64_t seed)
{
	struct machine machine;

	machine_describe(&machine);
	if (machine.cores < trial->row->cores)
		return "takes more cores than there are";
	if (!parse(&trial->plan, trial->row, seed))
		return "cannot be done here";
	if (add_queues(&trial->plan, trial->row) != 0 ||
	    measure_begin(&trial->measurement, &trial->plan) != 0)
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
		measure_rounds(&trial->measurement, &trial->plan, pass * runs / SCORE_PASSES,
		               (pass + 1) * runs / SCORE_PASSES);
}
