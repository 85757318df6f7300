/*
 * Before each run: a queue of its own, one producer and one consumer, which do the same as a run
 * slowly, so that it can be seen whether put and join wait. Checked: put waits when the queue is
 * full, join waits for the last task_done, also after a thousand others, and items come out whole.
 */
#ifndef BENCH_REHEARSAL_H
#define BENCH_REHEARSAL_H

#include "workload.h"

/* False: the queue failed, and the run is void. Takes about 5 ms, and no more than 20 if the queue
 * does not hang. */
bool rehearse(const struct bench_run *run, struct bench_result *result);

/* The items a bounded queue of this capacity may hold; SIZE_MAX: as many as there is memory. */
size_t rehearsal_most(const struct bench_queue *queue, size_t capacity);

#endif
