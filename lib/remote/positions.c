/*
 * Sets of positions.
 */
#include "remote.h"

#include <errno.h>
#include <stdlib.h>

static bool positions_have(const struct positions *set, uint64_t position)
{
	uint64_t i = position - set->first;

	return i < set->n && set->bits[i / 8] >> i % 8 & 1;
}

static void positions_add(struct positions *set, uint64_t position)
{
	uint64_t i = position - set->first;

	if (i < set->n)
		set->bits[i / 8] |= (unsigned char)(1 << i % 8);
}

static void positions_remove(struct positions *set, uint64_t position)
{
	uint64_t i = position - set->first;

	if (i < set->n)
		set->bits[i / 8] &= (unsigned char)~(1 << i % 8);
}

static int positions_make(struct positions *set, uint64_t first, uint64_t n)
{
	unsigned char *bits = calloc(n / 8 + 1, 1);

	if (!bits)
		return fault(-ENOMEM, "no memory");
	*set = (struct positions){first, n, bits};
	return 0;
}

static void positions_clear(struct positions *set)
{
	free(set->bits);
	*set = (struct positions){.n = 0};
}
