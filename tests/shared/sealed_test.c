/*
 * Sealed items, and a process that changes, swaps, repeats and copies items in the memory of the
 * producer's process. None of these opens; later items do. The key is nowhere but in its page.
 *
 * The test finds where an item lies by comparing the shared memory before and after the put.
 */
#define _GNU_SOURCE
#include "maps.h"
#include "seal/sealing.h"
#undef COUNT_OF
#include "seal/search.h"
#include "step.h"

#include "support/item.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/* The size of an item; larger than anything else that a put changes, so the largest change
	 * is the item. */
	SIZE = 200,
	GAP = 24, /* this many bytes of a sealed item may by chance be the same as those before */
	RUN_MOST = 8,
};

static const struct timespec past = {0, 0};

/* where items lie */

struct place {
	unsigned long file;
	size_t offset;
	unsigned char *at;
	size_t size;
};

static struct map maps[MAPS];
static size_t maps_n;
static unsigned char *before[MAPS];

static void take_snapshot(void)
{
	for (size_t i = 0; i < maps_n; i++)
		free(before[i]);
	maps_n = shared_maps(maps);
	for (size_t i = 0; i < maps_n; i++) {
		before[i] = malloc(maps[i].size);
		memcpy(before[i], maps[i].begin, maps[i].size);
	}
}

static bool is_changed(size_t map, size_t at)
{
	return maps[map].begin[at] != before[map][at];
}

/* Returns the longest piece that has changed; its size is 0 if nothing has. */
static struct place find_changed(void)
{
	struct place best = {0};

	for (size_t i = 0; i < maps_n; i++)
		for (size_t at = 0; at < maps[i].size; at++) {
			size_t first = at, last = at;

			if (!is_changed(i, at))
				continue;
			for (; at < maps[i].size && at <= last + GAP; at++)
				if (is_changed(i, at))
					last = at;
			/* A single byte may be unchanged by chance; whole words are not. */
			first -= first % 8;
			last |= 7;
			if (last + 1 - first > best.size)
				best = (struct place){maps[i].file, first, maps[i].begin + first,
				                      last + 1 - first};
		}
	return best;
}

static bool is_inside(const struct place *place, const unsigned char *at)
{
	return at >= place->at && at < place->at + place->size;
}

/* --- queues and items --- */

static struct spmcq *sealed_of(size_t size, enum spmcq_algorithm algorithm)
{
	struct spmcq_shared_options options = {.processes = 2,
	                                       .threads = 1,
	                                       .sealed = true,
	                                       .algorithm = algorithm,
	                                       .first_position = 1000};
	struct spmcq *q = NULL;
	int result = spmcq_shared_create(&q, 4, size, &options);

	if (result == -ENOTSUP)
		check_skip("sealing is not built");
	RETURNS(0, result);
	return q;
}

static void put_items(struct spmcq *q, size_t size, item_value number, size_t n)
{
	static unsigned char items[RUN_MOST * SIZE];

	for (size_t i = 0; i < n; i++)
		item_fill(items + i * size, size, number + i);
	RETURNS((long)n, spmcq_try_put_many(q, items, n));
	memset(items, 0, sizeof(items));
}

/* Puts an item, and returns where it lies. */
static struct place put_and_find(struct spmcq *q, uint32_t number)
{
	struct place place;

	take_snapshot();
	put_items(q, SIZE, number, 1);
	place = find_changed();
	CHECK(place.size >= SIZE - GAP && place.size < SIZE + 200, "%zu bytes changed in one place",
	      place.size);
	return place;
}

/* Gets an item of call->item_size. If it opens, it must be number call->number. */
static long act_get_item(struct call *call)
{
	struct timespec soon = spmcq_after(call->seconds);
	unsigned char *item = calloc(1, call->item_size);
	int result = spmcq_get_until(puppet_queue, item, &soon);

	if (result == 0)
		CHECK(item_is(item, call->item_size, call->number),
		      "the item is not number %" PRI_ITEM " but %llu", call->number,
		      (unsigned long long)item_number(item, call->item_size));
	free(item);
	return result;
}

static long get_item(struct puppet *consumer, uint32_t number)
{
	consumer->call.item_size = SIZE;
	consumer->call.number = number;
	return told_until(consumer, act_get_item, 0, 0.5);
}

/* An item that does not open counts as got and reported. */
static void expect_bad(struct spmcq *q, struct puppet *consumer, uint32_t number)
{
	RETURNS(-EBADMSG, get_item(consumer, number));
	RETURNS(-ERANGE, told(consumer, act_task_done, 0));
	(void)q;
}

static void expect_good(struct spmcq *q, struct puppet *consumer, uint32_t number)
{
	put_items(q, SIZE, number, 1);
	RETURNS(0, get_item(consumer, number));
	RETURNS(0, told(consumer, act_task_done, 0));
	RETURNS(0, spmcq_join_until(q, &past));
	COUNTS(0, spmcq_unfinished(q));
}

/* --- tampering --- */

/* Puts an item, changes a byte of it, and returns the result of the consumer's get. */
static long change_byte(struct spmcq *q, struct puppet *consumer, uint32_t number, size_t i,
                        size_t *size)
{
	struct place place = put_and_find(q, number);

	*size = place.size;
	place.at[i < place.size ? i : place.size - 1] ^= (unsigned char)(1 << i % 8);
	return get_item(consumer, number);
}

/* Next to an item, a word says to which run it belongs. If the test changes that word, get returns
 * -EPROTO, because no correct process writes such a value. */
static void change_each_byte(enum spmcq_algorithm algorithm)
{
	struct puppet consumer;
	struct spmcq *q = sealed_of(SIZE, algorithm);
	size_t size = SIZE, lies = 0;
	uint32_t number = 0;
	long result;

	consumer_start(&consumer, q);
	for (size_t i = 0; i < size; i++) {
		check_doing("algorithm %d, byte %zu of %zu", (int)algorithm, i, size);
		result = change_byte(q, &consumer, ++number, i, &size);
		if (result == -EPROTO) {
			lies++;
			puppet_end(&consumer);
			consumer_start(&consumer, q);
			RETURNS(-EPROTO, get_item(&consumer, number));
			puppet_end(&consumer);
			queue_free(q);
			q = sealed_of(SIZE, algorithm);
			consumer_start(&consumer, q);
			continue;
		}
		RETURNS(-EBADMSG, result);
		RETURNS(-ERANGE, told(&consumer, act_task_done, 0));
		if (i % 10 == 0)
			expect_good(q, &consumer, ++number);
	}
	CHECK(lies <= 8, "%zu bytes were no message", lies);
	expect_good(q, &consumer, ++number);
	COUNTS(stats_of(q).put, stats_of(q).done);
	puppet_end(&consumer);
	queue_free(q);
}

static void changed_items_do_not_open(void)
{
	queue_free(sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO));
	with_each_algorithm(change_each_byte);
}

/* The other places, outside of the item, where a put writes to the producer's memory. */
static void changes_beside_an_item_cause_clear_errors_only(void)
{
	struct spmcq *probe = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
	struct place place = put_and_find(probe, 1);
	size_t others = 0, tried = 0;

	queue_free(probe);
	for (others = 0; tried == others; others++) {
		struct puppet consumer;
		struct spmcq *q = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
		size_t seen = 0;
		long result;

		consumer_start(&consumer, q);
		place = put_and_find(q, 1);
		for (size_t i = 0; i < maps_n && seen <= others; i++)
			for (size_t at = 0; at < maps[i].size && seen <= others; at++) {
				if (maps[i].file != place.file || !is_changed(i, at) ||
				    is_inside(&place, maps[i].begin + at))
					continue;
				if (seen++ < others)
					continue;
				check_doing("byte %zu of the producer's memory", at);
				maps[i].begin[at] ^= 1;
				tried++;
			}
		result = get_item(&consumer, 1);
		CHECK(result == 0 || result == -EBADMSG || result == -EPROTO ||
		              result == -ETIMEDOUT,
		      "get: %ld", result);
		RETURNS(0, told(&consumer, act_destroy, 0));
		puppet_end(&consumer);
		queue_free(q);
	}
	CHECK(tried > 0, "nothing but the item has changed");
}

static void swapped_items_do_not_open(void)
{
	struct puppet consumer;
	struct spmcq *q = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
	unsigned char kept[2 * SIZE];

	consumer_start(&consumer, q);
	for (uint32_t i = 0; i < 10; i++) {
		struct place a = put_and_find(q, 3 * i), b = put_and_find(q, 3 * i + 1);
		size_t size = a.size < b.size ? a.size : b.size;

		memcpy(kept, a.at, size);
		memcpy(a.at, b.at, size);
		memcpy(b.at, kept, size);
		expect_bad(q, &consumer, 3 * i + 1);
		expect_bad(q, &consumer, 3 * i);
		expect_good(q, &consumer, 3 * i + 2);
	}
	puppet_end(&consumer);
	queue_free(q);
}

static void items_got_before_do_not_open_again(void)
{
	struct puppet consumer;
	struct spmcq *q = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
	unsigned char kept[2 * SIZE];
	struct place first, again;
	uint32_t number = 1;

	consumer_start(&consumer, q);
	first = put_and_find(q, number);
	memcpy(kept, first.at, first.size);
	do {
		RETURNS(0, get_item(&consumer, number));
		RETURNS(0, told(&consumer, act_task_done, 0));
		again = put_and_find(q, ++number);
		CHECK(number < 100, "no put used the place of the item again");
	} while (again.at + GAP < first.at || again.at > first.at + GAP);
	memcpy(first.at, kept, first.size);
	expect_bad(q, &consumer, number);
	expect_good(q, &consumer, ++number);
	puppet_end(&consumer);
	queue_free(q);
}

static void items_of_another_queue_do_not_open(void)
{
	struct puppet consumer;
	struct spmcq *q = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
	struct spmcq *other = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
	struct place there, here;
	size_t size;

	consumer_start(&consumer, q);
	there = put_and_find(other, 7);
	here = put_and_find(q, 7);
	size = there.size < here.size ? there.size : here.size;
	CHECK(memcmp(there.at, here.at, size) != 0, "the sealed items of both queues are the same");
	memcpy(here.at, there.at, size);
	expect_bad(q, &consumer, 7);
	expect_good(q, &consumer, 8);
	puppet_end(&consumer);
	queue_free(q);
	queue_free(other);
}

enum { SMALL = 40 };

/* Gets up to n items. Those that open must have the numbers from call->number on. */
static long act_get_items(struct call *call)
{
	unsigned char *items = calloc(call->n, call->item_size);
	ssize_t result = spmcq_try_get_many(puppet_queue, items, call->n);

	for (ssize_t i = 0; i < result; i++)
		CHECK(item_is(items + (size_t)i * call->item_size, call->item_size,
		              call->number + (size_t)i),
		      "the item is not number %" PRI_ITEM, call->number + (item_value)i);
	free(items);
	return result;
}

/* Gets all items, each by a call of its own or several by one call. Returns how many did not open,
 * or -EPROTO. */
static long get_changed(struct spmcq *q, struct puppet *consumer, uint32_t first, bool many)
{
	uint32_t bad = 0, good = 0, n;
	size_t size;
	long result;

	while ((size = spmcq_size(q)) > 0) {
		consumer->call.item_size = SMALL;
		consumer->call.number = first + bad + good;
		result = many ? told(consumer, act_get_items, 3)
		              : told_until(consumer, act_get_item, 0, 0.5);
		if (result == -EPROTO)
			return result;
		CHECK(result >= 0 || result == -EBADMSG, "get: %ld", result);
		n = (uint32_t)(size - spmcq_size(q));
		CHECK(n > 0, "the get took no items off the queue");
		if (result == -EBADMSG) {
			bad += n;
			continue;
		}
		COUNTS(many ? (size_t)result : 1, n);
		RETURNS(0, told(consumer, act_task_done_many, n));
		good += n;
	}
	COUNTS(3, bad + good);
	return bad;
}

/* If a run does not open, all its items count as got and reported, whichever calls get them. At the
 * end of the ring, a run lies in two parts. Some bytes between items belong to none of them, so a
 * change there has no effect. */
static void a_run_with_a_changed_item_does_not_open(void)
{
	struct puppet consumer;
	struct spmcq *q = sealed_of(SMALL, SPMCQ_ALGORITHM_AUTO);
	unsigned lies = 0, opened = 0;

	consumer_start(&consumer, q);
	for (uint32_t i = 0; i < 60; i++) {
		struct place place;
		long bad;

		take_snapshot();
		put_items(q, SMALL, 10 * i, 3);
		place = find_changed();
		check_doing("byte %u of a run", 2 * i);
		CHECK(place.size > SMALL, "%zu bytes", place.size);
		place.at[2 * i % place.size] ^= 0x10;
		bad = get_changed(q, &consumer, 10 * i, i % 2);
		if (bad == -EPROTO) {
			lies++;
			puppet_end(&consumer);
			queue_free(q);
			q = sealed_of(SMALL, SPMCQ_ALGORITHM_AUTO);
			consumer_start(&consumer, q);
			continue;
		}
		opened += bad == 0;
		COUNTS(0, spmcq_unfinished(q));
		RETURNS(0, spmcq_join_until(q, &past));
	}
	CHECK(lies + opened < 30, "%u changes were no message, %u changed nothing", lies, opened);
	puppet_end(&consumer);
	queue_free(q);
}

static void runs_are_got_one_at_a_time_and_in_order(void)
{
	struct puppet consumer;
	struct spmcq_shared_options options = {.sealed = true};
	struct spmcq *q = NULL;
	item_value numbers[8], next = 0, put = 0;
	int result = spmcq_shared_create(&q, 20, sizeof(item_value), &options);

	if (result == -ENOTSUP)
		check_skip("sealing is not built");
	RETURNS(0, result);
	consumer_start(&consumer, q);
	for (uint32_t i = 0; i < 50; i++) {
		size_t n = 1 + i % 5;

		for (int runs = 0; runs < 2; runs++) {
			for (uint32_t j = 0; j < n; j++)
				numbers[j] = put++;
			RETURNS((long)n, spmcq_put_many(q, numbers, n));
		}
		while (next < put) {
			long got = told(&consumer, act_get_many, 8);

			CHECK(got > 0 && got <= (long)n, "got %ld of runs of %zu", got, n);
			for (long j = 0; j < got; j++)
				CHECK(consumer.call.items[j] == next + (item_value)j,
				      "got %" PRI_ITEM, consumer.call.items[j]);
			RETURNS(0, told(&consumer, act_task_done_many, (size_t)got));
			next += (item_value)got;
		}
	}
	RETURNS(0, spmcq_join(q));
	puppet_end(&consumer);
	queue_free(q);
}

/* of a producer that was killed */

static long act_create_sealed(struct call *call)
{
	(void)call;
	puppet_queue = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
	return 0;
}

static long act_put_item(struct call *call)
{
	put_items(puppet_queue, SIZE, call->number, 1);
	return 0;
}

/* Writes the first call->n bytes of call->items at the offset call->first_position of the memory
 * whose inode number is call->capacity. */
static long act_overwrite(struct call *call)
{
	size_t n = shared_maps(maps);

	for (size_t i = 0; i < n; i++)
		if (maps[i].file == call->capacity && maps[i].is_writable) {
			memcpy(maps[i].begin + call->first_position, call->items, call->n);
			return 0;
		}
	return -ENOENT;
}

static void get_here(struct spmcq *q, uint32_t number, int want)
{
	static unsigned char item[SIZE];
	struct timespec soon = spmcq_after(2);

	RETURNS(want, spmcq_get_until(q, item, &soon));
	if (want == 0) {
		CHECK(item_is(item, SIZE, number), "the item is not number %u", number);
		RETURNS(0, spmcq_task_done(q));
	}
}

/* Starts a producer, and kills it after `at` instructions of its second put. If at is 0, the put is
 * not interrupted, and steps is set to its number of instructions. Returns whether the second item
 * can be got. */
static bool die_in_put(struct spmcq **q, unsigned at, unsigned *steps)
{
	struct puppet producer;

	*q = NULL;
	puppet_start(&producer);
	RETURNS(0, told(&producer, act_create_sealed, 0));
	join_by(&producer, q);
	producer.call.number = 1;
	RETURNS(0, told(&producer, act_put_item, 0));
	get_here(*q, 1, 0);
	take_snapshot();
	producer.call.number = 2;
	tell_stepped(&producer, act_put_item, 0, at, SIGKILL);
	if (answered(&producer)) {
		*steps = producer.call.steps;
		puppet_kill(&producer);
	} else
		puppet_await_end(&producer);
	return spmcq_size(*q) == 1;
}

/* Kills a producer that has sealed its second item but not published it. Returns where the item
 * lies. */
static struct place seal_and_die(struct spmcq **q)
{
	unsigned too_early = 1, too_late = 0, middle;
	struct place place;

	CHECK(die_in_put(q, 0, &too_late), "nothing was put");
	while (too_early + 1 < too_late) {
		queue_free(*q);
		middle = (too_early + too_late) / 2;
		if (die_in_put(q, middle, &(unsigned){0}))
			too_late = middle;
		else
			too_early = middle;
	}
	queue_free(*q);
	CHECK(!die_in_put(q, too_early, &middle), "the item was published before the kill");
	place = find_changed();
	CHECK(place.size >= SIZE - GAP, "%zu bytes were sealed", place.size);
	return place;
}

static void items_sealed_by_another_producer_do_not_open(void)
{
	struct puppet successor;
	struct spmcq *q;
	struct place old, new;
	unsigned char kept[2 * SIZE];

	if (!can_step())
		check_skip(CANNOT_STEP);
	queue_free(sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO));
	old = seal_and_die(&q);
	CHECK(old.size <= sizeof(kept), "%zu bytes", old.size);
	memcpy(kept, old.at, old.size);
	puppet_start(&successor);
	succeed(&successor, &q);
	take_snapshot();
	successor.call.number = 2;
	RETURNS(0, told(&successor, act_put_item, 0));
	new = find_changed();
	CHECK(new.size >= SIZE - GAP, "%zu bytes changed", new.size);
	CHECK(memcmp(kept, new.at, new.size < old.size ? new.size : old.size) != 0,
	      "the sealed items of both producers are the same");
	memcpy(successor.call.items, kept, new.size < old.size ? new.size : old.size);
	successor.call.first_position = new.offset;
	successor.call.capacity = new.file;
	RETURNS(0, told(&successor, act_overwrite, new.size < old.size ? new.size : old.size));
	get_here(q, 2, -EBADMSG);
	successor.call.number = 3;
	RETURNS(0, told(&successor, act_put_item, 0));
	get_here(q, 3, 0);
	RETURNS(0, told(&successor, act_join, 0));
	queue_free(q);
	puppet_end(&successor);
}

/* Items that a killed producer had put are got, before and after another process succeeds it. */
static void items_of_a_killed_producer_are_got(void)
{
	struct puppet producer, successor;
	struct spmcq *q = NULL;

	puppet_start(&producer);
	puppet_start(&successor);
	queue_free(sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO));
	RETURNS(0, told(&producer, act_create_sealed, 0));
	join_by(&producer, &q);
	for (uint32_t i = 1; i <= 4; i++) {
		producer.call.number = i;
		RETURNS(0, told(&producer, act_put_item, 0));
	}
	get_here(q, 1, 0);
	puppet_kill(&producer);
	get_here(q, 2, 0);
	succeed(&successor, &q);
	successor.call.number = 5;
	RETURNS(0, told(&successor, act_put_item, 0));
	for (uint32_t i = 3; i <= 5; i++)
		get_here(q, i, 0);
	RETURNS(0, told(&successor, act_join, 0));
	queue_free(q);
	puppet_end(&successor);
}

/* --- the key --- */

int __real_spmcq_key_create(struct spmcq_key **key, enum spmcq_algorithm algorithm);
int __wrap_spmcq_key_create(struct spmcq_key **key, enum spmcq_algorithm algorithm);
int __real_spmcq_key_import(struct spmcq_key **key, void *bytes, size_t size);
int __wrap_spmcq_key_import(struct spmcq_key **key, void *bytes, size_t size);

/* The key of the queue in this process. The test wraps the calls that make keys, and so sees it. */
static struct spmcq_key *key_here;

int __wrap_spmcq_key_create(struct spmcq_key **key, enum spmcq_algorithm algorithm)
{
	int result = __real_spmcq_key_create(key, algorithm);

	key_here = result == 0 ? *key : NULL;
	return result;
}

int __wrap_spmcq_key_import(struct spmcq_key **key, void *bytes, size_t size)
{
	int result = __real_spmcq_key_import(key, bytes, size);

	key_here = result == 0 ? *key : NULL;
	return result;
}

/* The two halves of the secret, masked, in memory that all processes of the test share. */
static struct needle *halves;

/* Masks the secret in a child, so that copies of it remain in the child's memory only. The child
 * has no key: it gets the bytes. */
static void note_secret(void)
{
	static unsigned char passing[SPMCQ_KEY_EXPORTED];
	pid_t child;
	int status;

	CHECK(key_here, "the queue has no key");
	RETURNS(0, spmcq_key_export(key_here, passing, sizeof(passing)));
	child = fork();
	if (child == 0) {
		halves[0] = needle_of(passing + AT_SECRET);
		halves[1] = needle_of(passing + AT_SECRET + NEEDLE);
		_exit(EXIT_SUCCESS);
	}
	spmcq_wipe(passing, sizeof(passing));
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status %#x", (unsigned)status);
}

static size_t in_shared_memory(const struct needle *needle)
{
	size_t n = shared_maps(maps), times = 0;

	for (size_t i = 0; i < n; i++)
		times += needle_in(needle, maps[i].begin, maps[i].size);
	return times;
}

/* Checks that the secret is nowhere in this process but in the key's page. */
static long act_expect_key_in_one_place(struct call *call)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)call;
	CHECK(key_here, "the queue has no key");
	for (size_t i = 0; i < 2; i++) {
		struct found found;

		COUNTS(0, in_shared_memory(&halves[i]));
		if (CHECK_SANITIZED)
			continue;
		found = needle_in_memory(&halves[i], (uintptr_t)key_here,
		                         (uintptr_t)key_here + page);
		CHECK(found.inside > 0, "half %zu is not in the key's page", i);
		CHECK(found.outside == 0, "half %zu is elsewhere, %zu times", i, found.outside);
	}
	return 0;
}

static void the_key_is_in_its_page_alone(void)
{
	struct puppet consumer;
	struct spmcq *q;

	halves = common_memory(2 * sizeof(*halves));
	q = sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO);
	note_secret();
	consumer_start(&consumer, q);
	for (uint32_t i = 0; i < 10; i++)
		expect_good(q, &consumer, i);
	RETURNS(0, act_expect_key_in_one_place(NULL));
	RETURNS(0, told(&consumer, act_expect_key_in_one_place, 0));
	puppet_end(&consumer);
	queue_free(q);
}

/* Puts ten items of a known text. Shared memory must not contain the text if the queue is sealed,
 * and must contain it if not. */
static void the_text_of_items_is_not_in_shared_memory(void)
{
	for (int sealed = 0; sealed < 2; sealed++) {
		unsigned char text[SIZE];
		struct spmcq_shared_options options = {.sealed = sealed};
		struct spmcq *q = NULL;
		struct needle needle;
		size_t times;

		queue_free(sealed_of(SIZE, SPMCQ_ALGORITHM_AUTO));
		RETURNS(0, spmcq_shared_create(&q, 10, SIZE, &options));
		for (size_t i = 0; i < SIZE; i++)
			text[i] = (unsigned char)('A' + i % 16);
		needle = needle_of(text);
		for (int i = 0; i < 10; i++)
			RETURNS(0, spmcq_put(q, text));
		times = in_shared_memory(&needle);
		CHECK(sealed ? times == 0 : times >= 10, "found %zu times, sealed: %d", times,
		      sealed);
		queue_free(q);
	}
}

int main(void)
{
	RUN(changed_items_do_not_open);
	RUN(changes_beside_an_item_cause_clear_errors_only);
	RUN(swapped_items_do_not_open);
	RUN(items_got_before_do_not_open_again);
	RUN(items_of_another_queue_do_not_open);
	RUN(a_run_with_a_changed_item_does_not_open);
	RUN(runs_are_got_one_at_a_time_and_in_order);
	RUN(items_sealed_by_another_producer_do_not_open);
	RUN(items_of_a_killed_producer_are_got);
	RUN(the_key_is_in_its_page_alone);
	RUN(the_text_of_items_is_not_in_shared_memory);
	return check_finish();
}
