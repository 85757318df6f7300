/*
 * The runs for a row of the scoreboard, and the queues that take part in them.
 */
#ifndef BENCH_SCORE_RUN_H
#define BENCH_SCORE_RUN_H

#include "measure/measure.h"
#include "score.h"

/* A row as it is measured. */
struct score_trial {
	const struct score_row *row;
	const char *why; /* why the row cannot be measured, or NULL */
	struct plan plan;
	struct measurement measurement;
};

/* The runs of a row are spread over so many passes over the whole board: what the machine is like
 * for a minute then meets a few runs of each row, not all of one. */
enum { SCORE_PASSES = 5 };

/* Choose the queues that take part. */
void score_begin(struct score_trial *trial, const struct score_row *row, uint64_t seed);
/* The runs of a pass, from 0 on. */
void score_pass(struct score_trial *trial, size_t pass);
/* scores has room for SCORE_GOALS. Returns how many there are, and frees what the trial holds. */
size_t score_end(struct score_trial *trial, struct score *scores);

const struct bench_queue *score_us(void);

/* Returns the fastest queue that finished all runs and is none of these n; NULL: there is none. */
const struct report_row *score_fastest(const struct measurement *measurement,
                                       const struct bench_queue *const *but, size_t n);

#endif
