/*
 * fork, exec, wait, read. The format is that of "Callgrind Format Specification" in valgrind's
 * manual; of it only the calls matter here:
 *
 *     cfn=the function that is called
 *     calls=how often, and where from
 *     line, instructions of all these calls together
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "callgrind.h"

enum { NOT_FOUND = 127, MOST_ARGUMENTS = 32 };

/* A compiler may have appended ".part.0" or the like, and callgrind "'2" for recursion. */
static struct callgrind_cost *cost_of(const char *name, struct callgrind_cost *costs, size_t n)
{
	size_t length = strcspn(name, ".'\n");

	for (size_t i = 0; i < n; i++)
		if (strlen(costs[i].function) == length &&
		    strncmp(costs[i].function, name, length) == 0)
			return &costs[i];
	return NULL;
}

void callgrind_read(FILE *in, struct callgrind_cost *costs, size_t n)
{
	struct callgrind_cost *called = NULL;
	unsigned long long count, position;
	char *line = NULL;
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		costs[i].calls = costs[i].instructions = 0;
	while (getline(&line, &size, in) > 0) {
		if (strncmp(line, "cfn=", 4) == 0)
			called = cost_of(line + 4, costs, n);
		if (!called || sscanf(line, "calls=%llu", &count) != 1)
			continue;
		called->calls += count;
		if (getline(&line, &size, in) > 0 &&
		    sscanf(line, "%llu %llu", &position, &count) == 2)
			called->instructions += count;
		called = NULL;
	}
	free(line);
}

_Noreturn static void be_valgrind(const char *const *argv, const char *file)
{
	const char *all[MOST_ARGUMENTS + 1];
	char out[300];
	size_t n = 0;

	snprintf(out, sizeof(out), "--callgrind-out-file=%s", file);
	all[n++] = "valgrind";
	all[n++] = "--tool=callgrind";
	all[n++] = "--quiet";
	all[n++] = "--log-file=/dev/null";
	all[n++] = "--compress-strings=no";
	all[n++] = "--compress-pos=no";
	all[n++] = out;
	while (*argv && n < MOST_ARGUMENTS)
		all[n++] = *argv++;
	all[n] = NULL;
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever ends the run ends valgrind, too */
#endif
	execvp(all[0], (char *const *)all);
	_exit(errno == ENOENT ? NOT_FOUND : 1);
}

static int run_into(const char *const *argv, const char *file)
{
	int status;

	fflush(NULL); /* or the child would print it again */
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		be_valgrind(argv, file);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return -ENOENT;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

int callgrind_run(const char *const *argv, struct callgrind_cost *costs, size_t n)
{
	const char *folder = getenv("TMPDIR");
	char file[256];

	snprintf(file, sizeof(file), "%s/spmcq-bench-XXXXXX", folder ? folder : "/tmp");
	int descriptor = mkstemp(file);
	if (descriptor < 0)
		return -errno;
	close(descriptor);

	int error = run_into(argv, file);
	FILE *in = error ? NULL : fopen(file, "r");
	if (in) {
		callgrind_read(in, costs, n);
		fclose(in);
	} else if (!error) {
		error = -errno;
	}
	unlink(file);
	return error;
}
