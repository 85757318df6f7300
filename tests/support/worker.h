/*
 * Threads of the tests: to start one, see it fall asleep, count its context switches, and join it.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct worker {
	pthread_t thread;
	void (*run)(void *);
	void *arg;
	_Atomic int tid;   /* 0 until it runs; then the number the system knows it by */
	_Atomic bool back; /* false -> true once: run has returned */
};

void worker_start(struct worker *worker, void (*run)(void *), void *arg);
void worker_join(struct worker *worker);

/* Waits until the thread sleeps inside a system call; fails the property if it does not. */
void worker_await_sleep(const struct worker *worker);

/* How often the thread has given up the processor to wait, or -1 where that cannot be seen. */
long worker_switches(const struct worker *worker);

/* Waits until count is at least least; fails the property if that takes suspiciously long. */
void await_count(_Atomic size_t *count, size_t least, const char *what);

void sleep_ms(long milliseconds);

#endif
