/*
 * Makes the row that reports show from the runs of one queue at one point; all rows together make a
 * report.
 */
#ifndef BENCH_SUMMARY_H
#define BENCH_SUMMARY_H

#include "stats.h"
#include "workload.h"

/* A run is called disturbed from this share of the machine's time on. Ticks of 10 ms, sampled, are
 * wrong by a few percent on a quiet machine. */
#define REPORT_DISTURBED 0.10

/* One queue at one point, after all its runs. */
struct report_row {
	const struct bench_queue *queue;
	struct bench_point point;           /* items settled; 0 if the queue never finished */
	const struct bench_result *results; /* rounds of them, some perhaps not run */
	enum bench_outcome outcome;         /* the worst of them */
	const char *why;                    /* unless checked */
	size_t disturbed;                   /* checked runs during which others used the machine */
	struct stats_spread metric[BENCH_METRICS]; /* over all runs; n == 0 unless checked */
	struct stats_spread ratio;        /* of the first metric to the baseline's, pair by pair */
	const struct bench_part *parts;   /* of the first checked run; NULL: none */
	struct distribution distribution; /* at each share the median over checked runs */
};

struct report {
	const struct bench_workload *workload;
	const struct machine *machine;
	const char *pin;
	uint64_t seed;
	size_t rounds;
	unsigned varying; /* 1 << enum bench_parameter: differs between rows, or from the default */
	const struct report_row *rows;
	size_t row_count;
};

/* One queue at one point, as its runs come in. */
struct series {
	const struct bench_queue *queue;
	struct bench_point point;
	struct bench_result *results; /* one a round */
	bool is_out;                  /* a run failed: it takes no more turns */
	double baseline;              /* seconds that the mutex queue needs for an item here */
};

/* baseline: of the same point; NULL when it is not among the queues. */
void summarise(struct report_row *row, const struct series *series, const struct series *baseline,
               const struct bench_workload *workload, size_t rounds, uint64_t seed);

#endif
