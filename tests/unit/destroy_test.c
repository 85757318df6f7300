/*
 * destroy: at every fill, in every state, but not under a blocked thread. LeakSanitizer sees what
 * it leaves behind.
 */
#include "support/fixture.h"
#include "support/worker.h"

static void null_is_allowed(void)
{
	RETURNS(0, spmcq_destroy(NULL));
}

static void a_queue_can_be_destroyed_at_every_fill(void)
{
	for (size_t c = 0; c < COUNT_OF(all_capacities); c++) {
		size_t capacity = all_capacities[c];

		for (size_t fill = 0; fill <= capacity; fill += 1 + capacity / 16) {
			for (size_t got = 0; got <= 2; got++) {
				struct spmcq *q = queue_at(capacity, 8, UINT64_MAX - 1);
				uint64_t item = 0;

				check_doing("capacity %zu, fill %zu, after %zu gets", capacity,
				            fill, got);
				for (size_t i = 0; i < got; i++) {
					RETURNS(0, spmcq_put(q, &item));
					RETURNS(0, spmcq_get(q, &item));
				}
				for (size_t i = 0; i < fill; i++)
					RETURNS(0, spmcq_try_put(q, &item));
				queue_free(q);
			}
		}
	}
}

static void a_shut_down_queue_can_be_destroyed(void)
{
	for (uint32_t kind = 0; kind < 4; kind++) {
		struct spmcq *q = queue_of(3);

		put_numbers(q, 0, 2);
		get_numbers(q, 0, 1);
		RETURNS(0, kind % 2 ? spmcq_shutdown(q) : spmcq_shutdown_now(q));
		if (kind >= 2)
			RETURNS(0, spmcq_task_done(q));
		queue_free(q);
	}
}

static void in_get(void *arg)
{
	RETURNS(-ESHUTDOWN, spmcq_get(arg, &(uint32_t){0}));
}

static void in_get_many_until(void *arg)
{
	struct timespec later = spmcq_after(1000);
	uint32_t numbers[2];

	RETURNS(-ESHUTDOWN, spmcq_get_many_until(arg, numbers, 2, &later));
}

static void in_put(void *arg)
{
	RETURNS(-ESHUTDOWN, spmcq_put(arg, &(uint32_t){0}));
}

static void in_join(void *arg)
{
	RETURNS(0, spmcq_join(arg));
}

static void in_join_until(void *arg)
{
	struct timespec later = spmcq_after(1000);

	RETURNS(0, spmcq_join_until(arg, &later));
}

/* While the call blocks, destroy refuses, again and again; once it is back, destroy works. */
static void destroy_around(void (*call)(void *), size_t fill)
{
	struct spmcq *q = queue_of(3);
	struct worker worker;

	if (fill) {
		put_numbers(q, 0, fill);
		RETURNS(0, spmcq_release_producer(q));
	}
	worker_start(&worker, call, q);
	worker_await_sleep(&worker);
	RETURNS(-EBUSY, spmcq_destroy(q));
	RETURNS(-EBUSY, spmcq_destroy(q));
	COUNTS(fill, spmcq_size(q));
	CHECK(!spmcq_is_shutdown(q), "a refused destroy shut the queue down");
	RETURNS(0, spmcq_shutdown_now(q));
	worker_join(&worker);
	queue_free(q);
}

static void a_blocked_thread_keeps_the_queue(void)
{
	destroy_around(in_get, 0);
	destroy_around(in_get_many_until, 0);
	destroy_around(in_put, 3);
	destroy_around(in_join, 2);
	destroy_around(in_join_until, 3);
}

static void one_of_several_blocked_threads_keeps_the_queue(void)
{
	struct spmcq *q = queue_of(3);
	struct worker workers[3];

	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], in_get, q);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_await_sleep(&workers[i]);
	RETURNS(-EBUSY, spmcq_destroy(q));
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	queue_free(q);
}

static void time_out_in_get(void *arg)
{
	struct timespec soon = spmcq_after(0.01);

	RETURNS(-ETIMEDOUT, spmcq_get_until(arg, &(uint32_t){0}, &soon));
}

static void a_thread_that_timed_out_keeps_nothing(void)
{
	struct spmcq *q = queue_of(3);
	struct worker workers[3];

	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], time_out_in_get, q);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	queue_free(q);
}

/* The last thing a thread does with a queue may be to wake another, which then destroys it. */
static void finish_one(void *arg)
{
	RETURNS(0, spmcq_get(arg, &(uint32_t){0}));
	RETURNS(0, spmcq_task_done(arg));
}

static void a_queue_can_be_destroyed_right_after_its_threads_are_back(void)
{
	for (int round = 0; round < 300; round++) {
		struct spmcq *q = queue_of(2);
		struct worker workers[2];

		for (size_t i = 0; i < COUNT_OF(workers); i++)
			worker_start(&workers[i], finish_one, q);
		put_numbers(q, 0, 2);
		RETURNS(0, spmcq_join(q));
		for (size_t i = 0; i < COUNT_OF(workers); i++)
			worker_join(&workers[i]);
		queue_free(q);
	}
}

int main(void)
{
	RUN(null_is_allowed);
	RUN(a_queue_can_be_destroyed_at_every_fill);
	RUN(a_shut_down_queue_can_be_destroyed);
	RUN(a_blocked_thread_keeps_the_queue);
	RUN(one_of_several_blocked_threads_keeps_the_queue);
	RUN(a_thread_that_timed_out_keeps_nothing);
	RUN(a_queue_can_be_destroyed_right_after_its_threads_are_back);
	return check_finish();
}
