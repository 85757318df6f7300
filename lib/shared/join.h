/*
 * Asking for admission.
 */
#ifndef SPMCQ_SHARED_JOIN_H
#define SPMCQ_SHARED_JOIN_H

#include "message.h"

/* What came with WELCOME. */
struct offer {
	/* Or -1: part one, part two, the own lifeline, and the producer's lifeline and pidfd. */
	int files[DESCRIPTORS];
	struct spmcq_key *key; /* NULL: not sealed */
	uint32_t number;
	uint64_t serial;
	pid_t from;
};

/* Ask for it: 0 or -errno. To be closed in any case. */
INTERNAL int offer_ask(struct offer *offer, struct talk *talk, struct message *hello);
INTERNAL void offer_close(struct offer *offer);

/* Say whether it could be used. */
INTERNAL void offer_answer(struct talk *talk, int result);

#endif
