/*
 * join waits until nothing is unfinished: not shorter, not longer, in all threads, again and again.
 */
#include "support/fixture.h"
#include "support/worker.h"

enum { JOINERS = 5 };

static void join_an_empty_queue_returns_at_once(void)
{
	struct spmcq *q = queue_of(3);

	RETURNS(0, spmcq_join(q));
	RETURNS(0, spmcq_join_until(q, NULL));
	RETURNS(0, spmcq_join(q));
	COUNTS(0, stats_of(q).joiner_sleeps);
	queue_free(q);
}

static void null_is_refused(void)
{
	RETURNS(-EINVAL, spmcq_join(NULL));
	RETURNS(-EINVAL, spmcq_join_until(NULL, NULL));
}

struct joiner {
	struct spmcq *q;
	struct worker worker;
	_Atomic int finished; /* set by the test just before the last task_done */
	int result;
	int saw;
};

static void join_once(void *arg)
{
	struct joiner *joiner = arg;

	joiner->result = spmcq_join(joiner->q);
	joiner->saw = atomic_load(&joiner->finished);
}

static void start_joiners(struct joiner *joiners, struct spmcq *q)
{
	for (size_t i = 0; i < JOINERS; i++) {
		joiners[i].q = q;
		atomic_init(&joiners[i].finished, 0);
		worker_start(&joiners[i].worker, join_once, &joiners[i]);
	}
	for (size_t i = 0; i < JOINERS; i++)
		worker_await_sleep(&joiners[i].worker);
}

static void join_waits_for_the_last_report(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		struct spmcq *q = queue_of(all_capacities[c]);
		struct joiner joiners[JOINERS];

		check_doing("capacity %zu", all_capacities[c]);
		put_numbers(q, 0, all_capacities[c]);
		start_joiners(joiners, q);
		get_numbers(q, 0, all_capacities[c]);
		for (size_t i = 0; i < JOINERS; i++)
			worker_await_sleep(&joiners[i].worker);
		if (all_capacities[c] > 1)
			RETURNS(0, spmcq_task_done_many(q, all_capacities[c] - 1));
		for (size_t i = 0; i < JOINERS; i++)
			worker_await_sleep(&joiners[i].worker);
		for (size_t i = 0; i < JOINERS; i++)
			atomic_store(&joiners[i].finished, 1);
		RETURNS(0, spmcq_task_done(q));
		for (size_t i = 0; i < JOINERS; i++) {
			worker_join(&joiners[i].worker);
			RETURNS(0, joiners[i].result);
			CHECK(joiners[i].saw == 1, "joiner %zu returned too early", i);
		}
		COUNTS(0, spmcq_unfinished(q));
		queue_free(q);
	}
}

/* Consumers write plain memory, report, and the joiner reads it: a data race if join does not
 * order the two. */
enum { PLAIN_ITEMS = 500, PLAIN_CONSUMERS = 3, PLAIN_ROUNDS = 20 };

struct plain {
	struct spmcq *q;
	uint32_t squares[PLAIN_ITEMS];
};

static void square_numbers(void *arg)
{
	struct plain *plain = arg;
	uint32_t number;

	while (spmcq_get(plain->q, &number) == 0) {
		plain->squares[number] = number * number;
		RETURNS(0, spmcq_task_done(plain->q));
	}
}

static void what_consumers_wrote_is_visible_after_join(void)
{
	struct plain plain = {.q = queue_of(7)};
	struct worker workers[PLAIN_CONSUMERS];

	for (size_t i = 0; i < PLAIN_CONSUMERS; i++)
		worker_start(&workers[i], square_numbers, &plain);
	for (int round = 0; round < PLAIN_ROUNDS; round++) {
		for (uint32_t n = 0; n < PLAIN_ITEMS; n++)
			plain.squares[n] = 1;
		for (uint32_t n = 0; n < PLAIN_ITEMS; n++)
			RETURNS(0, spmcq_put(plain.q, &n));
		RETURNS(0, spmcq_join(plain.q));
		for (uint32_t n = 0; n < PLAIN_ITEMS; n++)
			CHECK(plain.squares[n] == n * n, "round %d: the square of %u is %u", round,
			      n, plain.squares[n]);
	}
	RETURNS(0, spmcq_shutdown(plain.q));
	for (size_t i = 0; i < PLAIN_CONSUMERS; i++)
		worker_join(&workers[i]);
	queue_free(plain.q);
}

static void join_works_again_after_new_items(void)
{
	struct spmcq *q = queue_of(3);

	for (uint32_t round = 0; round < 50; round++) {
		struct timespec past = {0, 0};

		put_numbers(q, round, 2);
		RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
		get_numbers(q, round, 2);
		RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
		RETURNS(0, spmcq_task_done(q));
		RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
		RETURNS(0, spmcq_task_done(q));
		RETURNS(0, spmcq_join_until(q, &past));
		RETURNS(0, spmcq_join(q));
	}
	queue_free(q);
}

static void join_waits_on_although_the_queue_is_shut_down(void)
{
	struct spmcq *q = queue_of(3);
	struct joiner joiners[JOINERS];

	put_numbers(q, 0, 3);
	start_joiners(joiners, q);
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i < JOINERS; i++)
		worker_await_sleep(&joiners[i].worker);
	get_numbers(q, 0, 3);
	RETURNS(0, spmcq_task_done_many(q, 2));
	for (size_t i = 0; i < JOINERS; i++)
		worker_await_sleep(&joiners[i].worker);
	RETURNS(0, spmcq_task_done(q));
	for (size_t i = 0; i < JOINERS; i++) {
		worker_join(&joiners[i].worker);
		RETURNS(0, joiners[i].result);
	}
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

int main(void)
{
	RUN(join_an_empty_queue_returns_at_once);
	RUN(null_is_refused);
	RUN(join_waits_for_the_last_report);
	RUN(what_consumers_wrote_is_visible_after_join);
	RUN(join_works_again_after_new_items);
	RUN(join_waits_on_although_the_queue_is_shut_down);
	return check_finish();
}
