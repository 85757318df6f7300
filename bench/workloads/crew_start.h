/*
 * How the members of a crew are started, as threads or as processes. Only crew.c and
 * crew_processes.c include this.
 */
#ifndef BENCH_CREW_START_H
#define BENCH_CREW_START_H

#include "crew.h"

/* Lies in common memory (measure/common.h); what it points to is at the same place in each process.
 */
struct crew_thread {
	struct crew_member member;
	pthread_t thread; /* in the process that made it */
	bool is_producer;
	pthread_barrier_t *start; /* all have their handle */
};

/* A member from its handle to its end. argument: its crew_thread. Returns NULL. */
void *crew_thread_main(void *argument);

/* In a thread, at its place: 0 is the producer's. */
void crew_start_thread(struct crew_thread *thread, size_t place);

/* The producer in a thread and each consumer in a process, to their end. When a process does not
 * come to a good end, the others are ended, the run is void, and this process ends. */
void crew_run_processes(struct crew *crew);

#endif
