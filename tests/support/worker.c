/*
 * Threads of the tests. Whether one sleeps is read from /proc, so that a test need not guess a
 * time after which a thread is surely asleep. Elsewhere than on Linux it does guess.
 */
#define _GNU_SOURCE
#include "worker.h"

#include "check.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	SLEEP_BOUND_MS = 20000, /* far beyond what any thread needs to fall asleep */
	LOOKS = 3,              /* asleep this many looks in a row, 1 ms apart: it sleeps */
	GUESS_MS = 50,          /* where /proc cannot be asked */
	SLEEP_LOOKS_MS = 1,
};

void sleep_ms(long milliseconds)
{
	struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

#ifdef __linux__
	atomic_store(&worker->tid, (int)syscall(SYS_gettid));
#else
	atomic_store(&worker->tid, 1);
#endif
	worker->run(worker->arg);
	atomic_store(&worker->back, true);
	return NULL;
}

void worker_start(struct worker *worker, void (*run)(void *), void *arg)
{
	int error;

	worker->run = run;
	worker->arg = arg;
	atomic_init(&worker->tid, 0);
	atomic_init(&worker->back, false);
	error = pthread_create(&worker->thread, NULL, worker_main, worker);
	CHECK(error == 0, "pthread_create: %s", strerror(error));
}

void worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
}

/* Reads the state letter and the voluntary switches. Returns false if there is nothing to read. */
static bool read_status(const struct worker *worker, char *state, long *switches)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", atomic_load(&worker->tid));
	file = fopen(path, "r");
	if (!file)
		return false;
	*state = '?';
	*switches = -1;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "State:", 6) == 0)
			*state = line[6 + strspn(line + 6, " \t")];
		if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
			*switches = strtol(line + 24, NULL, 10);
	}
	fclose(file);
	return *state != '?' && *switches >= 0;
}

void worker_await_sleep(const struct worker *worker)
{
	long switches = -1, before = -1;
	char state = '?';
	int asleep = 0;

	for (int ms = 0; ms < SLEEP_BOUND_MS; ms += SLEEP_LOOKS_MS) {
		CHECK(!atomic_load(&worker->back), "the thread came back instead of sleeping");
		if (atomic_load(&worker->tid) != 0 && !read_status(worker, &state, &switches)) {
			if (atomic_load(&worker->back))
				continue;
			sleep_ms(GUESS_MS);
			return;
		}
		asleep = state == 'S' && switches == before ? asleep + 1 : 0;
		before = switches;
		if (asleep == LOOKS)
			return;
		sleep_ms(SLEEP_LOOKS_MS);
	}
	check_failed(__FILE__, __LINE__, "worker_await_sleep",
	             "the thread has nothing to do and does not sleep (state %c)", state);
}

long worker_switches(const struct worker *worker)
{
	long switches;
	char state;

	return read_status(worker, &state, &switches) ? switches : -1;
}

void await_count(_Atomic size_t *count, size_t least, const char *what)
{
	for (int ms = 0; ms < SLEEP_BOUND_MS; ms++) {
		if (atomic_load(count) >= least)
			return;
		sleep_ms(1);
	}
	CHECK(atomic_load(count) >= least, "%s: %zu of %zu after %d s", what, atomic_load(count),
	      least, SLEEP_BOUND_MS / 1000);
}
