/*
 * The list of competitors, and why each is there. A new one is one file and one line here.
 */
#include <string.h>

#include "queue.h"

extern const struct bench_queue bench_spmcq, bench_ck_ring;

const struct bench_queue *const bench_queues[] = {
        &bench_spmcq,   /* this library */
        &bench_mutex,   /* the baseline: a lock round an array, what most programs have */
        &bench_ck_ring, /* what we stand on, polled */
        NULL,
};

const struct bench_queue *bench_queue_named(const char *name)
{
	for (const struct bench_queue *const *queue = bench_queues; *queue; queue++)
		if (strcmp((*queue)->name, name) == 0)
			return *queue;
	return NULL;
}
