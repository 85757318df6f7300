/*
 * Usage: mine_test QUEUES_TEST LINEARIZABLE_TEST [TSAN_PROGRAM], or mine_test --run QUEUE
 * Each queue of broken.c is caught: by runs of the workloads, or else by what ./bench/run check
 * does besides. The one without a mistake is not. --run makes the runs that check makes under
 * thread sanitizer, and ends with 0 if all are good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/child.h"
#include "support/check.h"
#include "workload.h"

enum { TRIES = 10 };

static const struct bench_queue *queue; /* the queue under test */
static const char *const *programs;     /* of check; ends with NULL */

static const struct {
	const char *workload;
	uint64_t items, consumers, capacity, item_size, interval_ns;
} runs[] = {
        {"squares", 100000, 5, 1024, 8, 0}, /* as when nothing is asked for */
        {"squares", 20000, 3, 1, 8, 0},     {"squares", 20000, 3, 8, 24, 0},
        {"burst", 2000, 5, 8, 8, 0},        {"work", 2000, 2, 8, 8, 0},
        {"handoff", 2000, 1, 8, 8, 0},      {"latency", 200, 3, 8, 8, 20 * 1000},
};

/* How long a run may take: they take some 0.1 s. The one that shall be good has time enough. */
static double limit_seconds(void)
{
	return strcmp(queue->name, "no_mistake") == 0 ? 30 : 2;
}

static struct bench_result run_number(size_t i)
{
	const struct bench_workload *workload = bench_workload_named(runs[i].workload);
	struct machine_pin pin = {.n = 0};
	struct bench_run run = {
	        .queue = queue, .point = workload->defaults, .pin = &pin, .seed = 1};
	struct bench_result result;

	run.point.items = runs[i].items;
	run.point.consumers = runs[i].consumers;
	run.point.capacity = runs[i].capacity;
	run.point.item_size = runs[i].item_size;
	run.point.interval_ns = runs[i].interval_ns;
	child_run(workload, &run, limit_seconds(), &result);
	return result;
}

static bool is_caught_by_runs(void)
{
	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		struct bench_result result = run_number(i);

		if (result.outcome == BENCH_CHECKED)
			continue;
		printf("# %s, run %zu, %s of %llu: %s\n", queue->name, i + 1, runs[i].workload,
		       (unsigned long long)runs[i].item_size, result.why);
		return true;
	}
	return false;
}

/* Tells of the line that says what failed. */
static bool fails(const char *command)
{
	char line[400], why[sizeof(line)] = "no word";
	FILE *out = popen(command, "r");

	CHECK(out, "no shell");
	while (fgets(line, sizeof(line), out))
		if (strncmp(line, "not ok", 6) == 0 || strstr(line, "WARNING: ThreadSanitizer"))
			snprintf(why, sizeof(why), "%s", line);
	if (pclose(out) == 0)
		return false;
	why[strcspn(why, "\n")] = '\0';
	printf("# %s, by check: %s\n", queue->name, why);
	return true;
}

static bool is_caught_by_check(void)
{
	char command[1000];

	for (size_t i = 0; programs[i]; i++) {
		if (i < 2)
			snprintf(command, sizeof(command),
			         "SPMCQ_ONLY='%s: ' SPMCQ_BOUND=2 SPMCQ_STRESS_SECONDS=2 %s 2>&1",
			         queue->name, programs[i]);
		else
			snprintf(command, sizeof(command),
			         "TSAN_OPTIONS=halt_on_error=1 timeout 20 %s --run %s 2>&1",
			         programs[i], queue->name);
		if (fails(command))
			return true;
	}
	return false;
}

static void is_caught(void)
{
	for (int i = 0; i < TRIES; i++)
		if (is_caught_by_runs() || is_caught_by_check())
			return;
	CHECK(false, "%s is not caught", queue->name);
}

static void is_not_caught(void)
{
	CHECK(!is_caught_by_runs(), "%s is said to be wrong by a run", queue->name);
	CHECK(!is_caught_by_check(), "%s is said to be wrong by check", queue->name);
}

static int run_only(const char *name)
{
	static const size_t few[] = {1, 2}; /* of runs[] */

	for (size_t i = 0; bench_queues[i]; i++)
		if (strcmp(bench_queues[i]->name, name) == 0)
			queue = bench_queues[i];
	for (size_t i = 0; queue && i < sizeof(few) / sizeof(*few); i++)
		if (run_number(few[i]).outcome != BENCH_CHECKED)
			return 1;
	return queue ? 0 : 2;
}

int main(int argc, const char **argv)
{
	char name[100];

	if (argc == 3 && strcmp(argv[1], "--run") == 0)
		return run_only(argv[2]);
	programs = argv + 1;
	for (size_t i = 0; bench_queues[i]; i++) {
		queue = bench_queues[i];
		snprintf(name, sizeof(name), "%s_is_%scaught", queue->name, i ? "" : "not_");
		check_run(name, i ? is_caught : is_not_caught);
	}
	return check_finish();
}
