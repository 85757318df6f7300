/*
 * Idle: consumers that wait although no items come.
 *
 *            +--> consumer 1: blocked
 * producer   +--> ...                   Timed: a while in which nothing is put.
 *  (sleeps)  +--> consumer N: blocked   Not timed: falling asleep before, the items after.
 *
 * Afterwards as many items are put as there are consumers. Checked: every one of them got once.
 */
#include <math.h>
#include <stdlib.h>

#include "crew.h"
#include "ledger.h"
#include "measure/clock.h"
#include "measure/usage.h"

struct idle {
	struct ledger ledger; /* a page a consumer */
	struct usage usage;   /* of the timed part; written by the producer */
};

enum { CPU, SWITCHES };

/* By then all consumers are in get and have stopped looking for items. */
static const uint64_t settle_ns = 200 * 1000 * 1000;

static void produce(struct crew_member *me)
{
	struct idle *job = me->job;
	void *item = crew_buffer(me);

	clock_sleep_until(clock_now() + settle_ns);
	usage_begin(&job->usage);
	clock_sleep_until(clock_now() + me->run->point.interval_ns);
	usage_end(&job->usage);
	crew_put_numbers(me, item, 0, me->run->point.consumers);
	crew_join(me);
	crew_shut_down(me);
	free(item);
}

static void consume(struct crew_member *me)
{
	struct idle *job = me->job;
	void *item = crew_buffer(me);

	while (crew_get(me, item) > 0) {
		ledger_enter(&job->ledger.pages[me->number], crew_number(me, item, 0));
		crew_done(me, 1);
	}
	free(item);
}

static void measure(const struct usage *usage, struct bench_result *result)
{
	/* The process and this thread are not read at the same moment: a switch, or a microsecond,
	 * may be missing. */
	double all = (double)(usage->voluntary + usage->involuntary);
	double switches = fmax(0, all - (double)(usage->own_voluntary + usage->own_involuntary));
	double cpu_seconds = fmax(0, usage->cpu_seconds - usage->own_cpu_seconds);

	result->seconds = usage->seconds;
	result->foreign = usage_foreign(usage);
	result->metric[CPU] = cpu_seconds / usage->seconds;
	result->metric[SWITCHES] = switches / usage->seconds;
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	struct idle job;
	struct crew crew = {
	        .run = run, .job = &job, .result = result, .produce = produce, .consume = consume};

	if (ledger_open(&job.ledger, run->point.consumers, run->point.consumers) != 0) {
		bench_void(result, "no memory for the results");
		return;
	}
	crew_run(&crew);
	ledger_check(&job.ledger, run, result);
	crew_judge(&crew);
	if (result->outcome == BENCH_CHECKED)
		measure(&job.usage, result);
	ledger_close(&job.ledger);
}

static double pace(const struct bench_point *point)
{
	return (double)(point->interval_ns + settle_ns) * 1e-9;
}

extern const struct bench_workload bench_idle;
const struct bench_workload bench_idle = {
        .name = "idle",
        .what = "blocked consumers and nothing for them: CPU time used",
        .method = "the consumers' CPU time while nothing is put; afterwards an item each, checked",
        .uses = 1 << BENCH_CONSUMERS | 1 << BENCH_CAPACITY | 1 << BENCH_INTERVAL,
        .defaults = {.items = 1,
                     .consumers = 64,
                     .capacity = 1024,
                     .bulk = 1,
                     .item_size = 8,
                     .interval_ns = 2000000000},
        .queues = "spmcq,mutex",
        .runs = 3,
        .interval = "how long nothing comes: 2, 0.5, 100ms",
        .examples = {"--consumers 1,16,64,256", "--interval 10 --runs 1 --queue all"},
        .pace = pace,
        .axis = "CPU time of idle consumers (ms/s)",
        .metrics = {[CPU] = {"cpu_share", "cpu ms/s", 1e-3, BENCH_LESS},
                    [SWITCHES] = {"switches_per_second", "switches/s", 1, BENCH_LESS}},
        .nothing = 1e-4,
        .run = run,
};
