/*
 * A stopped process counts as alive, however long it is stopped. A process that executes another
 * program counts as gone; a process that forks does not.
 */
#define _GNU_SOURCE
#include "step.h"

#include "support/chance.h"
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* HELD: items that a victim has got before. After two that followed each other, a get of words
 * expects head to be still there. */
enum {
	VICTIMS = 48,
	HELD = WORDS ? 2 : 1,
	QUEUES = 16,
	MOST = 2000, /* items */
};

extern char **environ;

/* How often each item was got. */
static unsigned char times[MOST];

static void note_got(const item_value *items, long n)
{
	for (long i = 0; i < n; i++) {
		CHECK(items[i] < MOST, "got %" PRI_ITEM, items[i]);
		CHECK(++times[items[i]] == 1, "item %" PRI_ITEM " was got %u times", items[i],
		      times[items[i]]);
	}
}

/* --- consumers --- */

static const struct {
	long (*call)(struct call *call);
	size_t n;
} held_calls[] = {{act_get, 0}, {act_get_many, 2}, {act_try_get, 0}, {act_task_done, 0}};

static void start_victim(struct spmcq *q, struct puppet *victim, size_t kind, unsigned at,
                         item_value *put)
{
	consumer_start(victim, q);
	put_numbers(q, *put, HELD + 2);
	*put += HELD + 2;
	for (int i = 0; i < HELD; i++) {
		RETURNS(0, told(victim, act_get, 0));
		note_got(victim->call.items, 1);
	}
	tell_stepped(victim, held_calls[kind].call, held_calls[kind].n, at, SIGSTOP);
}

/* Counts the items that the stopped call got. The puppet then reports all items that it holds. */
static void finish_victim(struct puppet *victim, size_t kind)
{
	long result = answer(victim), got = result;

	if (kind == 0 || kind == 2)
		got = result == 0;
	CHECK(result >= 0 || (kind == 2 && result == -EAGAIN), "call %zu returned %ld", kind,
	      result);
	if (kind < 3)
		note_got(victim->call.items, got);
	for (long left = kind < 3 ? HELD + got : HELD - 1; left > 0; left--)
		RETURNS(0, told(victim, act_task_done, 0));
	RETURNS(-ERANGE, told(victim, act_task_done, 0));
	puppet_end(victim);
}

static void others_go_on(struct spmcq *q, struct puppet *other, item_value *put)
{
	struct timespec soon = spmcq_after(0.15);
	struct spmcq_lost lost;
	long n;

	for (int i = 0; i < 20; i++) {
		put_numbers(q, (*put)++, 1);
		n = told(other, act_drain, 0);
		CHECK(n > 0, "the get of the other consumer returned %ld", n);
		note_got(other->call.items, n);
	}
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &soon));
	RETURNS(0, spmcq_shared_reap(q, &lost, 1));
}

static void stop_consumers(bool redeliver)
{
	static struct puppet victims[VICTIMS];
	struct spmcq_shared_options options = {.redeliver = redeliver};
	struct puppet other;
	struct spmcq *q = shared_at(300, &options);
	unsigned steps[COUNT_OF(held_calls)], stopped = 0;
	item_value put = 0;
	uint64_t seed = chance_seed();
	double end;
	long n;

	memset(times, 0, sizeof(times));
	consumer_start(&other, q);
	for (size_t kind = 0; kind < COUNT_OF(held_calls); kind++) {
		start_victim(q, &victims[0], kind, 0, &put);
		finish_victim(&victims[0], kind);
		steps[kind] = victims[0].call.steps;
	}
	for (size_t i = 0; i < VICTIMS; i++) {
		size_t kind = i % COUNT_OF(held_calls);
		unsigned at = 1 + (unsigned)((seed + i * 7919) % steps[kind]);

		check_doing("victim %zu, call %zu, stopped after instruction %u of %u", i, kind, at,
		            steps[kind]);
		start_victim(q, &victims[i], kind, at, &put);
		stopped += puppet_stops(&victims[i]);
	}
	CHECK(stopped > VICTIMS / 2, "only %u are stopped", stopped);
	check_doing("%u are stopped", stopped);
	for (end = seconds_now() + 2.5; seconds_now() < end;)
		others_go_on(q, &other, &put);
	/* The stopped consumers had not got the items that the other consumer got meanwhile. When
	 * they go on, they must get others. */
	put_numbers(q, put, VICTIMS * 2);
	put += VICTIMS * 2;
	for (size_t i = 0; i < VICTIMS; i++)
		kill(victims[i].process, SIGCONT);
	for (size_t i = 0; i < VICTIMS; i++) {
		check_doing("victim %zu goes on", i);
		finish_victim(&victims[i], i % COUNT_OF(held_calls));
	}
	n = told(&other, act_drain, 0);
	CHECK(n >= 0, "the get of the other consumer returned %ld", n);
	note_got(other.call.items, n);
	RETURNS(0, spmcq_join(q));
	for (item_value i = 0; i < put; i++)
		CHECK(times[i] == 1, "item %" PRI_ITEM " of %" PRI_ITEM " was got %u times", i, put,
		      times[i]);
	puppet_end(&other);
	queue_free(q);
}

static void stop_one_kind(unsigned redeliver)
{
	stop_consumers(redeliver);
}

static void a_consumer_may_be_stopped_anywhere_for_long(void)
{
	if (!can_step())
		check_skip(CANNOT_STEP);
	chance_seed();
	in_parallel(WORDS ? 1 : 2, stop_one_kind);
}

/* A sleeping getter and a sleeping joiner are stopped. */
static void a_sleeping_process_may_be_stopped(void)
{
	struct puppet getter, joiner, other;
	struct spmcq *q = shared_of(4);
	struct spmcq_lost lost;

	consumer_start(&getter, q);
	consumer_start(&joiner, q);
	consumer_start(&other, q);
	put_numbers(q, 0, 1);
	RETURNS(0, told(&other, act_get, 0));
	tell(&getter, act_get, 0);
	tell(&joiner, act_join, 0);
	puppet_await_sleep(&getter);
	puppet_await_sleep(&joiner);
	kill(getter.process, SIGSTOP);
	kill(joiner.process, SIGSTOP);
	CHECK(puppet_stops(&getter) && puppet_stops(&joiner), "the stopped processes go on");
	for (item_value i = 1; i < 9; i++) {
		put_numbers(q, i, 1);
		RETURNS(0, told_until(&other, act_get_until, 0, 2));
		CHECK(other.call.items[0] == i, "got %" PRI_ITEM ", not %" PRI_ITEM,
		      other.call.items[0], i);
		RETURNS(0, told(&other, act_task_done, 0));
		sleep_ms(200);
		RETURNS(0, spmcq_shared_reap(q, &lost, 1));
	}
	kill(getter.process, SIGCONT);
	kill(joiner.process, SIGCONT);
	CHECK(!has_answered(&joiner), "join returned with an item unfinished");
	put_numbers(q, 9, 1);
	RETURNS(0, answer(&getter));
	RETURNS(0, told(&getter, act_task_done, 0));
	RETURNS(0, told(&other, act_task_done, 0));
	RETURNS(0, answer(&joiner));
	puppet_end(&getter);
	puppet_end(&joiner);
	puppet_end(&other);
	queue_free(q);
}

/* --- producers --- */

static struct puppet producer, successor;

static void start_producer(size_t capacity, struct spmcq **q)
{
	puppet_start(&producer);
	puppet_start(&successor);
	create_by(&producer, capacity, NULL);
	join_by(&producer, q);
}

static void stop_producer(unsigned worker)
{
	static long (*const calls[])(struct call * call) = {act_put, act_put_many, act_shutdown};
	size_t kind = worker % COUNT_OF(calls);
	struct timespec soon;
	struct spmcq *q = NULL;
	item_value number, next = 0;
	unsigned steps;
	int result;
	bool is_stopped;

	start_producer(100, &q);
	producer.call.number = 0;
	if (kind < 2) {
		tell_stepped(&producer, calls[kind], 3, 0, SIGSTOP);
		answer(&producer);
		steps = producer.call.steps;
		producer.call.number = kind == 0 ? 1 : 3;
	} else
		steps = 60;
	tell_stepped(&producer, calls[kind], 3,
	             1 + (unsigned)((chance_seed() + 7919 * worker) % steps), SIGSTOP);
	is_stopped = puppet_stops(&producer);
	check_doing("worker %u: put %zu, stopped after instruction %u of %u: %d", worker, kind,
	            producer.call.at, steps, is_stopped);
	for (double end = seconds_now() + 2.5; seconds_now() < end;) {
		soon = spmcq_after(0.3);
		result = spmcq_get_until(q, &number, &soon);
		if (result == 0)
			CHECK(number == next++, "got %" PRI_ITEM ", not %" PRI_ITEM, number,
			      next - 1);
		else
			CHECK(result == -ETIMEDOUT || (kind == 2 && result == -ESHUTDOWN),
			      "get: %d", result);
		result = spmcq_try_get(q, &number);
		if (result == 0)
			CHECK(number == next++, "got %" PRI_ITEM ", not %" PRI_ITEM, number,
			      next - 1);
		else
			CHECK(result == -EAGAIN || (kind == 2 && result == -ESHUTDOWN), "get: %d",
			      result);
		if (kind == 2 && result == -ESHUTDOWN)
			sleep_ms(100);
		fail_to_succeed(&successor, q);
	}
	kill(producer.process, SIGCONT);
	CHECK(answer(&producer) >= 0, "the call returned %ld", producer.call.result);
	if (kind < 2) {
		uint32_t all = kind == 0 ? 2 : 6;

		while (next < all) {
			RETURNS(0, spmcq_get(q, &number));
			CHECK(number == next++, "got %" PRI_ITEM ", not %" PRI_ITEM, number,
			      next - 1);
		}
		RETURNS(0, spmcq_task_done_many(q, all));
	}
	RETURNS(0, told(&producer, act_join, 0));
	RETURNS(kind == 2 ? -ESHUTDOWN : -EAGAIN, spmcq_try_get(q, &number));
	queue_free(q);
	puppet_end(&producer);
	puppet_end(&successor);
}

static void a_producer_may_be_stopped_anywhere_for_long(void)
{
	if (!can_step())
		check_skip(CANNOT_STEP);
	chance_seed();
	in_parallel(QUEUES, stop_producer);
}

/* --- exec --- */

/* Executes another program, which knows nothing of the queue. With call->n & 1, a child of fork
 * lives on, and keeps all descriptors of this process open. */
static long act_exec(struct call *call)
{
	pid_t self = getpid();

	if (call->n & 1 && fork() == 0) {
		die_with(self);
		pause();
	}
	execlp("sleep", "sleep", "20", (char *)NULL);
	return -errno;
}

static void expect_gone(struct spmcq *q, pid_t process, uint64_t position, uint64_t items)
{
	struct spmcq_lost lost[2];
	double since = seconds_now();

	RETURNS(-EOWNERDEAD, spmcq_join(q));
	CHECK(seconds_now() - since < 4, "join took %.1f s", seconds_now() - since);
	RETURNS(1, spmcq_shared_reap(q, lost, 2));
	COUNTS(position, lost[0].position);
	COUNTS(items, lost[0].items);
	RETURNS(process, lost[0].process);
	RETURNS(0, spmcq_join(q));
}

/* Waits until exec has closed the puppet's control socket. The process must live on. */
static void await_exec(struct puppet *puppet)
{
	CHECK(!answered(puppet), "exec: %ld", puppet->call.result);
	CHECK(kill(puppet->process, 0) == 0, "it has ended");
}

static void a_consumer_that_executes_is_gone(void)
{
	for (size_t forks = 0; forks < 2; forks++) {
		for (int thread = 0; thread < 2; thread++) {
			struct puppet consumer, second;
			struct spmcq *q = shared_of(4);

			check_doing("forks %zu, by a second thread %d", forks, thread);
			consumer_start(&consumer, q);
			puppet_start_thread(&second, &consumer);
			put_numbers(q, 0, 3);
			RETURNS(2, told(&consumer, act_get_many, 2));
			RETURNS(1, told(&second, act_get_many, 1));
			RETURNS(0, told(&consumer, act_task_done, 0));
			RETURNS(0, told(&second, act_task_done, 0));
			tell(thread ? &second : &consumer, act_exec, forks);
			/* The child has a copy of the control socket, so that does not show when
			 * exec is done. */
			if (forks)
				sleep_ms(50);
			else
				await_exec(thread ? &second : &consumer);
			expect_gone(q, consumer.process, 1, 1);
			close(second.control);
			puppet_kill(&consumer);
			queue_free(q);
		}
	}
}

static void a_producer_that_executes_is_gone(void)
{
	for (size_t forks = 0; forks < 2; forks++) {
		struct spmcq *q = NULL;
		item_value number;

		check_doing("forks %zu", forks);
		start_producer(3, &q);
		RETURNS(0, told(&producer, act_put, 0));
		tell(&producer, act_exec, forks);
		if (forks)
			sleep_ms(50);
		else
			await_exec(&producer);
		RETURNS(0, spmcq_get(q, &number));
		RETURNS(-EOWNERDEAD, spmcq_get(q, &number));
		RETURNS(-EOWNERDEAD, spmcq_join(q));
		succeed(&successor, &q);
		RETURNS(0, told(&successor, act_put, 0));
		RETURNS(0, spmcq_get(q, &number));
		RETURNS(0, spmcq_task_done_many(q, 2));
		RETURNS(0, told(&successor, act_join, 0));
		queue_free(q);
		puppet_end(&successor);
		puppet_kill(&producer);
	}
}

static long act_run_programs(struct call *call)
{
	char *const arguments[] = {(char *)(uintptr_t) "true", NULL};
	pid_t child;
	int status = 0;

	(void)call;
	RETURNS(0, system("true"));
	RETURNS(0, posix_spawnp(&child, "true", NULL, NULL, arguments, environ));
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status %#x", (unsigned)status);
	child = vfork();
	if (child == 0)
		_exit(0);
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status %#x", (unsigned)status);
	return 0;
}

static long act_fork_children(struct call *call)
{
	pid_t self = getpid(), child;

	(void)call;
	for (int i = 0; i < 3; i++) {
		child = fork();
		if (child == 0) {
			die_with(self);
			if (i == 0)
				exit(EXIT_SUCCESS);
			if (i == 1)
				execlp("true", "true", (char *)NULL);
			pause();
		}
		if (i == 2)
			kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}

static void a_process_with_children_counts_as_alive(void)
{
	struct puppet consumer;
	struct timespec soon;
	struct spmcq *q = NULL;
	item_value number;

	start_producer(5, &q);
	puppet_start(&consumer);
	admit_by(&producer, &consumer);
	RETURNS(3, told(&producer, act_put_many, 3));
	RETURNS(0, told(&consumer, act_get, 0));
	RETURNS(0, told(&consumer, act_run_programs, 0));
	RETURNS(0, told(&consumer, act_fork_children, 0));
	RETURNS(0, told(&producer, act_run_programs, 0));
	RETURNS(0, told(&producer, act_fork_children, 0));
	RETURNS(0, told(&producer, act_reap, 1));
	RETURNS(-ETIMEDOUT, told_until(&producer, act_join_until, 0, 0.5));
	RETURNS(0, spmcq_get(q, &number));
	RETURNS(0, spmcq_get(q, &number));
	soon = spmcq_after(0.5);
	RETURNS(-ETIMEDOUT, spmcq_get_until(q, &number, &soon));
	RETURNS(0, told(&consumer, act_task_done, 0));
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(0, told(&producer, act_join, 0));
	queue_free(q);
	puppet_end(&consumer);
	puppet_end(&producer);
	puppet_end(&successor);
}

/* Starts a child that lives on for some time when its parent is killed, and returns its id. */
static long act_fork_and_leave(struct call *call)
{
	pid_t child = fork();

	(void)call;
	if (child == 0) {
		alarm(30);
		pause();
		_exit(EXIT_SUCCESS);
	}
	return child;
}

static void a_living_child_does_not_hide_its_parents_death(void)
{
	struct puppet consumer;
	struct spmcq *q = NULL;
	item_value number;
	pid_t children[2];

	start_producer(5, &q);
	puppet_start(&consumer);
	admit_by(&producer, &consumer);
	RETURNS(2, told(&producer, act_put_many, 2));
	RETURNS(0, told(&consumer, act_get, 0));
	children[0] = (pid_t)told(&consumer, act_fork_and_leave, 0);
	children[1] = (pid_t)told(&producer, act_fork_and_leave, 0);
	puppet_kill(&consumer);
	RETURNS(0, spmcq_get(q, &number));
	RETURNS(0, spmcq_task_done(q));
	RETURNS(-EOWNERDEAD, told(&producer, act_join, 0));
	RETURNS(1, told(&producer, act_reap, 1));
	RETURNS(0, told(&producer, act_join, 0));
	puppet_kill(&producer);
	RETURNS(-EOWNERDEAD, spmcq_get(q, &number));
	kill(children[0], SIGKILL);
	kill(children[1], SIGKILL);
	queue_free(q);
	puppet_end(&successor);
}

static long act_end_thread(struct call *call)
{
	(void)call;
	pthread_exit(NULL);
}

/* If the first thread of a process has ended, /proc calls the process a zombie, although other
 * threads run. */
static void a_process_lives_without_its_first_thread(void)
{
	struct puppet consumer, second;
	struct timespec soon = spmcq_after(0.5);
	struct spmcq_lost lost;
	struct spmcq *q = shared_of(5);

	consumer_start(&consumer, q);
	puppet_start_thread(&second, &consumer);
	put_numbers(q, 0, 3);
	RETURNS(0, told(&consumer, act_get, 0));
	RETURNS(0, told(&second, act_get, 0));
	tell(&consumer, act_end_thread, 0);
	sleep_ms(50);
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &soon));
	RETURNS(0, spmcq_shared_reap(q, &lost, 1));
	RETURNS(0, told(&second, act_get, 0));
	/* Its own item first, then one of the other thread. */
	RETURNS(0, told(&second, act_task_done_many, 2));
	COUNTS(1, spmcq_unfinished(q));
	kill(consumer.process, SIGKILL);
	puppet_await_end(&consumer);
	expect_gone(q, consumer.process, 0, 1);
	queue_free(q);
}

int main(void)
{
	RUN(a_consumer_may_be_stopped_anywhere_for_long);
	RUN(a_sleeping_process_may_be_stopped);
	RUN(a_producer_may_be_stopped_anywhere_for_long);
	if (WORDS) /* The rest does not depend on the size of the items. */
		return check_finish();
	RUN(a_consumer_that_executes_is_gone);
	RUN(a_producer_that_executes_is_gone);
	RUN(a_process_with_children_counts_as_alive);
	RUN(a_living_child_does_not_hide_its_parents_death);
	RUN(a_process_lives_without_its_first_thread);
	return check_finish();
}
