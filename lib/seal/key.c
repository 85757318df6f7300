/*
 * Makes, frees, exports and imports keys.
 *
 * An exported key has the label at byte 0, the id of the queue at 8, the nonce at 24, the secret at
 * 48, and the BLAKE2b hash of all these bytes at 80; it has 96 bytes. The hash detects a damaged
 * key. It does not protect against an attacker who can read the key.
 */
#include "key.h"

#include "forget.h"
#include "pages.h"

#include <errno.h>
#include <string.h>

enum {
	VERSION = 1,
	AT_VERSION = 5,
	AT_ALGORITHM = 6,
	AT_QUEUE = LABEL,
	AT_NONCE = AT_QUEUE + SPMCQ_QUEUE_ID,
	AT_SECRET = AT_NONCE + AEAD_NONCE,
	AT_HASH = AT_SECRET + AEAD_SECRET,
	HASH = crypto_generichash_BYTES_MIN,
};

_Static_assert(AT_HASH + HASH == SPMCQ_KEY_EXPORTED, "");

static const unsigned char project[AT_VERSION] = {'s', 'p', 'm', 'c', 'q'};

INTERNAL void key_label(unsigned char label[LABEL], const struct aead *aead)
{
	memset(label, 0, LABEL);
	memcpy(label, project, sizeof(project));
	label[AT_VERSION] = VERSION;
	label[AT_ALGORITHM] = aead->number;
}

/* Sets *key to a key without secret, nonce and queue id. The caller fills them in and calls
 * finish(). */
static int key_new(struct spmcq_key **key, int number)
{
	const struct aead *aead;
	void *pages;
	int error;

	if (sodium_init() < 0)
		return -EIO;
	aead = aead_by_number(number);
	if (!aead)
		return -ENOTSUP;
	error = pages_new(&pages, sizeof(**key));
	if (error)
		return error;
	*key = pages;
	(*key)->aead = aead;
	return 0;
}

/* Prepare a key that has been filled in, and make it read-only. */
static void finish(struct spmcq_key *key)
{
	key->aead->prepare(&key->prepared, key->secret, key->nonce);
	pages_close(key);
}

int spmcq_key_create(struct spmcq_key **key, enum spmcq_algorithm algorithm)
{
	struct spmcq_key *made;
	int error;

	if (!key || (int)algorithm < SPMCQ_ALGORITHM_AUTO || algorithm > SPMCQ_AEGIS128L)
		return -EINVAL;
	error = key_new(&made, (int)algorithm);
	if (error)
		return error;
	randombytes_buf(made->secret, made->aead->secret_bytes);
	randombytes_buf(made->nonce, made->aead->nonce_bytes);
	randombytes_buf(made->queue, sizeof(made->queue));
	finish(made);
	*key = made;
	return 0;
}

void spmcq_key_destroy(struct spmcq_key *key)
{
	pages_free(key);
}

static void hash_exported(unsigned char hash[HASH], const unsigned char *exported)
{
	(void)crypto_generichash(hash, HASH, exported, AT_HASH, NULL, 0);
	forget(FORGET_MAKING);
}

int spmcq_key_export(const struct spmcq_key *key, void *bytes, size_t size)
{
	unsigned char *to = bytes;

	if (!key || !bytes)
		return -EINVAL;
	if (!key->aead)
		return -EPERM;
	if (size < SPMCQ_KEY_EXPORTED)
		return -EMSGSIZE;
	key_label(to, key->aead);
	memcpy(to + AT_QUEUE, key->queue, sizeof(key->queue));
	memcpy(to + AT_NONCE, key->nonce, sizeof(key->nonce));
	memcpy(to + AT_SECRET, key->secret, sizeof(key->secret));
	hash_exported(to + AT_HASH, to);
	return 0;
}

/* The version is checked before the hash, because another version may have another format. */
static int check_exported(const unsigned char *exported)
{
	unsigned char hash[HASH];

	if (memcmp(exported, project, sizeof(project)) != 0)
		return -EBADMSG;
	if (exported[AT_VERSION] != VERSION)
		return -ENOTSUP;
	hash_exported(hash, exported);
	return sodium_memcmp(hash, exported + AT_HASH, HASH) == 0 ? 0 : -EBADMSG;
}

/* Returns whether an exported key is, bit by bit, what spmcq_key_export() writes for the key. */
static bool is_export_of(const unsigned char *exported, const struct spmcq_key *key)
{
	unsigned char label[LABEL];
	const struct aead *aead = key->aead;

	key_label(label, aead);
	return memcmp(exported, label, LABEL) == 0 &&
	       sodium_is_zero(key->secret + aead->secret_bytes, AEAD_SECRET - aead->secret_bytes) &&
	       sodium_is_zero(key->nonce + aead->nonce_bytes, AEAD_NONCE - aead->nonce_bytes);
}

int spmcq_key_import(struct spmcq_key **key, void *bytes, size_t size)
{
	const unsigned char *from = bytes;
	struct spmcq_key *made;
	int error;

	if (!key || !bytes || size != SPMCQ_KEY_EXPORTED)
		return -EINVAL;
	error = check_exported(from);
	if (error)
		return error;
	if (from[AT_ALGORITHM] == SPMCQ_ALGORITHM_AUTO)
		return -EBADMSG;
	error = key_new(&made, from[AT_ALGORITHM]);
	if (error)
		return error;
	memcpy(made->queue, from + AT_QUEUE, sizeof(made->queue));
	memcpy(made->nonce, from + AT_NONCE, sizeof(made->nonce));
	memcpy(made->secret, from + AT_SECRET, sizeof(made->secret));
	if (!is_export_of(from, made)) {
		pages_free(made);
		return -EBADMSG;
	}
	finish(made);
	sodium_memzero(bytes, size);
	*key = made;
	return 0;
}

void spmcq_wipe(void *bytes, size_t size)
{
	if (bytes)
		sodium_memzero(bytes, size);
}

int spmcq_key_algorithm(const struct spmcq_key *key)
{
	if (!key)
		return -EINVAL;
	return key->aead ? key->aead->number : -EPERM;
}

int spmcq_key_queue(const struct spmcq_key *key, void *id)
{
	if (!key || !id)
		return -EINVAL;
	if (!key->aead)
		return -EPERM;
	memcpy(id, key->queue, sizeof(key->queue));
	return 0;
}
