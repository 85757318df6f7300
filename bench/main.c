/*
 * spmcq-bench: measures queues against each other.
 * Options, then runs, then a report. Exit status 0; 1 when a run was void, did not finish or could
 * not be reported; 2 when the options were bad.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/command_plot.h"
#include "cli/options.h"
#include "cli/output.h"
#include "measure/calibrate.h"
#include "measure/child.h"
#include "measure/measure.h"
#include "queues/nats.h"
#include "workloads/counted.h"

static int complain(const char *what, int error)
{
	fprintf(stderr, "spmcq-bench: %s: %s\n", what, strerror(error));
	return 1;
}

/* Opens the output file; called when there is something to write (see output_check()). Returns NULL
 * after a message about the error. */
static FILE *open_output(const struct options *options)
{
	FILE *out = options->output ? fopen(options->output, "we") : stdout;

	if (!out)
		complain(options->output, errno);
	return out;
}

static int close_output(const struct options *options, FILE *out)
{
	if (fclose(out) == 0)
		return 0;
	return complain(options->output ? options->output : "stdout", errno);
}

static int write_report(const struct options *options, const struct report *report)
{
	FILE *out = open_output(options);

	if (!out)
		return 1;
	int error = options->format->write(out, report);
	int status = error ? complain("writing the report", -error) : 0;
	return status | close_output(options, out);
}

static int report(const struct options *options)
{
	struct measurement measurement;
	struct machine machine;
	int error = measure(&measurement, &options->plan);

	if (error)
		return complain("measuring", -error);
	machine_describe(&machine);
	struct report report = measure_report(&measurement, &options->plan, &machine);
	int status = write_report(options, &report);
	if (options->plot)
		status |= plot_file(options->plot, &report);
	for (size_t i = 0; i < measurement.n; i++)
		if (measurement.rows[i].outcome != BENCH_CHECKED)
			status = 1;
	measurement_free(&measurement);
	return status;
}

/* The output of the run itself is all there is to see. */
static int talk(const struct options *options, const struct bench_queue *queue, FILE *out)
{
	struct bench_run run = {.queue = queue,
	                        .point = plan_point(&options->plan, 0),
	                        .pin = &options->plan.pin,
	                        .seed = options->plan.seed,
	                        .print = out};
	struct bench_result result;

	if (run.point.items == 0)
		run.point.items = 100;
	child_run(options->plan.workload, &run, calibrate_limit(&calibrate_usual, &run.point, 0),
	          &result);
	if (result.outcome == BENCH_CHECKED)
		return 0;
	fprintf(stderr, "spmcq-bench: %s with %s: %s\n", options->plan.workload->name, queue->name,
	        result.why);
	return 1;
}

/* Runs the workload with each queue; with --print, with the first queue only. */
static int talk_each(const struct options *options)
{
	size_t queues = options->print ? 1 : options->plan.queue_count;
	FILE *out = open_output(options);
	int status = 0;

	if (!out)
		return 1;
	for (size_t i = 0; i < queues; i++)
		status |= talk(options, options->plan.queues[i], out);
	return status | close_output(options, out);
}

static int run(const struct options *options)
{
	if (options->plan.workload->talks || options->print)
		return talk_each(options);
	return report(options);
}

static int reach_server(const struct options *options)
{
	const char *wrong = NULL;

#ifdef HAVE_NATS
	if (options->between == BETWEEN_MACHINES)
		wrong = nats_use(options->server, options->ca);
#else
	(void)options;
#endif
	if (wrong)
		fprintf(stderr, "spmcq-bench: %s\n", wrong);
	return wrong ? 1 : 0;
}

int main(int argc, const char **argv)
{
	const struct command *command = argc > 1 ? command_named(argv[1]) : NULL;
	struct options options;
	int error;

	if (argc > 1 && strcmp(argv[1], COUNTED_OPTION) == 0)
		return counted_main(argc, argv);
	if (command)
		return command->main(argc, argv);
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_HELPED:
		return 0;
	case OPTIONS_BAD:
		return 2;
	case OPTIONS_GO:
		break;
	}
	if (options.plot && plot_check(options.plot) != 0)
		return 2;
	if (options.output && (error = output_check(options.output)) != 0) {
		complain(options.output, -error);
		return 2;
	}
	int status = reach_server(&options);
	return status ? status : run(&options);
}
