/*
 * Size, unfinished, stats and is_shutdown: exact when the queue is quiet, sane when it is busy.
 */
#include "support/chance.h"
#include "support/fixture.h"
#include "support/worker.h"
#include <sched.h>

static void null_has_an_answer(void)
{
	struct spmcq *q = queue_of(2);
	struct spmcq_stats stats;

	COUNTS(0, spmcq_capacity(NULL));
	COUNTS(0, spmcq_item_size(NULL));
	COUNTS(0, spmcq_size(NULL));
	COUNTS(0, spmcq_unfinished(NULL));
	CHECK(spmcq_is_shutdown(NULL), "is_shutdown(NULL) is false");
	RETURNS(-EINVAL, spmcq_stats(NULL, &stats));
	RETURNS(-EINVAL, spmcq_stats(q, NULL));
	RETURNS(-EINVAL, spmcq_stats(NULL, NULL));
	queue_free(q);
}

/* The counts that the queue should return, kept by the test. */
struct model {
	uint64_t put;
	uint64_t got;
	uint64_t done;
};

static void expect_model(const struct spmcq *q, const struct model *model)
{
	struct spmcq_stats stats = stats_of(q);

	COUNTS(model->put - model->got, spmcq_size(q));
	COUNTS(model->put - model->done, spmcq_unfinished(q));
	COUNTS(model->put, stats.put);
	COUNTS(model->got, stats.got);
	COUNTS(model->done, stats.done);
	COUNTS(0, stats.discarded);
	COUNTS(0, stats.consumer_sleeps + stats.producer_sleeps + stats.joiner_sleeps);
	COUNTS(0, stats.wakeups);
}

static void one_random_call(struct spmcq *q, struct model *model, struct chance *chance)
{
	uint32_t numbers[4] = {0};
	size_t n = 1 + (size_t)chance_below(chance, 4);
	ssize_t result;

	switch (chance_below(chance, 4)) {
	case 0:
		model->put += spmcq_try_put(q, numbers) == 0;
		break;
	case 1:
		result = spmcq_try_put_many(q, numbers, n);
		model->put += result > 0 ? (uint64_t)result : 0;
		break;
	case 2:
		result = spmcq_try_get_many(q, numbers, n);
		model->got += result > 0 ? (uint64_t)result : 0;
		break;
	default:
		model->done += spmcq_task_done_many(q, n) == 0 ? n : 0;
	}
}

static void a_quiet_queue_counts_exactly(void)
{
	struct chance chance = chance_stream(chance_seed(), 0);

	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		struct spmcq *q = queue_at(all_capacities[c], sizeof(uint32_t), UINT64_MAX - 50);
		struct model model = {0};

		check_doing("capacity %zu", all_capacities[c]);
		for (int call = 0; call < 1000; call++) {
			one_random_call(q, &model, &chance);
			expect_model(q, &model);
		}
		queue_free(q);
	}
}

static void is_shutdown_tells_both_kinds(void)
{
	struct spmcq *q = queue_of(2), *r = queue_of(2);

	CHECK(!spmcq_is_shutdown(q) && !spmcq_is_shutdown(r), "shut down from the start");
	RETURNS(0, spmcq_shutdown(q));
	CHECK(spmcq_is_shutdown(q), "is_shutdown is false after shutdown");
	CHECK(!spmcq_is_shutdown(r), "another queue was shut down with it");
	RETURNS(0, spmcq_shutdown_now(r));
	CHECK(spmcq_is_shutdown(r), "is_shutdown is false after shutdown_now");
	queue_free(q);
	queue_free(r);
}

static void get_one(void *arg)
{
	RETURNS(0, spmcq_get(arg, &(uint32_t){0}));
}

static void put_one(void *arg)
{
	RETURNS(0, spmcq_put(arg, &(uint32_t){0}));
}

static void join_all(void *arg)
{
	RETURNS(0, spmcq_join(arg));
}

static void sleeps_and_wakeups_are_counted(void)
{
	struct spmcq *q = queue_of(1);
	struct worker worker;
	uint64_t wakeups = 0;

	worker_start(&worker, get_one, q);
	worker_await_sleep(&worker);
	CHECK(stats_of(q).consumer_sleeps >= 1, "a consumer sleeps, none is counted");
	put_numbers(q, 0, 1);
	worker_join(&worker);
	CHECK(stats_of(q).wakeups > wakeups, "the consumer woke, nothing is counted");
	RETURNS(0, spmcq_task_done(q));

	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_release_producer(q));
	worker_start(&worker, put_one, q);
	worker_await_sleep(&worker);
	CHECK(stats_of(q).producer_sleeps >= 1, "the producer sleeps, it is not counted");
	wakeups = stats_of(q).wakeups;
	get_one(q);
	worker_join(&worker);
	CHECK(stats_of(q).wakeups > wakeups, "the producer woke, nothing is counted");

	get_one(q);
	worker_start(&worker, join_all, q);
	worker_await_sleep(&worker);
	CHECK(stats_of(q).joiner_sleeps >= 1, "a joiner sleeps, none is counted");
	wakeups = stats_of(q).wakeups;
	RETURNS(0, spmcq_task_done_many(q, 2));
	worker_join(&worker);
	CHECK(stats_of(q).wakeups > wakeups, "the joiner woke, nothing is counted");
	queue_free(q);
}

enum { BUSY_ITEMS = 10000, BUSY_CONSUMERS = 2 };

static void consume(void *arg)
{
	uint32_t numbers[3];
	ssize_t n;

	while ((n = spmcq_get_many(arg, numbers, 3)) > 0)
		RETURNS(0, spmcq_task_done_many(arg, (size_t)n));
}

struct produce {
	struct spmcq *q;
	_Atomic bool over;
};

static void produce_all(void *arg)
{
	struct produce *produce = arg;

	for (uint32_t i = 0; i < BUSY_ITEMS; i++)
		RETURNS(0, spmcq_put(produce->q, &i));
	RETURNS(0, spmcq_join(produce->q));
	atomic_store(&produce->over, true);
}

static void watch(struct produce *produce, size_t capacity)
{
	while (!atomic_load(&produce->over)) {
		struct spmcq_stats stats = stats_of(produce->q);
		size_t size = spmcq_size(produce->q), unfinished = spmcq_unfinished(produce->q);

		CHECK(size <= capacity, "size %zu, capacity %zu", size, capacity);
		CHECK(unfinished <= BUSY_ITEMS, "%zu unfinished", unfinished);
		CHECK(stats.put <= BUSY_ITEMS && stats.got <= BUSY_ITEMS &&
		              stats.done <= BUSY_ITEMS && stats.discarded == 0,
		      "put %llu, got %llu, done %llu, discarded %llu",
		      (unsigned long long)stats.put, (unsigned long long)stats.got,
		      (unsigned long long)stats.done, (unsigned long long)stats.discarded);
		sched_yield(); /* under valgrind the others would hardly run */
	}
}

static void a_busy_queue_stays_within_bounds(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		struct produce produce = {queue_of(all_capacities[c]), false};
		struct worker producer, consumers[BUSY_CONSUMERS];
		struct spmcq_stats stats;

		check_doing("capacity %zu", all_capacities[c]);
		for (size_t i = 0; i < BUSY_CONSUMERS; i++)
			worker_start(&consumers[i], consume, produce.q);
		worker_start(&producer, produce_all, &produce);
		watch(&produce, all_capacities[c]);
		worker_join(&producer);
		stats = stats_of(produce.q);
		COUNTS(BUSY_ITEMS, stats.put);
		COUNTS(BUSY_ITEMS, stats.got);
		COUNTS(BUSY_ITEMS, stats.done);
		RETURNS(0, spmcq_shutdown(produce.q));
		for (size_t i = 0; i < BUSY_CONSUMERS; i++)
			worker_join(&consumers[i]);
		queue_free(produce.q);
	}
}

int main(void)
{
	RUN(null_has_an_answer);
	RUN(a_quiet_queue_counts_exactly);
	RUN(is_shutdown_tells_both_kinds);
	RUN(sleeps_and_wakeups_are_counted);
	RUN(a_busy_queue_stays_within_bounds);
	return check_finish();
}
