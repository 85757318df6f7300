/*
 * Sealing and opening runs of items: which runs open, and which do not.
 */
#include "known.h"
#include "sealing.h"

#include <stdlib.h>

enum { MOST = 20000 }; /* bytes of the largest run here */

/* A sealed run. The library opens runs of up to 4 KiB in another way than larger runs. */
struct run {
	struct spmcq_key *key;
	uint64_t position;
	size_t n, item_size;
	size_t size; /* sealed */
	unsigned char items[MOST];
	unsigned char sealed[MOST + SPMCQ_TAG_MOST + 1];
};

static unsigned char room[MOST + SPMCQ_TAG_MOST];

static void seal_run(struct run *run, struct spmcq_key *key, uint64_t position, size_t n,
                     size_t item_size)
{
	ssize_t size;

	*run = (struct run){.key = key, .position = position, .n = n, .item_size = item_size};
	for (size_t i = 0; i < n * item_size; i++)
		run->items[i] = (unsigned char)(i * 7 + n);
	run->sealed[n * item_size + SPMCQ_TAG_MOST] = 0xa5;
	size = spmcq_seal_items(key, position, run->items, n, item_size, run->sealed,
	                        n * item_size + SPMCQ_TAG_MOST);
	CHECK(size > (ssize_t)(n * item_size), "sealing %zu of %zu: %zd", n, item_size, size);
	RETURNS(size, spmcq_sealed_size(key, n, item_size));
	COUNTS(0xa5, run->sealed[n * item_size + SPMCQ_TAG_MOST]);
	run->size = (size_t)size;
}

static void opens(const struct run *run)
{
	memset(room, 0xa5, sizeof(room));
	RETURNS((ssize_t)run->n, spmcq_open_items(run->key, run->position, run->sealed, run->size,
	                                          room, run->n, run->item_size));
	CHECK(memcmp(room, run->items, run->n * run->item_size) == 0, "other items came out");
	for (size_t i = run->n * run->item_size; i < sizeof(room); i++)
		CHECK(room[i] == 0xa5, "byte %zu behind the items was written", i);
}

/* Opening returns this error and writes nothing to the buffer, up to the size of the sealed run. */
static void fails_to_open(int want, const struct spmcq_key *key, uint64_t position,
                          const void *sealed, size_t size, size_t max, size_t item_size)
{
	static unsigned char as_before[sizeof(room)];
	size_t looked_at = size < sizeof(room) ? size : sizeof(room);

	memset(room, 0xa5, looked_at);
	memset(as_before, 0xa5, looked_at);
	RETURNS(want, spmcq_open_items(key, position, sealed, size, room, max, item_size));
	CHECK(memcmp(room, as_before, looked_at) == 0, "something was written");
}

static void stays_shut(const struct run *run)
{
	fails_to_open(-EBADMSG, run->key, run->position, run->sealed, run->size, MOST,
	              run->item_size);
}

static size_t from_hex(unsigned char *bytes, size_t most, const char *digits)
{
	size_t size;

	RETURNS(0, sodium_hex2bin(bytes, most, digits, strlen(digits), NULL, &size, NULL));
	return size;
}

static void seal_as_known(const struct known *known, struct spmcq_key *key)
{
	unsigned char sealed[200];
	size_t size = from_hex(sealed, sizeof(sealed), known->sealed);
	struct run run;

	seal_run(&run, key, known->position, known->n, known->item_size);
	COUNTS(size, run.size);
	CHECK(memcmp(run.sealed, sealed, size) == 0, "the sealed bytes are not the known ones");
	opens(&run);
}

/* Keys of algorithms that this processor lacks are left out. */
static void known_keys_seal_what_is_known(void)
{
	unsigned tried = 0;

	for (size_t i = 0; i < COUNT_OF(known_runs); i++) {
		struct spmcq_key *key = NULL;
		struct exported exported;
		int result;

		check_doing("answer %zu", i);
		COUNTS(sizeof(exported.bytes),
		       from_hex(exported.bytes, sizeof(exported.bytes), known_runs[i].key));
		result = spmcq_key_import(&key, exported.bytes, sizeof(exported.bytes));
		if (result == -ENOTSUP)
			continue;
		RETURNS(0, result);
		seal_as_known(&known_runs[i], key);
		spmcq_key_destroy(key);
		tried++;
	}
	CHECK(tried >= 3, "only %u answers could be tried", tried);
}

static void all_sizes(enum spmcq_algorithm algorithm)
{
	static const size_t item_sizes[] = {1, 3, 8, 24, 64, 100, 1024, 4095, 4096, 4097};
	static const size_t counts[] = {1, 2, 4, 16, 17, 100, 4096, 4097};
	struct spmcq_key *key = key_of(algorithm);
	uint64_t position = 0;
	struct run run;

	for (size_t s = 0; s < COUNT_OF(item_sizes); s++)
		for (size_t n = 0; n < COUNT_OF(counts); n++) {
			if (counts[n] * item_sizes[s] > MOST)
				continue;
			check_doing("%zu items of %zu", counts[n], item_sizes[s]);
			seal_run(&run, key, position, counts[n], item_sizes[s]);
			opens(&run);
			opens(&run);
			position += counts[n];
		}
	spmcq_key_destroy(key);
}

static void runs_of_every_size_open_again(void)
{
	with_each_algorithm(all_sizes);
}

static const uint64_t positions[] = {0,
                                     1,
                                     255,
                                     256,
                                     UINT32_MAX,
                                     (uint64_t)UINT32_MAX + 1,
                                     UINT64_MAX / 2,
                                     UINT64_MAX / 2 + 1,
                                     UINT64_MAX - 1,
                                     UINT64_MAX};

/* The key stream of each position, seen by sealing zeros. */
static void all_positions(enum spmcq_algorithm algorithm)
{
	static const unsigned char zeros[64];
	struct spmcq_key *key = key_of(algorithm);
	unsigned char sealed[COUNT_OF(positions)][64 + SPMCQ_TAG_MOST];

	for (size_t i = 0; i < COUNT_OF(positions); i++) {
		ssize_t size = spmcq_seal_items(key, positions[i], zeros, 1, sizeof(zeros),
		                                sealed[i], sizeof(sealed[i]));

		CHECK(size > 0, "sealing returned %zd", size);
		RETURNS(1, spmcq_open_items(key, positions[i], sealed[i], (size_t)size, room, 1,
		                            sizeof(zeros)));
		CHECK(memcmp(room, zeros, sizeof(zeros)) == 0, "other items came out");
		for (size_t at = 0; at + 16 <= sizeof(zeros); at += 16)
			for (size_t j = 0; j <= i; j++)
				for (size_t b = 0; b + 16 <= sizeof(zeros); b += 16)
					CHECK((i == j && at == b) ||
					              memcmp(sealed[i] + at, sealed[j] + b, 16),
					      "positions %zu and %zu share a key stream", i, j);
	}
	spmcq_key_destroy(key);
}

static void every_position_has_a_key_stream_of_its_own(void)
{
	with_each_algorithm(all_positions);
}

static void flip_bits(struct run *run)
{
	for (size_t bit = 0; bit < 8 * run->size; bit++) {
		check_doing("bit %zu of %zu items", bit, run->n);
		run->sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
		stays_shut(run);
		run->sealed[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	opens(run);
}

static void all_bits(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm);
	struct run run;

	seal_run(&run, key, 5, 1, 8);
	flip_bits(&run);
	seal_run(&run, key, 6, 3, 24);
	flip_bits(&run);
	seal_run(&run, key, 9, 5, 820); /* more than 4 KiB */
	flip_bits(&run);
	spmcq_key_destroy(key);
}

static void a_run_with_any_bit_changed_stays_shut(void)
{
	with_each_algorithm(all_bits);
}

static void other_positions(enum spmcq_algorithm algorithm)
{
	struct run run;

	seal_run(&run, key_of(algorithm), 1000, 2, 8);
	for (unsigned bit = 0; bit < 64; bit++) {
		check_doing("bit %u of the position", bit);
		run.position = 1000 ^ (uint64_t)1 << bit;
		stays_shut(&run);
	}
	run.position = 1001;
	stays_shut(&run);
	run.position = 999;
	stays_shut(&run);
	run.position = 1000;
	opens(&run);
	spmcq_key_destroy(run.key);
}

static void a_run_at_another_position_stays_shut(void)
{
	with_each_algorithm(other_positions);
}

static void other_sizes(enum spmcq_algorithm algorithm)
{
	struct run run;

	seal_run(&run, key_of(algorithm), 3, 6, 4);
	for (size_t item_size = 1; item_size <= 24; item_size++) {
		check_doing("items of %zu", item_size);
		if (item_size == 4)
			continue;
		run.item_size = item_size;
		stays_shut(&run);
	}
	run.item_size = 4;
	opens(&run);
	spmcq_key_destroy(run.key);
}

static void a_run_of_items_of_another_number_or_size_stays_shut(void)
{
	with_each_algorithm(other_sizes);
}

/* From all of it down to nothing, and with up to 64 bytes more: also whole items less and more. */
static void cut(enum spmcq_algorithm algorithm)
{
	struct run run, longer;

	seal_run(&run, key_of(algorithm), 3, 10, 8);
	for (size_t size = 0; size < run.size; size++) {
		check_doing("the first %zu of %zu bytes", size, run.size);
		fails_to_open(-EBADMSG, run.key, 3, run.sealed, size, MOST, 8);
		check_doing("the last %zu of %zu bytes", size, run.size);
		fails_to_open(-EBADMSG, run.key, 3, run.sealed + run.size - size, size, MOST, 8);
	}
	longer = run;
	for (longer.size = run.size + 1; longer.size <= run.size + 64; longer.size++) {
		check_doing("%zu bytes instead of %zu", longer.size, run.size);
		stays_shut(&longer);
	}
	opens(&run);
	spmcq_key_destroy(run.key);
}

static void a_run_that_is_cut_or_extended_stays_shut(void)
{
	with_each_algorithm(cut);
}

static void swap_bytes(unsigned char *a, unsigned char *b, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned char byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

static void swaps(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm);
	size_t bytes = 4 * 16;
	struct run one, two;

	seal_run(&one, key, 0, 4, 16);
	seal_run(&two, key, 4, 4, 16);
	swap_bytes(one.sealed, one.sealed + 16, 16);
	stays_shut(&one);
	swap_bytes(one.sealed, one.sealed + 16, 16);
	swap_bytes(one.sealed, two.sealed, 16);
	stays_shut(&one);
	stays_shut(&two);
	swap_bytes(one.sealed, two.sealed, 16);
	swap_bytes(one.sealed + bytes, two.sealed + bytes, one.size - bytes);
	stays_shut(&one);
	stays_shut(&two);
	swap_bytes(one.sealed, two.sealed, bytes);
	stays_shut(&one); /* all of the other */
	stays_shut(&two);
	spmcq_key_destroy(key);
}

static void items_tags_and_runs_that_are_swapped_stay_shut(void)
{
	with_each_algorithm(swaps);
}

/* Another key altogether; then one that differs in a single bit of its queue, nonce or secret. */
static void other_keys(enum spmcq_algorithm algorithm)
{
	static const size_t parts[] = {AT_QUEUE,      AT_QUEUE + 15, AT_NONCE,
	                               AT_NONCE + 11, AT_SECRET,     AT_SECRET + 15};
	struct spmcq_key *key = key_of(algorithm);
	struct run run;

	seal_run(&run, key, 0, 4, 16);
	run.key = key_of(algorithm);
	stays_shut(&run);
	spmcq_key_destroy(run.key);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct exported exported = export_of(key);

		check_doing("another byte %zu", parts[i]);
		exported.bytes[parts[i]] ^= 1;
		sign(&exported);
		run.key = import_of(exported);
		stays_shut(&run);
		spmcq_key_destroy(run.key);
	}
	run.key = key;
	opens(&run);
	spmcq_key_destroy(key);
}

static void a_run_of_another_key_or_queue_stays_shut(void)
{
	with_each_algorithm(other_keys);
}

/* The same secret, nonce and queue, with the name of another algorithm. */
static void a_run_of_another_algorithm_stays_shut(void)
{
	struct spmcq_key *aes, *xchacha;
	struct exported exported;
	struct run run;

	if (spmcq_key_create(&aes, SPMCQ_AES256GCM) != 0)
		check_skip("no AES-256-GCM in this processor");
	exported = export_of(aes);
	exported.bytes[AT_ALGORITHM] = SPMCQ_XCHACHA20POLY1305;
	sign(&exported);
	xchacha = import_of(exported);
	seal_run(&run, aes, 0, 4, 16);
	run.key = xchacha;
	stays_shut(&run);
	seal_run(&run, xchacha, 4, 4, 16);
	run.key = aes;
	stays_shut(&run);
	spmcq_key_destroy(aes);
	spmcq_key_destroy(xchacha);
}

static void too_little_room(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm);
	struct run run;

	seal_run(&run, key, 0, 3, 8);
	memset(room, 0xa5, sizeof(room));
	for (size_t size = 0; size < run.size; size++)
		RETURNS(-EMSGSIZE, spmcq_seal_items(key, 9, run.items, 3, 8, room, size));
	for (size_t i = 0; i < sizeof(room); i++)
		CHECK(room[i] == 0xa5, "a refused call wrote byte %zu", i);
	fails_to_open(-EMSGSIZE, key, 0, run.sealed, run.size, 1, 8);
	fails_to_open(-EMSGSIZE, key, 0, run.sealed, run.size, 2, 8);
	opens(&run);
	spmcq_key_destroy(key);
}

static void too_little_room_is_told_and_not_written(void)
{
	with_each_algorithm(too_little_room);
}

static void in_place(enum spmcq_algorithm algorithm)
{
	static const size_t item_sizes[] = {1, 40, 400}; /* 400 KiB in all: more than 4 KiB */
	struct spmcq_key *key = key_of(algorithm);

	for (size_t s = 0; s < COUNT_OF(item_sizes); s++) {
		struct run run;

		seal_run(&run, key, s, 40, item_sizes[s]);
		memcpy(room, run.items, 40 * item_sizes[s]);
		/* By the same key, at the same position, the same bytes: no rule is broken. */
		RETURNS((ssize_t)run.size,
		        spmcq_seal_items(key, s, room, 40, item_sizes[s], room, sizeof(room)));
		CHECK(memcmp(room, run.sealed, run.size) == 0, "sealed otherwise in place");
		RETURNS(40, spmcq_open_items(key, s, room, run.size, room, 40, item_sizes[s]));
		CHECK(memcmp(room, run.items, 40 * item_sizes[s]) == 0, "other items came out");
	}
	spmcq_key_destroy(key);
}

static void sealing_and_opening_in_place_work(void)
{
	with_each_algorithm(in_place);
}

static void buffers_that_overlap_are_refused(void)
{
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO);
	size_t size;
	struct run run;

	seal_run(&run, key, 0, 4, 8);
	size = run.size;
	memset(room, 0xa5, sizeof(room));
	for (size_t by = 1; by < size; by++) {
		check_doing("by %zu bytes", by);
		RETURNS(by < 32 ? -EINVAL : (ssize_t)size,
		        spmcq_seal_items(key, 100 + by, room, 4, 8, room + by, size));
		RETURNS(-EINVAL, spmcq_seal_items(key, 200 + by, room + by, 4, 8, room, size));
		memcpy(room + 100, run.sealed, size);
		RETURNS(-EINVAL, spmcq_open_items(key, 0, room + 100, size, room + 100 + by, 4, 8));
		RETURNS(by < 32 ? -EINVAL : 4,
		        spmcq_open_items(key, 0, room + 100, size, room + 100 - by, 4, 8));
	}
	spmcq_key_destroy(key);
}

static void null_and_zero_are_refused(void)
{
	struct spmcq_key *key = key_of(SPMCQ_ALGORITHM_AUTO);
	struct run run;

	seal_run(&run, key, 0, 4, 8);
	RETURNS(-EINVAL, spmcq_sealed_size(NULL, 1, 8));
	RETURNS(-EINVAL, spmcq_sealed_size(key, 0, 8));
	RETURNS(-EINVAL, spmcq_sealed_size(key, 1, 0));
	RETURNS(-EINVAL, spmcq_seal_items(NULL, 1, run.items, 1, 8, room, sizeof(room)));
	RETURNS(-EINVAL, spmcq_seal_items(key, 1, NULL, 1, 8, room, sizeof(room)));
	RETURNS(-EINVAL, spmcq_seal_items(key, 1, run.items, 0, 8, room, sizeof(room)));
	RETURNS(-EINVAL, spmcq_seal_items(key, 1, run.items, 1, 0, room, sizeof(room)));
	RETURNS(-EINVAL, spmcq_seal_items(key, 1, run.items, 1, 8, NULL, sizeof(room)));
	fails_to_open(-EINVAL, NULL, 0, run.sealed, run.size, 4, 8);
	fails_to_open(-EINVAL, key, 0, NULL, run.size, 4, 8);
	fails_to_open(-EINVAL, key, 0, run.sealed, run.size, 0, 8);
	fails_to_open(-EINVAL, key, 0, run.sealed, run.size, 4, 0);
	RETURNS(-EINVAL, spmcq_open_items(key, 0, run.sealed, run.size, NULL, 4, 8));
	spmcq_key_destroy(key);
}

static void too_large(enum spmcq_algorithm algorithm)
{
	static const size_t factors[] = {1, 2, 3, 8, 1000, SIZE_MAX / 2, SIZE_MAX};
	struct spmcq_key *key = key_of(algorithm);
	unsigned char item[8] = {0};

	for (size_t i = 0; i < COUNT_OF(factors); i++) {
		size_t n = SIZE_MAX / factors[i];

		check_doing("%zu items of %zu", n, factors[i]);
		RETURNS(-EOVERFLOW, spmcq_sealed_size(key, n, factors[i]));
		RETURNS(-EOVERFLOW, spmcq_sealed_size(key, factors[i], n));
		RETURNS(-EOVERFLOW, spmcq_seal_items(key, 0, item, n, factors[i], room, MOST));
	}
	RETURNS(-EOVERFLOW, spmcq_sealed_size(key, (size_t)1 << (sizeof(size_t) * 4),
	                                      (size_t)1 << (sizeof(size_t) * 4)));
	RETURNS(-EOVERFLOW, spmcq_sealed_size(key, PTRDIFF_MAX, 1));
	fails_to_open(-EOVERFLOW, key, 0, item, (size_t)PTRDIFF_MAX + 1, MOST, 1);
	fails_to_open(-EOVERFLOW, key, 0, item, SIZE_MAX, MOST, 1);
	spmcq_key_destroy(key);
}

static void sizes_that_cannot_be_are_refused(void)
{
	with_each_algorithm(too_large);
}

/* The counter of blocks has 32 bits, of which the tag and its key take the first. */
static void more_than_one_run_can_have_is_refused(void)
{
	uint64_t most = 16 * (((uint64_t)1 << 32) - 2);
	struct spmcq_key *key;

	if (sizeof(size_t) < 8)
		check_skip("no run is too large where sizes have 32 bits");
	if (spmcq_key_create(&key, SPMCQ_AES256GCM) != 0)
		check_skip("no AES-256-GCM in this processor");
	RETURNS((ssize_t)most + 16, spmcq_sealed_size(key, most, 1));
	RETURNS(-EOVERFLOW, spmcq_sealed_size(key, most + 1, 1));
	fails_to_open(-EBADMSG, key, 0, room + 1, most + 17, SIZE_MAX, 1);
	spmcq_key_destroy(key);
	most = 64 * (((uint64_t)1 << 32) - 1);
	key = key_of(SPMCQ_XCHACHA20POLY1305);
	RETURNS((ssize_t)most + 16, spmcq_sealed_size(key, most, 1));
	RETURNS(-EOVERFLOW, spmcq_sealed_size(key, most + 1, 1));
	spmcq_key_destroy(key);
}

static void tag_sizes(enum spmcq_algorithm algorithm)
{
	struct spmcq_key *key = key_of(algorithm);
	ssize_t tag = algorithm == SPMCQ_AEGIS128L ? 32 : 16;

	CHECK(tag <= SPMCQ_TAG_MOST, "the tag has %zd bytes", tag);
	RETURNS(tag + 1, spmcq_sealed_size(key, 1, 1));
	RETURNS(tag + 3000, spmcq_sealed_size(key, 30, 100));
	spmcq_key_destroy(key);
}

static void a_run_grows_by_one_tag_however_many_items_it_has(void)
{
	with_each_algorithm(tag_sizes);
}

int main(void)
{
	RUN(known_keys_seal_what_is_known);
	RUN(runs_of_every_size_open_again);
	RUN(every_position_has_a_key_stream_of_its_own);
	RUN(a_run_with_any_bit_changed_stays_shut);
	RUN(a_run_at_another_position_stays_shut);
	RUN(a_run_of_items_of_another_number_or_size_stays_shut);
	RUN(a_run_that_is_cut_or_extended_stays_shut);
	RUN(items_tags_and_runs_that_are_swapped_stay_shut);
	RUN(a_run_of_another_key_or_queue_stays_shut);
	RUN(a_run_of_another_algorithm_stays_shut);
	RUN(too_little_room_is_told_and_not_written);
	RUN(sealing_and_opening_in_place_work);
	RUN(buffers_that_overlap_are_refused);
	RUN(null_and_zero_are_refused);
	RUN(sizes_that_cannot_be_are_refused);
	RUN(more_than_one_run_can_have_is_refused);
	RUN(a_run_grows_by_one_tag_however_many_items_it_has);
	return check_finish();
}
