/*
 * A process id does not identify a process: a new process may have the id of one that has ended,
 * and in several process namespaces several processes have the same id.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct timespec past = {0, 0};

/* Makes the kernel give this id to the next process. It works only in a process namespace that no
 * other process uses. */
static bool next_process_is(pid_t id)
{
	int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	char text[16];
	int size = snprintf(text, sizeof(text), "%d", id - 1);
	bool is_written = file >= 0 && write(file, text, (size_t)size) == size;

	if (file >= 0)
		close(file);
	return is_written;
}

/* Runs the function in the first process of a new process namespace. */
static void in_a_namespace(void (*run)(void))
{
	pid_t child;
	int status;

	if (CHECK_SANITIZED)
		check_skip("sanitizers do not work in a process namespace");
	if (unshare(CLONE_NEWPID) != 0)
		check_skip("no process namespaces here");
	fflush(stdout);
	child = fork();
	CHECK(child >= 0, "fork: %s", strerror(errno));
	if (child == 0) {
		run();
		exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(child, &status, 0) == child, "there is no child");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		check_skip("the next process id cannot be set here");
	CHECK(status == 0, "it ended with status %#x", (unsigned)status);
}

/* Starts a puppet that has the id of a process that has ended. */
static void start_as(struct puppet *puppet, pid_t id)
{
	if (!next_process_is(id))
		exit(77);
	puppet_start(puppet);
	CHECK(puppet->process == id, "the next process is %d, not %d", puppet->process, id);
}

static void lose_to_a_namesake(void)
{
	struct puppet dead, namesake;
	struct spmcq *q = shared_of(8);
	struct spmcq_lost lost[3];

	consumer_start(&dead, q);
	put_numbers(q, 0, 4);
	RETURNS(2, told(&dead, act_get_many, 2));
	puppet_kill(&dead);
	start_as(&namesake, dead.process);
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	admit(q, &namesake);
	RETURNS(0, told(&namesake, act_get, 0));
	CHECK(namesake.call.items[0] == 2, "got %" PRI_ITEM, namesake.call.items[0]);
	RETURNS(-ERANGE, told(&namesake, act_task_done_many, 2));
	RETURNS(1, spmcq_shared_reap(q, lost, 3));
	COUNTS(0, lost[0].position);
	COUNTS(2, lost[0].items);
	RETURNS(dead.process, lost[0].process);
	RETURNS(0, told(&namesake, act_task_done, 0));
	RETURNS(0, told(&namesake, act_get, 0));
	puppet_kill(&namesake);
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	RETURNS(1, spmcq_shared_reap(q, lost, 3));
	COUNTS(3, lost[0].position);
	COUNTS(1, lost[0].items);
	RETURNS(0, spmcq_join(q));
	queue_free(q);
}

static void a_consumers_id_may_be_used_again(void)
{
	in_a_namespace(lose_to_a_namesake);
}

static void lose_the_producer_to_a_namesake(void)
{
	struct puppet dead, namesake;
	struct spmcq *q = producer_start(&dead, 3);
	item_value number;

	RETURNS(0, told(&dead, act_put, 0));
	puppet_kill(&dead);
	start_as(&namesake, dead.process);
	RETURNS(0, spmcq_get(q, &number));
	RETURNS(-EOWNERDEAD, spmcq_get(q, &number));
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	/* The queue does not know this process, but it may succeed the producer. */
	succeed(&namesake, &q);
	RETURNS(0, told(&namesake, act_put, 0));
	RETURNS(0, spmcq_get(q, &number));
	RETURNS(0, spmcq_task_done_many(q, 2));
	RETURNS(0, told(&namesake, act_join, 0));
	queue_free(q);
	puppet_end(&namesake);
}

static void a_producers_id_may_be_used_again(void)
{
	in_a_namespace(lose_the_producer_to_a_namesake);
}

/* Each of the two consumers is process 1 and thread 1 in its own namespace. */
static void namesakes_in_namespaces_are_two(void)
{
	struct puppet outer[2], inner[2];
	struct spmcq *q = shared_of(10);
	struct spmcq_lost lost[3];

	for (size_t i = 0; i < 2; i++) {
		puppet_start(&outer[i]);
		puppet_start_inside(&inner[i], &outer[i]);
		RETURNS(0, told(&inner[i], act_nothing, 0));
		RETURNS(1, inner[i].call.thread);
		admit(q, &inner[i]);
	}
	put_numbers(q, 0, 6);
	for (uint32_t i = 0; i < 6; i++) {
		RETURNS(0, told(&inner[i % 2], act_get, 0));
		CHECK(inner[i % 2].call.items[0] == i, "got %" PRI_ITEM,
		      inner[i % 2].call.items[0]);
	}
	RETURNS(-ERANGE, told(&inner[0], act_task_done_many, 4));
	RETURNS(0, told(&inner[0], act_task_done, 0));
	RETURNS(0, told(&inner[1], act_task_done_many, 2));
	puppet_end_inside(&inner[0]);
	RETURNS(0, told(&inner[1], act_task_done, 0));
	RETURNS(-ERANGE, told(&inner[1], act_task_done, 0));
	RETURNS(-EOWNERDEAD, spmcq_join(q));
	RETURNS(2, spmcq_shared_reap(q, lost, 3));
	for (size_t i = 0; i < 2; i++) {
		COUNTS(1, lost[i].items);
		CHECK(lost[i].position == 2 || lost[i].position == 4, "position %llu",
		      (unsigned long long)lost[i].position);
		RETURNS(inner[0].process, lost[i].process);
	}
	RETURNS(0, spmcq_join_until(q, &past));
	tell(&inner[1], act_get, 0);
	sleep_ms(20);
	put_numbers(q, 6, 1);
	RETURNS(0, answer(&inner[1]));
	RETURNS(0, told(&inner[1], act_task_done, 0));
	RETURNS(0, spmcq_join(q));
	puppet_end_inside(&inner[1]);
	puppet_end(&outer[0]);
	puppet_end(&outer[1]);
	queue_free(q);
}

/* The producer has no ids for processes outside of its namespace. It may refuse such a process, but
 * must not take it for another. */
static void a_peer_from_outside_the_namespace_is_refused_or_right(void)
{
	struct puppet outer, producer, consumer;
	long admitted, joined;

	puppet_start(&consumer);
	puppet_start(&outer);
	puppet_start_inside(&producer, &outer);
	create_by(&producer, 3, NULL);
	introduce(&producer, &consumer, act_join_queue);
	admitted = producer.call.result;
	joined = consumer.call.result;
	CHECK((admitted == 0) == (joined == 0), "admit: %ld, join: %ld", admitted, joined);
	if (admitted == 0) {
		RETURNS(0, told(&producer, act_put, 0));
		RETURNS(0, told(&consumer, act_get, 0));
		RETURNS(-ETIMEDOUT, told_until(&producer, act_join_until, 0, 0.3));
		puppet_kill(&consumer);
		RETURNS(-EOWNERDEAD, told(&producer, act_join, 0));
		RETURNS(1, told(&producer, act_reap, 1));
	} else {
		puppet_end(&consumer);
		RETURNS(0, told(&producer, act_put, 0));
	}
	puppet_end_inside(&producer);
	puppet_end(&outer);
}

int main(void)
{
	RUN(a_consumers_id_may_be_used_again);
	RUN(a_producers_id_may_be_used_again);
	RUN(namesakes_in_namespaces_are_two);
	RUN(a_peer_from_outside_the_namespace_is_refused_or_right);
	return check_finish();
}
