/*
 * A key in memory.
 */
#ifndef SPMCQ_KEY_H
#define SPMCQ_KEY_H

#include "aead.h"

enum { LABEL = 8 };

/* In pages of its own (pages.h). Written until finish(), then only read. */
struct spmcq_key {
	union aead_prepared prepared;
	const struct aead *aead;           /* NULL in a forked child, where the pages are zero */
	unsigned char secret[AEAD_SECRET]; /* unused bytes are 0 */
	unsigned char nonce[AEAD_NONCE];   /* random; unused bytes are 0 */
	unsigned char queue[SPMCQ_QUEUE_ID];
};

/* Write the label, with which an exported key and the authenticated data begin: the project, the
 * version of their format, the algorithm. */
INTERNAL void key_label(unsigned char label[LABEL], const struct aead *aead);

#endif
