/*
 * A competitor's table of functions that call spmcq.h: the same table between threads and between
 * processes.
 */
#ifndef BENCH_SPMCQ_CALLS_H
#define BENCH_SPMCQ_CALLS_H

#include <spmcq.h>

static int call_put(void *handle, const void *item)
{
	return spmcq_put(handle, item);
}

static ssize_t call_put_many(void *handle, const void *items, size_t n)
{
	return spmcq_put_many(handle, items, n);
}

static int call_get(void *handle, void *item)
{
	return spmcq_get(handle, item);
}

static ssize_t call_get_many(void *handle, void *items, size_t max)
{
	return spmcq_get_many(handle, items, max);
}

static int call_task_done(void *handle, size_t n)
{
	return n == 1 ? spmcq_task_done(handle) : spmcq_task_done_many(handle, n);
}

#endif
