/*
 * libsodium's calls without the library: the least that sealing costs.
 */
#ifndef BENCH_SEAL_BARE_H
#define BENCH_SEAL_BARE_H

#include <spmcq_seal.h>
#include <stdbool.h>

struct bare {
	const char *name;
	enum spmcq_algorithm algorithm;

	/* The number is the nonce. The sealed message has its tag behind it. */
	void (*seal)(uint64_t number, const unsigned char *message, size_t bytes,
	             unsigned char *sealed);
	/* Returns false if it does not open. */
	bool (*open)(uint64_t number, const unsigned char *sealed, size_t bytes,
	             unsigned char *message);
};

/* Ends with a NULL name. All that this libsodium has; the processor may lack some. */
extern const struct bare bare_algorithms[];

/* Makes the keys. Returns 0 or -1. */
int bare_start(void);

#endif
