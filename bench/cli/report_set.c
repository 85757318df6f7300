/*
 * Makes the options of each part from the standard set and the command line.
 */
#include <popt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report_set.h"

int report_complain(const char *what, const char *why)
{
	fprintf(stderr, "spmcq-bench: report: %s: %s\n", what, why);
	return 2;
}

static bool is_installed(const char *program)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : ""), *rest = copy, *folder, file[REPORT_LINE];
	bool found = false;

	while (!found && (folder = strsep(&rest, ":"))) {
		snprintf(file, sizeof(file), "%s/%s", folder, program);
		found = access(file, X_OK) == 0;
	}
	free(copy);
	return found;
}

/* The command line of a part, with those of its queues that were built. */
static void write_command(const struct set *set, struct part *part)
{
	const struct standard_part *standard = part->standard;
	char runs[24];
	size_t used, n = 0;

	snprintf(runs, sizeof(runs), "%zu", standard->runs);
	used = (size_t)snprintf(part->command, REPORT_LINE, "spmcq-bench %s --queue ",
	                        standard->workload);
	for (size_t i = 0; standard->queues[i]; i++)
		if (bench_queue_named(standard->queues[i]))
			used += (size_t)snprintf(part->command + used, REPORT_LINE - used, "%s%s",
			                         n++ ? "," : "", standard->queues[i]);
	snprintf(part->command + used, REPORT_LINE - used, "%s --runs %s --pin %s --seed %s",
	         n ? "" : "all", set->runs ? set->runs : runs, set->pin ? set->pin : "none",
	         set->seed);
}

/* 0 or 2: options_parse() has then said why. */
static int prepare_part(struct set *set, const struct standard_part *standard)
{
	struct part *part = &set->parts[set->n];
	const char **argv;
	int argc;

	part->standard = standard;
	write_command(set, part);
	if (poptParseArgvString(part->command, &argc, &argv) != 0)
		return report_complain("no sense in", part->command);
	enum options_outcome outcome = options_parse(&part->options, argc, argv);
	free(argv);
	if (outcome != OPTIONS_GO)
		return 2;
	/* The limits are low, so that a queue that hangs does not use up the time of the others. */
	part->options.plan.calibration = (struct calibration){
	        .run_seconds = set->seconds ? atof(set->seconds) : standard->seconds,
	        .least_limit = 3,
	        .most_limit = 5};
	set->n++;
	return 0;
}

/* By --parts, a list of names; without, all are. */
static bool is_wanted(const struct set *set, const char *name)
{
	char *copy = strdup(set->names ? set->names : name), *rest = copy, *wanted;
	bool found = false;

	while (!found && (wanted = strsep(&rest, ",")))
		found = strcmp(wanted, name) == 0;
	free(copy);
	return found;
}

/* 0 or 2: a name that is in no list. */
static int check_names(const struct set *set)
{
	char *copy = strdup(set->names ? set->names : ""), *rest = copy, *name;
	int status = 0;

	while (set->names && status == 0 && (name = strsep(&rest, ","))) {
		const struct standard_part *part = standard_parts;

		while (part->name && strcmp(part->name, name) != 0)
			part++;
		if (!part->name)
			status = report_complain(name, "no part of the report has that name");
	}
	free(copy);
	return status;
}

static bool is_left_out(const struct standard_part *part)
{
	return part->needs && !is_installed(part->needs);
}

int set_prepare(struct set *set)
{
	const char *missing = "";
	char *end;

	if (set->seconds && (strtod(set->seconds, &end) <= 0 || *end))
		return report_complain(set->seconds,
		                       "--seconds is how long a run takes, such as 0.2");
	if (check_names(set) != 0)
		return 2;
	for (const struct standard_part *part = standard_parts; part->name; part++) {
		if (!is_wanted(set, part->name))
			continue;
		if (is_left_out(part))
			missing = part->needs;
		else if (prepare_part(set, part) != 0)
			return 2;
	}
	return set->n > 0 ? 0 : report_complain(missing, "not installed, and needed for this");
}

void set_say_left_out(const struct set *set)
{
	for (const struct standard_part *part = standard_parts; part->name; part++)
		if (is_wanted(set, part->name) && is_left_out(part))
			fprintf(stderr, "%s is left out: it needs %s\n", part->title, part->needs);
}

size_t part_runs(const struct part *part)
{
	return plan_points(&part->options.plan) * part->options.plan.queue_count *
	       part->options.plan.runs;
}

/* Trials, and what a process costs, come to about as much as a run of 0.4 s at each point. */
double part_seconds(const struct part *part)
{
	double runs = (double)part_runs(part);

	return runs * (part->options.plan.calibration.run_seconds + 0.03) +
	       runs / (double)part->options.plan.runs * 0.4;
}
