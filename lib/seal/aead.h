/*
 * The algorithms that seal: authenticated encryption with additional data, by libsodium. Knows
 * nothing of items, positions and keys in memory.
 */
#ifndef SPMCQ_AEAD_H
#define SPMCQ_AEAD_H

#include <sodium.h>
#include <spmcq_seal.h>
#include <stdbool.h>

/* Called by other modules, unknown outside: the library is one translation unit, see seal.c. */
#define INTERNAL static

enum {
	AEAD_SECRET = 32, /* bytes; an algorithm may use only the first */
	AEAD_NONCE = 24,  /* the same */
};

/* What can be computed once for a key. */
union aead_prepared {
	crypto_aead_aes256gcm_state aes;
	unsigned char chacha[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
#ifdef crypto_aead_aegis128l_KEYBYTES
	unsigned char aegis[crypto_aead_aegis128l_KEYBYTES];
#endif
};

/* What is authenticated and not encrypted. */
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

	/* nonce: any of those that will be used. They differ in their last 8 bytes only. */
	void (*prepare)(union aead_prepared *prepared, const unsigned char *secret,
	                const unsigned char *nonce);

	/* Writes the message sealed, and its tag behind it. */
	void (*seal)(const union aead_prepared *prepared, const unsigned char *nonce,
	             const struct aead_data *data, unsigned char *sealed,
	             const unsigned char *message, size_t bytes);

	/* bytes: of the message without its tag. Returns whether it is what was sealed; only then
	 * is the message written. */
	bool (*open)(const union aead_prepared *prepared, const unsigned char *nonce,
	             const struct aead_data *data, unsigned char *message,
	             const unsigned char *sealed, size_t bytes);
};

/* An algorithm by its number, the fastest one for AUTO. NULL if there is none here. */
INTERNAL const struct aead *aead_by_number(int number);

#endif
