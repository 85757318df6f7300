/*
 * No queue at all: one thread makes the numbers and squares them.
 */
#include "measure/usage.h"
#include "queue.h"
#include "results.h"

static const char *squares(const struct bench_squares_job *job)
{
	usage_begin(job->usage);
	for (uint64_t n = 0; n < job->items; n++)
		results_append(job->results, n);
	usage_end(job->usage);
	return NULL;
}

extern const struct bench_queue bench_none;
const struct bench_queue bench_none = {
        .name = "none",
        .note = "one thread does all the squares, whatever the options say",
        .can = BENCH_FIFO | BENCH_YARDSTICK,
        .squares = squares,
};
