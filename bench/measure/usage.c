/*
 * Clocks and counters of the process and of the machine.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "usage.h"

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double usage_clock(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

/* The first line of /proc/stat: ticks in user nice system idle iowait irq softirq steal. */
static double busy_seconds(void)
{
	unsigned long long user = 0, nice = 0, sys = 0, idle, wait, irq = 0, soft = 0, steal = 0;
	FILE *file = fopen("/proc/stat", "r");

	if (!file)
		return 0;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &sys, &idle,
	           &wait, &irq, &soft, &steal) != 8)
		user = nice = sys = irq = soft = steal = 0;
	fclose(file);
	return (double)(user + nice + sys + irq + soft + steal) / (double)sysconf(_SC_CLK_TCK);
}

static struct {
	const pid_t *processes;
	size_t n;
} included;

void usage_include(const pid_t *processes, size_t n)
{
	included.processes = processes;
	included.n = n;
}

/* Context switches are in the lines "voluntary_ctxt_switches: 12" and "nonvoluntary_...". */
static void add_switches(struct usage *usage, pid_t process)
{
	static const char voluntary[] = "voluntary_ctxt_switches:";
	static const char involuntary[] = "nonvoluntary_ctxt_switches:";
	char name[64], line[256];

	snprintf(name, sizeof(name), "/proc/%ld/status", (long)process);
	FILE *file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, voluntary, sizeof(voluntary) - 1) == 0)
			usage->voluntary += strtoull(line + sizeof(voluntary) - 1, NULL, 10);
		if (strncmp(line, involuntary, sizeof(involuntary) - 1) == 0)
			usage->involuntary += strtoull(line + sizeof(involuntary) - 1, NULL, 10);
	}
	if (file)
		fclose(file);
}

static void add_included(struct usage *usage)
{
	clockid_t clock;

	for (size_t i = 0; i < included.n; i++) {
		pid_t id = __atomic_load_n(&included.processes[i], __ATOMIC_RELAXED);

		if (id == 0 || clock_getcpuclockid(id, &clock) != 0)
			continue;
		usage->cpu_seconds += seconds_of(clock);
		add_switches(usage, id);
	}
}

static void read_process(struct usage *usage)
{
	struct rusage now;

	getrusage(RUSAGE_SELF, &now);
	usage->voluntary = (uint64_t)now.ru_nvcsw;
	usage->involuntary = (uint64_t)now.ru_nivcsw;
	usage->cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	add_included(usage);
	getrusage(RUSAGE_THREAD, &now);
	usage->own_voluntary = (uint64_t)now.ru_nvcsw;
	usage->own_involuntary = (uint64_t)now.ru_nivcsw;
	usage->own_cpu_seconds = seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

void usage_begin(struct usage *usage)
{
	usage->busy_seconds = busy_seconds();
	read_process(usage);
	usage->seconds = usage_clock();
}

void usage_end(struct usage *usage)
{
	struct usage now;

	now.seconds = usage_clock();
	read_process(&now);
	now.busy_seconds = busy_seconds();
	usage->seconds = now.seconds - usage->seconds;
	usage->cpu_seconds = now.cpu_seconds - usage->cpu_seconds;
	usage->voluntary = now.voluntary - usage->voluntary;
	usage->involuntary = now.involuntary - usage->involuntary;
	usage->own_cpu_seconds = now.own_cpu_seconds - usage->own_cpu_seconds;
	usage->own_voluntary = now.own_voluntary - usage->own_voluntary;
	usage->own_involuntary = now.own_involuntary - usage->own_involuntary;
	usage->busy_seconds = now.busy_seconds - usage->busy_seconds;
}

double usage_foreign(const struct usage *usage)
{
	/* /proc/stat counts in ticks of 10 ms, so that its counts of a shorter time say nothing. */
	const double enough_seconds = 0.3;
	double whole = usage->seconds * (double)sysconf(_SC_NPROCESSORS_ONLN);
	double foreign = usage->busy_seconds - usage->cpu_seconds;

	if (usage->seconds < enough_seconds || foreign < 0)
		return 0;
	return foreign < whole ? foreign / whole : 1;
}
