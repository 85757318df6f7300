/*
 * How the library tells threads apart. The library is compiled in, to see the ids and the cells.
 * Threads here come one after the other, or live at the same time across a fork.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spmcq.c"

struct seen {
	struct spmcq *q;
	uint64_t id;
	const struct cell *cell;
};

static void *look(void *arg)
{
	struct seen *seen = arg;

	seen->id = thread_id();
	if (seen->q != NULL)
		seen->cell = my_cell(seen->q);
	return NULL;
}

static pthread_barrier_t all_live;

static void *look_together(void *arg)
{
	look(arg);
	pthread_barrier_wait(&all_live);
	return NULL;
}

static void in_a_thread(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	RETURNS(0, pthread_create(&thread, NULL, run, arg));
	RETURNS(0, pthread_join(thread, NULL));
}

static void threads_that_come_and_go_use_up_no_cells(void)
{
	struct spmcq *q = queue_at(8, 8, 0);

	for (int i = 0; i < 4 * CELLS; i++) {
		struct seen seen = {.q = q};

		in_a_thread(look, &seen);
		CHECK(!cell_is_shared(&q->ring.cursor.cells, seen.cell),
		      "thread %d has no cell of its own", i);
	}
	queue_free(q);
}

static void threads_that_live_at_the_same_time_differ(void)
{
	enum { THREADS = 8 };
	struct seen seen[THREADS] = {{0}};
	pthread_t threads[THREADS];

	pthread_barrier_init(&all_live, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		RETURNS(0, pthread_create(&threads[i], NULL, look_together, &seen[i]));
	for (int i = 0; i < THREADS; i++)
		RETURNS(0, pthread_join(threads[i], NULL));
	for (int i = 0; i < THREADS; i++) {
		CHECK(seen[i].id != thread_id(), "thread %d is taken for the first", i);
		for (int j = 0; j < i; j++)
			CHECK(seen[i].id != seen[j].id, "threads %d and %d are one", i, j);
	}
}

/* The child is in a new pid namespace, where the kernel numbers threads from 1 again. So a new
 * thread of the child gets the thread id that the forking thread had before. */
static void *fork_into_new_numbers(void *arg)
{
	struct seen seen = {0};
	int status;

	(void)arg;
	look(&seen);
	if (unshare(CLONE_NEWPID) != 0)
		check_skip("new process numbers are not to be had");
	pid_t child = fork();
	CHECK(child >= 0, "fork failed");
	if (child == 0) {
		for (int i = 0; i < 8; i++) {
			struct seen other = {0};

			in_a_thread(look, &other);
			if (other.id == thread_id())
				_exit(1);
		}
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child, "no child");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "a thread of the child is taken for its first one");
	return NULL;
}

/* Small numbers are needed: a new process, the first one of its numbers, with a second thread. */
static void a_forked_childs_threads_differ(void)
{
	int status;

	if (CHECK_SANITIZED)
		check_skip("a forked child of threads may not start threads here");
	if (unshare(CLONE_NEWPID) != 0)
		check_skip("new process numbers are not to be had");
	pid_t child = fork();
	CHECK(child >= 0, "fork failed");
	if (child == 0) {
		in_a_thread(fork_into_new_numbers, NULL);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child, "no child");
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "exit status %d", WEXITSTATUS(status));
}

int main(void)
{
	RUN(threads_that_come_and_go_use_up_no_cells);
	RUN(threads_that_live_at_the_same_time_differ);
	RUN(a_forked_childs_threads_differ);
	return check_finish();
}
