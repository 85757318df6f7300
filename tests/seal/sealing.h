/*
 * Keys for the tests of sealed items, of every algorithm that this libsodium has.
 */
#ifndef SEALING_H
#define SEALING_H

#include "support/check.h"
#include <errno.h>
#include <sodium.h>
#include <spmcq_seal.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const enum spmcq_algorithm all_algorithms[] = {SPMCQ_AES256GCM, SPMCQ_XCHACHA20POLY1305,
                                                      SPMCQ_AEGIS128L};

/* Where the parts of an exported key are. */
enum {
	AT_VERSION = 5,
	AT_ALGORITHM = 6,
	AT_ZERO = 7,
	AT_QUEUE = 8,
	AT_NONCE = 24,
	AT_SECRET = 48,
	AT_HASH = 80
};

struct exported {
	unsigned char bytes[SPMCQ_KEY_EXPORTED];
};

/* Calls a test of one algorithm for each that is here: XChaCha is everywhere. */
static inline void with_each_algorithm(void (*test)(enum spmcq_algorithm algorithm))
{
	for (size_t i = 0; i < COUNT_OF(all_algorithms); i++) {
		struct spmcq_key *key;
		int result = spmcq_key_create(&key, all_algorithms[i]);

		check_doing("algorithm %d", (int)all_algorithms[i]);
		if (result == -ENOTSUP && all_algorithms[i] != SPMCQ_XCHACHA20POLY1305)
			continue;
		RETURNS(0, result);
		spmcq_key_destroy(key);
		test(all_algorithms[i]);
	}
}

static inline struct spmcq_key *key_of(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = NULL;

	RETURNS(0, spmcq_key_create(&key, algorithm));
	CHECK(key, "create returned 0 and no key");
	return key;
}

static inline struct exported export_of(const struct spmcq_key *key)
{
	struct exported exported;

	RETURNS(0, spmcq_key_export(key, exported.bytes, sizeof(exported.bytes)));
	return exported;
}

/* Makes it one that is not damaged, whatever was changed in it. */
static inline void sign(struct exported *exported)
{
	(void)crypto_generichash(exported->bytes + AT_HASH, SPMCQ_KEY_EXPORTED - AT_HASH,
	                         exported->bytes, AT_HASH, NULL, 0);
}

static inline struct spmcq_key *import_of(struct exported exported)
{
	struct spmcq_key *key = NULL;

	RETURNS(0, spmcq_key_import(&key, exported.bytes, sizeof(exported.bytes)));
	return key;
}

#endif
