/*
 * Where sealed items are not in the build: each call says so, and changes nothing.
 */
#include "support/check.h"
#include <errno.h>
#include <spmcq_seal.h>
#include <string.h>

static char untouched;

static void every_call_says_that_sealing_is_not_in_the_build(void)
{
	struct spmcq_key *key = (struct spmcq_key *)(void *)&untouched;
	unsigned char bytes[SPMCQ_KEY_EXPORTED], item[8] = {0};

	memset(bytes, 0xa5, sizeof(bytes));
	RETURNS(-ENOTSUP, spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO));
	RETURNS(-ENOTSUP, spmcq_key_create(&key, SPMCQ_XCHACHA20POLY1305));
	RETURNS(-ENOTSUP, spmcq_key_import(&key, bytes, sizeof(bytes)));
	CHECK((void *)key == &untouched, "a refused call changed the pointer");
	RETURNS(-ENOTSUP, spmcq_key_export(key, bytes, sizeof(bytes)));
	RETURNS(-ENOTSUP, spmcq_key_algorithm(key));
	RETURNS(-ENOTSUP, spmcq_key_queue(key, bytes));
	RETURNS(-ENOTSUP, spmcq_sealed_size(key, 1, 8));
	RETURNS(-ENOTSUP, spmcq_seal_items(key, 0, item, 1, 8, bytes, sizeof(bytes)));
	RETURNS(-ENOTSUP, spmcq_open_items(key, 0, bytes, 24, item, 1, 8));
	for (size_t i = 0; i < sizeof(bytes); i++)
		CHECK(bytes[i] == 0xa5, "a refused call wrote byte %zu", i);
	spmcq_key_destroy(NULL);
}

static void wiping_works_all_the_same(void)
{
	unsigned char bytes[10];

	memset(bytes, 0xa5, sizeof(bytes));
	spmcq_wipe(bytes + 1, sizeof(bytes) - 2);
	for (size_t i = 1; i + 1 < sizeof(bytes); i++)
		CHECK(bytes[i] == 0, "byte %zu is not wiped", i);
	CHECK(bytes[0] == 0xa5 && bytes[9] == 0xa5, "wiped too much");
	spmcq_wipe(NULL, 0);
}

int main(void)
{
	RUN(every_call_says_that_sealing_is_not_in_the_build);
	RUN(wiping_works_all_the_same);
	return check_finish();
}
