/*
 * fork, run, wait with a limit. The result comes back in shared memory. The parent sees that the
 * child has ended when a pipe closes that only the child holds open.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "usage.h"

_Noreturn static void be_child(const struct bench_workload *workload, const struct bench_run *run,
                               struct bench_result *result)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* do not outlive the harness */
#endif
	workload->run(run, result);
	exit(fflush(NULL) == 0 ? 0 : 1);
}

/* Whether the other end of the pipe was closed before the limit. */
static bool ends_within(int pipe_end, double limit_seconds)
{
	double deadline = usage_clock() + limit_seconds;

	for (;;) {
		double left = deadline - usage_clock();
		struct pollfd end = {.fd = pipe_end, .events = POLLIN};
		int ready = poll(&end, 1, left > 0 ? (int)ceil(fmin(left, 1e6) * 1000) : 0);

		if (ready > 0)
			return true;
		if (left <= 0 || (ready < 0 && errno != EINTR))
			return false;
	}
}

static void judge(struct bench_result *result, int status)
{
	if (WIFSIGNALED(status))
		bench_void(result, "crashed: %s", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		bench_void(result, "ended with exit status %d", WEXITSTATUS(status));
	else if (result->outcome == BENCH_NOT_RUN)
		bench_void(result, "ended without a result");
}

/* Gives the child a moment to write what it was doing when it was stopped (crew.c). */
static void stop(pid_t child, int pipe_end, double limit_seconds, struct bench_result *result)
{
	char where[sizeof(result->why)];

	*result->why = '\0';
	kill(child, SIGTERM);
	ends_within(pipe_end, 1);
	kill(child, SIGKILL);
	memcpy(where, result->why, sizeof(where));
	where[sizeof(where) - 1] = '\0';
	result->outcome = BENCH_STOPPED;
	snprintf(result->why, sizeof(result->why), "did not finish in %.0f s%s%s", limit_seconds,
	         *where ? ": " : "", where);
}

static void watch(pid_t child, int pipe_end, double limit_seconds, struct bench_result *result)
{
	bool ended = ends_within(pipe_end, limit_seconds);
	int status;

	if (!ended)
		stop(child, pipe_end, limit_seconds, result);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (ended)
		judge(result, status);
}

static void run_shared(const struct bench_workload *workload, const struct bench_run *run,
                       double limit_seconds, struct bench_result *shared)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		bench_void(shared, "pipe: %s", strerror(errno));
		return;
	}
	fflush(NULL); /* or the child would print it again */
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		be_child(workload, run, shared);
	}
	int error = errno;
	close(ends[1]);
	if (child > 0)
		watch(child, ends[0], limit_seconds, shared);
	else
		bench_void(shared, "fork: %s", strerror(error));
	close(ends[0]);
}

void child_run(const struct bench_workload *workload, const struct bench_run *run,
               double limit_seconds, struct bench_result *result)
{
	struct bench_result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(result, 0, sizeof(*result));
	if (shared == MAP_FAILED) {
		bench_void(result, "mmap: %s", strerror(errno));
		return;
	}
	run_shared(workload, run, limit_seconds, shared);
	*result = *shared;
	munmap(shared, sizeof(*shared));
}
