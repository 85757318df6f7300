/*
 * The workloads of the bench, on a queue that is slow, or wrong, in a way that is known.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "measure/clock.h"
#include "measure/item.h"
#include "support/check.h"
#include "workload.h"
#include "workloads/chore.h"

enum { MOST = 4096, MS = 1000 * 1000 };

/* What is wrong with every queue that is made; set by a property before its run. */
static struct {
	uint64_t delay_ns; /* an item can be got when this has passed since its put */
	uint64_t stall_at; /* the put of this item, counted from 0 ... */
	uint64_t stall_ns; /* ... sleeps before it puts */
	uint64_t lose_at;  /* this item, counted from 1, is not put */
	uint64_t twice_at; /* this one is put twice */
	uint64_t swap_at;  /* this one changes places with the next */
	bool spins;        /* a get that finds nothing looks again, and again */
} fault;

struct fake {
	/* All is guarded by lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t item[MOST], when[MOST]; /* a ring: when an item was put */
	uint64_t head, tail, done, puts; /* since the beginning */
	bool closed;
};

static int fake_create(void **queue, const struct bench_shape *shape)
{
	struct fake *q = calloc(1, sizeof(*q));

	CHECK(q && shape->item_size == 8, "the fake queue takes 8 bytes");
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	*queue = q;
	return 0;
}

static void fake_destroy(void *queue)
{
	struct fake *q = queue;

	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void append(struct fake *q, uint64_t item)
{
	while (q->tail - q->head == MOST)
		pthread_cond_wait(&q->changed, &q->lock);
	q->item[q->tail % MOST] = item;
	q->when[q->tail++ % MOST] = clock_now();
	pthread_cond_broadcast(&q->changed);
}

static int fake_put(void *queue, const void *item)
{
	struct fake *q = queue;
	uint64_t number;

	number = item_read(item, sizeof(number));
	if (fault.stall_ns > 0 && q->puts == fault.stall_at)
		clock_sleep_until(clock_now() + fault.stall_ns);
	pthread_mutex_lock(&q->lock);
	q->puts++;
	if (q->puts == fault.swap_at)
		number++;
	else if (fault.swap_at > 0 && q->puts == fault.swap_at + 1)
		number--;
	if (q->puts != fault.lose_at)
		append(q, number);
	if (q->puts == fault.twice_at)
		append(q, number);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static void fake_wait(struct fake *q)
{
	if (!fault.spins) {
		pthread_cond_wait(&q->changed, &q->lock);
		return;
	}
	pthread_mutex_unlock(&q->lock);
	sched_yield();
	pthread_mutex_lock(&q->lock);
}

static int fake_get(void *queue, void *item)
{
	struct fake *q = queue;

	pthread_mutex_lock(&q->lock);
	while (q->head == q->tail && !q->closed)
		fake_wait(q);
	if (q->head == q->tail) {
		pthread_mutex_unlock(&q->lock);
		return -ESHUTDOWN;
	}
	uint64_t ripe = q->when[q->head % MOST] + fault.delay_ns;
	item_write(item, 8, q->item[q->head++ % MOST]);
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	while (clock_now() < ripe)
		;
	return 0;
}

static int fake_task_done(void *queue, size_t n)
{
	struct fake *q = queue;

	pthread_mutex_lock(&q->lock);
	q->done += n;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static int fake_join(void *queue)
{
	struct fake *q = queue;

	pthread_mutex_lock(&q->lock);
	while (q->done < q->tail)
		pthread_cond_wait(&q->changed, &q->lock);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static int fake_shutdown(void *queue)
{
	struct fake *q = queue;

	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static const struct bench_queue in_order = {.name = "fake",
                                            .can = BENCH_FIFO,
                                            .create = fake_create,
                                            .destroy = fake_destroy,
                                            .put = fake_put,
                                            .get = fake_get,
                                            .task_done = fake_task_done,
                                            .join = fake_join,
                                            .shutdown = fake_shutdown};

static struct bench_point defaults_of(const char *workload)
{
	return bench_workload_named(workload)->defaults;
}

static struct bench_result run_on(const struct bench_queue *queue, const char *workload,
                                  struct bench_point point)
{
	struct machine_pin pin = {.n = 0};
	struct bench_run run = {.queue = queue, .point = point, .pin = &pin, .seed = 1};
	struct bench_result result = {.outcome = BENCH_NOT_RUN};

	bench_workload_named(workload)->run(&run, &result);
	return result;
}

static struct bench_result checked(const char *workload, struct bench_point point)
{
	struct bench_result result = run_on(&in_order, workload, point);

	CHECK(result.outcome == BENCH_CHECKED, "%s: %s", workload, result.why);
	return result;
}

static double metric(const char *workload, const struct bench_result *result, const char *key)
{
	const struct bench_metric *metrics = bench_workload_named(workload)->metrics;

	for (size_t i = 0; metrics[i].key; i++)
		if (strcmp(metrics[i].key, key) == 0)
			return result->metric[i];
	check_failed(__FILE__, __LINE__, "metric", "%s has no %s", workload, key);
}

/* Nothing can be quicker than the queue is; how much slower depends on who else is there. */
static void is_between(const char *what, double low, double value, double high)
{
	CHECK(value >= low && value <= high, "%s: %g is not within %g..%g", what, value, low, high);
}

static void latency_is_the_delay_of_the_queue(void)
{
	struct bench_point point = defaults_of("latency");

	fault.delay_ns = 2 * MS;
	point.items = 100;
	point.consumers = 1;
	point.interval_ns = 4 * MS;
	struct bench_result result = checked("latency", point);
	is_between("least", 2 * MS, (double)result.distribution.ns[0], 3 * MS);
	is_between("p50", 2 * MS, metric("latency", &result, "latency_p50_ns"), 20 * MS);
	COUNTS(100, result.distribution.n);
}

/* At one item per millisecond, a put that takes 50 ms makes 50 items late, by 50, 49, 48 ... ms. */
static void a_put_that_stalls_makes_those_behind_it_late_too(void)
{
	struct bench_point point = defaults_of("latency");

	fault.stall_at = 20;
	fault.stall_ns = 50 * MS;
	point.items = 100;
	point.consumers = 1;
	point.interval_ns = MS;
	struct bench_result result = checked("latency", point);
	is_between("p90", 39 * MS, metric("latency", &result, "latency_p90_ns"), 200 * MS);
	is_between("p99", 48 * MS, metric("latency", &result, "latency_p99_ns"), 200 * MS);
	is_between("max", 50 * MS, metric("latency", &result, "latency_max_ns"), 200 * MS);
	is_between("late p99", 47 * MS, metric("latency", &result, "sent_late_p99_ns"), 200 * MS);
}

/* Spinning until an item is due is not the queue's doing. */
static void spinning_for_the_schedule_is_not_in_the_cpu_time(void)
{
	struct bench_point point = defaults_of("latency");

	point.items = 1000;
	point.consumers = 1;
	point.interval_ns = MS / 10;
	struct bench_result result = checked("latency", point);
	is_between("cpu per item", 0, metric("latency", &result, "cpu_ns_per_item"), 70 * 1000);
}

static void one_slow_item_does_not_hold_up_the_others(void)
{
	struct bench_point point = defaults_of("latency");

	point.items = 190;
	point.consumers = 2;
	point.interval_ns = MS;
	point.slow_every = 200;
	point.slow_ns = 100 * MS;
	struct bench_result result = checked("latency", point);
	is_between("max", 0, metric("latency", &result, "latency_max_ns"), 90 * MS);
	is_between("seconds", 0.19, result.seconds, 2); /* join waits for the slow item */
}

static void a_round_of_handoff_meets_the_delay_twice(void)
{
	struct bench_point point = defaults_of("handoff");

	fault.delay_ns = 2 * MS;
	point.items = 20;
	struct bench_result result = checked("handoff", point);
	is_between("least", 4 * MS, (double)result.distribution.ns[0], 6 * MS);
	is_between("p50", 4 * MS, metric("handoff", &result, "round_p50_ns"), 40 * MS);
}

static void a_burst_is_drained_with_its_last_item(void)
{
	struct bench_point point = defaults_of("burst");

	fault.delay_ns = 3 * MS;
	point.items = 100;
	point.burst = 10;
	struct bench_result result = checked("burst", point);
	is_between("drain p50", 3 * MS, metric("burst", &result, "drain_p50_ns"), 60 * MS);
	COUNTS(10, result.distribution.n);
	is_between("wake-ups", 1, metric("burst", &result, "wakeups_per_burst"), 60);
}

static void idle_sees_whether_threads_spin_or_sleep(void)
{
	struct bench_point point = defaults_of("idle");

	point.consumers = 3;
	point.interval_ns = 300 * MS;
	struct bench_result result = checked("idle", point);
	/* A tick of the clock may be charged to a thread that ran for an instant. */
	is_between("asleep", 0, metric("idle", &result, "cpu_share"), 0.05);
	fault.spins = true;
	result = checked("idle", point);
	is_between("spinning", 0.1, metric("idle", &result, "cpu_share"), 3.1);
}

/* Others on the machine may slow the work without a queue; not in each of five runs. */
static void one_consumer_has_no_speed_up(void)
{
	struct bench_point point = defaults_of("work");
	double least = HUGE_VAL;

	point.items = 100;
	point.consumers = 1;
	point.work_ns = MS / 5;
	for (int i = 0; i < 5; i++) {
		struct bench_result result = checked("work", point);
		least = fmin(least, metric("work", &result, "speedup"));
		is_between("fairness", 1, metric("work", &result, "jain_index"), 1);
	}
	is_between("speed-up", 0.1, least, 2);
}

static void a_chore_takes_the_cpu_time_asked_for(void)
{
	uint64_t steps = chore_steps(20 * MS), least = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t begin = clock_of(CLOCK_THREAD_CPUTIME_ID);

		chore_do(steps);
		uint64_t took = clock_of(CLOCK_THREAD_CPUTIME_ID) - begin;
		least = took < least ? took : least;
	}
	is_between("ns", 10 * MS, (double)least, 40 * MS); /* clock rates change */
	is_between("ten of them", 0.1, chore_time(steps, 10).cpu_seconds, 0.8);
	COUNTS(0, chore_steps(0));
}

static void is_void(const char *workload, const struct bench_queue *queue, const char *why)
{
	struct bench_point point = defaults_of(workload);

	point.items = 200;
	point.consumers = 1;
	struct bench_result result = run_on(queue, workload, point);
	CHECK(result.outcome == BENCH_VOID, "%s did not notice", workload);
	CHECK(strstr(result.why, why), "%s says \"%s\"", workload, result.why);
}

static const char *const checking[] = {"latency", "burst", "work"};

static void a_lost_item_makes_a_run_void(void)
{
	fault.lose_at = 77;
	for (size_t i = 0; i < sizeof(checking) / sizeof(*checking); i++)
		is_void(checking[i], &in_order, "1 lost, 0 doubled");
}

static void an_item_got_twice_makes_a_run_void(void)
{
	fault.twice_at = 77;
	for (size_t i = 0; i < sizeof(checking) / sizeof(*checking); i++)
		is_void(checking[i], &in_order, "0 lost, 1 doubled");
}

static void swapped_items_make_a_run_void_where_order_is_promised(void)
{
	struct bench_queue unordered = in_order;

	fault.swap_at = 77;
	for (size_t i = 0; i < sizeof(checking) / sizeof(*checking); i++)
		is_void(checking[i], &in_order, "1 out of order");
	unordered.can = 0;
	for (size_t i = 0; i < sizeof(checking) / sizeof(*checking); i++) {
		struct bench_point point = defaults_of(checking[i]);

		point.items = 200;
		point.consumers = 1;
		struct bench_result result = run_on(&unordered, checking[i], point);
		CHECK(result.outcome == BENCH_CHECKED, "%s: %s", checking[i], result.why);
	}
}

static void what_comes_back_must_be_what_was_sent(void)
{
	fault.swap_at = 7;
	is_void("handoff", &in_order, "sent 6, ");
}

int main(void)
{
	RUN(latency_is_the_delay_of_the_queue);
	RUN(a_put_that_stalls_makes_those_behind_it_late_too);
	RUN(spinning_for_the_schedule_is_not_in_the_cpu_time);
	RUN(one_slow_item_does_not_hold_up_the_others);
	RUN(a_round_of_handoff_meets_the_delay_twice);
	RUN(a_burst_is_drained_with_its_last_item);
	RUN(idle_sees_whether_threads_spin_or_sleep);
	RUN(one_consumer_has_no_speed_up);
	RUN(a_chore_takes_the_cpu_time_asked_for);
	RUN(a_lost_item_makes_a_run_void);
	RUN(an_item_got_twice_makes_a_run_void);
	RUN(swapped_items_make_a_run_void_where_order_is_promised);
	RUN(what_comes_back_must_be_what_was_sent);
	return check_finish();
}
