/*
 * The costs of a machine, in nanoseconds: the simulation knows nothing else of the machine.
 */
#ifndef BENCH_SIMULATE_COSTS_H
#define BENCH_SIMULATE_COSTS_H

#include <stddef.h>
#include <stdio.h>

struct sim_costs {
	double access; /* an access that hits the core's own cache, with the instructions round it
	                */
	double locked; /* a locked instruction or a full fence, on a line of one's own */
	double near_line;   /* a line from one core to another of the same socket */
	double far_line;    /* the same, to another socket */
	double shared_line; /* a line that others only read, into one more core */
	double memory;      /* a line that no core has */
	double hold; /* `held` only: how long a core keeps a line after a locked instruction */
	double mispredict; /* a branch that goes the other way than last time */
	double pause;      /* the instruction for spin loops */
	double clock;      /* reading CLOCK_MONOTONIC */
	double syscall;    /* a system call that does nothing */
	double yield;      /* sched_yield with nobody to yield to */
	double wake;       /* what waking one thread takes of the waker's time, beside the call */
	double wake_delay; /* until the woken thread runs on an idle core */
	double context_switch;
	double membarrier;       /* the caller's part */
	double membarrier_core;  /* and for each core that runs one of the process's threads */
	double interrupt;        /* what that core loses */
	double slice;            /* how long a thread keeps a core that others wait for */
	double cores_per_socket; /* a number, not a time */
};

struct sim_cost_name {
	const char *name; /* as in a file of costs */
	size_t offset;    /* of the double in struct sim_costs */
	const char *what;
};
extern const struct sim_cost_name sim_cost_names[]; /* ends with a NULL name */

struct sim_costs sim_costs_server(void);
struct sim_costs sim_costs_desktop(void);

/* What this machine's are: takes some tenths of a second, and wants two cores that are not busy.
 * What cannot be measured is the desktop's. */
struct sim_costs sim_costs_measured(void);

/* 0; or -EINVAL and, in why, what is wrong with the file. */
int sim_costs_read(struct sim_costs *costs, const char *file, char *why, size_t size);
void sim_costs_write(FILE *out, const struct sim_costs *costs);

#endif
