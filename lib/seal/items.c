/*
 * Sealing and opening runs of items: computes the nonce and the authenticated data, and checks
 * arguments.
 *
 * A sealed run consists of the encrypted items and the tag. The nonce is the random nonce of the
 * key, whose last 8 bytes are xored with the position, highest byte first. So a key has 2^64
 * different nonces. The authenticated data has the label at byte 0, the id of the queue at 8, the
 * position at 24, the number of items at 32, the item size at 40; it has 48 bytes. Numbers have the
 * lowest byte first.
 */
#include "key.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum {
	AT_POSITION = LABEL + SPMCQ_QUEUE_ID,
	AT_NUMBER = AT_POSITION + sizeof(uint64_t),
	AT_ITEM_SIZE = AT_NUMBER + sizeof(uint64_t),
};

_Static_assert(AT_ITEM_SIZE + sizeof(uint64_t) == sizeof(struct aead_data), "");

struct nonce {
	unsigned char bytes[AEAD_NONCE];
};

static struct nonce nonce_for(const struct spmcq_key *key, uint64_t position)
{
	struct nonce nonce;
	unsigned char *last = nonce.bytes + key->aead->nonce_bytes - sizeof(position);
	uint64_t word;

	memcpy(nonce.bytes, key->nonce, sizeof(nonce.bytes));
	memcpy(&word, last, sizeof(word));
	word ^= htobe64(position);
	memcpy(last, &word, sizeof(word));
	return nonce;
}

static void put_number(unsigned char *to, uint64_t number)
{
	number = htole64(number);
	memcpy(to, &number, sizeof(number));
}

static struct aead_data data_for(const struct spmcq_key *key, uint64_t position, size_t n,
                                 size_t item_size)
{
	struct aead_data data;

	key_label(data.bytes, key->aead);
	memcpy(data.bytes + LABEL, key->queue, sizeof(key->queue));
	put_number(data.bytes + AT_POSITION, position);
	put_number(data.bytes + AT_NUMBER, n);
	put_number(data.bytes + AT_ITEM_SIZE, item_size);
	return data;
}

/* Returns whether two buffers overlap, but do not begin at the same address. */
static bool are_entangled(const void *one, size_t one_bytes, const void *other, size_t other_bytes)
{
	uintptr_t a = (uintptr_t)one, b = (uintptr_t)other;

	return a != b && (a < b ? b - a < one_bytes : a - b < other_bytes);
}

ssize_t spmcq_sealed_size(const struct spmcq_key *key, size_t n, size_t item_size)
{
	size_t bytes;

	if (!key || n == 0 || item_size == 0)
		return -EINVAL;
	if (!key->aead)
		return -EPERM;
	if (__builtin_mul_overflow(n, item_size, &bytes) || bytes > key->aead->most ||
	    bytes > (size_t)PTRDIFF_MAX - SPMCQ_TAG_MOST)
		return -EOVERFLOW;
	return (ssize_t)(bytes + key->aead->tag_bytes);
}

ssize_t spmcq_seal_items(const struct spmcq_key *key, uint64_t position, const void *items,
                         size_t n, size_t item_size, void *sealed, size_t sealed_size)
{
	ssize_t size = spmcq_sealed_size(key, n, item_size);
	struct nonce nonce;
	struct aead_data data;

	if (size < 0)
		return size;
	if (!items || !sealed || are_entangled(items, n * item_size, sealed, (size_t)size))
		return -EINVAL;
	if (sealed_size < (size_t)size)
		return -EMSGSIZE;
	nonce = nonce_for(key, position);
	data = data_for(key, position, n, item_size);
	key->aead->seal(&key->prepared, nonce.bytes, &data, sealed, items, n * item_size);
	return size;
}

/* Returns how many items a sealed run of this size has; 0 if no run has this size. */
static size_t items_in(const struct aead *aead, size_t sealed_size, size_t item_size)
{
	size_t bytes = sealed_size - aead->tag_bytes;

	return sealed_size < aead->tag_bytes || bytes % item_size != 0 ? 0 : bytes / item_size;
}

ssize_t spmcq_open_items(const struct spmcq_key *key, uint64_t position, const void *sealed,
                         size_t sealed_size, void *items, size_t max, size_t item_size)
{
	size_t n, bytes;
	struct nonce nonce;
	struct aead_data data;

	if (!key || !sealed || !items || max == 0 || item_size == 0)
		return -EINVAL;
	if (!key->aead)
		return -EPERM;
	if (sealed_size > PTRDIFF_MAX)
		return -EOVERFLOW;
	n = items_in(key->aead, sealed_size, item_size);
	bytes = n * item_size;
	if (n == 0 || bytes > key->aead->most)
		return -EBADMSG;
	if (n > max)
		return -EMSGSIZE;
	if (are_entangled(sealed, sealed_size, items, bytes))
		return -EINVAL;
	nonce = nonce_for(key, position);
	data = data_for(key, position, n, item_size);
	if (!key->aead->open(&key->prepared, nonce.bytes, &data, items, sealed, bytes))
		return -EBADMSG;
	return (ssize_t)n;
}
