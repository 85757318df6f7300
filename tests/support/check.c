/*
 * The frame of the tests: one forked process a property, a bound on its time, TAP on stdout.
 * The parent has one thread only, so forking is sound under every sanitizer.
 */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_SKIPPED = 77, /* the exit status of a property that skipped itself */
	BOUND_SECONDS = 60,
	NOTE_SIZE = 256,
};

static char *note; /* shared with the property's process: what it is doing, or why it skipped */
static pthread_mutex_t note_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned ran;
static unsigned failed;

static void write_note(const char *format, va_list list) CHECK_PRINTF(1, 0);

static void write_note(const char *format, va_list list)
{
	pthread_mutex_lock(&note_lock);
	vsnprintf(note, NOTE_SIZE, format, list);
	pthread_mutex_unlock(&note_lock);
}

void check_doing(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_note(format, list);
	va_end(list);
}

static const char *errno_name(long long result)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
	        {EAGAIN, "EAGAIN"},       {ETIMEDOUT, "ETIMEDOUT"},
	        {ESHUTDOWN, "ESHUTDOWN"}, {EINVAL, "EINVAL"},
	        {ENOMEM, "ENOMEM"},       {EPERM, "EPERM"},
	        {EOVERFLOW, "EOVERFLOW"}, {ERANGE, "ERANGE"},
	        {EBUSY, "EBUSY"},         {EINTR, "EINTR"},
	        {EBADMSG, "EBADMSG"},     {EMSGSIZE, "EMSGSIZE"},
	        {ENOTSUP, "ENOTSUP"},     {EIO, "EIO"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (result == -(long long)names[i].number)
			return names[i].name;
	return "";
}

/* The first thread to fail prints and ends the process; the others wait for that. */
void check_failed(const char *file, int line, const char *what, const char *format, ...)
{
	va_list list;

	pthread_mutex_lock(&note_lock);
	printf("# %s:%d: %s: ", file, line, what);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	if (note[0])
		printf("#   while: %s\n", note);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

void check_returns(const char *file, int line, const char *call, long long got, long long want)
{
	if (got != want)
		check_failed(file, line, call, "returned %lld %s, not %lld %s", got,
		             errno_name(got), want, errno_name(want));
}

void check_counts(const char *file, int line, const char *call, uint64_t got, uint64_t want)
{
	if (got != want)
		check_failed(file, line, call, "is %llu, not %llu", (unsigned long long)got,
		             (unsigned long long)want);
}

void check_skip(const char *reason)
{
	check_doing("%s", reason);
	exit(EXIT_SKIPPED);
}

static double seconds_from(const char *variable, double otherwise)
{
	const char *text = getenv(variable);
	double seconds = text ? strtod(text, NULL) : 0;

	return seconds > 0 ? seconds : otherwise;
}

/* On top of the time that a stress property is asked to last. */
static long bound_seconds(void)
{
	return (long)(seconds_from("SPMCQ_BOUND", BOUND_SECONDS) +
	              seconds_from("SPMCQ_STRESS_SECONDS", 0));
}

/* Waits for the process. Returns false, having killed it, when it takes longer than the bound. */
static bool wait_bounded(pid_t child, int *status)
{
	sigset_t ended;
	struct timespec left = {.tv_sec = bound_seconds()};

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	while (waitpid(child, status, WNOHANG) == 0) {
		if (sigtimedwait(&ended, NULL, &left) < 0 && errno == EAGAIN) {
			kill(child, SIGKILL);
			waitpid(child, status, 0);
			return false;
		}
	}
	return true;
}

/* SIGCHLD stays blocked in the parent, for wait_bounded(). */
static pid_t start(void (*property)(void))
{
	sigset_t ended, before;
	pid_t child;

	if (!note) {
		note = mmap(NULL, NOTE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		            0);
		if (note == MAP_FAILED)
			abort();
	}
	note[0] = '\0';
	fflush(stdout);
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, &before);
	child = fork();
	if (child < 0)
		abort();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		property();
		exit(EXIT_SUCCESS);
	}
	return child;
}

static void report(const char *name, bool in_time, int status)
{
	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
		printf("ok %u - %s\n", ran, name);
		return;
	}
	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) {
		printf("ok %u - %s # SKIP %s\n", ran, name, note);
		return;
	}
	failed++;
	if (!in_time)
		printf("# hung: did not end within %ld s; while: %s\n", bound_seconds(), note);
	else if (WIFSIGNALED(status))
		printf("# died by signal %d; while: %s\n", WTERMSIG(status), note);
	else if (WEXITSTATUS(status) != EXIT_FAILURE)
		printf("# exit status %d; while: %s\n", WEXITSTATUS(status), note);
	printf("not ok %u - %s\n", ran, name);
}

void check_run(const char *name, void (*property)(void))
{
	const char *only = getenv("SPMCQ_ONLY");
	int status = 0;
	pid_t child;
	bool in_time;

	if (only && !strstr(name, only))
		return;
	ran++;
	child = start(property);
	in_time = wait_bounded(child, &status);
	report(name, in_time, status);
	fflush(stdout);
}

int check_finish(void)
{
	printf("1..%u\n", ran);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
