/*
 * Python's queue.Queue, in Python: squares.py under the interpreter that is found in PATH. Between
 * processes multiprocessing.JoinableQueue: squares_processes.py. The time is taken inside, without
 * the interpreter's start.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/usage.h"
#include "queue.h"

/* How a shell says that there is no such program. */
enum { EXIT_NOT_FOUND = 127 };

_Noreturn static void be_python(const struct bench_squares_job *job, const char *script, int out)
{
	char items[24], consumers[24], capacity[24];

#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the harness ends what takes too long */
#endif
	snprintf(items, sizeof(items), "%" PRIu64, job->items);
	snprintf(consumers, sizeof(consumers), "%zu", job->shape.consumers);
	snprintf(capacity, sizeof(capacity), "%zu", job->shape.capacity);
	if (dup2(out, STDOUT_FILENO) >= 0)
		execlp("python3", "python3", script, "--time", items, consumers, capacity,
		       (char *)NULL);
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : 1);
}

/* What it prints: the seconds. */
static bool read_seconds(int in, double *seconds)
{
	FILE *file = fdopen(in, "r");
	bool is_read;

	if (!file) {
		close(in);
		return false;
	}
	is_read = fscanf(file, "%lf", seconds) == 1;
	fclose(file);
	return is_read;
}

static const char *await(pid_t child, int in, struct usage *usage)
{
	double seconds = 0;
	bool is_read = read_seconds(in, &seconds);
	struct rusage used;
	int status;

	while (wait4(child, &status, 0, &used) < 0)
		if (errno != EINTR)
			return "the program in Python was lost";
	usage_end(usage);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
		return "there is no python3 in PATH";
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return "the program in Python failed";
	if (!is_read || seconds <= 0)
		return "the program in Python printed no time";
	usage->seconds = seconds;
	usage->cpu_seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	                     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
	usage->voluntary = (uint64_t)used.ru_nvcsw;
	usage->involuntary = (uint64_t)used.ru_nivcsw;
	return NULL;
}

static const char *run(const struct bench_squares_job *job, const char *script)
{
	int ends[2];

	if (pipe(ends) != 0)
		return "no pipe to python3";
	usage_begin(job->usage);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		be_python(job, script, ends[1]);
	}
	close(ends[1]);
	if (child > 0)
		return await(child, ends[0], job->usage);
	close(ends[0]);
	return "no process for python3";
}

static const char *squares(const struct bench_squares_job *job)
{
	return run(job, BENCH_FOLDER "/squares.py");
}

static const char *squares_between_processes(const struct bench_squares_job *job)
{
	return run(job, BENCH_FOLDER "/squares_processes.py");
}

extern const struct bench_queue bench_python, bench_python_mp;
const struct bench_queue bench_python = {
        .name = "python",
        .note = "queue.Queue in python3, timed inside; its CPU time includes the interpreter's "
                "start",
        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN | BENCH_ELSEWHERE,
        .squares = squares,
};
const struct bench_queue bench_python_mp = {
        .name = "python_mp",
        .note = "multiprocessing.JoinableQueue in python3, timed inside; a thread of the "
                "producer's moves the items into a pipe; its CPU time includes the interpreters' "
                "start",
        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN | BENCH_ELSEWHERE |
               BENCH_PROCESSES,
        .squares = squares_between_processes,
};
