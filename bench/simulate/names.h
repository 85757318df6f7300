/*
 * What lies at an address of the simulated machine's memory: the field of the queue, by the
 * debugging information of the module. Without libdw, or without that information, the distance
 * from the beginning of what was allocated.
 */
#ifndef BENCH_SIMULATE_NAMES_H
#define BENCH_SIMULATE_NAMES_H

#include "simulate/job.h"

enum { NAMES_SIZE = 56 };

struct names; /* of one run */

/* type: of what the queue's create() made, without "struct"; NULL: unknown. NULL: no memory. */
struct names *names_open(const char *module, const char *type, const struct sim_outcome *outcome);
void names_close(struct names *names);

/* Without numbers of elements: all of an array are one field. */
void names_write(struct names *names, uintptr_t address, char name[NAMES_SIZE]);

#endif
