/*
 * What a stretch of time cost this process, and those that work for it, and what the rest of the
 * machine did meanwhile.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
	double seconds;         /* on CLOCK_MONOTONIC */
	double cpu_seconds;     /* of all threads of this process, and of those included */
	uint64_t voluntary;     /* context switches: a thread went to sleep or yielded */
	uint64_t involuntary;   /* context switches: a thread was preempted */
	double own_cpu_seconds; /* of the calling thread alone */
	uint64_t own_voluntary, own_involuntary;
	double busy_seconds; /* of all CPUs, whoever used them, stolen time included */
};

/* From now on the usage of these processes, of one thread each, is added to that of this process,
 * as long as they live. n of 0 ends this. The caller keeps the list, and stores 0 (atomically) for
 * a process that has ended. Not to be called while another thread counts. */
void usage_include(const pid_t *processes, size_t n);

/* Usage so far; the clock is read last. */
void usage_begin(struct usage *usage);

/* Turns what usage_begin() wrote into the usage since; the clock is read first. By the same thread.
 */
void usage_end(struct usage *usage);

/* The share of the machine that went to others, 0..1; 0 when the stretch is too short to tell. */
double usage_foreign(const struct usage *usage);

double usage_clock(void); /* CLOCK_MONOTONIC, seconds */

#endif
