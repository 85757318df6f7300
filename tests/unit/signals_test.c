/*
 * A storm of signals during every blocking call: the call goes on, loses nothing, and ends as if
 * there had been no signals. Handlers with and without SA_RESTART.
 */
#include "support/blocked.h"
#include "support/worker.h"
#include <signal.h>

enum { STORM = 300, STORM_PAUSE_US = 200 };

static _Atomic int handled;

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

static void install(int flags)
{
	struct sigaction action = {.sa_flags = flags};

	action.sa_handler = count_signal;
	sigaction(SIGUSR1, &action, NULL);
}

static void storm(const struct worker *worker)
{
	struct timespec pause = {0, STORM_PAUSE_US * 1000L};

	for (int i = 0; i < STORM; i++) {
		CHECK(!atomic_load(&worker->back), "the call ended after %d signals", i);
		pthread_kill(worker->thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
}

/* Blocks the call, storms, lets it go by act, and wants it to return want. */
static void storm_then(void (*run)(void *), struct spmcq *q, int (*act)(struct spmcq *), int want)
{
	struct timespec later = spmcq_after(1000);
	struct blocked call = {.q = q, .deadline = &later, .numbers = {2}, .n = 1, .result = -1};
	struct worker worker;
	int before = atomic_load(&handled);

	worker_start(&worker, run, &call);
	worker_await_sleep(&worker);
	storm(&worker);
	RETURNS(0, act(q));
	worker_join(&worker);
	RETURNS(want, call.result);
	CHECK(atomic_load(&handled) > before, "no signal was handled");
}

static int put_an_item(struct spmcq *q)
{
	return spmcq_put(q, &(uint32_t){0});
}

static int get_an_item(struct spmcq *q)
{
	return spmcq_get(q, &(uint32_t){0});
}

static void storm_consumer(void (*run)(void *), int want)
{
	struct spmcq *q = queue_of(2);

	storm_then(run, q, put_an_item, want);
	COUNTS(0, spmcq_size(q));
	COUNTS(1, stats_of(q).got);
	queue_free(q);
}

static void storm_producer(void (*run)(void *), int want)
{
	struct spmcq *q = queue_of(2);

	put_numbers(q, 0, 2);
	RETURNS(0, spmcq_release_producer(q));
	storm_then(run, q, get_an_item, want);
	get_numbers(q, 1, 2);
	COUNTS(3, stats_of(q).put);
	queue_free(q);
}

static void storm_joiner(void (*run)(void *))
{
	struct spmcq *q = queue_of(2);

	put_numbers(q, 0, 2);
	get_numbers(q, 0, 2);
	RETURNS(0, spmcq_task_done(q));
	storm_then(run, q, spmcq_task_done, 0);
	queue_free(q);
}

static void every_call_survives(int flags)
{
	install(flags);
	storm_consumer(in_get, 0);
	storm_consumer(in_get_until, 0);
	storm_consumer(in_get_many, 1);
	storm_consumer(in_get_many_until, 1);
	storm_producer(in_put, 0);
	storm_producer(in_put_until, 0);
	storm_producer(in_put_many, 1);
	storm_producer(in_put_many_until, 1);
	storm_joiner(in_join);
	storm_joiner(in_join_until);
}

static void every_blocking_call_goes_on_after_signals(void)
{
	every_call_survives(0);
}

static void every_blocking_call_goes_on_after_restarting_signals(void)
{
	every_call_survives(SA_RESTART);
}

/* Storms until the call is back, and wants -ETIMEDOUT, not before the deadline. */
static void time_out_in_a_storm(void (*run)(void *), struct spmcq *q)
{
	struct timespec deadline = spmcq_after(0.1), pause = {0, STORM_PAUSE_US * 1000L}, now;
	struct blocked call = {.q = q, .deadline = &deadline};
	struct worker worker;

	worker_start(&worker, run, &call);
	while (!atomic_load(&worker.back)) {
		pthread_kill(worker.thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	worker_join(&worker);
	RETURNS(-ETIMEDOUT, call.result);
	CHECK(now.tv_sec > deadline.tv_sec ||
	              (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec),
	      "timed out before the deadline");
}

static void a_deadline_holds_in_a_storm(void)
{
	struct spmcq *empty = queue_of(2), *full = queue_of(2);

	install(0);
	put_numbers(full, 0, 2);
	RETURNS(0, spmcq_release_producer(full));
	time_out_in_a_storm(in_get_until, empty);
	time_out_in_a_storm(in_get_many_until, empty);
	time_out_in_a_storm(in_join_until, full);
	time_out_in_a_storm(in_put_until, full);
	COUNTS(0, spmcq_size(empty));
	COUNTS(2, spmcq_size(full));
	queue_free(empty);
	queue_free(full);
}

int main(void)
{
	RUN(every_blocking_call_goes_on_after_signals);
	RUN(every_blocking_call_goes_on_after_restarting_signals);
	RUN(a_deadline_holds_in_a_storm);
	return check_finish();
}
