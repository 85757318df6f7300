/*
 * What a stretch of time cost this process, and what the rest of the machine did meanwhile.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>

struct usage {
	double seconds;         /* on CLOCK_MONOTONIC */
	double cpu_seconds;     /* of all threads of this process */
	uint64_t voluntary;     /* context switches: a thread went to sleep or yielded */
	uint64_t involuntary;   /* context switches: a thread was preempted */
	double own_cpu_seconds; /* of the calling thread alone */
	uint64_t own_voluntary, own_involuntary;
	double busy_seconds; /* of all CPUs, whoever used them, stolen time included */
};

/* Usage so far; the clock is read last. */
void usage_begin(struct usage *usage);

/* Turns what usage_begin() wrote into the usage since; the clock is read first. By the same thread.
 */
void usage_end(struct usage *usage);

/* The share of the machine that went to others, 0..1; 0 when the stretch is too short to tell. */
double usage_foreign(const struct usage *usage);

double usage_clock(void); /* CLOCK_MONOTONIC, seconds */

#endif
