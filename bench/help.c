/*
 * Help from the same tables that the options are read with.
 */
#include <stdio.h>

#include "help.h"

static void print_workloads(void)
{
	printf("Usage: spmcq-bench [WORKLOAD] [OPTION...]\nWorkloads:\n");
	for (size_t i = 0; bench_workloads[i]; i++)
		printf("  %-12s  %s%s\n", bench_workloads[i]->name, bench_workloads[i]->what,
		       i ? "" : " (default)");
}

static void print_parameter(const struct bench_workload *workload, enum bench_parameter parameter)
{
	const struct bench_parameter_info *info = &bench_parameters[parameter];
	uint64_t usual = point_get(&workload->defaults, parameter);

	printf("  --%-10s  %s", info->name, info->help);
	if (parameter == BENCH_ITEMS && !usual)
		printf(" (as many as take about 1 s)");
	else if (info->is_duration)
		printf(" (%g s)", (double)usual * 1e-9);
	else
		printf(" (%llu)", (unsigned long long)usual);
	printf("\n");
}

static void print_options(const struct bench_workload *workload)
{
	printf("Options of %s (default); ", workload->name);
	printf(workload->talks ? "one value each:\n"
	                       : "a list such as 1,2,5 measures each value:\n");
	for (enum bench_parameter p = 0; p < BENCH_PARAMETERS; p++)
		if (workload->uses & 1u << p)
			print_parameter(workload, p);
	printf("  --queue       ");
	for (size_t i = 0; bench_queues[i]; i++)
		printf("%s, ", bench_queues[i]->name);
	printf("or all (%s)\n", workload->queues);
	if (!workload->talks)
		printf("  --runs        of each queue, in turns (%zu)\n", workload->runs);
	printf("  --pin         threads to CPUs: none, spread, same or a list (none)\n"
	       "  --seed        of all that is random (any; reports name it)\n");
	if (workload->can_print)
		printf("  --print       what the first queue found, instead of figures\n");
	if (!workload->talks)
		printf("  --format      table, csv or json (table)\n");
	printf("  --output      a file to write to instead of the terminal\n");
}

static void print_examples(const struct bench_workload *workload)
{
	printf("Examples:\n");
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
	print_workloads();
	print_options(workload);
	print_examples(workload);
}
