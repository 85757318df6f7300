/*
 * A key in memory, and what is bound to it.
 */
#ifndef SPMCQ_KEY_H
#define SPMCQ_KEY_H

#include "aead.h"

enum { LABEL = 8 };

/* In pages of its own. Written by key_new() and whoever called it, then only read. */
struct spmcq_key {
	union aead_prepared prepared;
	const struct aead *aead; /* NULL only in the copy that a forked child has, which is empty */
	unsigned char secret[AEAD_SECRET]; /* unused bytes are 0 */
	unsigned char nonce[AEAD_NONCE];   /* random; the position is added to it. Unused: 0 */
	unsigned char queue[SPMCQ_QUEUE_ID];
};

/* What a key's exported form and its authenticated data begin with: the project, the version of
 * both, the algorithm. */
INTERNAL void key_label(unsigned char label[LABEL], const struct aead *aead);

#endif
