/*
 * Workloads whose consumers are processes: with each queue that can, and with consumers that die,
 * hang or lose an item. Whatever happens, the run ends, says what it was, and leaves no process.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/child.h"
#include "measure/clock.h"
#include "measure/common.h"
#include "measure/usage.h"
#include "support/check.h"
#include "workload.h"

enum { CONSUMERS = 3, FEW = 5, MS = 1000 * 1000, SECOND = 1000 * MS, LIMIT_SECONDS = 20 };

extern const struct bench_queue bench_pipe;

static struct bench_result run_within(const struct bench_queue *queue, const char *name,
                                      uint64_t items, double limit_seconds)
{
	const struct bench_workload *workload = bench_workload_named(name);
	struct machine_pin pin = {.n = 0};
	struct bench_run run = {
	        .queue = queue, .point = workload->defaults, .pin = &pin, .seed = 1};
	struct bench_result result;

	run.point.items = items;
	run.point.consumers = workload->uses & 1u << BENCH_CONSUMERS ? CONSUMERS : 1;
	run.point.capacity = 8;
	run.point.interval_ns = strcmp(name, "idle") == 0 ? 50 * MS : MS / 5;
	run.point.burst = 20;
	child_run(workload, &run, limit_seconds, &result);
	return result;
}

/* Each queue there is. */

static const struct bench_queue *queue;

static void every_workload_is_checked_with_it(void)
{
	static const char *const names[] = {"squares", "latency", "burst",
	                                    "work",    "handoff", "idle"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!bench_workload_takes(bench_workload_named(names[i]), queue))
			continue;
		check_doing("%s", names[i]);
		struct bench_result result = run_within(queue, names[i], 500, LIMIT_SECONDS);
		if (strstr(result.why, strerror(ENOTSUP)))
			check_skip("this machine cannot seal in that way");
		CHECK(result.outcome == BENCH_CHECKED, "%s: %s", names[i], result.why);
	}
}

/* A queue like `pipe`, whose second consumer does something wrong in place of getting the last of a
 * few items. The queue notes the ids of its processes. */

static struct {
	void (*instead)(void);
	pid_t *ids; /* in common memory */
} broken;

static struct bench_queue broken_queue; /* bench_pipe but for what is below */

static void *broken_consumer(void *pipe, size_t number)
{
	broken.ids[number] = getpid();
	return bench_pipe.consumer(pipe, number);
}

static int broken_get(void *handle, void *item)
{
	static unsigned gets;
	int error = bench_pipe.get(handle, item);

	if (getpid() == broken.ids[1] && ++gets == FEW)
		broken.instead();
	return error;
}

static void break_with(void (*instead)(void))
{
	broken.instead = instead;
	broken.ids = common_alloc(CONSUMERS, sizeof(*broken.ids));
	CHECK(broken.ids, "no memory");
	broken_queue = bench_pipe;
	broken_queue.name = "broken";
	broken_queue.can &= ~(unsigned)BENCH_BULK;
	broken_queue.consumer = broken_consumer;
	broken_queue.get = broken_get;
}

/* A process that has ended is gone, even if no process has waited for it. */
static bool is_gone(pid_t id)
{
	char name[64], state = 'Z';

	snprintf(name, sizeof(name), "/proc/%ld/stat", (long)id);
	FILE *file = fopen(name, "r");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state == 'Z' || state == 'X';
}

static void nobody_is_left(void)
{
	uint64_t end = clock_now() + 2 * (uint64_t)SECOND;

	for (size_t i = 0; i < CONSUMERS; i++) {
		CHECK(broken.ids[i] > 0, "consumer %zu never began", i);
		while (!is_gone(broken.ids[i]) && clock_now() < end)
			clock_sleep_until(clock_now() + MS);
		CHECK(is_gone(broken.ids[i]), "consumer %zu is left", i);
	}
}

static void is_void_soon(void (*instead)(void), const char *why)
{
	uint64_t begin = clock_now();

	break_with(instead);
	struct bench_result result = run_within(&broken_queue, "squares", 100000, LIMIT_SECONDS);
	CHECK(result.outcome == BENCH_VOID, "outcome %d", (int)result.outcome);
	CHECK(strstr(result.why, why), "it says \"%s\"", result.why);
	CHECK(clock_now() - begin < LIMIT_SECONDS / 2 * (uint64_t)SECOND, "that took long");
	nobody_is_left();
}

static void kill_itself(void)
{
	raise(SIGKILL);
}

static void leave(void)
{
	_exit(3);
}

static void hang(void)
{
	for (;;)
		pause();
}

static void a_consumer_that_is_killed_makes_the_run_void(void)
{
	is_void_soon(kill_itself, "the process of consumer 2 was killed: Killed");
}

static void a_consumer_that_leaves_makes_the_run_void(void)
{
	is_void_soon(leave, "the process of consumer 2 ended with exit status 3");
}

static int failing_get(void *handle, void *item)
{
	(void)handle;
	(void)item;
	return -EIO;
}

static void a_get_that_fails_makes_the_run_void(void)
{
	break_with(hang);
	broken_queue.get = failing_get;
	struct bench_result result = run_within(&broken_queue, "squares", 1000, LIMIT_SECONDS);
	CHECK(result.outcome == BENCH_VOID, "outcome %d", (int)result.outcome);
	CHECK(strcmp(result.why, "get: Input/output error") == 0, "it says \"%s\"", result.why);
}

/* Takes one item more, and counts it as done. */
static int losing_get(void *handle, void *item)
{
	static unsigned gets;
	int error = 0;

	if (getpid() == broken.ids[1] && ++gets == FEW) {
		error = bench_pipe.get(handle, item);
		if (error == 0)
			error = bench_pipe.task_done(handle, 1);
	}
	return error ? error : bench_pipe.get(handle, item);
}

/* The counts of the consumers are compared first, but the check of the squares gives the
 * message. */
static void a_lost_item_makes_the_run_void(void)
{
	break_with(hang);
	broken_queue.get = losing_get;
	struct bench_result result = run_within(&broken_queue, "squares", 10000, LIMIT_SECONDS);
	CHECK(result.outcome == BENCH_VOID, "outcome %d", (int)result.outcome);
	CHECK(strstr(result.why, " 1 lost, 0 doubled"), "it says \"%s\"", result.why);
	nobody_is_left();
}

static void a_run_that_hangs_is_stopped_and_says_what_it_was_doing(void)
{
	break_with(hang);
	struct bench_result result = run_within(&broken_queue, "squares", 100000, 1);
	CHECK(result.outcome == BENCH_STOPPED, "outcome %d: %s", (int)result.outcome, result.why);
	CHECK(strstr(result.why, "did not finish in 1 s: "), "it says \"%s\"", result.why);
	CHECK(strstr(result.why, "producer in join"), "it says \"%s\"", result.why);
	nobody_is_left();
}

static void no_process_outlives_a_harness_that_is_killed(void)
{
	pid_t harness;

	break_with(hang);
	harness = fork();
	if (harness == 0) {
		run_within(&broken_queue, "squares", 100000, LIMIT_SECONDS);
		_exit(0);
	}
	for (size_t i = 0; i < CONSUMERS; i++)
		while (__atomic_load_n(&broken.ids[i], __ATOMIC_RELAXED) == 0)
			clock_sleep_until(clock_now() + MS);
	kill(harness, SIGKILL);
	waitpid(harness, NULL, 0);
	nobody_is_left();
}

static void the_time_of_an_included_process_is_counted(void)
{
	uint64_t begin;
	struct usage usage;
	pid_t id = fork();

	CHECK(id >= 0, "no process");
	while (id == 0)
		;
	usage_include(&id, 1);
	usage_begin(&usage);
	/* Others may have the processor meanwhile. */
	for (begin = clock_now(); clock_now() - begin < 10 * (uint64_t)SECOND;) {
		struct usage now = usage;

		clock_sleep_until(clock_now() + 10 * MS);
		usage_end(&now);
		if (now.cpu_seconds - now.own_cpu_seconds > 0.05)
			break;
	}
	usage_end(&usage);
	kill(id, SIGKILL);
	waitpid(id, NULL, 0);
	CHECK(usage.cpu_seconds - usage.own_cpu_seconds > 0.05, "%g s are counted",
	      usage.cpu_seconds - usage.own_cpu_seconds);
}

int main(void)
{
	char name[100];

	for (size_t i = 0; bench_queues[i]; i++) {
		queue = bench_queues[i];
		if (!(queue->can & BENCH_PROCESSES))
			continue;
		snprintf(name, sizeof(name), "%s: every_workload_is_checked_with_it", queue->name);
		check_run(name, every_workload_is_checked_with_it);
	}
	RUN(a_consumer_that_is_killed_makes_the_run_void);
	RUN(a_consumer_that_leaves_makes_the_run_void);
	RUN(a_get_that_fails_makes_the_run_void);
	RUN(a_lost_item_makes_the_run_void);
	RUN(a_run_that_hangs_is_stopped_and_says_what_it_was_doing);
	RUN(no_process_outlives_a_harness_that_is_killed);
	RUN(the_time_of_an_included_process_is_counted);
	return check_finish();
}
