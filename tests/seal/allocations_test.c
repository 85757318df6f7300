/*
 * Sealing and opening allocate nothing, nor does libsodium for them: malloc is counted for the
 * whole process.
 */
#define _GNU_SOURCE
#include "sealing.h"

#include <dlfcn.h>
#include <stdlib.h>

static _Atomic size_t allocations;

/* libsodium's calls come here, too, as this program's symbols go before those of libraries. */
void *malloc(size_t size)
{
	static void *(*next)(size_t);

	allocations++;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	return next(size);
}

static void use_heap(void)
{
	void *volatile memory = malloc(10);

	free(memory);
}

static void seal_and_open(enum spmcq_algorithm algorithm)
{
	static unsigned char items[8192], sealed[8192 + SPMCQ_TAG_MOST];
	struct spmcq_key *key = key_of(algorithm);
	size_t before = allocations;

	for (size_t n = 1; n <= sizeof(items); n *= 2) {
		ssize_t size = spmcq_seal_items(key, n, items, n, 1, sealed, sizeof(sealed));

		CHECK(size > 0, "sealing returned %zd", size);
		RETURNS((ssize_t)n, spmcq_open_items(key, n, sealed, (size_t)size, items, n, 1));
		RETURNS(-EBADMSG, spmcq_open_items(key, 0, sealed, (size_t)size, items, n, 1));
	}
	COUNTS(before, allocations);
	spmcq_key_destroy(key);
}

static void sealing_and_opening_allocate_nothing(void)
{
	size_t before = allocations;

	use_heap();
	COUNTS(before + 1, allocations);
	with_each_algorithm(seal_and_open);
}

int main(void)
{
	RUN(sealing_and_opening_allocate_nothing);
	return check_finish();
}
