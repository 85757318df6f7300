/*
 * Handoff: an item there and back, through two queues of the same kind.
 *
 *          +--> there --> consumer --+
 * producer-+                         |   Timed: each round, from before the put to after the get.
 *          +<-- back  <--------------+   Not timed: a warm-up.
 *
 * There is never more than one item. So the time is twice that until the other thread has found the
 * item; if that thread sleeps, it must be woken and switched to. Both threads put in one queue and
 * get from the other. Checked: each number comes back before the next is sent.
 */
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "measure/clock.h"
#include "measure/histogram.h"
#include "measure/usage.h"

struct handoff {
	uint64_t warmup; /* rounds that come first and are not counted */
	void *back;      /* the queue; "there" is the crew's own */

	/* Written by the producer. */
	struct histogram *rounds;
	struct usage usage;
};

enum { P50, P99, P999, CPU, SWITCHES };

/* On the way back the roles are swapped: the consumer puts and the producer gets. */
static struct crew_member on_the_way_back(const struct crew_member *me, bool gets)
{
	const struct handoff *job = me->job;
	struct crew_member other = *me;

	other.queue = other.handle = job->back;
	other.crew = NULL; /* nobody gets and puts on the way back but these two: there is nothing
	                    * to compare, and each round is checked */
	if (gets && me->calls->consumer)
		other.handle = me->calls->consumer(job->back, 0);
	if (!gets && me->calls->producer)
		other.handle = me->calls->producer(job->back);
	if (!other.handle)
		crew_fail(&other, "handle", -ENOMEM);
	return other;
}

/* Returns the time when the item is back. */
static uint64_t one_round(struct crew_member *there, struct crew_member *back, void *item,
                          uint64_t n)
{
	crew_put_numbers(there, item, n, n + 1);
	if (crew_get(back, item) != 1)
		crew_fail(back, "get", -ESHUTDOWN);

	uint64_t now = clock_now(), got = crew_number(back, item, 0);
	crew_done(back, 1);
	if (got != n)
		bench_void(back->result, "sent %llu, %llu came back", (unsigned long long)n,
		           (unsigned long long)got);
	return now;
}

static void produce(struct crew_member *me)
{
	struct handoff *job = me->job;
	struct crew_member back = on_the_way_back(me, true);
	uint64_t all = job->warmup + me->run->point.items;
	void *item = crew_buffer(me);

	for (uint64_t n = 0; n < job->warmup; n++)
		one_round(me, &back, item, n);
	usage_begin(&job->usage);
	for (uint64_t n = job->warmup; n < all; n++) {
		uint64_t begin = clock_now();

		histogram_add(job->rounds, one_round(me, &back, item, n) - begin);
	}
	usage_end(&job->usage);
	crew_join(me);
	crew_shut_down(me);
	free(item);
}

static void consume(struct crew_member *me)
{
	struct crew_member back = on_the_way_back(me, false);
	void *item = crew_buffer(me);

	while (crew_get(me, item) > 0) {
		crew_put(&back, item, 1);
		crew_done(me, 1);
	}
	crew_join(&back);
	crew_shut_down(&back);
	free(item);
}

static void measure(const struct handoff *job, struct bench_result *result)
{
	double rounds = (double)job->rounds->n;

	result->seconds = job->usage.seconds;
	result->foreign = usage_foreign(&job->usage);
	result->metric[P50] = (double)histogram_quantile(job->rounds, 0.5);
	result->metric[P99] = (double)histogram_quantile(job->rounds, 0.99);
	result->metric[P999] = (double)histogram_quantile(job->rounds, 0.999);
	result->metric[CPU] = job->usage.cpu_seconds / rounds * 1e9;
	result->metric[SWITCHES] = (double)(job->usage.voluntary + job->usage.involuntary) / rounds;
	histogram_distribution(job->rounds, &result->distribution);
	result->outcome = BENCH_CHECKED;
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	struct handoff job = {.warmup = run->point.items / 20 + 1, .rounds = histogram_create(1)};
	struct bench_shape shape = {
	        .capacity = run->point.capacity, .item_size = run->point.item_size, .consumers = 1};
	struct crew crew = {
	        .run = run, .job = &job, .result = result, .produce = produce, .consume = consume};
	int error = job.rounds ? run->queue->create(&job.back, &shape) : -ENOMEM;

	if (error) {
		bench_void(result, "create: %s", strerror(-error));
	} else {
		crew_run(&crew);
		run->queue->destroy(job.back);
		crew_judge(&crew);
		if (result->outcome != BENCH_VOID)
			measure(&job, result);
	}
	free(job.rounds);
}

extern const struct bench_workload bench_handoff;
const struct bench_workload bench_handoff = {
        .name = "handoff",
        .what = "one item there and back through two queues: round-trip time",
        .method = "each round, from before the put to after the get of what came back; every "
                  "round checked",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CAPACITY | 1 << BENCH_ITEM_SIZE,
        .defaults = {.items = 0, .consumers = 1, .capacity = 1024, .bulk = 1, .item_size = 8},
        .queues = "spmcq,mutex",
        .runs = 5,
        .examples = {"--queue all", "--pin spread --item-size 8,64,1024"},
        .axis = "median round trip (µs)",
        .durations = "round trip",
        .metrics = {[P50] = {"round_p50_ns", "round p50 us", 1e3, BENCH_LESS},
                    [P99] = {"round_p99_ns", "p99 us", 1e3, BENCH_LESS},
                    [P999] = {"round_p99_9_ns", "p99.9 us", 1e3, BENCH_LESS},
                    [CPU] = {"cpu_ns_per_round", "cpu us/round", 1e3, BENCH_LESS},
                    [SWITCHES] = {"switches_per_round", "switches/round", 1, BENCH_LESS}},
        .run = run,
};
