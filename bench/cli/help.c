/*
 * The list of commands, and help from the same tables that the options are read with. A new command
 * is one file, one line here and one in command.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

const struct command commands[] = {
        {"scoreboard", "", "all that spmcq must reach, in less than five minutes", scoreboard_main},
        {"report", "FOLDER", "a page about all queues, in less than four minutes", report_main},
        {"plot", "FILE.json --plot PICTURE", "draws a saved report again: .svg or .png", plot_main},
        {"compare", "A.json B.json", "what changed beyond noise between saved reports",
         compare_main},
        {NULL, NULL, NULL, NULL},
};

const struct command *command_named(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

static void print_commands(void)
{
	char usage[60];

	printf("Or one of the commands\n");
	for (const struct command *command = commands; command->name; command++) {
		snprintf(usage, sizeof(usage), "%s %s", command->name, command->arguments);
		printf("  %-30s  %s\n", usage, command->what);
	}
	printf("  %-30s  %s\n", "./bench/run check QUEUE", "looks for mistakes in a queue");
}

static void print_workloads(void)
{
	printf("Workloads:\n");
	for (size_t i = 0; bench_workloads[i]; i++)
		printf("  %-12s  %s%s\n", bench_workloads[i]->name, bench_workloads[i]->what,
		       i ? "" : " (default)");
}

/* As a user would type it. */
static void print_duration(uint64_t ns)
{
	if (ns == 0)
		printf(" (0)");
	else if (ns < 1000 * 1000)
		printf(" (%gus)", (double)ns * 1e-3);
	else if (ns < 1000 * 1000 * 1000)
		printf(" (%gms)", (double)ns * 1e-6);
	else
		printf(" (%g)", (double)ns * 1e-9);
}

static void print_parameter(const struct bench_workload *workload, enum bench_parameter parameter)
{
	const struct bench_parameter_info *info = &bench_parameters[parameter];
	uint64_t usual = point_get(&workload->defaults, parameter);

	bool is_own = parameter == BENCH_INTERVAL && workload->interval;

	printf("  --%-11s %s", info->name, is_own ? workload->interval : info->help);
	if (parameter == BENCH_ITEMS && !usual)
		printf(" (as many as take about 1 s)");
	else if (workload->lists[parameter])
		printf(" (%s)", workload->lists[parameter]);
	else if (info->kind == BENCH_WORD)
		printf(" (%s)", point_word(usual));
	else if (info->kind == BENCH_DURATION)
		print_duration(usual);
	else
		printf(" (%llu)", (unsigned long long)usual);
	printf("\n");
}

/* In lines that fit a terminal. */
static void print_word(size_t *column, const char *word)
{
	if (*column + 1 + strlen(word) > 90)
		*column = (size_t)printf("\n%15s", "") - 1;
	*column += (size_t)printf(" %s", word);
}

static void print_queues(const struct bench_workload *workload)
{
	size_t column = (size_t)printf("  --queue      ");
	char word[64];

	for (size_t i = 0; bench_queues[i]; i++) {
		if (!bench_workload_takes(workload, bench_queues[i]))
			continue;
		snprintf(word, sizeof(word), "%s,", bench_queues[i]->name);
		print_word(&column, word);
	}
	snprintf(word, sizeof(word), "or all (%s)", workload->queues);
	print_word(&column, word);
	printf("\n");
}

static bool takes(const struct bench_workload *workload, const char *name)
{
	const struct bench_queue *queue = bench_queue_named(name);

	return queue && bench_workload_takes(workload, queue);
}

static void print_between(const struct bench_workload *workload)
{
	bool processes = takes(workload, "shared"), machines = takes(workload, "nats");

	if (!processes && !machines)
		return;
	printf("  --between     threads%s%s (threads)\n",
	       processes ? ", processes: shared beside spmcq" : "",
	       machines ? ", machines: nats beside spmcq" : "");
	if (processes)
		printf("  --seal        shared between processes, by none, aes, chacha (none)\n");
	if (machines)
		printf("  --server      URL of nats' (one is started on this machine); --ca: a "
		       "FILE of whom to trust\n");
}

static void print_options(const struct bench_workload *workload)
{
	printf("Options of %s (default); ", workload->name);
	printf(workload->talks ? "one value each:\n"
	                       : "a list such as 1,2,5 measures each value:\n");
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (workload->uses & 1u << p)
			print_parameter(workload, p);
	print_queues(workload);
	print_between(workload);
	if (!workload->talks)
		printf("  --runs        of each queue, in turns (%zu)\n", workload->runs);
	if (!workload->describe)
		printf("  --pin         threads to CPUs: none, spread, same or a list (none)\n");
	printf("  --seed        of all that is random (any; reports name it)\n");
	if (workload->can_print)
		printf("  --print       what the first queue found, instead of figures\n");
	if (!workload->talks)
		printf("  --format      table, csv, json or markdown (table)\n");
	printf("  --output      a file to write to instead of the terminal\n");
	if (!workload->talks)
		printf("  --plot        a picture to draw as well: FILE.svg or FILE.png\n");
	printf("  --version     of the program and the library\n");
	printf("  --help        this text\n");
}

/* In lines that fit a terminal. */
static void print_remarks(const char *remarks)
{
	char *copy = strdup(remarks), *rest = copy, *word;
	size_t column = 0;

	while (copy && (word = strsep(&rest, " "))) {
		if (column + strlen(word) + 1 > 90) {
			printf("\n");
			column = 0;
		}
		column += (size_t)printf("%s%s", column ? " " : "", word);
	}
	printf("\n");
	free(copy);
}

static void print_examples(const struct bench_workload *workload)
{
	printf("Examples:\n");
	for (size_t i = 0; workload->examples[i]; i++)
		printf("  spmcq-bench %s %s\n", workload->name, workload->examples[i]);
	if (workload->examples[0])
		return;
	if (workload->talks)
		printf("  spmcq-bench %s --items 20 --interval 0.1\n", workload->name);
	else
		printf("  spmcq-bench %s --queue all --consumers 1,2,5\n"
		       "  spmcq-bench %s --bulk 1,32 --format json --output bulk.json\n",
		       workload->name, workload->name);
	if (workload->can_print)
		printf("  spmcq-bench %s --items 100 --print\n", workload->name);
}

void help_print(const struct bench_workload *workload)
{
	printf("Usage: spmcq-bench [WORKLOAD] [OPTION...]\n");
	if (workload) {
		printf("%s: %s.\n", workload->name, workload->what);
	} else {
		print_workloads();
		print_commands();
		workload = bench_workloads[0];
	}
	print_options(workload);
	if (workload->remarks)
		print_remarks(workload->remarks);
	print_examples(workload);
}
