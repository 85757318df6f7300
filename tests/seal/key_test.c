/*
 * Keys: made, exported, imported, and what is refused.
 */
#include "sealing.h"

#include <stdlib.h>

static char untouched; /* its address stands for a pointer that must stay as it was */

static void a_key_of(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm);
	unsigned char id[SPMCQ_QUEUE_ID];
	struct exported exported = export_of(key);

	RETURNS((int)algorithm, spmcq_key_algorithm(key));
	RETURNS(0, spmcq_key_queue(key, id));
	CHECK(memcmp(id, exported.bytes + AT_QUEUE, sizeof(id)) == 0, "another id is exported");
	COUNTS(algorithm, exported.bytes[AT_ALGORITHM]);
	spmcq_key_destroy(key);
}

static void a_key_is_of_the_algorithm_asked_for(void)
{
	with_each_algorithm(a_key_of);
}

static void auto_is_one_of_the_algorithms_that_are_here(void)
{
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO), *again;
	int algorithm = spmcq_key_algorithm(key);

	CHECK(algorithm > SPMCQ_ALGORITHM_AUTO, "auto is %d", algorithm);
	again = key_of((enum spmcq_algorithm)algorithm);
	if (crypto_aead_aes256gcm_is_available())
		CHECK(algorithm != SPMCQ_XCHACHA20POLY1305, "auto is not the fastest");
	else
		CHECK(algorithm == SPMCQ_XCHACHA20POLY1305, "auto is %d without AES", algorithm);
	spmcq_key_destroy(key);
	spmcq_key_destroy(again);
}

/* Each part is random by itself: of 50 keys no two have any part in common. */
static void fresh_keys_of(enum spmcq_algorithm algorithm)
{
	enum { KEYS = 50 };
	static const struct {
		size_t at, bytes;
	} parts[] = {{AT_QUEUE, 16}, {AT_NONCE, 12}, {AT_SECRET, 16}};
	static struct exported exported[KEYS];

	for (size_t i = 0; i < KEYS; i++) {
		struct spmcq_key *key = key_of(algorithm);

		exported[i] = export_of(key);
		spmcq_key_destroy(key);
		for (size_t j = 0; j < i; j++)
			for (size_t p = 0; p < COUNT_OF(parts); p++)
				CHECK(memcmp(exported[i].bytes + parts[p].at,
				             exported[j].bytes + parts[p].at, parts[p].bytes) != 0,
				      "part %zu of keys %zu and %zu is the same", p, i, j);
	}
}

static void every_key_is_fresh(void)
{
	with_each_algorithm(fresh_keys_of);
}

static void sent_and_received(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm), *received = NULL;
	struct exported sent = export_of(key), arrived = sent, again;
	unsigned char sealed[8 + SPMCQ_TAG_MOST];
	uint64_t item = 42, opened = 0;
	ssize_t size;

	RETURNS(0, spmcq_key_import(&received, arrived.bytes, sizeof(arrived.bytes)));
	CHECK(sodium_is_zero(arrived.bytes, sizeof(arrived.bytes)), "the bytes are not wiped");
	again = export_of(received);
	CHECK(memcmp(sent.bytes, again.bytes, sizeof(sent.bytes)) == 0, "another key arrived");
	size = spmcq_seal_items(key, 7, &item, 1, sizeof(item), sealed, sizeof(sealed));
	CHECK(size > 0, "sealing returned %zd", size);
	RETURNS(1, spmcq_open_items(received, 7, sealed, (size_t)size, &opened, 1, sizeof(opened)));
	COUNTS(42, opened);
	spmcq_key_destroy(key);
	spmcq_key_destroy(received);
}

static void an_imported_key_is_the_exported_one(void)
{
	with_each_algorithm(sent_and_received);
}

static void refuses(int want, const struct exported *exported, size_t size)
{
	struct spmcq_key *key = (struct spmcq_key *)(void *)&untouched;
	struct exported arrived = *exported;

	RETURNS(want, spmcq_key_import(&key, arrived.bytes, size));
	CHECK((void *)key == &untouched, "a refused import changed the pointer");
	CHECK(memcmp(arrived.bytes, exported->bytes, sizeof(arrived.bytes)) == 0,
	      "a refused import changed the bytes");
}

/* The version says how to read the rest, so another version has another error than other damage. */
static void damaged(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm);
	struct exported good = export_of(key);

	for (size_t bit = 0; bit < 8 * (size_t)SPMCQ_KEY_EXPORTED; bit++) {
		struct exported bad = good;

		check_doing("bit %zu of a key of algorithm %d", bit, (int)algorithm);
		bad.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		refuses(bit / 8 == AT_VERSION ? -ENOTSUP : -EBADMSG, &bad, SPMCQ_KEY_EXPORTED);
	}
	for (size_t size = 0; size < 2 * (size_t)SPMCQ_KEY_EXPORTED; size++)
		if (size != SPMCQ_KEY_EXPORTED)
			refuses(-EINVAL, &good, size);
	spmcq_key_destroy(key);
}

static void a_key_with_any_bit_changed_or_of_another_size_is_refused(void)
{
	with_each_algorithm(damaged);
}

/* Its hash is right, so that the values themselves are looked at. */
static void with_byte(struct exported exported, size_t at, unsigned char byte, int want)
{
	check_doing("byte %zu is %u", at, byte);
	exported.bytes[at] = byte;
	sign(&exported);
	refuses(want, &exported, SPMCQ_KEY_EXPORTED);
}

static void a_key_with_values_that_no_key_has_is_refused(void)
{
	struct spmcq_key *key = key_of(SPMCQ_XCHACHA20POLY1305);
	struct exported exported = export_of(key);

	with_byte(exported, AT_VERSION, 0, -ENOTSUP);
	with_byte(exported, AT_VERSION, 2, -ENOTSUP);
	with_byte(exported, AT_ALGORITHM, SPMCQ_ALGORITHM_AUTO, -EBADMSG);
	with_byte(exported, AT_ALGORITHM, SPMCQ_AEGIS128L + 1, -ENOTSUP);
	with_byte(exported, AT_ALGORITHM, 255, -ENOTSUP);
	with_byte(exported, AT_ZERO, 1, -EBADMSG);
	spmcq_key_destroy(key);
}

/* AES-256-GCM has nonces of 12 bytes, AEGIS-128L a secret of 16. */
static void a_key_with_bytes_that_its_algorithm_does_not_use_is_refused(void)
{
	struct spmcq_key *key;

	if (spmcq_key_create(&key, SPMCQ_AES256GCM) != 0)
		check_skip("no AES-256-GCM in this processor");
	with_byte(export_of(key), AT_SECRET - 1, 1, -EBADMSG);
	with_byte(export_of(key), AT_NONCE + 12, 1, -EBADMSG);
	spmcq_key_destroy(key);
	if (spmcq_key_create(&key, SPMCQ_AEGIS128L) == 0) {
		with_byte(export_of(key), AT_HASH - 1, 1, -EBADMSG);
		spmcq_key_destroy(key);
	}
}

static void null_and_unknown_algorithms_are_refused(void)
{
	struct spmcq_key *key = (struct spmcq_key *)(void *)&untouched;
	unsigned char bytes[SPMCQ_KEY_EXPORTED] = {0};

	RETURNS(-EINVAL, spmcq_key_create(NULL, SPMCQ_ALGORITHM_AUTO));
	RETURNS(-EINVAL, spmcq_key_create(&key, (enum spmcq_algorithm)(SPMCQ_AEGIS128L + 1)));
	RETURNS(-EINVAL, spmcq_key_create(&key, (enum spmcq_algorithm) - 1));
	RETURNS(-EINVAL, spmcq_key_import(NULL, bytes, sizeof(bytes)));
	RETURNS(-EINVAL, spmcq_key_import(&key, NULL, sizeof(bytes)));
	CHECK((void *)key == &untouched, "a refused call changed the pointer");
	RETURNS(-EINVAL, spmcq_key_export(NULL, bytes, sizeof(bytes)));
	RETURNS(-EINVAL, spmcq_key_algorithm(NULL));
	RETURNS(-EINVAL, spmcq_key_queue(NULL, bytes));
	spmcq_key_destroy(NULL);
	spmcq_wipe(NULL, 0);
	key = key_of(SPMCQ_ALGORITHM_AUTO);
	RETURNS(-EINVAL, spmcq_key_export(key, NULL, sizeof(bytes)));
	RETURNS(-EINVAL, spmcq_key_queue(key, NULL));
	spmcq_key_destroy(key);
}

static void an_export_needs_room_and_writes_no_more_than_it_says(void)
{
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO);
	unsigned char bytes[SPMCQ_KEY_EXPORTED + 1];

	memset(bytes, 0xa5, sizeof(bytes));
	for (size_t size = 0; size < SPMCQ_KEY_EXPORTED; size++)
		RETURNS(-EMSGSIZE, spmcq_key_export(key, bytes, size));
	for (size_t i = 0; i < sizeof(bytes); i++)
		CHECK(bytes[i] == 0xa5, "a refused export wrote byte %zu", i);
	RETURNS(0, spmcq_key_export(key, bytes, sizeof(bytes)));
	CHECK(bytes[SPMCQ_KEY_EXPORTED] == 0xa5, "an export wrote too much");
	spmcq_key_destroy(key);
}

static void wiped_bytes_are_zeros(void)
{
	unsigned char bytes[100];

	memset(bytes, 0xa5, sizeof(bytes));
	spmcq_wipe(bytes + 1, sizeof(bytes) - 2);
	CHECK(sodium_is_zero(bytes + 1, sizeof(bytes) - 2), "not wiped");
	CHECK(bytes[0] == 0xa5 && bytes[99] == 0xa5, "wiped too much");
}

int main(void)
{
	RUN(a_key_is_of_the_algorithm_asked_for);
	RUN(auto_is_one_of_the_algorithms_that_are_here);
	RUN(every_key_is_fresh);
	RUN(an_imported_key_is_the_exported_one);
	RUN(a_key_with_any_bit_changed_or_of_another_size_is_refused);
	RUN(a_key_with_values_that_no_key_has_is_refused);
	RUN(a_key_with_bytes_that_its_algorithm_does_not_use_is_refused);
	RUN(null_and_unknown_algorithms_are_refused);
	RUN(an_export_needs_room_and_writes_no_more_than_it_says);
	RUN(wiped_bytes_are_zeros);
	return check_finish();
}
