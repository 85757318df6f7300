/*
 * One producer: a second is refused, unless the first has released the producer side, or the
 * options say not to check.
 */
#include "support/fixture.h"
#include "support/worker.h"

static void run_alone(void (*call)(void *), void *arg)
{
	struct worker worker;

	worker_start(&worker, call, arg);
	worker_join(&worker);
}

static void every_put_is_refused(void *arg)
{
	struct spmcq *q = arg;
	struct timespec past = {0, 0};
	uint32_t numbers[2] = {98, 99};

	RETURNS(-EPERM, spmcq_put(q, numbers));
	RETURNS(-EPERM, spmcq_try_put(q, numbers));
	RETURNS(-EPERM, spmcq_put_until(q, numbers, NULL));
	RETURNS(-EPERM, spmcq_put_until(q, numbers, &past));
	RETURNS(-EPERM, spmcq_put_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_try_put_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_put_many_until(q, numbers, 2, NULL));
	RETURNS(-EPERM, spmcq_release_producer(q));
}

/* A put by a second thread returns at once also if the queue is full: it does not wait for room. */
static void a_second_producer_is_refused_and_changes_nothing(void)
{
	struct spmcq *q = queue_of(5);

	for (uint32_t i = 0; i < 5; i++) {
		put_numbers(q, i, 1);
		run_alone(every_put_is_refused, q);
		COUNTS(i + 1, spmcq_size(q));
		COUNTS(i + 1, stats_of(q).put);
	}
	get_numbers(q, 0, 5);
	run_alone(every_put_is_refused, q);
	put_numbers(q, 5, 1);
	get_numbers(q, 5, 1);
	queue_free(q);
}

static void get_and_report(void *arg)
{
	uint32_t number;

	RETURNS(0, spmcq_get(arg, &number));
	RETURNS(0, spmcq_task_done(arg));
	RETURNS(0, spmcq_join(arg));
	RETURNS(-EAGAIN, spmcq_try_get(arg, &number));
}

static void only_put_makes_a_producer(void)
{
	struct spmcq *q = queue_of(5);

	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_release_producer(q));
	run_alone(get_and_report, q);
	put_numbers(q, 1, 1);
	queue_free(q);
}

static void the_producer_may_consume_too(void)
{
	struct spmcq *q = queue_of(2);

	for (uint32_t i = 0; i < 10; i++) {
		put_numbers(q, i, 1);
		get_numbers(q, i, 1);
		RETURNS(0, spmcq_task_done(q));
	}
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void a_malformed_put_makes_no_producer(void *arg)
{
	struct timespec bad = {0, -1};
	uint32_t number = 1;

	RETURNS(-EINVAL, spmcq_put(arg, NULL));
	RETURNS(-EINVAL, spmcq_put_many(arg, &number, 0));
	RETURNS(-EINVAL, spmcq_put_until(arg, &number, &bad));
}

static void an_invalid_put_does_not_take_the_producer_side(void)
{
	struct spmcq *q = queue_of(2);

	run_alone(a_malformed_put_makes_no_producer, q);
	put_numbers(q, 0, 1);
	queue_free(q);
}

static void only_the_owner_can_release(void)
{
	struct spmcq *q = queue_of(2);

	RETURNS(-EINVAL, spmcq_release_producer(NULL));
	RETURNS(-EPERM, spmcq_release_producer(q));
	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_release_producer(q));
	RETURNS(-EPERM, spmcq_release_producer(q));
	queue_free(q);
}

struct turn {
	struct spmcq *q;
	uint32_t number;
	bool release;
};

static void put_one(void *arg)
{
	struct turn *turn = arg;

	put_numbers(turn->q, turn->number, 1);
	if (turn->release)
		RETURNS(0, spmcq_release_producer(turn->q));
}

/* Each producer goes on from the last position of the producer before it, so order and bound hold
 * across the hand-over. */
static void the_producer_side_can_be_handed_over(void)
{
	struct spmcq *q = queue_of(3);

	for (uint32_t i = 0; i < 200; i++) {
		struct turn turn = {q, i, true};
		uint32_t number = 99;

		run_alone(put_one, &turn);
		if (i >= 2) {
			RETURNS(-EAGAIN, spmcq_try_put(q, &number));
			RETURNS(-EAGAIN, spmcq_try_put_many(q, &number, 1));
			spmcq_release_producer(q);
			get_numbers(q, i - 2, 1);
		}
	}
	get_numbers(q, 198, 2);
	queue_free(q);
}

static void after_a_hand_over_the_old_producer_is_refused(void)
{
	struct spmcq *q = queue_of(3);
	struct worker worker;
	struct turn turn = {q, 1, false};
	struct timespec past = {0, 0};
	uint32_t number = 99;

	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_release_producer(q));
	worker_start(&worker, put_one, &turn);
	while (spmcq_size(q) < 2)
		sleep_ms(1);
	RETURNS(-EPERM, spmcq_put(q, &number));
	RETURNS(-EPERM, spmcq_put_until(q, &number, &past));
	RETURNS(-EPERM, spmcq_release_producer(q));
	worker_join(&worker);
	get_numbers(q, 0, 2);
	queue_free(q);
}

/* --- an owner that has ended --- */

static void put_one_and_keep_the_side(void *arg)
{
	put_numbers(arg, 0, 1);
}

static void the_side_of_an_ended_thread_can_be_taken(void)
{
	struct spmcq *q = queue_of(5);

	run_alone(put_one_and_keep_the_side, q);
	RETURNS(-EPERM, spmcq_put(q, &(uint32_t){1}));
	RETURNS(-EPERM, spmcq_release_producer(q));
	RETURNS(0, spmcq_take_producer(q));
	put_numbers(q, 1, 4);
	RETURNS(-EAGAIN, spmcq_try_put(q, &(uint32_t){5}));
	run_alone(every_put_is_refused, q);
	get_numbers(q, 0, 5);
	RETURNS(0, spmcq_release_producer(q));
	RETURNS(-EPERM, spmcq_release_producer(q));
	queue_free(q);
}

static void take_and_put(void *arg)
{
	struct turn *turn = arg;

	RETURNS(-EPERM, spmcq_put(turn->q, &turn->number));
	RETURNS(0, spmcq_take_producer(turn->q));
	put_numbers(turn->q, turn->number, 1);
}

static void a_side_taken_from_a_living_thread_is_lost_to_it(void)
{
	struct spmcq *q = queue_of(5);
	struct turn turn = {q, 1, false};

	put_numbers(q, 0, 1);
	run_alone(take_and_put, &turn);
	RETURNS(-EPERM, spmcq_put(q, &(uint32_t){2}));
	RETURNS(0, spmcq_take_producer(q));
	put_numbers(q, 2, 1);
	get_numbers(q, 0, 3);
	queue_free(q);
}

static void taking_the_side_of_nobody_makes_a_producer(void)
{
	struct spmcq *q = queue_of(5);

	RETURNS(-EINVAL, spmcq_take_producer(NULL));
	RETURNS(0, spmcq_take_producer(q));
	RETURNS(0, spmcq_take_producer(q));
	run_alone(every_put_is_refused, q);
	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(0, spmcq_take_producer(q));
	RETURNS(-ESHUTDOWN, spmcq_put(q, &(uint32_t){1}));
	get_numbers(q, 0, 1);
	queue_free(q);
}

static void unchecked_nobody_is_refused(void)
{
	struct spmcq_options options = {.unchecked_producer = true};
	struct spmcq *q = NULL;

	RETURNS(0, spmcq_create(&q, 200, sizeof(uint32_t), &options));
	for (uint32_t i = 0; i < 200; i += 2) {
		struct turn turn = {q, i, false};

		run_alone(put_one, &turn);
		put_numbers(q, i + 1, 1);
	}
	RETURNS(0, spmcq_release_producer(q));
	get_numbers(q, 0, 200);
	queue_free(q);
}

enum { RIVALS = 4 };

struct rival {
	struct spmcq *q;
	_Atomic size_t *ready;
	size_t placed;
};

static void put_as_often_as_allowed(void *arg)
{
	struct rival *rival = arg;
	uint32_t number = 1;

	atomic_fetch_add(rival->ready, 1);
	while (atomic_load(rival->ready) < RIVALS)
		;
	for (int i = 0; i < 10; i++) {
		int result = spmcq_try_put(rival->q, &number);

		CHECK(result == 0 || result == -EPERM, "try_put returned %d", result);
		rival->placed += result == 0;
	}
	/* Owns the side until all have tried. */
	atomic_fetch_add(rival->ready, 1);
	while (atomic_load(rival->ready) < 2 * RIVALS)
		sleep_ms(0);
}

static void of_rivals_for_the_first_put_one_wins(void)
{
	for (int round = 0; round < 100; round++) {
		struct spmcq *q = queue_of(100);
		struct rival rivals[RIVALS];
		struct worker workers[RIVALS];
		_Atomic size_t ready = 0;
		size_t winners = 0;

		for (size_t i = 0; i < RIVALS; i++) {
			rivals[i] = (struct rival){q, &ready, 0};
			worker_start(&workers[i], put_as_often_as_allowed, &rivals[i]);
		}
		for (size_t i = 0; i < RIVALS; i++) {
			worker_join(&workers[i]);
			winners += rivals[i].placed > 0;
			CHECK(rivals[i].placed == 0 || rivals[i].placed == 10,
			      "the owner was refused: %zu of 10 puts", rivals[i].placed);
		}
		CHECK(winners == 1, "%zu threads put", winners);
		COUNTS(10, spmcq_size(q));
		queue_free(q);
	}
}

static void shut_down_and_put(void *arg)
{
	struct spmcq *q = arg;
	uint32_t number = 0;

	RETURNS(-EPERM, spmcq_put(q, &number));
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(-ESHUTDOWN, spmcq_put(q, &number));
	RETURNS(-ESHUTDOWN, spmcq_try_put(q, &number));
	RETURNS(-ESHUTDOWN, spmcq_put_many(q, &number, 1));
	RETURNS(-ESHUTDOWN, spmcq_try_put_many(q, &number, 1));
}

static void after_shutdown_a_second_producer_is_told_of_that(void)
{
	struct spmcq *q = queue_of(4);
	struct worker worker;

	put_numbers(q, 0, 1);
	worker_start(&worker, shut_down_and_put, q);
	worker_join(&worker);
	queue_free(q);
}

int main(void)
{
	RUN(a_second_producer_is_refused_and_changes_nothing);
	RUN(only_put_makes_a_producer);
	RUN(the_producer_may_consume_too);
	RUN(an_invalid_put_does_not_take_the_producer_side);
	RUN(only_the_owner_can_release);
	RUN(the_producer_side_can_be_handed_over);
	RUN(after_a_hand_over_the_old_producer_is_refused);
	RUN(the_side_of_an_ended_thread_can_be_taken);
	RUN(a_side_taken_from_a_living_thread_is_lost_to_it);
	RUN(taking_the_side_of_nobody_makes_a_producer);
	RUN(unchecked_nobody_is_refused);
	RUN(of_rivals_for_the_first_put_one_wins);
	RUN(after_shutdown_a_second_producer_is_told_of_that);
	return check_finish();
}
