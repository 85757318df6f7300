/*
 * An interruptible queue: a handler that runs while a call sleeps ends the call, and nothing is
 * done: what was put is there, and later calls work as before.
 */
#include "support/blocked.h"
#include "support/worker.h"
#include <signal.h>

enum { LONG_S = 1000 };

static _Atomic int handled;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

static void install(void)
{
	struct sigaction action = {.sa_flags = SA_RESTART};

	action.sa_handler = count_signal;
	sigaction(SIGUSR1, &action, NULL);
}

static struct spmcq *interruptible_queue(size_t capacity)
{
	struct spmcq_options options = {.interruptible = true};
	struct spmcq *q = NULL;

	install();
	RETURNS(0, spmcq_create(&q, capacity, sizeof(uint32_t), &options));
	return q;
}

/* Sends signals until the call returns. A signal that comes just before the call sleeps does
 * nothing. */
static void interrupt(void (*run)(void *), struct blocked *call)
{
	struct worker worker;
	struct timespec later = spmcq_after(LONG_S);
	int before = atomic_load(&handled);

	call->deadline = &later;
	worker_start(&worker, run, call);
	worker_await_sleep(&worker);
	for (int ms = 0; !atomic_load(&worker.back); ms++) {
		CHECK(ms < 5000, "still there after %d signals", atomic_load(&handled) - before);
		if (ms % 20 == 0)
			pthread_kill(worker.thread, SIGUSR1);
		sleep_ms(1);
	}
	worker_join(&worker);
	CHECK(atomic_load(&handled) > before, "no handler ran");
}

static void a_get_that_is_interrupted_gets_nothing(void)
{
	static void (*const calls[])(void *) = {in_get, in_get_until, in_get_many};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct blocked call = {.q = interruptible_queue(4), .numbers = {7, 7, 7, 7, 7}};

		check_doing("call %zu", i);
		interrupt(calls[i], &call);
		RETURNS(-EINTR, call.result);
		for (size_t n = 0; n < COUNT_OF(call.numbers); n++)
			CHECK(call.numbers[n] == 7, "the buffer holds %u", call.numbers[n]);
		put_numbers(call.q, 1, 4);
		get_numbers(call.q, 1, 4);
		COUNTS(4, stats_of(call.q).got);
		queue_free(call.q);
	}
}

static void a_put_that_is_interrupted_puts_nothing(void)
{
	static void (*const calls[])(void *) = {in_put, in_put_until, in_put_many};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct blocked call = {.q = interruptible_queue(4), .n = 5};

		check_doing("call %zu", i);
		put_numbers(call.q, 1, 4);
		RETURNS(0, spmcq_release_producer(call.q));
		interrupt(calls[i], &call);
		RETURNS(-EINTR, call.result);
		get_numbers(call.q, 1, 4);
		RETURNS(-EAGAIN, spmcq_try_get(call.q, call.numbers));
		COUNTS(4, stats_of(call.q).put);
		queue_free(call.q);
	}
}

static void a_put_many_that_is_interrupted_midway_says_how_many(void)
{
	struct blocked call = {.q = interruptible_queue(3), .numbers = {1, 2, 3, 4, 5}, .n = 5};

	interrupt(in_put_many, &call);
	RETURNS(3, call.result);
	get_numbers(call.q, 1, 3);
	RETURNS(-EAGAIN, spmcq_try_get(call.q, call.numbers));
	queue_free(call.q);
}

static void a_join_that_is_interrupted_can_be_called_again(void)
{
	static void (*const calls[])(void *) = {in_join, in_join_until};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct blocked call = {.q = interruptible_queue(4)};

		check_doing("call %zu", i);
		put_numbers(call.q, 1, 1);
		interrupt(calls[i], &call);
		RETURNS(-EINTR, call.result);
		COUNTS(1, spmcq_unfinished(call.q));
		get_numbers(call.q, 1, 1);
		RETURNS(0, spmcq_task_done(call.q));
		RETURNS(0, spmcq_join(call.q));
		queue_free(call.q);
	}
}

/* --- nothing is lost, whenever the signals come --- */

enum { NUMBERS = 20000, CONSUMERS = 3 };

static _Atomic unsigned char times[NUMBERS];
static _Atomic size_t interrupted;

static void get_all(void *q)
{
	uint32_t number;
	int result;

	while ((result = spmcq_get(q, &number)) != -ESHUTDOWN) {
		if (result == -EINTR) {
			atomic_fetch_add(&interrupted, 1);
			continue;
		}
		RETURNS(0, result);
		atomic_fetch_add(&times[number], 1);
		RETURNS(0, spmcq_task_done(q));
	}
}

static void put_all(void *q)
{
	for (uint32_t n = 0; n < NUMBERS; n++) {
		int result;

		while ((result = spmcq_put(q, &n)) == -EINTR)
			atomic_fetch_add(&interrupted, 1);
		RETURNS(0, result);
		if (n % 64 == 0)
			sleep_ms(1);
	}
	while (spmcq_join(q) == -EINTR)
		atomic_fetch_add(&interrupted, 1);
}

static void no_item_is_lost_in_a_storm(void)
{
	struct spmcq *q = interruptible_queue(4);
	struct worker workers[1 + CONSUMERS];

	for (size_t i = 0; i <= CONSUMERS; i++)
		worker_start(&workers[i], i == 0 ? put_all : get_all, q);
	for (size_t i = 0; !atomic_load(&workers[0].back); i = (i + 1) % (1 + CONSUMERS)) {
		pthread_kill(workers[i].thread, SIGUSR1);
		nanosleep(&(struct timespec){0, 20000}, NULL);
	}
	RETURNS(0, spmcq_shutdown(q));
	for (size_t i = 0; i <= CONSUMERS; i++)
		worker_join(&workers[i]);
	for (uint32_t n = 0; n < NUMBERS; n++)
		CHECK(times[n] == 1, "number %u was got %d times", n, times[n]);
	CHECK(atomic_load(&interrupted) > 0, "no call was interrupted");
	queue_free(q);
}

int main(void)
{
	RUN(a_get_that_is_interrupted_gets_nothing);
	RUN(a_put_that_is_interrupted_puts_nothing);
	RUN(a_put_many_that_is_interrupted_midway_says_how_many);
	RUN(a_join_that_is_interrupted_can_be_called_again);
	RUN(no_item_is_lost_in_a_storm);
	return check_finish();
}
