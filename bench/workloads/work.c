/*
 * Work: what consumers are for. Each item costs a given amount of CPU time.
 *
 *           +--> consumer 1: work --+
 * producer -+--> ...                +   Timed: first put to join.
 *           +--> consumer N: work --+   Not timed: threads, the same work without a queue.
 *
 * Before and after, threads do the same work without a queue, one on each core that has consumers,
 * because the speed of cores differs, and changes from second to second. What these threads do in a
 * second, while other programs run as they do, is the ideal. The speed-up is the rate of the queue
 * divided by the mean rate of these threads. With C cores it cannot be more than C, except by
 * chance. A share is the number of items that a consumer got. Checked: every item got once, and in
 * order where the queue promises it.
 */
#include <stdlib.h>

#include "chore.h"
#include "crew.h"
#include "ledger.h"
#include "measure/common.h"
#include "measure/stats.h"
#include "measure/usage.h"

/* Threads that do all the work of a run each, without a queue. */
struct alone {
	double threads;
	double rate;        /* the sum of theirs, in runs per second */
	double cpu_seconds; /* the sum of theirs */
};

struct work {
	uint64_t steps;       /* per item; set before the threads start */
	struct ledger ledger; /* a page a consumer */
	double *shares;       /* items, one a consumer; written as it leaves; in common memory */
	struct alone alone;
	struct usage usage; /* of the timed part; written by the producer */
};

enum { SPEEDUP, IDEAL, RATE, JAIN, CPU };

static void produce(struct crew_member *me)
{
	struct work *job = me->job;
	void *buffer = crew_buffer(me);

	usage_begin(&job->usage);
	crew_put_numbers(me, buffer, 0, me->run->point.items);
	crew_join(me);
	usage_end(&job->usage);
	crew_shut_down(me);
	free(buffer);
}

static void consume(struct crew_member *me)
{
	struct work *job = me->job;
	struct ledger_page *page = &job->ledger.pages[me->number];
	uint64_t steps = job->steps, all = 0;
	void *buffer = crew_buffer(me);
	size_t got;

	while ((got = crew_get(me, buffer)) > 0) {
		for (size_t i = 0; i < got; i++) {
			ledger_enter(page, crew_number(me, buffer, i));
			chore_do(steps);
		}
		crew_done(me, got);
		all += got;
	}
	job->shares[me->number] = (double)all;
	free(buffer);
}

/* How many threads can work at the same time. */
static double ideal_for(const struct bench_run *run)
{
	struct machine machine;

	machine_describe(&machine);
	size_t cores = run->pin->n ? run->pin->n : machine.cores;
	return (double)(run->point.consumers < cores ? run->point.consumers : cores);
}

struct lone_thread {
	pthread_t handle;
	uint64_t steps, items;
	struct chore_time time;
};

static void *work_alone(void *argument)
{
	struct lone_thread *me = argument;

	me->time = chore_time(me->steps, me->items);
	return NULL;
}

/* Adds as many threads as can work at the same time. */
static void add_alone(const struct bench_run *run, struct work *job)
{
	struct lone_thread threads[MACHINE_CPUS];
	size_t n = (size_t)ideal_for(run), started = 0;
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	for (; started < n && started < MACHINE_CPUS; started++) {
		threads[started] =
		        (struct lone_thread){.steps = job->steps, .items = run->point.items};
		machine_pin_place(run->pin, 1 + started, &attributes);
		if (pthread_create(&threads[started].handle, &attributes, work_alone,
		                   &threads[started]) != 0)
			break;
	}
	pthread_attr_destroy(&attributes);
	for (size_t i = 0; i < started; i++) {
		pthread_join(threads[i].handle, NULL);
		job->alone.threads++;
		job->alone.rate += 1 / threads[i].time.seconds;
		job->alone.cpu_seconds += threads[i].time.cpu_seconds;
	}
}

static void measure(const struct work *job, const struct bench_run *run,
                    struct bench_result *result)
{
	const struct usage *usage = &job->usage;
	const struct alone *alone = &job->alone;
	double items = (double)run->point.items;
	double speedup = alone->threads / alone->rate / usage->seconds;

	result->seconds = usage->seconds;
	result->foreign = usage_foreign(usage);
	result->metric[SPEEDUP] = speedup;
	result->metric[IDEAL] = speedup / ideal_for(run);
	result->metric[RATE] = items / usage->seconds;
	result->metric[JAIN] = stats_jain(job->shares, run->point.consumers);
	result->metric[CPU] =
	        (usage->cpu_seconds - alone->cpu_seconds / alone->threads) / items * 1e9;
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	struct work job = {.steps = chore_steps(run->point.work_ns)};
	struct crew crew = {
	        .run = run, .job = &job, .result = result, .produce = produce, .consume = consume};

	job.shares = common_alloc(run->point.consumers, sizeof(*job.shares));
	if (!job.shares || ledger_open(&job.ledger, run->point.items, run->point.consumers) != 0) {
		bench_void(result, "no memory for the results");
		common_free(job.shares);
		return;
	}
	add_alone(run, &job);
	crew_run(&crew);
	add_alone(run, &job);
	ledger_check(&job.ledger, run, result);
	crew_judge(&crew);
	if (job.alone.threads < 1)
		bench_void(result, "no thread for the work without a queue");
	if (result->outcome == BENCH_CHECKED)
		measure(&job, run, result);
	ledger_close(&job.ledger);
	common_free(job.shares);
}

/* From 10 us on the work takes most of the time; with less, the queue does. */
static double pace(const struct bench_point *point)
{
	struct machine machine;

	if (point->work_ns < 10 * 1000)
		return 0;
	machine_describe(&machine);
	return (double)point->work_ns * 1e-9 /
	       (double)(point->consumers < machine.cores ? point->consumers : machine.cores);
}

extern const struct bench_workload bench_work;
const struct bench_workload bench_work = {
        .name = "work",
        .what = "items that cost CPU time: speed-up against one thread, fairness",
        .method = "timed from the first put to the return of join, against the same work in "
                  "threads without a queue; every item checked",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CONSUMERS | 1 << BENCH_CAPACITY |
                1 << BENCH_BULK_SIZE | 1 << BENCH_ITEM_SIZE | 1 << BENCH_WORK,
        .defaults = {.items = 0,
                     .consumers = 2,
                     .capacity = 1024,
                     .bulk = 1,
                     .item_size = 8,
                     .work_ns = 10 * 1000},
        .bytes_per_item = 1,
        .queues = "spmcq,mutex",
        .runs = 5,
        .examples = {"--work 0,1us,10us,100us", "--work 1us --consumers 1,2,4,8 --queue all"},
        .pace = pace,
        .axis = "speed-up against one thread (times)",
        .metrics = {[SPEEDUP] = {"speedup", "speed-up", 1, BENCH_MORE},
                    [IDEAL] = {"share_of_ideal", "% of ideal", 0.01, BENCH_MORE},
                    [RATE] = {"items_per_second", "M items/s", 1e6, BENCH_MORE},
                    [JAIN] = {"jain_index", "fairness", 1, BENCH_MORE},
                    [CPU] = {"overhead_cpu_ns_per_item", "overhead cpu ns/item", 1, BENCH_LESS}},
        .run = run,
};
