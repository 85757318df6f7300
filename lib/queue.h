/*
 * The queue: a ring, a completion counter and three gates to wait at. No pointers: it may lie
 * anywhere, in as many places as it is mapped to.
 *
 *   items     consumers wait for an item   rung by put
 *   room      the producer waits for room  rung by get
 *   finished  joiners wait for all done    rung by task_done and shutdown_now
 */
#ifndef SPMCQ_QUEUE_H
#define SPMCQ_QUEUE_H

#include "spmcq.h"

#include "gate.h"
#include "overdue.h"
#include "ring.h"
#include "tally.h"

struct spmcq {
	/* Set by create, then only read, but for producer. */
	bool unchecked;
	bool lazy_reports; /* task_done leaves it to join to fence: see tally.h */
	_Atomic uint64_t
	        producer; /* self_id() of who owns the put side; NOBODY: whoever puts next */
	struct ring ring;
	struct overdue overdue;
	struct gate items;
	struct gate room;
	_Atomic uint64_t room_at; /* the head that the producer sleeps for */
	struct gate finished;
	_Atomic uint64_t discarded; /* items thrown away by shutdown_now */
	_Atomic uint32_t inside;    /* threads that wait or are about to; for destroy */
	struct tally tally;
};

#endif
