/*
 * Cost: the instructions of each call, where no cache line moves and no thread waits.
 *
 * one thread: put, get, task_done; put, get ...   Counted: instructions, by callgrind, of each kind
 *             put 32, get 32, task_done 32 ...    of call; not timed.
 *
 * The program runs itself under valgrind (counted.h). It counts the instructions of a call
 * from its first to its return, with those of the call through a pointer, and subtracts those of an
 * empty function. Checked: every item came out, in order; put and join wait (rehearsal.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "callgrind.h"
#include "counted.h"
#include "measure/usage.h"
#include "rehearsal.h"
#include "workload.h"

/* Clang 14 writes a form of debug information that valgrind reads from version 3.20 on. */
#ifdef __clang__
static const char hint[] = "; before 3.20 it reads clang's programs only with -gdwarf-4";
#else
static const char hint[] = "";
#endif

enum { ALL, PUT, GET, DONE, BULK_ALL, BULK_PUT, BULK_GET, BULK_DONE };

/* How many items go through the queue at a time. */
static uint64_t bulk_for(const struct bench_point *point)
{
	return point->bulk < point->capacity ? point->bulk : point->capacity;
}

static int count(const struct bench_run *run, struct callgrind_cost *costs, size_t n)
{
	char self[4096], capacity[24], item_size[24], bulk[24], items[24];
	const char *argv[] = {
	        self, COUNTED_OPTION, run->queue->name, capacity, item_size, bulk, items, NULL};
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return -errno;
	self[length] = '\0';
	snprintf(capacity, sizeof(capacity), "%" PRIu64, run->point.capacity);
	snprintf(item_size, sizeof(item_size), "%" PRIu64, run->point.item_size);
	snprintf(bulk, sizeof(bulk), "%" PRIu64, bulk_for(&run->point));
	snprintf(items, sizeof(items), "%" PRIu64, run->point.items);
	return callgrind_run(argv, costs, n);
}

static double per_call(const struct callgrind_cost *cost, const struct callgrind_cost *nothing)
{
	if (cost->calls == 0)
		return 0;
	return (double)cost->instructions / (double)cost->calls -
	       (double)nothing->instructions / (double)nothing->calls;
}

static void measure(const struct bench_run *run, const struct callgrind_cost *costs,
                    struct bench_result *result)
{
	const struct callgrind_cost *nothing = &costs[COUNTED_NOTHING];
	bool can = run->queue->can & BENCH_BULK;
	double bulk = can ? (double)bulk_for(&run->point) : 1;
	double *metric = result->metric;

	metric[PUT] = per_call(&costs[COUNTED_PUT], nothing);
	metric[GET] = per_call(&costs[COUNTED_GET], nothing);
	metric[DONE] = per_call(&costs[COUNTED_DONE], nothing);
	metric[ALL] = metric[PUT] + metric[GET] + metric[DONE];
	metric[BULK_PUT] = per_call(&costs[can ? COUNTED_PUT_MANY : COUNTED_PUT], nothing) / bulk;
	metric[BULK_GET] = per_call(&costs[can ? COUNTED_GET_MANY : COUNTED_GET], nothing) / bulk;
	metric[BULK_DONE] =
	        per_call(&costs[can ? COUNTED_DONE_MANY : COUNTED_DONE], nothing) / bulk;
	metric[BULK_ALL] = metric[BULK_PUT] + metric[BULK_GET] + metric[BULK_DONE];
	result->outcome = BENCH_CHECKED;
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	static const char *const functions[COUNTED] = COUNTED_FUNCTIONS;
	struct callgrind_cost costs[COUNTED];
	double begin = usage_clock();

	for (size_t i = 0; i < COUNTED; i++)
		costs[i].function = functions[i];
	if (!rehearse(run, result))
		return;
	switch (count(run, costs, COUNTED)) {
	case 0:
		break;
	case -ENOENT:
		bench_void(result, "valgrind, which counts, is not installed");
		return;
	default:
		bench_void(result, "valgrind --tool=callgrind spmcq-bench %s %s failed%s",
		           COUNTED_OPTION, run->queue->name, hint);
		return;
	}
	result->seconds = usage_clock() - begin;
	if (costs[COUNTED_NOTHING].calls == 0)
		bench_void(result, "callgrind found no names: was the program stripped?");
	else
		measure(run, costs, result);
}

/* A thousand are enough: the counts are the same every time. */
static double pace(const struct bench_point *point)
{
	(void)point;
	return 1e-3;
}

extern const struct bench_workload bench_cost;
const struct bench_workload bench_cost = {
        .name = "cost",
        .what = "instructions per call, counted by valgrind in one thread",
        .method =
                "instructions per call in one thread, by callgrind; not timed; every item checked",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CAPACITY | 1 << BENCH_BULK_SIZE |
                1 << BENCH_ITEM_SIZE,
        .defaults = {.items = 1000, .consumers = 1, .capacity = 1024, .bulk = 32, .item_size = 8},
        .queues = "spmcq,mutex",
        .runs = 1,
        .examples = {"--queue all", "--bulk 8,32,256 --item-size 8,64"},
        .pace = pace,
        .axis = "instructions per item",
        .metrics = {[ALL] = {"instructions_per_item", "instr/item", 1, BENCH_LESS},
                    [PUT] = {"instructions_per_put", "put", 1, BENCH_LESS},
                    [GET] = {"instructions_per_get", "get", 1, BENCH_LESS},
                    [DONE] = {"instructions_per_task_done", "task_done", 1, BENCH_LESS},
                    [BULK_ALL] = {"bulk_instructions_per_item", "in bulk/item", 1, BENCH_LESS},
                    [BULK_PUT] = {"bulk_instructions_per_put", NULL, 1, BENCH_LESS},
                    [BULK_GET] = {"bulk_instructions_per_get", NULL, 1, BENCH_LESS},
                    [BULK_DONE] = {"bulk_instructions_per_task_done", NULL, 1, BENCH_LESS}},
        .run = run,
};
