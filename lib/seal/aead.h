/*
 * The algorithms: authenticated encryption with additional data (AEAD), by libsodium. This module
 * knows nothing of items, positions and keys in memory.
 */
#ifndef SPMCQ_AEAD_H
#define SPMCQ_AEAD_H

#include <sodium.h>
#include <spmcq_seal.h>
#include <stdbool.h>

/* A function that other modules call, but programs cannot: the library is one translation unit, see
 * seal.c. */
#define INTERNAL static

enum {
	AEAD_SECRET = 32, /* bytes, of which an algorithm uses the first secret_bytes */
	AEAD_NONCE = 24,  /* bytes, of which an algorithm uses the first nonce_bytes */
};

/* Values that are computed once for a key. */
union aead_prepared {
	crypto_aead_aes256gcm_state aes;
	unsigned char chacha[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
#ifdef crypto_aead_aegis128l_KEYBYTES
	unsigned char aegis[crypto_aead_aegis128l_KEYBYTES];
#endif
};

/* Data that is authenticated and not encrypted. */
struct aead_data {
	unsigned char bytes[48];
};

struct aead {
	unsigned char number;       /* an enum spmcq_algorithm */
	unsigned char secret_bytes; /* <= AEAD_SECRET */
	unsigned char nonce_bytes;  /* <= AEAD_NONCE */
	unsigned char tag_bytes;    /* <= SPMCQ_TAG_MOST */
	uint64_t most;              /* bytes of a message */

	bool (*is_here)(void);

	/* nonce: any nonce that will be used with the key. All of them differ in the last 8 bytes
	 * only. */
	void (*prepare)(union aead_prepared *prepared, const unsigned char *secret,
	                const unsigned char *nonce);

	/* Writes the encrypted message, followed by its tag. */
	void (*seal)(const union aead_prepared *prepared, const unsigned char *nonce,
	             const struct aead_data *data, unsigned char *sealed,
	             const unsigned char *message, size_t bytes);

	/* bytes: of the message without its tag. Returns whether the tag is right; only then writes
	 * the message. */
	bool (*open)(const union aead_prepared *prepared, const unsigned char *nonce,
	             const struct aead_data *data, unsigned char *message,
	             const unsigned char *sealed, size_t bytes);
};

/* Returns the algorithm of a number, or the fastest one for SPMCQ_ALGORITHM_AUTO. Returns NULL if
 * this machine or libsodium does not have it. */
INTERNAL const struct aead *aead_by_number(int number);

#endif
