/*
 * What is to be measured: which queues carry which workload, at every combination of the values
 * given for each parameter, and how often.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "calibrate.h"
#include "workload.h"

enum { PLAN_VALUES = 16, PLAN_QUEUES = 32 };

struct plan_list {
	size_t n;
	uint64_t value[PLAN_VALUES];
};

/* Functions that are told how the measurement goes on, as nothing here prints. If begin() is called
 * before the last end(), only the first counts. */
struct plan_watcher {
	void (*begin)(size_t runs);
	void (*trial)(const char *queue); /* a run that does not count begins */
	void (*run)(const char *queue);   /* the next run that counts begins */
	void (*end)(void);
};

struct plan {
	const struct bench_workload *workload;
	const struct bench_queue *queues[PLAN_QUEUES];
	size_t queue_count;
	struct plan_list lists[BENCH_PARAMETERS]; /* one value each, or a sweep */
	size_t runs;                              /* of each queue at each point */
	struct calibration calibration;
	struct machine_pin pin;
	uint64_t seed;
	const struct plan_watcher *watcher;
};

size_t plan_points(const struct plan *plan);

/* Combination number i; the last parameter changes fastest. */
struct bench_point plan_point(const struct plan *plan, size_t i);

/* 1 << enum bench_parameter for each that has several values, or not the workload's own. */
unsigned plan_varying(const struct plan *plan);

#endif
