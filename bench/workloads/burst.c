/*
 * Burst: many items at once for consumers that sleep.
 *
 *                                      +--> consumer 1
 * producer --burst, pause, burst ... --+--> ...          Timed: from before the first put of a
 *                                      +--> consumer N   burst to the get of its last item.
 *                                                        Not timed: joins, pauses, a warm-up.
 *
 * The producer puts a burst, joins, pauses, and puts the next. Where the queue keeps order, the
 * burst's last item is the last to be got, and only its get reads the clock; else each get does.
 * Checked: every item got once, and in order where the queue promises it.
 */
#include <stdalign.h>
#include <stdlib.h>

#include "crew.h"
#include "ledger.h"
#include "measure/clock.h"
#include "measure/common.h"
#include "measure/histogram.h"
#include "measure/usage.h"

/* Written by its consumer before it calls the items done, read by the producer after join. */
struct last_get {
	alignas(64) uint64_t when; /* of a burst's last item; without order, of any item */
};

struct burst {
	/* Set before the threads start, then only read. */
	uint64_t size;   /* items in a burst */
	uint64_t warmup; /* bursts that come first and are not counted */
	uint64_t bursts; /* all */
	bool in_order;

	struct ledger ledger;       /* a page a consumer */
	struct last_get *last_gets; /* one a consumer; in common memory */

	/* Written by the producer. */
	struct histogram *drains;
	struct usage usage;
};

enum { P50, P99, WAKEUPS, CPU };

/* Returns how long it took to drain. */
static uint64_t one_burst(struct crew_member *me, void *buffer, uint64_t number)
{
	struct burst *job = me->job;
	uint64_t begin = clock_now(), end = begin;

	crew_put_numbers(me, buffer, number * job->size, (number + 1) * job->size);
	crew_join(me);
	for (size_t i = 0; i < me->run->point.consumers; i++)
		if (job->last_gets[i].when > end)
			end = job->last_gets[i].when;
	if (me->run->point.interval_ns > 0)
		clock_sleep_until(clock_now() + me->run->point.interval_ns);
	return end - begin;
}

static void produce(struct crew_member *me)
{
	struct burst *job = me->job;
	void *buffer = crew_buffer(me);

	for (uint64_t i = 0; i < job->warmup; i++)
		one_burst(me, buffer, i);
	usage_begin(&job->usage);
	for (uint64_t i = job->warmup; i < job->bursts; i++)
		histogram_add(job->drains, one_burst(me, buffer, i));
	usage_end(&job->usage);
	crew_shut_down(me);
	free(buffer);
}

static void consume(struct crew_member *me)
{
	struct burst *job = me->job;
	struct ledger_page *page = &job->ledger.pages[me->number];
	struct last_get *last_get = &job->last_gets[me->number];
	void *buffer = crew_buffer(me);
	size_t got;

	while ((got = crew_get(me, buffer)) > 0) {
		uint64_t last = crew_number(me, buffer, got - 1);

		if (!job->in_order || last % job->size == job->size - 1)
			last_get->when = clock_now();
		for (size_t i = 0; i < got; i++)
			ledger_enter(page, crew_number(me, buffer, i));
		crew_done(me, got);
	}
	free(buffer);
}

static void measure(const struct burst *job, struct bench_result *result)
{
	double bursts = (double)(job->bursts - job->warmup);
	uint64_t sleeps = job->usage.voluntary - job->usage.own_voluntary;

	result->seconds = job->usage.seconds;
	result->foreign = usage_foreign(&job->usage);
	result->metric[P50] = (double)histogram_quantile(job->drains, 0.5);
	result->metric[P99] = (double)histogram_quantile(job->drains, 0.99);
	result->metric[WAKEUPS] = (double)sleeps / bursts;
	result->metric[CPU] = job->usage.cpu_seconds / bursts * 1e9;
	histogram_distribution(job->drains, &result->distribution);
}

static int open_job(struct burst *job, const struct bench_run *run)
{
	size_t consumers = run->point.consumers;
	uint64_t bursts = run->point.items / run->point.burst;

	job->in_order = run->queue->can & BENCH_FIFO;
	job->size = run->point.burst;
	job->warmup = bursts / 20 + 1;
	job->bursts = job->warmup + (bursts ? bursts : 1);
	job->drains = histogram_create(1);
	job->last_gets = common_alloc(consumers, sizeof(*job->last_gets));
	if (!job->drains || !job->last_gets)
		return -ENOMEM;
	return ledger_open(&job->ledger, job->bursts * job->size, consumers);
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	struct burst job = {.drains = NULL};
	struct crew crew = {
	        .run = run, .job = &job, .result = result, .produce = produce, .consume = consume};

	if (open_job(&job, run) != 0) {
		bench_void(result, "no memory for the results");
	} else {
		crew_run(&crew);
		ledger_check(&job.ledger, run, result);
		crew_judge(&crew);
		if (result->outcome == BENCH_CHECKED)
			measure(&job, result);
		ledger_close(&job.ledger);
	}
	common_free(job.last_gets);
	free(job.drains);
}

/* The pause, and what it takes to sleep, wake and move a burst at a few million items per second;
 * one whole burst at least. */
static double pace(const struct bench_point *point)
{
	double seconds = (double)point->interval_ns * 1e-9 + 100e-6 + (double)point->burst * 0.3e-6;

	return (seconds < 1 ? seconds : 1) / (double)point->burst;
}

extern const struct bench_workload bench_burst;
const struct bench_workload bench_burst = {
        .name = "burst",
        .what = "many items at once for sleeping consumers: time to drain",
        .method = "from before a burst's first put to its last get; every item checked",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CONSUMERS | 1 << BENCH_CAPACITY |
                1 << BENCH_BULK_SIZE | 1 << BENCH_ITEM_SIZE | 1 << BENCH_INTERVAL |
                1 << BENCH_BURST,
        .defaults = {.items = 0,
                     .consumers = 5,
                     .capacity = 1024,
                     .bulk = 1,
                     .item_size = 8,
                     .interval_ns = 1000 * 1000,
                     .burst = 100},
        .bytes_per_item = 1,
        .queues = "spmcq,mutex",
        .runs = 5,
        .interval = "pause after a burst: 2, 0.5, 1ms, 20us",
        .examples = {"--burst 1,10,100,1000 --queue all", "--burst 10000 --capacity 16,1024"},
        .pace = pace,
        .axis = "median time to drain a burst (µs)",
        .durations = "time to drain a burst",
        .metrics = {[P50] = {"drain_p50_ns", "drain p50 us", 1e3, BENCH_LESS},
                    [P99] = {"drain_p99_ns", "p99 us", 1e3, BENCH_LESS},
                    [WAKEUPS] = {"wakeups_per_burst", "wake-ups/burst", 1, BENCH_LESS},
                    [CPU] = {"cpu_ns_per_burst", "cpu us/burst", 1e3, BENCH_LESS}},
        .run = run,
};
