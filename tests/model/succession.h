/*
 * Succeeding to a producer that is killed, in the world of the model clients. The thread that
 * starts the others becomes the successor. It has the memory already, and needs no admission.
 */
#ifndef SUCCESSION_H
#define SUCCESSION_H

#include "whole_shared.h"

/* Nobody calls what these declare, but for what follows here. */
#undef INTERNAL
#define INTERNAL extern
#include "shared/create.h"
#include "shared/join.h"
#include "shared/memory.h"
#undef INTERNAL
#define INTERNAL static

/* What the successor has beside part two. */
static struct {
	struct model_one one;
	struct my_peer peers[ROLES];
} next;

int producer_prepare(struct handle *h, const struct spmcq_shared_options *options)
{
	(void)options;
	h->peers = next.peers;
	return 0;
}

int memory_make_one(struct handle *h, const struct shape *shape)
{
	h->one = &next.one.part;
	h->one->shape.generation = shape->generation;
	return 0;
}

/* But for what nobody asks for here. */
void record_write(struct handle *h, uint32_t number, pid_t process)
{
	seats_begin(h, number);
	atomic_store_explicit(&record_of(h, number)->process, (uint64_t)process,
	                      memory_order_seq_cst);
}

/* The id of a process is one more than its number: see MY_PEER and RECORD. */
INTERNAL int life_open(pid_t process)
{
	return process - 1;
}

INTERNAL uint64_t life_began(pid_t process)
{
	(void)process;
	return 0;
}

#define getpid() (PRODUCER + 1)

static int model_succeed(struct spmcq **q, int socket, const struct spmcq_shared_options *given);
#define spmcq_shared_succeed model_succeed
#include "shared/succeed.c"

/* The victim is the producer until then, and place PRODUCER is free. */
static inline void begin_succession(void)
{
	begin_shared();
#ifndef MODEL_CHECKED
	memset((void *)&next, 0, sizeof next);
	memset((void *)&model_seat, 0, sizeof model_seat);
#endif
	world.process[VICTIM].is_producer = true;
	world.process[OTHER].producer_process = world.process[THIRD].producer_process = VICTIM;
	atomic_init(&world.one.records[PRODUCER].process, 0);
}

/* The victim's end is known. */
static inline void become_its_successor(void)
{
	struct shape shape = {.redeliver = REDELIVERS};

	MODEL_CHECK(take_over(&world.process[PRODUCER], &world.process[VICTIM], &shape, NULL) == 0,
	            "not succeeded");
	count_seat(&world.process[PRODUCER], 1);
}

#endif
