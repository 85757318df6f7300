/*
 * What spmcq-bench asks of the simulated machine, and what it gets back. The machine is a module of
 * its own (meson.build says why), in the same process: pointers may cross.
 */
#ifndef BENCH_SIMULATE_JOB_H
#define BENCH_SIMULATE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue.h"
#include "simulate/costs.h"

/* What a thread is doing when it needs a cache line. */
enum sim_call { SIM_PUT, SIM_GET, SIM_TASK_DONE, SIM_JOIN, SIM_SHUTDOWN, SIM_CALLS };

/* Bytes of the machine's memory, beside stacks. */
#define SIM_MEMORY ((size_t)1 << 30)

struct sim_job {
	const char *queue;
	struct bench_shape shape;
	uint64_t items, bulk;
	double work_ns;     /* that a consumer spends on each item */
	double interval_ns; /* from one put to the next; 0: as fast as it goes */
	unsigned cores, cores_per_socket;
	bool is_held; /* how requests for one line are arbitrated: held, else queued (lines.h) */
	uint64_t seed;
	struct sim_costs costs;
};

/* One place in memory, and how often its line had to move because of it. */
struct sim_place {
	uintptr_t address; /* a multiple of SIM_PLACE */
	uint32_t moves[SIM_CALLS];
};
enum { SIM_PLACE = 8 };

/* What the queue allocated. */
struct sim_block {
	uintptr_t address, caller; /* the instruction after the call that asked for it */
	size_t size;
};

struct sim_outcome {
	char why[400]; /* "" if every item came exactly once and join waited for all; else what went
	                  wrong */
	bool is_stuck; /* no thread could go on, or none made progress: see why */
	double seconds;     /* of the machine's time, from the first put to the return of join */
	double put_seconds; /* of them, the producer's inside put */
	uint64_t moves;     /* of lines, from one core to another, in that time */
	uint64_t sleeps;    /* threads that went to sleep */
	uint64_t wakes;     /* threads that were woken by another */
	uint64_t busiest;   /* items that the busiest consumer got */

	/* Of the module; valid as long as it is loaded. */
	const struct sim_place *places;
	size_t place_count;
	const struct sim_block *blocks;
	size_t block_count;
	uintptr_t queue; /* what create() made */
};

/* latency_ns: an array with a value for each item: the time to the return of its get, from when the
 * item was due (with an interval), or else from the beginning of its put. */
typedef void simulate_function(const struct sim_job *job, uint64_t *latency_ns,
                               struct sim_outcome *outcome);
#define SIMULATE_FUNCTION "simulate_run"

#endif
