/*
 * Sealing of items, as the rest of the library sees it: a table of functions, which comes with the
 * options. So a program that does not seal does not link with libspmcq_seal.
 */
#ifndef SPMCQ_REMOTE_SEALING_H
#define SPMCQ_REMOTE_SEALING_H

#include <spmcq_seal.h>

enum {
	KEY_NAME = 2 * SPMCQ_QUEUE_ID + 1
}; /* the id of a key's queue in hexadecimal, with its end */

struct sealer;

struct spmcq_remote_sealing {
	/* queue: its name; name: set to the name of the key, KEY_NAME bytes. Returns 0 or an errno
	 * value. */
	int (*begin)(struct sealer **sealer, const struct spmcq_key *key, const char *queue,
	             size_t item_size, char *name);
	void (*end)(struct sealer *sealer);

	/* Bytes of an item once it is sealed. */
	size_t (*size)(const struct sealer *sealer);

	/* Seals an item that shall come to that position of the stream. Returns 0 or an errno
	 * value. Called by the producer only. */
	int (*seal)(struct sealer *sealer, uint64_t position, const void *item, void *sealed);

	/* Returns 0 and writes the item; or returns -EBADMSG or another errno value and does not.
	 * Called by any thread. */
	int (*open)(struct sealer *sealer, uint64_t position, const void *sealed, size_t size,
	            void *item);
};

#endif
