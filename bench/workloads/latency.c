/*
 * Latency: how long an item takes that comes when all are waiting for it.
 *
 *                                 +--> consumer 1
 * producer --one every interval---+--> ...          Timed: from when an item was due to its get.
 *                                 +--> consumer N   Not timed: a warm-up, what happens after the
 * get.
 *
 * Items are due at fixed times (pace.h); if the queue delays a put, the delay is part of the
 * latency. The producer sleeps until 0.15 ms before an item is due and spins from there on: this
 * spinning is left out of the CPU time, its sleeping and waking is not. How late it began its puts
 * is reported too, so that the report shows how much of the latency is not the queue's.
 *
 * A consumer may have work to do on each item, and one item of so many may be slow: it keeps its
 * consumer asleep for a while, and the others should not notice. Checked: every item got once, and
 * in order where the queue promises it.
 */
#include <stdlib.h>

#include "chore.h"
#include "crew.h"
#include "ledger.h"
#include "measure/common.h"
#include "measure/histogram.h"
#include "measure/usage.h"
#include "pace.h"

struct latency {
	/* Set before the threads start, then only read. */
	uint64_t warmup; /* the numbers below are not counted */
	uint64_t items;  /* all, with the warm-up */
	uint64_t work;   /* steps per item */

	struct ledger ledger;    /* a page a consumer */
	struct histogram *waits; /* one a consumer; the producer's lateness behind them */

	/* Written by the producer; the schedule before its first put. */
	struct pace pace;
	struct usage usage; /* without spinning */
	double foreign;     /* share of the machine's time that went to others */
};

enum { P50, P90, P99, P999, MOST, CPU, LATE50, LATE99 };

/* Once the threads had time to fall asleep. */
static const uint64_t first_after_ns = 20 * 1000 * 1000;

static void send(struct crew_member *me, void *item, uint64_t n, struct histogram *late)
{
	struct latency *job = me->job;
	uint64_t now = pace_wait(&job->pace, n);

	if (late)
		histogram_add(late, now - pace_due(&job->pace, n));
	crew_put_numbers(me, item, n, n + 1);
}

static void produce(struct crew_member *me)
{
	struct latency *job = me->job;
	struct histogram *late = &job->waits[me->run->point.consumers];
	void *item = crew_buffer(me);
	uint64_t spun;

	pace_begin(&job->pace, me->run->point.interval_ns, first_after_ns);
	for (uint64_t n = 0; n < job->warmup; n++)
		send(me, item, n, NULL);
	spun = job->pace.spun_ns;
	usage_begin(&job->usage);
	for (uint64_t n = job->warmup; n < job->items; n++)
		send(me, item, n, late);
	crew_join(me);
	usage_end(&job->usage);
	/* The spinning is not of other programs, so it is still in cpu_seconds here. */
	job->foreign = usage_foreign(&job->usage);
	job->usage.cpu_seconds -= (double)(job->pace.spun_ns - spun) * 1e-9;
	crew_shut_down(me);
	free(item);
}

static bool is_slow(const struct bench_point *point, uint64_t n)
{
	return point->slow_every > 0 && n % point->slow_every == point->slow_every - 1;
}

static void consume(struct crew_member *me)
{
	struct latency *job = me->job;
	struct ledger_page *page = &job->ledger.pages[me->number];
	struct histogram *waits = &job->waits[me->number];
	const struct bench_point *point = &me->run->point;
	void *item = crew_buffer(me);

	while (crew_get(me, item) > 0) {
		uint64_t now = clock_now(), n = crew_number(me, item, 0);

		if (ledger_enter(page, n) && n >= job->warmup)
			histogram_add(waits, now - pace_due(&job->pace, n));
		chore_do(job->work);
		if (is_slow(point, n))
			clock_sleep_until(now + point->slow_ns);
		crew_done(me, 1);
	}
	free(item);
}

static void measure(const struct latency *job, size_t consumers, struct bench_result *result)
{
	struct histogram *waits = &job->waits[0], *late = &job->waits[consumers];

	for (size_t i = 1; i < consumers; i++)
		histogram_merge(waits, &job->waits[i]);
	result->seconds = job->usage.seconds;
	result->foreign = job->foreign;
	result->metric[P50] = (double)histogram_quantile(waits, 0.5);
	result->metric[P90] = (double)histogram_quantile(waits, 0.9);
	result->metric[P99] = (double)histogram_quantile(waits, 0.99);
	result->metric[P999] = (double)histogram_quantile(waits, 0.999);
	result->metric[MOST] = (double)waits->most;
	result->metric[CPU] = job->usage.cpu_seconds / (double)waits->n * 1e9;
	result->metric[LATE50] = (double)histogram_quantile(late, 0.5);
	result->metric[LATE99] = (double)histogram_quantile(late, 0.99);
	histogram_distribution(waits, &result->distribution);
}

static void close_job(struct latency *job)
{
	ledger_close(&job->ledger);
	common_free(job->waits);
	common_free(job);
}

/* NULL: there is no memory. */
static struct latency *open_job(const struct bench_point *point)
{
	struct latency *job = common_alloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->warmup = point->items / 20 + 1;
	job->items = job->warmup + point->items;
	job->work = chore_steps(point->work_ns);
	job->waits = common_alloc(point->consumers + 1, sizeof(*job->waits));
	if (!job->waits || ledger_open(&job->ledger, job->items, point->consumers) != 0) {
		common_free(job->waits);
		common_free(job);
		return NULL;
	}
	return job;
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	struct crew crew = {.run = run, .result = result, .produce = produce, .consume = consume};
	struct latency *job;

	if (run->point.interval_ns == 0) {
		bench_void(result, "latency needs an --interval: without, nothing is ever due");
		return;
	}
	crew.job = job = open_job(&run->point);
	if (!job) {
		bench_void(result, "no memory for the results");
		return;
	}
	crew_run(&crew);
	ledger_check(&job->ledger, run, result);
	crew_judge(&crew);
	if (result->outcome == BENCH_CHECKED)
		measure(job, run->point.consumers, result);
	close_job(job);
}

static bool refuses(const struct bench_point *point, char *why, size_t size)
{
	const double day = 24 * 3600 * 1e9;

	if (point->interval_ns == 0)
		snprintf(why, size, "--interval: without any, nothing is ever due");
	else if ((double)point->interval_ns * (double)point->items > day)
		snprintf(why, size, "--items: %llu with that --interval take more than a day",
		         (unsigned long long)point->items);
	else
		return false;
	return true;
}

static double pace(const struct bench_point *point)
{
	return (double)point->interval_ns * 1e-9;
}

extern const struct bench_workload bench_latency;
const struct bench_workload bench_latency = {
        .name = "latency",
        .what = "items at a fixed pace: how long from due to got",
        .method = "from when an item was due to its get; the producer sleeps, but spins for the "
                  "last 0.15 ms, which is not in the CPU time; every item checked",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CONSUMERS | 1 << BENCH_CAPACITY |
                1 << BENCH_ITEM_SIZE | 1 << BENCH_INTERVAL | 1 << BENCH_WORK |
                1 << BENCH_SLOW_EVERY | 1 << BENCH_SLOW,
        .defaults = {.items = 0,
                     .consumers = 5,
                     .capacity = 1024,
                     .bulk = 1,
                     .item_size = 8,
                     .interval_ns = 1000 * 1000,
                     .slow_ns = 100 * 1000 * 1000},
        .bytes_per_item = 1,
        .queues = "spmcq,mutex",
        .runs = 5,
        .examples = {"--interval 20us,1ms --queue all",
                     "--interval 0.5ms --work 100us --slow-every 500 --slow 100ms"},
        .refuses = refuses,
        .pace = pace,
        .axis = "median latency (µs)",
        .durations = "latency",
        .metrics = {[P50] = {"latency_p50_ns", "p50 us", 1e3, BENCH_LESS},
                    [P90] = {"latency_p90_ns", "p90 us", 1e3, BENCH_LESS},
                    [P99] = {"latency_p99_ns", "p99 us", 1e3, BENCH_LESS},
                    [P999] = {"latency_p99_9_ns", "p99.9 us", 1e3, BENCH_LESS},
                    [MOST] = {"latency_max_ns", "max us", 1e3, BENCH_LESS},
                    [CPU] = {"cpu_ns_per_item", "cpu us/item", 1e3, BENCH_LESS},
                    [LATE50] = {"sent_late_p50_ns", NULL, 1e3, BENCH_LESS},
                    [LATE99] = {"sent_late_p99_ns", "late p99", 1e3, BENCH_LESS}},
        .run = run,
};
