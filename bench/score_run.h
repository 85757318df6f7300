/*
 * The runs for a row of the scoreboard, and who takes part in them.
 */
#ifndef BENCH_SCORE_RUN_H
#define BENCH_SCORE_RUN_H

#include "measure.h"
#include "score.h"

/* NULL, with options and a measurement to be freed; or why there is none. */
const char *score_run(const struct score_row *row, uint64_t seed, struct options *options,
                      struct measurement *measurement);

const struct bench_queue *score_us(void);

/* Of those who finished all runs the fastest that is none of these n; NULL: there is none. */
const struct report_row *score_fastest(const struct measurement *measurement,
                                       const struct bench_queue *const *but, size_t n);

#endif
