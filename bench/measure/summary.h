/*
 * From the runs of one queue at one point to the row that reports show.
 */
#ifndef BENCH_SUMMARY_H
#define BENCH_SUMMARY_H

#include "report/report.h"

/* One queue at one point, as its runs come in. */
struct series {
	const struct bench_queue *queue;
	struct bench_point point;
	struct bench_result *results; /* one a round */
	bool is_out;                  /* a run failed: it takes no more turns */
	double baseline;              /* seconds an item takes the mutex at this point */
};

/* baseline: of the same point; NULL when it is not among the queues. */
void summarise(struct report_row *row, const struct series *series, const struct series *baseline,
               const struct bench_workload *workload, size_t rounds, uint64_t seed);

#endif
