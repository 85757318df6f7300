/*
 * Replaces the library of sealed items where it cannot be built. Every call that needs a key
 * returns -ENOTSUP.
 */
#include <errno.h>
#include <spmcq_seal.h>

int spmcq_key_create(struct spmcq_key **key, enum spmcq_algorithm algorithm)
{
	(void)key;
	(void)algorithm;
	return -ENOTSUP;
}

void spmcq_key_destroy(struct spmcq_key *key)
{
	(void)key;
}

int spmcq_key_export(const struct spmcq_key *key, void *bytes, size_t size)
{
	(void)key;
	(void)bytes;
	(void)size;
	return -ENOTSUP;
}

int spmcq_key_import(struct spmcq_key **key, void *bytes, size_t size)
{
	(void)key;
	(void)bytes;
	(void)size;
	return -ENOTSUP;
}

/* A process may have received an exported key that it cannot use, so this function works here too.
 */
void spmcq_wipe(void *bytes, size_t size)
{
	volatile unsigned char *byte = bytes;

	for (size_t i = 0; byte && i < size; i++)
		byte[i] = 0;
}

int spmcq_key_algorithm(const struct spmcq_key *key)
{
	(void)key;
	return -ENOTSUP;
}

int spmcq_key_queue(const struct spmcq_key *key, void *id)
{
	(void)key;
	(void)id;
	return -ENOTSUP;
}

ssize_t spmcq_sealed_size(const struct spmcq_key *key, size_t n, size_t item_size)
{
	(void)key;
	(void)n;
	(void)item_size;
	return -ENOTSUP;
}

ssize_t spmcq_seal_items(const struct spmcq_key *key, uint64_t position, const void *items,
                         size_t n, size_t item_size, void *sealed, size_t sealed_size)
{
	(void)key;
	(void)position;
	(void)items;
	(void)n;
	(void)item_size;
	(void)sealed;
	(void)sealed_size;
	return -ENOTSUP;
}

ssize_t spmcq_open_items(const struct spmcq_key *key, uint64_t position, const void *sealed,
                         size_t sealed_size, void *items, size_t max, size_t item_size)
{
	(void)key;
	(void)position;
	(void)sealed;
	(void)sealed_size;
	(void)items;
	(void)max;
	(void)item_size;
	return -ENOTSUP;
}
