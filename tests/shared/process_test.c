/*
 * What a queue between processes has in addition to the results of a queue between threads: who may
 * put, what a child of fork may do, numbers (seats) for threads, options, and what is lost with a
 * process.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- rights --- */

static void a_consumer_may_not_put(void)
{
	static long (*const puts[])(struct call *) = {act_put,          act_try_put,
	                                              act_put_until,    act_put_many,
	                                              act_try_put_many, act_put_many_until};
	struct puppet consumer;
	struct spmcq *q = shared_of(5);

	consumer_start(&consumer, q);
	for (int take = 0; take < 2; take++) {
		for (size_t i = 0; i < COUNT_OF(puts); i++) {
			check_doing("put %zu", i);
			RETURNS(-EPERM, told_until(&consumer, puts[i], 2, 1));
		}
		RETURNS(-EPERM, told(&consumer, act_release, 0));
		/* The call may be refused or not; in either case the consumer cannot put. */
		told(&consumer, act_take, 0);
	}
	RETURNS(-EPERM, told(&consumer, act_reap, 1));
	COUNTS(0, stats_of(q).put);
	put_numbers(q, 0, 1);
	RETURNS(1, told(&consumer, act_drain, 0));
	puppet_end(&consumer);
	queue_free(q);
}

static void a_second_producer_thread_is_refused(void)
{
	struct puppet producer, second;
	struct spmcq *q = producer_start(&producer, 3);

	puppet_start_thread(&second, &producer);
	RETURNS(0, told(&producer, act_put, 0));
	RETURNS(-EPERM, told(&second, act_put, 0));
	RETURNS(-EPERM, told(&second, act_release, 0));
	RETURNS(0, told(&producer, act_release, 0));
	second.call.number = 1;
	RETURNS(0, told(&second, act_put, 0));
	RETURNS(-EPERM, told(&producer, act_put, 0));
	RETURNS(0, told(&producer, act_take, 0));
	producer.call.number = 2;
	RETURNS(0, told(&producer, act_put, 0));
	RETURNS(0, told(&producer, act_shutdown, 0));
	RETURNS(-ESHUTDOWN, told(&second, act_put, 0));
	get_numbers(q, 0, 3);
	puppet_end(&second);
	puppet_end(&producer);
	queue_free(q);
}

static void a_consumer_that_destroys_its_handle_is_gone(void)
{
	struct puppet leaver, other;
	struct spmcq *q = shared_of(5);
	struct spmcq_lost lost[2];

	consumer_start(&leaver, q);
	consumer_start(&other, q);
	put_numbers(q, 0, 4);
	RETURNS(3, told(&leaver, act_get_many, 3));
	RETURNS(0, told(&leaver, act_task_done, 0));
	RETURNS(0, told(&leaver, act_destroy, 0));
	RETURNS(1, told(&other, act_drain, 0));
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	RETURNS(1, spmcq_shared_reap(q, lost, 2));
	COUNTS(1, lost[0].position);
	COUNTS(2, lost[0].items);
	RETURNS(leaver.process, lost[0].process);
	CHECK(!lost[0].redelivered, "reap says that the items were redelivered");
	RETURNS(0, spmcq_shared_reap(q, lost, 2));
	RETURNS(0, spmcq_join(q));
	/* The process may join again. */
	admit(q, &leaver);
	put_numbers(q, 4, 1);
	RETURNS(1, told(&leaver, act_drain, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&leaver);
	puppet_end(&other);
	queue_free(q);
}

static void destroy_is_refused_while_a_thread_waits(void)
{
	struct puppet producer, waiter;
	struct spmcq *q = producer_start(&producer, 3);

	puppet_start_thread(&waiter, &producer);
	tell(&waiter, act_get, 0);
	puppet_await_sleep(&waiter);
	RETURNS(-EBUSY, told(&producer, act_destroy, 0));
	RETURNS(0, told(&producer, act_put, 0));
	RETURNS(0, answer(&waiter));
	RETURNS(0, told(&waiter, act_task_done, 0));
	RETURNS(0, told(&producer, act_destroy, 0));
	puppet_end(&waiter);
	puppet_end(&producer);
	queue_free(q);
}

static void items_of_a_producer_that_destroyed_its_handle_are_got(void)
{
	struct puppet producer;
	struct spmcq *q = producer_start(&producer, 3);
	item_value number;

	RETURNS(3, told(&producer, act_put_many, 3));
	RETURNS(0, told(&producer, act_destroy, 0));
	for (item_value i = 0; i < 3; i++) {
		RETURNS(0, spmcq_get(q, &number));
		CHECK(number == i, "got %" PRI_ITEM ", not %" PRI_ITEM, number, i);
	}
	RETURNS(-EOWNERDEAD, spmcq_get(q, &number));
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	queue_free(q);
	puppet_end(&producer);
}

/* --- fork --- */

static void expect_all_refused(struct spmcq *q)
{
	struct spmcq_stats stats;
	struct spmcq_lost lost;
	struct timespec soon = spmcq_after(1);
	item_value numbers[2] = {1, 2};

	RETURNS(-EPERM, spmcq_put(q, numbers));
	RETURNS(-EPERM, spmcq_try_put(q, numbers));
	RETURNS(-EPERM, spmcq_put_until(q, numbers, &soon));
	RETURNS(-EPERM, spmcq_put_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_get(q, numbers));
	RETURNS(-EPERM, spmcq_try_get(q, numbers));
	RETURNS(-EPERM, spmcq_get_until(q, numbers, &soon));
	RETURNS(-EPERM, spmcq_get_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_try_get_many(q, numbers, 2));
	RETURNS(-EPERM, spmcq_get_many_until(q, numbers, 2, &soon));
	RETURNS(-EPERM, spmcq_task_done(q));
	RETURNS(-EPERM, spmcq_task_done_many(q, 2));
	RETURNS(-EPERM, spmcq_join(q));
	RETURNS(-EPERM, spmcq_join_until(q, &soon));
	RETURNS(-EPERM, spmcq_shutdown(q));
	RETURNS(-EPERM, spmcq_shutdown_now(q));
	RETURNS(-EPERM, spmcq_release_producer(q));
	RETURNS(-EPERM, spmcq_take_producer(q));
	RETURNS(-EPERM, spmcq_stats(q, &stats));
	RETURNS(-EPERM, spmcq_shared_reap(q, &lost, 1));
	(void)spmcq_size(q);
	(void)spmcq_unfinished(q);
	(void)spmcq_capacity(q);
	(void)spmcq_item_size(q);
	(void)spmcq_is_shutdown(q);
}

static long act_fork_and_try(struct call *call)
{
	pid_t child = fork();
	int ends[2], status, result;

	(void)call;
	if (child == 0) {
		socket_pair(SOCK_STREAM, ends);
		expect_all_refused(puppet_queue);
		RETURNS(-EPERM, spmcq_shared_admit(puppet_queue, ends[0]));
		close(ends[1]);
		/* The producer's process itself could not rejoin either: its handle is not a
		 * consumer's. */
		result = spmcq_shared_rejoin(puppet_queue, ends[0]);
		CHECK(result == -EPERM || result == -EINVAL, "rejoin: %d", result);
		if (call->n)
			RETURNS(0, spmcq_destroy(puppet_queue));
		exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(child, &status, 0) == child, "no child");
	return status;
}

static void a_child_of_fork_may_only_destroy(void)
{
	for (size_t destroys = 0; destroys < 2; destroys++) {
		struct puppet producer, consumer;
		struct spmcq *q = NULL;

		puppet_start(&producer);
		create_by(&producer, 3, NULL);
		puppet_start(&consumer);
		admit_by(&producer, &consumer);
		join_by(&producer, &q);
		RETURNS(3, told(&producer, act_put_many, 3));
		RETURNS(0, told(&consumer, act_get, 0));
		RETURNS(0, told(&producer, act_fork_and_try, destroys));
		RETURNS(0, told(&consumer, act_fork_and_try, destroys));
		/* The producer and the consumer still count as alive. */
		RETURNS(0, told(&producer, act_reap, 1));
		RETURNS(-ETIMEDOUT, told_until(&producer, act_join_until, 0, 0.3));
		RETURNS(0, told(&consumer, act_task_done, 0));
		RETURNS(2, told(&consumer, act_drain, 0));
		RETURNS(-ETIMEDOUT, told_until(&consumer, act_get_until, 0, 0.3));
		RETURNS(0, told(&producer, act_put, 0));
		RETURNS(1, told(&consumer, act_drain, 0));
		RETURNS(0, told(&producer, act_join, 0));
		queue_free(q);
		puppet_end(&consumer);
		puppet_end(&producer);
	}
}

static long act_fork_and_join(struct call *call)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct spmcq *mine = NULL;
		item_value number;

		RETURNS(0, spmcq_destroy(puppet_queue));
		RETURNS(0, spmcq_shared_join(&mine, call->socket, sizeof(item_value)));
		RETURNS(0, spmcq_get(mine, &number));
		RETURNS(0, spmcq_task_done(mine));
		RETURNS(-ERANGE, spmcq_task_done(mine));
		RETURNS(0, spmcq_destroy(mine));
		exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(child, &status, 0) == child, "no child");
	return status;
}

static void a_child_of_fork_may_join_by_itself(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(3);
	int ends[2];

	consumer_start(&consumer, q);
	put_numbers(q, 0, 2);
	RETURNS(0, told(&consumer, act_get, 0));
	socket_pair(SOCK_STREAM, ends);
	tell_with(&consumer, act_fork_and_join, ends[1]);
	RETURNS(0, spmcq_shared_admit(q, ends[0]));
	RETURNS(0, answer(&consumer));
	COUNTS(1, spmcq_unfinished(q));
	RETURNS(0, told(&consumer, act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&consumer);
	queue_free(q);
}

static long act_join_second(struct call *call)
{
	struct spmcq *second = NULL;
	int result = spmcq_shared_join(&second, call->socket, sizeof(item_value));

	if (result == 0)
		RETURNS(0, spmcq_destroy(second));
	return result;
}

/* The process joins again and leaves again, or fails to join. The first handle goes on as
 * before. */
static void a_process_may_join_twice(void)
{
	for (int fails = 0; fails < 2; fails++) {
		struct puppet consumer;
		struct timespec soon;
		struct spmcq_lost lost;
		struct spmcq *q = shared_of(3), *other = shared_of(3);
		int ends[2];

		check_doing("the second join fails: %d", fails);
		consumer_start(&consumer, q);
		put_numbers(q, 0, 2);
		RETURNS(0, told(&consumer, act_get, 0));
		for (int i = 0; i < 3; i++) {
			socket_pair(SOCK_STREAM, ends);
			if (fails)
				close(ends[0]);
			tell_with(&consumer, act_join_second, ends[1]);
			close(ends[1]);
			if (!fails) {
				RETURNS(0, spmcq_shared_admit(i == 0 ? other : q, ends[0]));
				close(ends[0]);
			}
			RETURNS(fails ? -ECONNRESET : 0, answer(&consumer));
		}
		soon = spmcq_after(0.5);
		RETURNS(-ETIMEDOUT, spmcq_join_until(q, &soon));
		RETURNS(0, spmcq_shared_reap(q, &lost, 1));
		RETURNS(0, told(&consumer, act_task_done, 0));
		RETURNS(1, told(&consumer, act_drain, 0));
		RETURNS(0, spmcq_join(q));
		puppet_end(&consumer);
		queue_free(q);
		queue_free(other);
	}
}

/* --- threads --- */

static void each_thread_of_a_consumer_gets_and_reports(void)
{
	struct puppet process, threads[7];
	struct spmcq *q = shared_of(100);

	consumer_start(&process, q);
	for (size_t i = 0; i < 7; i++)
		puppet_start_thread(&threads[i], &process);
	put_numbers(q, 0, 70);
	for (item_value i = 0; i < 70; i++) {
		RETURNS(0, told(&threads[i % 7], act_get, 0));
		CHECK(threads[i % 7].call.items[0] == i, "got %" PRI_ITEM ", not %" PRI_ITEM,
		      threads[i % 7].call.items[0], i);
	}
	for (size_t i = 0; i < 7; i++)
		tell(&threads[i], act_get, 0);
	for (size_t i = 0; i < 7; i++)
		puppet_await_sleep(&threads[i]);
	put_numbers(q, 70, 7);
	for (size_t i = 0; i < 7; i++) {
		RETURNS(0, answer(&threads[i]));
		RETURNS(0, told(&threads[i], act_task_done_many, 11));
	}
	RETURNS(-ERANGE, told(&threads[0], act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	for (size_t i = 0; i < 7; i++)
		puppet_end(&threads[i]);
	puppet_end(&process);
	queue_free(q);
}

static void more_threads_than_seats_are_refused(void)
{
	struct spmcq_shared_options options = {.threads = 2};
	struct puppet process, threads[3];
	struct spmcq *q = shared_at(5, &options);

	consumer_start(&process, q);
	for (size_t i = 0; i < 3; i++)
		puppet_start_thread(&threads[i], &process);
	tell(&threads[0], act_get, 0);
	tell(&threads[1], act_get, 0);
	puppet_await_sleep(&threads[0]);
	puppet_await_sleep(&threads[1]);
	RETURNS(-EUSERS, told(&threads[2], act_get, 0));
	RETURNS(-EUSERS, told(&threads[2], act_try_get_many, 3));
	put_numbers(q, 0, 2);
	RETURNS(0, answer(&threads[0]));
	RETURNS(0, answer(&threads[1]));
	/* The next thread gets the seat of a thread that has ended. The items that the ended thread
	 * got belong to the process. */
	puppet_end(&threads[0]);
	put_numbers(q, 2, 1);
	RETURNS(0, told(&threads[2], act_get, 0));
	RETURNS(0, told(&threads[2], act_task_done_many, 3));
	RETURNS(0, spmcq_join(q));
	puppet_end(&threads[1]);
	puppet_end(&threads[2]);
	puppet_end(&process);
	queue_free(q);
}

static void threads_come_and_go(void)
{
	struct spmcq_shared_options options = {.threads = 2};
	struct puppet process, thread;
	struct spmcq *q = shared_at(200, &options);

	consumer_start(&process, q);
	put_numbers(q, 0, 200);
	for (item_value i = 0; i < 200; i++) {
		puppet_start_thread(&thread, &process);
		RETURNS(0, told(&thread, act_get, 0));
		CHECK(thread.call.items[0] == i, "got %" PRI_ITEM ", not %" PRI_ITEM,
		      thread.call.items[0], i);
		if (i % 2)
			RETURNS(0, told(&thread, act_task_done, 0));
		puppet_end(&thread);
	}
	COUNTS(100, spmcq_unfinished(q));
	RETURNS(0, told(&process, act_task_done_many, 100));
	RETURNS(-ERANGE, told(&process, act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&process);
	queue_free(q);
}

/* --- options --- */

static void on_signal(int signal)
{
	(void)signal;
}

static long act_catch_signals(struct call *call)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)call;
	return sigaction(SIGUSR1, &action, NULL);
}

static void a_signal_ends_a_call_only_if_asked(bool interruptible)
{
	struct spmcq_shared_options options = {.interruptible = interruptible};
	struct puppet producer, consumer, joiner;

	puppet_start(&producer);
	create_by(&producer, 1, &options);
	puppet_start(&consumer);
	puppet_start(&joiner);
	admit_by(&producer, &consumer);
	admit_by(&producer, &joiner);
	RETURNS(0, told(&producer, act_catch_signals, 0));
	RETURNS(0, told(&consumer, act_catch_signals, 0));
	RETURNS(0, told(&joiner, act_catch_signals, 0));
	tell(&consumer, act_get, 0);
	puppet_await_sleep(&consumer);
	/* A handler that runs between two sleeps of a call does not end the call, so several
	 * signals are sent. */
	for (int i = 0; i < 100 && !has_answered(&consumer); i++) {
		kill(consumer.process, SIGUSR1);
		sleep_ms(2);
	}
	CHECK(has_answered(&consumer) == interruptible, "get returned: %d", !interruptible);
	if (interruptible)
		RETURNS(-EINTR, answer(&consumer));
	RETURNS(0, told(&producer, act_put, 0));
	if (interruptible)
		RETURNS(0, told(&consumer, act_get, 0));
	else
		RETURNS(0, answer(&consumer));
	RETURNS(0, told(&producer, act_put, 0));
	tell(&producer, act_put, 0);
	tell(&joiner, act_join, 0);
	puppet_await_sleep(&producer);
	puppet_await_sleep(&joiner);
	for (int i = 0; i < 100 && !(has_answered(&producer) && has_answered(&joiner)); i++) {
		kill(producer.process, SIGUSR1);
		kill(joiner.process, SIGUSR1);
		sleep_ms(2);
	}
	CHECK(has_answered(&producer) == interruptible, "put returned: %d", !interruptible);
	CHECK(has_answered(&joiner) == interruptible, "join returned: %d", !interruptible);
	if (interruptible) {
		RETURNS(-EINTR, answer(&producer));
		RETURNS(-EINTR, answer(&joiner));
	}
	RETURNS(0, told(&consumer, act_task_done, 0));
	RETURNS(1, told(&consumer, act_get_many, 1));
	RETURNS(0, told(&consumer, act_task_done, 0));
	if (!interruptible) {
		RETURNS(0, answer(&producer));
		RETURNS(0, told(&consumer, act_get, 0));
		RETURNS(0, told(&consumer, act_task_done, 0));
		RETURNS(0, answer(&joiner));
	}
	puppet_end(&joiner);
	puppet_end(&consumer);
	puppet_end(&producer);
}

static void a_signal_ends_a_sleeping_call_with_interruptible_only(void)
{
	a_signal_ends_a_call_only_if_asked(true);
	a_signal_ends_a_call_only_if_asked(false);
}

/* Puts items, of which the consumer gets each at once and reports none, until there is no room.
 * Returns how many. */
static size_t fill_by_getting(struct spmcq *q, struct puppet *consumer, item_value first)
{
	size_t n = 0;
	int result;

	for (item_value number = first; (result = spmcq_try_put(q, &number)) == 0; number++, n++) {
		CHECK(n < 200, "held items do not take up room");
		RETURNS(0, told(consumer, act_get, 0));
		CHECK(consumer->call.items[0] == number, "got %" PRI_ITEM ", not %" PRI_ITEM,
		      consumer->call.items[0], number);
	}
	RETURNS(-EAGAIN, result);
	CHECK(n > spmcq_capacity(q), "only %zu were put", n);
	COUNTS(n, spmcq_unfinished(q));
	return n;
}

/* With redeliver, as many items as the capacity may be held while put still finds room. */
static void redeliver_keeps_items_until_they_are_reported(void)
{
	struct spmcq_shared_options options = {.redeliver = true};
	struct puppet holder, other;
	struct spmcq *q = shared_at(4, &options);
	item_value put = 0, number = 99;

	consumer_start(&holder, q);
	consumer_start(&other, q);
	for (int pass = 0; pass < 5; pass++) {
		put += (item_value)fill_by_getting(q, &holder, put);
		RETURNS(0, told(&holder, act_task_done_many, spmcq_unfinished(q)));
		RETURNS(0, spmcq_join(q));
	}
	/* The bound on queued items is the capacity, as without redeliver. */
	put_numbers(q, put, 4);
	RETURNS(-EAGAIN, spmcq_try_put(q, &number));
	RETURNS(4, told(&holder, act_get_many, 4));
	for (int i = 0; i < 100; i++) {
		put_numbers(q, put, 1);
		RETURNS(1, told(&other, act_drain, 0));
	}
	RETURNS(0, told(&holder, act_task_done_many, 4));
	RETURNS(0, spmcq_join(q));
	puppet_end(&holder);
	puppet_end(&other);
	queue_free(q);
}

/* The items of a process that was killed take up room until they are reaped, given to another
 * consumer and reported. */
static void put_says_that_lost_items_take_up_all_room(void)
{
	struct spmcq_shared_options options = {.redeliver = true};
	struct puppet dead, other;
	struct spmcq *q = shared_at(4, &options);
	struct spmcq_lost lost[8];
	struct timespec soon;
	item_value number = 99;
	size_t held;

	consumer_start(&dead, q);
	consumer_start(&other, q);
	held = fill_by_getting(q, &dead, 0);
	soon = spmcq_after(0.3);
	RETURNS(-ETIMEDOUT, spmcq_put_until(q, &number, &soon));
	puppet_kill(&dead);
	RETURNS(-EOWNERDEAD, spmcq_put(q, &number));
	soon = spmcq_after(5);
	RETURNS(-EOWNERDEAD, spmcq_put_many_until(q, &number, 1, &soon));
	COUNTS(held, spmcq_unfinished(q));
	CHECK(spmcq_shared_reap(q, lost, 8) >= 1, "nothing was lost");
	soon = spmcq_after(0.3);
	RETURNS(-ETIMEDOUT, spmcq_put_until(q, &number, &soon));
	RETURNS((long)held, told(&other, act_drain, 0));
	for (item_value i = 0; i < held; i++)
		CHECK(other.call.items[i] == i, "got %" PRI_ITEM ", not %" PRI_ITEM,
		      other.call.items[i], i);
	RETURNS(0, spmcq_put(q, &number));
	RETURNS(1, told(&other, act_drain, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&other);
	queue_free(q);
}

/* The sleeper is woken at once; it does not sleep until its next check of the other processes. */
static void redelivered_items_wake_a_sleeper(void)
{
	struct spmcq_shared_options options = {.redeliver = true};
	struct puppet dead, sleepers[2];
	struct spmcq *q = shared_at(4, &options);
	struct spmcq_lost lost;
	unsigned slow = 0;

	consumer_start(&sleepers[0], q);
	consumer_start(&sleepers[1], q);
	for (uint32_t i = 0; i < 20; i++) {
		double since;

		consumer_start(&dead, q);
		put_numbers(q, i, 1);
		RETURNS(0, told(&dead, act_get, 0));
		for (size_t j = 0; j < 2; j++)
			tell(&sleepers[j], act_get, 0);
		puppet_await_sleep(&sleepers[0]);
		puppet_await_sleep(&sleepers[1]);
		puppet_kill(&dead);
		since = seconds_now();
		RETURNS(1, spmcq_shared_reap(q, &lost, 1));
		while (!has_answered(&sleepers[0]) && !has_answered(&sleepers[1]) &&
		       seconds_now() - since < 2)
			sleep_ms(1);
		slow += seconds_now() - since > 0.03;
		for (size_t j = 0; j < 2; j++)
			if (has_answered(&sleepers[j])) {
				RETURNS(0, answer(&sleepers[j]));
				CHECK(sleepers[j].call.items[0] == i, "got %" PRI_ITEM,
				      sleepers[j].call.items[0]);
				RETURNS(0, told(&sleepers[j], act_task_done, 0));
				RETURNS(0, spmcq_join(q));
				tell(&sleepers[j], act_get, 0);
			}
		/* Both consumers are in a get now. Two items end these gets. */
		put_numbers(q, 1000, 2);
		for (size_t j = 0; j < 2; j++) {
			RETURNS(0, answer(&sleepers[j]));
			RETURNS(0, told(&sleepers[j], act_task_done, 0));
		}
	}
	CHECK(slow <= 5, "%u of 20 were woken late", slow);
	puppet_end(&sleepers[0]);
	puppet_end(&sleepers[1]);
	queue_free(q);
}

static void lost_items_are_redelivered_after_a_shutdown_too(void)
{
	struct spmcq_shared_options options = {.redeliver = true};
	struct puppet dead, other;
	struct spmcq *q = shared_at(4, &options);
	struct spmcq_lost lost;

	consumer_start(&dead, q);
	consumer_start(&other, q);
	put_numbers(q, 0, 2);
	RETURNS(0, told(&dead, act_get, 0));
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(0, told(&other, act_get, 0));
	RETURNS(0, told(&other, act_task_done, 0));
	RETURNS(-ESHUTDOWN, told(&other, act_get, 0));
	puppet_kill(&dead);
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	RETURNS(1, spmcq_shared_reap(q, &lost, 1));
	RETURNS(0, told(&other, act_get, 0));
	CHECK(other.call.items[0] == 0, "got %" PRI_ITEM, other.call.items[0]);
	RETURNS(-ESHUTDOWN, told(&other, act_get, 0));
	RETURNS(0, told(&other, act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&other);
	queue_free(q);
}

static void with_redeliver_a_thread_has_255_unreported_gets_at_most(void)
{
	struct spmcq_shared_options options = {.redeliver = true};
	struct puppet consumer;
	struct spmcq *q = shared_at(400, &options);

	consumer_start(&consumer, q);
	put_numbers(q, 0, 300);
	for (uint32_t i = 0; i < 255; i++) {
		check_doing("get %u", i);
		RETURNS(0, told(&consumer, act_get, 0));
	}
	RETURNS(-ENOBUFS, told(&consumer, act_get, 0));
	RETURNS(-ENOBUFS, told(&consumer, act_try_get_many, 3));
	COUNTS(45, spmcq_size(q));
	RETURNS(0, told(&consumer, act_task_done, 0));
	RETURNS(0, told(&consumer, act_get, 0));
	CHECK(consumer.call.items[0] == 255, "got %" PRI_ITEM, consumer.call.items[0]);
	RETURNS(0, told(&consumer, act_task_done_many, 255));
	RETURNS(44, told(&consumer, act_drain, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end(&consumer);
	queue_free(q);
}

/* --- lost items --- */

static void count_lost(struct spmcq *q, pid_t process, uint64_t most, unsigned char *named,
                       uint64_t *unknown)
{
	struct spmcq_lost lost;

	while (spmcq_shared_reap(q, &lost, 1) == 1) {
		RETURNS(process, lost.process);
		if (lost.position == SPMCQ_POSITION_UNKNOWN) {
			*unknown += lost.items;
			continue;
		}
		CHECK(lost.position < most && lost.items <= most - lost.position,
		      "%llu items at %llu", (unsigned long long)lost.items,
		      (unsigned long long)lost.position);
		for (uint64_t i = 0; i < lost.items; i++)
			named[lost.position + i]++;
	}
}

/* If a process reports nothing for long, the queue has no room to note all positions that it got.
 * The rest is counted without positions. */
static void all_items_that_a_killed_process_held_are_counted(void)
{
	struct puppet consumer, second;
	struct spmcq *q = shared_of(1000);
	unsigned char named[700] = {0};
	uint64_t unknown = 0, known = 0;

	consumer_start(&consumer, q);
	puppet_start_thread(&second, &consumer);
	put_numbers(q, 0, 700);
	for (uint32_t i = 0; i < 100; i++) {
		RETURNS(3, told(&second, act_get_many, 3));
		RETURNS(0, told(&second, act_task_done_many, 2));
	}
	for (uint32_t i = 0; i < 400; i++)
		RETURNS(0, told(&consumer, act_get, 0));
	puppet_kill(&consumer);
	close(second.control);
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	count_lost(q, consumer.process, 700, named, &unknown);
	for (uint32_t i = 0; i < 700; i++) {
		/* The second thread has reported 200 items, which are the oldest that it had
		 * got. */
		bool held = i >= 200;

		CHECK(named[i] <= held, "item %u was named %u times", i, named[i]);
		CHECK(named[i] || !held || (i >= 300 && i < 300 + 400 - 255),
		      "item %u was not named", i);
		known += named[i];
	}
	COUNTS(500, known + unknown);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

/* The items that the threads hold lie between each other's positions, and some threads report items
 * that others got. */
static void items_that_each_thread_held_are_named(void)
{
	for (int redeliver = 0; redeliver < 2; redeliver++) {
		struct spmcq_shared_options options = {.redeliver = redeliver};
		struct puppet process, threads[5], other;
		struct spmcq *q = shared_at(64, &options);
		unsigned char named[60] = {0};
		uint64_t unknown = 0;
		uint32_t sum = 0;
		long n;

		consumer_start(&process, q);
		consumer_start(&other, q);
		for (size_t i = 0; i < 5; i++)
			puppet_start_thread(&threads[i], &process);
		put_numbers(q, 0, 60);
		for (uint32_t i = 0; i < 60; i++)
			RETURNS(0, told(&threads[i % 5], act_get, 0));
		/* Thread 0 reports its 12 items, and as many of other threads; thread 4 reports
		 * one. */
		RETURNS(0, told(&threads[4], act_task_done, 0));
		RETURNS(0, told(&threads[0], act_task_done_many, 24));
		puppet_end(&threads[1]);
		COUNTS(35, spmcq_unfinished(q));
		puppet_kill(&process);
		for (size_t i = 0; i < 5; i++)
			if (i != 1)
				close(threads[i].control);
		count_lost(q, process.process, 60, named, &unknown);
		COUNTS(0, unknown);
		for (uint32_t i = 0; i < 60; i++) {
			CHECK(named[i] <= 1, "item %u was named %u times", i, named[i]);
			CHECK(!named[i] || (i % 5 != 0 && i != 4), "item %u was reported", i);
			sum += named[i];
		}
		COUNTS(35, sum);
		n = told(&other, act_drain, 0);
		RETURNS(redeliver ? 35 : 0, n);
		for (long i = 0; i < n; i++)
			CHECK(named[other.call.items[i]]-- == 1, "item %" PRI_ITEM " came again",
			      other.call.items[i]);
		RETURNS(0, spmcq_join(q));
		puppet_end(&other);
		queue_free(q);
	}
}

int main(void)
{
	RUN(a_consumer_may_not_put);
	RUN(a_second_producer_thread_is_refused);
	RUN(a_consumer_that_destroys_its_handle_is_gone);
	RUN(destroy_is_refused_while_a_thread_waits);
	RUN(items_of_a_producer_that_destroyed_its_handle_are_got);
	RUN(a_child_of_fork_may_only_destroy);
	RUN(a_child_of_fork_may_join_by_itself);
	RUN(a_process_may_join_twice);
	RUN(each_thread_of_a_consumer_gets_and_reports);
	RUN(more_threads_than_seats_are_refused);
	RUN(threads_come_and_go);
	RUN(a_signal_ends_a_sleeping_call_with_interruptible_only);
	RUN(redeliver_keeps_items_until_they_are_reported);
	RUN(put_says_that_lost_items_take_up_all_room);
	RUN(redelivered_items_wake_a_sleeper);
	RUN(lost_items_are_redelivered_after_a_shutdown_too);
	RUN(with_redeliver_a_thread_has_255_unreported_gets_at_most);
	RUN(all_items_that_a_killed_process_held_are_counted);
	RUN(items_that_each_thread_held_are_named);
	return check_finish();
}
