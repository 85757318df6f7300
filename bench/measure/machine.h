/*
 * What a report says about where it was measured, and on which CPUs the threads of a run may be.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine {
	char cpu[128];      /* model */
	size_t cores;       /* this process may use */
	char kernel[128];   /* name and release */
	char compiler[128]; /* name, version and flags */
	char library[128];  /* version and commit */
	char governor[32];  /* of the first core's frequency; "unknown" when the kernel does not say
	                     */
	char hypervisor[32]; /* "none", its name, or "unknown" */
	uint64_t memory;     /* bytes */
};

void machine_describe(struct machine *machine);

enum { MACHINE_CPUS = 1024 };

/* Thread k of a run belongs on cpu[k % n]; the producer is thread 0. n == 0: wherever it likes. */
struct machine_pin {
	char text[64]; /* as given to --pin */
	size_t n;
	unsigned cpu[MACHINE_CPUS];
};

/* none, spread (one CPU after the other), same (one CPU for all) or a list such as 0,2,3.
 * 0, -EINVAL (not understood), or -ERANGE (a CPU this process may not use). */
int machine_pin_parse(struct machine_pin *pin, const char *text);

/* The CPU of a thread, to the attributes it will be created with. */
void machine_pin_place(const struct machine_pin *pin, size_t place, pthread_attr_t *attributes);

/* The same for the calling thread. */
void machine_pin_self(const struct machine_pin *pin, size_t place);

#endif
