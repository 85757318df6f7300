/*
 * Sealing by hand, for known_test. Each line of input is one call, each line of output its result:
 * bytes in hexadecimal, or a negative errno value.
 *   make ALGORITHM                            an exported key
 *   seal EXPORTED POSITION ITEM_SIZE ITEMS    the sealed run
 *   open EXPORTED POSITION ITEM_SIZE SEALED   the items
 */
#include <inttypes.h>
#include <spmcq_seal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1 << 16 }; /* bytes of a run */

static void print(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

/* Returns how many bytes the digits stand for. */
static size_t parse(const char *digits, unsigned char *bytes, size_t most)
{
	size_t size = 0;
	unsigned byte;

	while (size < most && sscanf(digits + 2 * size, "%2x", &byte) == 1)
		bytes[size++] = (unsigned char)byte;
	return size;
}

static void make(int algorithm)
{
	unsigned char exported[SPMCQ_KEY_EXPORTED];
	struct spmcq_key *key;
	int result = spmcq_key_create(&key, (enum spmcq_algorithm)algorithm);

	if (result < 0) {
		printf("%d\n", result);
		return;
	}
	(void)spmcq_key_export(key, exported, sizeof(exported));
	spmcq_key_destroy(key);
	print(exported, sizeof(exported));
}

static void seal_or_open(bool seals, const char *exported, uint64_t position, size_t item_size,
                         const char *digits)
{
	static unsigned char from[MOST + SPMCQ_TAG_MOST], to[MOST + SPMCQ_TAG_MOST];
	unsigned char bytes[SPMCQ_KEY_EXPORTED];
	struct spmcq_key *key;
	size_t size = parse(exported, bytes, sizeof(bytes));
	ssize_t result = spmcq_key_import(&key, bytes, size);

	if (result == 0) {
		size = parse(digits, from, sizeof(from));
		result = seals ? spmcq_seal_items(key, position, from, size / item_size, item_size,
		                                  to, sizeof(to))
		               : spmcq_open_items(key, position, from, size, to, MOST / item_size,
		                                  item_size) *
		                         (ssize_t)item_size;
		spmcq_key_destroy(key);
	}
	if (result < 0)
		printf("%zd\n", result);
	else
		print(to, (size_t)result);
}

int main(void)
{
	static char line[4 * MOST], exported[2 * SPMCQ_KEY_EXPORTED + 1], digits[4 * MOST];
	char call[5];
	uint64_t position;
	size_t item_size;
	int algorithm;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "make %d", &algorithm) == 1)
			make(algorithm);
		else if (sscanf(line, "%4s %192s %" SCNu64 " %zu %s", call, exported, &position,
		                &item_size, digits) == 5)
			seal_or_open(strcmp(call, "seal") == 0, exported, position, item_size,
			             digits);
		else
			printf("cannot read this\n");
		fflush(stdout);
	}
	return 0;
}
