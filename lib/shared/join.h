/*
 * Asking for admission.
 */
#ifndef SPMCQ_SHARED_JOIN_H
#define SPMCQ_SHARED_JOIN_H

#include "message.h"

/* The contents of a WELCOME message: see message.h. */
struct offer {
	/* Part one, part two, the joiner's lifeline, the producer's lifeline, the producer's pidfd.
	 * -1: none. */
	int files[DESCRIPTORS];
	struct spmcq_key *key; /* NULL: not sealed */
	uint32_t number;       /* of the joiner's place */
	uint64_t serial;
	pid_t from; /* process of the admitter */
};

/* Ask for admission. Returns 0 or -errno. The caller calls offer_close() in any case. */
INTERNAL int offer_ask(struct offer *offer, struct talk *talk, struct message *hello);
INTERNAL void offer_close(struct offer *offer);

/* Tell the admitter whether the offer could be used. */
INTERNAL void offer_answer(struct talk *talk, int result);

#endif
