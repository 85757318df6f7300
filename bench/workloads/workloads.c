/*
 * The list of workloads. A new one is one file and one line here.
 */
#include <stdarg.h>
#include <string.h>

#include "workload.h"

extern const struct bench_workload bench_squares, bench_latency, bench_burst, bench_work,
        bench_handoff, bench_cost, bench_idle, bench_notify, bench_simulate;

const struct bench_workload *const bench_workloads[] = {
        &bench_squares,  /* the main job: numbers in, squares out, joined */
        &bench_latency,  /* a fixed pace: from due to got */
        &bench_burst,    /* many at once: how soon all are got */
        &bench_work,     /* items that cost CPU time: speed-up, fairness */
        &bench_handoff,  /* there and back */
        &bench_idle,     /* nothing to do: CPU time */
        &bench_cost,     /* instructions per call */
        &bench_simulate, /* the queues' own code on more cores than there are */
        &bench_notify,   /* the smallest program with a queue, to watch */
        NULL,
};

const struct bench_workload *bench_workload_named(const char *name)
{
	for (const struct bench_workload *const *workload = bench_workloads; *workload; workload++)
		if (strcmp((*workload)->name, name) == 0)
			return *workload;
	return NULL;
}

bool bench_workload_takes(const struct bench_workload *workload, const struct bench_queue *queue)
{
	if (workload->needs_simulated)
		return queue->can & BENCH_SIMULATED;
	if (workload == &bench_cost && queue->can & BENCH_PROCESSES)
		return false; /* it counts in one thread */
	return !queue->squares || workload == &bench_squares;
}

void bench_void(struct bench_result *result, const char *format, ...)
{
	va_list arguments;

	if (result->outcome == BENCH_VOID)
		return;
	va_start(arguments, format);
	vsnprintf(result->why, sizeof(result->why), format, arguments);
	va_end(arguments);
	result->outcome = BENCH_VOID;
}
