/*
 * The interface of sealing to the rest of the library: a table of functions, which the caller
 * passes in the options. So a program that does not seal does not link with libspmcq_seal.
 */
#ifndef SPMCQ_REMOTE_SEALING_H
#define SPMCQ_REMOTE_SEALING_H

#include <spmcq_seal.h>

enum {
	KEY_NAME = 2 * SPMCQ_QUEUE_ID + 1
}; /* the id of a key's queue in hexadecimal, with the final 0 */

struct sealer;

struct spmcq_remote_sealing {
	/* queue: the queue's name. name: set to the name of the key, KEY_NAME bytes. Returns 0 or
	 * an errno value. */
	int (*begin)(struct sealer **sealer, const struct spmcq_key *key, const char *queue,
	             char *name);
	void (*end)(struct sealer *sealer);
	void (*wipe)(void *bytes, size_t size);

	/* Returns by how many bytes sealed items are larger than the items. */
	size_t (*overhead)(const struct sealer *sealer);

	/* Seals the items, size bytes, of the message that is to be stored at that position of the
	 * stream. Returns 0 or an errno value. Called by the producer only. */
	int (*seal)(struct sealer *sealer, uint64_t position, const void *items, size_t size,
	            void *sealed);

	/* Opens size sealed bytes. Returns 0 and writes the items; or returns -EBADMSG or another
	 * errno value, and writes nothing. Called by any thread. */
	int (*open)(struct sealer *sealer, uint64_t position, const void *sealed, size_t size,
	            void *items);
};

#endif
