/*
 * A hostile process writes to the shared memory. A hostile consumer writes any values wherever it
 * can; so does a hostile producer. Every call of the other processes ends with a result, in time.
 * They get no item that the producer had not put, and read or write nothing outside of the mapping.
 */
#define _GNU_SOURCE
#include "maps.h"
#include "puppet.h"

#include "support/chance.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WORKERS = 6,
	CAPACITY = 5,
	GAME_SECONDS = 15, /* much longer than a game takes, so a call has an endless loop */
};

#define WRAP (UINT64_C(1) << 52)

/* Part of every item, so that items that were never put are recognised. */
#define MAGIC ((item_value)UINT64_C(0xa5c30000a5c30000))

/* what the kernel does not let a consumer do */

static void refused_write(volatile unsigned char *at)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		(void)prctl(PR_SET_DUMPABLE, 0);
		*at = (unsigned char)(*at + 1);
		_exit(EXIT_SUCCESS);
	}
	CHECK(waitpid(child, &status, 0) == child, "there is no child");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	      "the memory of the items was written to (status %#x)", (unsigned)status);
}

/* Tries everything that a descriptor of the memory might allow. */
static void refused_by_descriptor(int file, size_t size, bool is_items)
{
	char byte = 1;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	CHECK(ftruncate(file, 0) != 0, "the memory was made smaller");
	CHECK(ftruncate(file, (off_t)size + 4096) != 0, "the memory was made bigger");
	CHECK(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) != 0, "the memory was sealed against writing");
	CHECK(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) != 0 || is_items,
	      "the memory was sealed against processes that join later");
	if (is_items) {
		CHECK(map == MAP_FAILED, "the memory of the items was mapped writable");
		CHECK(pwrite(file, &byte, 1, 0) < 0,
		      "the memory of the items was written to by its descriptor");
		CHECK(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size) !=
		              0,
		      "the memory of the items was emptied");
	}
	if (map != MAP_FAILED)
		munmap(map, size);
}

static void reopened(const char *path, size_t size, bool is_items)
{
	int file = open(path, O_RDWR | O_CLOEXEC);

	if (file < 0)
		return;
	check_doing("%s was opened again", path);
	refused_by_descriptor(file, size, is_items);
	close(file);
}

static bool is_mapped(unsigned long number, const struct map *maps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (maps[i].file == number)
			return true;
	return false;
}

static bool is_items(unsigned long number, const struct map *maps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (maps[i].file == number && maps[i].is_writable)
			return false;
	return true;
}

/* Tries every way to write to the items. call->number is an item that is in the queue. */
static long act_try_all(struct call *call)
{
	static struct map maps[MAPS];
	int files[MAPS];
	size_t n = shared_maps(maps), open_ones = shared_files(files), found[2] = {0, 0};
	char path[128];

	CHECK(n >= 2, "%zu mappings", n);
	for (size_t i = 0; i < n; i++) {
		bool items = is_items(maps[i].file, maps, n);

		check_doing("mapping %zu of %zu, of %zu bytes, items: %d", i, n, maps[i].size,
		            items);
		for (size_t at = 0; at + sizeof(item_value) <= maps[i].size;
		     at += sizeof(item_value))
			if (memcmp(maps[i].begin + at, &call->number, sizeof(item_value)) == 0)
				found[maps[i].is_writable]++;
		if (!maps[i].is_writable) {
			for (size_t at = 0; at < maps[i].size; at += 4096)
				refused_write(maps[i].begin + at);
			CHECK(mprotect(maps[i].begin, maps[i].size, PROT_READ | PROT_WRITE) != 0,
			      "the memory of the items was made writable");
			CHECK(madvise(maps[i].begin, maps[i].size, MADV_REMOVE) != 0,
			      "the memory of the items was emptied");
		}
		snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		         (unsigned long)(uintptr_t)maps[i].begin,
		         (unsigned long)(uintptr_t)maps[i].begin + maps[i].size);
		reopened(path, maps[i].size, items);
	}
	for (size_t i = 0; i < open_ones; i++) {
		struct stat had;

		RETURNS(0, fstat(files[i], &had));
		if (!is_mapped(had.st_ino, maps, n))
			continue;
		check_doing("descriptor %d", files[i]);
		refused_by_descriptor(files[i], (size_t)had.st_size, is_items(had.st_ino, maps, n));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", files[i]);
		reopened(path, (size_t)had.st_size, is_items(had.st_ino, maps, n));
	}
	CHECK(found[0] > 0, "the item is not in the memory that only the producer writes");
	CHECK(found[1] == 0, "the item is in memory that all write");
	return 0;
}

static void a_consumer_cannot_write_where_items_are(void)
{
	struct puppet consumer;
	struct spmcq *q = shared_of(CAPACITY);

	consumer_start(&consumer, q);
	put_numbers(q, MAGIC, 2);
	consumer.call.number = MAGIC;
	RETURNS(0, told(&consumer, act_try_all, 0));
	if (geteuid() == 0) {
		RETURNS(0, told(&consumer, act_be_nobody, 0));
		RETURNS(0, told(&consumer, act_try_all, 0));
	}
	RETURNS(2, told(&consumer, act_drain, 0));
	RETURNS(0, spmcq_join(q));
	/* Other consumers can still join. */
	puppet_end(&consumer);
	consumer_start(&consumer, q);
	puppet_end(&consumer);
	queue_free(q);
}

static void not_even_the_producer_can_resize_the_memory(void)
{
	struct spmcq *q = shared_of(CAPACITY);
	static struct map maps[MAPS];
	int files[MAPS];
	size_t n = shared_files(files), mapped = shared_maps(maps), found = 0;
	struct stat had;

	for (size_t i = 0; i < n; i++) {
		RETURNS(0, fstat(files[i], &had));
		if (!is_mapped(had.st_ino, maps, mapped))
			continue;
		found++;
		CHECK(ftruncate(files[i], 0) != 0, "the memory was made smaller");
		CHECK(ftruncate(files[i], had.st_size + 4096) != 0, "the memory was made bigger");
	}
	CHECK(found >= 2, "%zu descriptors", found);
	queue_free(q);
}

/* --- writing --- */

static struct map places[MAPS];
static size_t places_n;

static size_t find_places(void)
{
	size_t n = shared_maps(places), words = 0;

	places_n = 0;
	for (size_t i = 0; i < n; i++)
		if (places[i].is_writable) {
			places[places_n] = places[i];
			words += places[places_n++].size / 8;
		}
	return words;
}

static _Atomic uint64_t *word_at(size_t n)
{
	for (size_t i = 0; i < places_n; i++) {
		if (n < places[i].size / 8)
			return (_Atomic uint64_t *)(void *)(places[i].begin + 8 * n);
		n -= places[i].size / 8;
	}
	return NULL;
}

/* Returns how many words this process can write. Stores the numbers of those that are not 0 in
 * call->items, as many as fit. */
static long act_find_words(struct call *call)
{
	size_t words = find_places();

	call->n = 0;
	for (size_t i = 0; i < words && call->n < ITEMS; i++)
		if (atomic_load(word_at(i)) != 0)
			call->items[call->n++] = (item_value)i;
	return (long)words;
}

/* Writes call->first_position to the word with the number call->n, or adds it if call->capacity is
 * not 0. */
static long act_poke(struct call *call)
{
	_Atomic uint64_t *word;

	find_places();
	word = word_at(call->n);
	CHECK(word, "there is no word %zu", call->n);
	if (call->capacity)
		atomic_fetch_add(word, call->first_position);
	else
		atomic_store(word, call->first_position);
	return 0;
}

/* Writes to random words until it is killed. call->n says how; call->items has the numbers of the
 * words to write, and call->number says how many they are (0: it writes to any word, as it does if
 * call->n is 0). */
static long act_storm(struct call *call)
{
	struct chance chance = chance_stream(call->first_position, 0);
	size_t words = find_places();

	for (uint64_t i = 0;; i++) {
		bool in_use = call->number > 0 && call->n > 0;
		size_t n = in_use ? call->items[chance_below(&chance, call->number)]
		                  : chance_below(&chance, words);
		_Atomic uint64_t *word = word_at(n);
		uint64_t value = atomic_load(word);

		switch (call->n == 3 ? chance_below(&chance, 3) : call->n) {
		case 0:
			atomic_store(word, chance_next(&chance));
			break;
		case 1: /* adds a small number */
			atomic_fetch_add(word, chance_below(&chance, 9) - 4);
			break;
		default: /* changes a bit, and restores the word */
			atomic_store(word, value ^ UINT64_C(1) << chance_below(&chance, 64));
			atomic_store(word, value);
			break;
		}
		if (call->n == 3)
			chance_pause(&chance);
	}
	return 0;
}

/* what the other processes see */

static bool is_result(long result)
{
	return result >= 0 || result == -EAGAIN || result == -ETIMEDOUT || result == -EPROTO ||
	       result == -ESHUTDOWN || result == -ERANGE || result == -ENOBUFS ||
	       result == -EUSERS || result == -EBADMSG;
}

struct seen {
	bool is_broken; /* a call has returned -EPROTO */
	bool hostile;   /* the producer is hostile, so any item may come */
	bool may_die;   /* a peer was killed, so -EOWNERDEAD may come */
};

static void note(struct seen *seen, const char *call, double since, long result, bool waits)
{
	double took = seconds_now() - since;

	CHECK(is_result(result) || (result == -EOWNERDEAD && seen->may_die), "%s returned %ld",
	      call, result);
	CHECK(took < 3, "%s took %.1f s", call, took);
	CHECK(!seen->is_broken || !waits || result == -EPROTO || result == -ESHUTDOWN,
	      "%s returned %ld after another had returned -EPROTO", call, result);
	seen->is_broken = seen->is_broken || result == -EPROTO;
}

#define NOTE(seen, call, waits)                                                                    \
	do {                                                                                       \
		double since_ = seconds_now();                                                     \
		note(seen, #call, since_, call, waits);                                            \
	} while (0)

/* An item that was got must have been put. A get that failed must not have written. */
static void check_item(const struct seen *seen, item_value item, bool is_got)
{
	if (is_got)
		CHECK(seen->hostile || (item >= MAGIC && item < MAGIC + 0x8000), "got %#" PRIx64,
		      (uint64_t)item);
	else
		CHECK(item == ~MAGIC, "a get that failed wrote %#" PRIx64, (uint64_t)item);
}

static void look(struct spmcq *q, struct seen *seen)
{
	struct spmcq_stats stats;
	double since = seconds_now();

	CHECK(spmcq_size(q) <= CAPACITY, "size %zu", spmcq_size(q));
	COUNTS(CAPACITY, spmcq_capacity(q));
	COUNTS(sizeof(item_value), spmcq_item_size(q));
	(void)spmcq_unfinished(q);
	(void)spmcq_is_shutdown(q);
	NOTE(seen, spmcq_stats(q, &stats), false);
	CHECK(seconds_now() - since < 3, "the calls for facts took %.1f s", seconds_now() - since);
}

static void try_one(struct spmcq *q, struct seen *seen)
{
	item_value item = ~MAGIC;
	int result;

	NOTE(seen, result = spmcq_try_get(q, &item), true);
	check_item(seen, item, result == 0);
}

static void consume(struct spmcq *q, struct seen *seen, double seconds)
{
	struct timespec soon = spmcq_after(seconds);
	item_value items[8] = {~MAGIC, ~MAGIC};
	ssize_t n;

	NOTE(seen, n = spmcq_get_until(q, items, &soon), true);
	check_item(seen, items[0], n == 0);
	NOTE(seen, spmcq_task_done(q), false);
	for (int i = 0; i < 2; i++) {
		try_one(q, seen);
		NOTE(seen, spmcq_task_done(q), false);
	}
	NOTE(seen, n = spmcq_try_get_many(q, items, 8), true);
	CHECK(n <= CAPACITY, "got %zd of a queue of %d", n, CAPACITY);
	for (ssize_t i = 0; i < n; i++)
		check_item(seen, items[i], true);
	if (n > 0)
		NOTE(seen, spmcq_task_done_many(q, (size_t)n), false);
	try_one(q, seen);
	look(q, seen);
}

static long act_consume(struct call *call)
{
	struct seen seen = {.hostile = call->n == 1, .may_die = call->n == 1};
	struct timespec soon;

	consume(puppet_queue, &seen, call->seconds);
	consume(puppet_queue, &seen, call->seconds);
	soon = spmcq_after(call->seconds);
	NOTE(&seen, spmcq_join_until(puppet_queue, &soon), false);
	return seen.is_broken;
}

static void produce(struct spmcq *q, struct seen *seen, item_value *put)
{
	struct timespec soon = spmcq_after(0.005);
	item_value items[8];
	ssize_t n;

	for (item_value i = 0; i < 8; i++)
		items[i] = MAGIC + (*put + i) % 0x8000;
	NOTE(seen, spmcq_try_put(q, items), false);
	NOTE(seen, n = spmcq_put_many_until(q, items, 8, &soon), false);
	*put += n > 0 ? (item_value)n : 0;
	look(q, seen);
}

static void reap_and_join(struct spmcq *q, struct seen *seen)
{
	struct timespec soon = spmcq_after(0.005);
	struct spmcq_lost lost[LOST];

	NOTE(seen, spmcq_shared_reap(q, lost, LOST), false);
	NOTE(seen, spmcq_join_until(q, &soon), false);
}

/* locks, which show that a process lives */

/* Takes every lock on the memory that it can take, for reading or for writing. */
static long act_lock_all(struct call *call)
{
	long locked = 0;

	for (int file = 3; file < 200; file++) {
		struct flock lock = {.l_type = (short)call->n, .l_whence = SEEK_SET};

		locked += fcntl(file, F_SETLK, &lock) == 0;
		lock.l_pid = 0;
		locked += fcntl(file, F_OFD_SETLK, &lock) == 0;
	}
	return locked;
}

/* A process that takes all locks cannot hide that another process has ended, and cannot keep others
 * from joining. */
static void a_process_that_takes_all_locks_hides_no_death(void)
{
	static const int types[] = {F_RDLCK, F_WRLCK};

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct puppet hostile, victim, late;
		struct spmcq *q = shared_of(CAPACITY);
		struct spmcq_lost lost[2];

		check_doing("lock of type %d", types[i]);
		consumer_start(&victim, q);
		consumer_start(&hostile, q);
		put_numbers(q, MAGIC, 2);
		RETURNS(0, told(&victim, act_get, 0));
		told(&hostile, act_lock_all, (size_t)types[i]);
		consumer_start(&late, q);
		RETURNS(1, told(&late, act_drain, 0));
		puppet_kill(&victim);
		RETURNS(-EOWNERDEAD, spmcq_join(q));
		RETURNS(1, spmcq_shared_reap(q, lost, 2));
		RETURNS(victim.process, lost[0].process);
		RETURNS(0, spmcq_join(q));
		puppet_end(&hostile);
		puppet_end(&late);
		queue_free(q);
	}
}

/* --- one word at a time --- */

static struct chance chance;

static uint64_t some_value(bool *add)
{
	uint64_t one = 1;

	*add = false;
	switch (chance_below(&chance, 8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return chance_next(&chance);
	case 3:
		return one << chance_below(&chance, 64);
	case 4:
		return chance_below(&chance, 4 * CAPACITY);
	case 5:
		return (one << chance_below(&chance, 64)) - 1;
	default:
		*add = true;
		return chance_below(&chance, 2) ? chance_below(&chance, 3 * CAPACITY) - CAPACITY
		                                : one << chance_below(&chance, 64);
	}
}

/* Chooses a word, most often one that is in use, and a value, and stores both in the puppet's
 * call. */
static void choose_word(struct puppet *hostile)
{
	long words = told(hostile, act_find_words, 0);
	size_t in_use = hostile->call.n, n;
	bool add;

	CHECK(words > 0 && in_use > 0, "%ld words, %zu in use", words, in_use);
	n = chance_below(&chance, 5) > 0 ? hostile->call.items[chance_below(&chance, in_use)]
	                                 : chance_below(&chance, (uint64_t)words);
	hostile->call.first_position = some_value(&add);
	hostile->call.capacity = add;
	hostile->call.n = n;
	check_doing("word %zu of %ld %s %#" PRIx64, n, words, add ? "plus" : "is",
	            hostile->call.first_position);
}

static struct spmcq_shared_options some_options(void)
{
	return (struct spmcq_shared_options){
	        .processes = 3,
	        .threads = 2,
	        .redeliver = !WORDS && chance_below(&chance, 2),
	        .sealed = !WORDS && chance_below(&chance, 4) == 0 && can_seal(),
	        .first_position = chance_below(&chance, 2) ? 0
	                          : getenv("NOWRAP")       ? 9
	                                                   : WRAP - 3,
	};
}

/* Moves head back by call->n items, if it is at call->first_position. It is the only word in which
 * a position follows the number of a seat. Returns how many such words there were. */
static long act_move_head_back(struct call *call)
{
	size_t words = find_places();
	long found = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t value = atomic_load(word_at(i));

		if (value < WRAP || value % WRAP != call->first_position)
			continue;
		atomic_fetch_sub(word_at(i), call->n);
		found++;
	}
	return found;
}

/* A consumer has read head before its last get, so it notices a head before that. */
static void a_consumer_notices_that_head_moved_back(void)
{
	static const struct spmcq_shared_options options = {.first_position = 77};

	for (uint64_t gets = 1; gets < CAPACITY; gets++) {
		struct puppet hostile, consumer;
		struct spmcq *q = shared_at(CAPACITY, &options);

		check_doing("after %" PRIu64 " gets", gets);
		consumer_start(&hostile, q);
		consumer_start(&consumer, q);
		put_numbers(q, MAGIC, CAPACITY);
		for (uint64_t i = 0; i < gets; i++)
			RETURNS(0, told(&consumer, act_get, 0));
		hostile.call.first_position = options.first_position + gets;
		RETURNS(1, told(&hostile, act_move_head_back, 2));
		consumer.call.items[0] = ~MAGIC;
		RETURNS(-EPROTO, told(&consumer, act_get, 0));
		CHECK(consumer.call.items[0] == ~MAGIC, "a get that failed wrote %#" PRIx64,
		      (uint64_t)consumer.call.items[0]);
		RETURNS(-EPROTO, told(&consumer, act_try_get, 0));
		puppet_end(&hostile);
		puppet_end(&consumer);
		queue_free(q);
	}
}

static _Atomic unsigned *broken; /* games in which a call returned -EPROTO */

static void poke_once(void)
{
	struct spmcq_shared_options options = some_options();
	struct puppet hostile, consumer;
	struct spmcq *q = shared_at(CAPACITY, &options);
	struct seen seen = {.may_die = true};
	item_value put = 3;

	alarm(GAME_SECONDS);
	consumer_start(&hostile, q);
	consumer_start(&consumer, q);
	put_numbers(q, MAGIC, 3);
	RETURNS(0, told(&consumer, act_get, 0));
	/* After two gets in a row a consumer of words expects head where it left it. */
	RETURNS(0, told(chance_below(&chance, 2) ? &hostile : &consumer, act_get, 0));
	if (chance_below(&chance, 4) == 0) { /* the consumer sleeps: more words are in use */
		RETURNS(0, told(&consumer, act_drain, 0) < 0);
		consumer.call.seconds = 0.02;
		tell(&consumer, act_get_until, 0);
		puppet_sleeps(&consumer);
		choose_word(&hostile);
		told(&hostile, act_poke, hostile.call.n);
		answer(&consumer);
	} else {
		choose_word(&hostile);
		told(&hostile, act_poke, hostile.call.n);
	}
	if (chance_below(&chance, 2))
		puppet_kill(&hostile);
	else
		hostile.control = -1;
	consumer.call.seconds = 0.004;
	tell(&consumer, act_consume, 0);
	produce(q, &seen, &put);
	consume(q, &seen, 0.002);
	reap_and_join(q, &seen);
	produce(q, &seen, &put);
	NOTE(&seen, spmcq_shutdown_now(q), false);
	if (answer(&consumer) || seen.is_broken)
		atomic_fetch_add(broken, 1);
	RETURNS(0, told(&consumer, act_destroy, 0));
	puppet_end(&consumer);
	RETURNS(0, spmcq_destroy(q));
	if (hostile.control < 0)
		kill(hostile.process, SIGKILL), waitpid(hostile.process, NULL, 0);
}

static void poke_words(unsigned worker)
{
	double end = seconds_now() + 4;
	unsigned games = 0;

	chance = chance_stream(chance_seed(), worker);
	for (; seconds_now() < end; games++)
		poke_once();
	if (worker == 0)
		printf("# %u games of one queue\n", games);
}

static void others_end_whatever_word_a_consumer_writes(void)
{
	broken = common_memory(sizeof(*broken));
	chance_seed();
	in_parallel(WORKERS, poke_words);
	printf("# in %u games somebody saw it\n", *broken);
}

/* --- all the time --- */

static void storm_once(void)
{
	struct spmcq_shared_options options = some_options();
	struct puppet hostile, consumer;
	struct spmcq *q = shared_at(CAPACITY, &options);
	struct seen seen = {0};
	item_value put = 1;
	double end;

	alarm(GAME_SECONDS);
	consumer_start(&hostile, q);
	consumer_start(&consumer, q);
	put_numbers(q, MAGIC, 1);
	RETURNS(0, told(&consumer, act_get, 0));
	told(&hostile, act_find_words, 0);
	hostile.call.number = (item_value)hostile.call.n;
	hostile.call.first_position = chance_next(&chance);
	hostile.call.n = chance_below(&chance, 4);
	check_doing("storm %zu, seed %" PRIu64, hostile.call.n, hostile.call.first_position);
	tell(&hostile, act_storm, hostile.call.n);
	consumer.call.seconds = 0.002;
	for (end = seconds_now() + 0.1; seconds_now() < end;) {
		tell(&consumer, act_consume, 0);
		produce(q, &seen, &put);
		reap_and_join(q, &seen);
		if (answer(&consumer) && seen.is_broken)
			break;
	}
	if (seen.is_broken)
		atomic_fetch_add(broken, 1);
	NOTE(&seen, spmcq_shutdown(q), false);
	puppet_kill(&hostile);
	seen.may_die = true;
	reap_and_join(q, &seen);
	RETURNS(0, told(&consumer, act_destroy, 0));
	puppet_end(&consumer);
	RETURNS(0, spmcq_destroy(q));
}

static void storm(unsigned worker)
{
	double end = seconds_now() + 4;

	chance = chance_stream(chance_seed(), worker);
	while (seconds_now() < end)
		storm_once();
}

static void others_end_while_a_consumer_writes_all_the_time(void)
{
	broken = common_memory(sizeof(*broken));
	chance_seed();
	in_parallel(3, storm);
	printf("# in %u games the producer saw it\n", *broken);
}

/* a hostile producer */

static void start_producer(struct puppet *producer)
{
	struct spmcq_shared_options options = some_options();

	puppet_start(producer);
	create_by(producer, CAPACITY, &options);
}

/* Returns whether the consumer has the sizes that the queue was made with. A process that joins
 * takes them from the memory that the producer can write, so a change of these cannot be
 * noticed. */
static bool has_true_sizes(struct puppet *consumer)
{
	return told(consumer, act_capacity, 0) == CAPACITY &&
	       told(consumer, act_item_size, 0) == sizeof(item_value);
}

/* Joining may fail, but only with one of these errors. Returns whether the consumer joined. */
static bool joins_liar(struct puppet *producer, struct puppet *consumer)
{
	int ends[2];
	long joined;

	socket_pair(SOCK_STREAM, ends);
	consumer->call.item_size = sizeof(item_value);
	tell_with(producer, act_admit, ends[0]);
	tell_with(consumer, act_join_queue, ends[1]);
	close(ends[0]);
	close(ends[1]);
	joined = answer(consumer);
	CHECK(joined == 0 || joined == -EPROTO || joined == -EMSGSIZE || joined == -ECONNRESET ||
	              joined == -ENOTSUP || joined == -EACCES || joined == -ETIMEDOUT,
	      "join returned %ld", joined);
	if (joined == 0)
		RETURNS(sizeof(item_value), told(consumer, act_item_size, 0));
	return joined == 0;
}

static void lie_once(void)
{
	struct puppet producer, consumer, late;
	bool storms = chance_below(&chance, 4) == 0;

	alarm(GAME_SECONDS);
	start_producer(&producer);
	puppet_start(&consumer);
	puppet_start(&late);
	admit_by(&producer, &consumer);
	producer.call.number = MAGIC;
	RETURNS(3, told(&producer, act_put_many, 3));
	RETURNS(0, told(&consumer, act_get, 0));
	choose_word(&producer);
	if (storms) {
		told(&producer, act_find_words, 0);
		producer.call.number = (item_value)producer.call.n;
		producer.call.n = chance_below(&chance, 4);
		producer.call.first_position = chance_next(&chance);
		check_doing("storm %zu, seed %" PRIu64, producer.call.n,
		            producer.call.first_position);
		tell(&producer, act_storm, producer.call.n);
	} else
		told(&producer, act_poke, producer.call.n);
	consumer.call.seconds = 0.004;
	for (int i = 0; i < (storms ? 10 : 2); i++)
		if (told(&consumer, act_consume, 1)) {
			atomic_fetch_add(broken, 1);
			break;
		}
	if (!storms && joins_liar(&producer, &late)) {
		late.call.seconds = 0.002;
		if (has_true_sizes(&late))
			told(&late, act_consume, 1);
		RETURNS(0, told(&late, act_destroy, 0));
	}
	puppet_kill(&producer);
	told(&consumer, act_consume, 1);
	RETURNS(0, told(&consumer, act_destroy, 0));
	puppet_end(&consumer);
	puppet_end(&late);
}

static void lie(unsigned worker)
{
	double end = seconds_now() + 4;
	unsigned games = 0;

	chance = chance_stream(chance_seed(), worker);
	for (; seconds_now() < end; games++)
		lie_once();
	if (worker == 0)
		printf("# %u games of one queue\n", games);
}

static void consumers_end_whatever_a_producer_writes(void)
{
	broken = common_memory(sizeof(*broken));
	chance_seed();
	in_parallel(WORKERS, lie);
	printf("# in %u games the consumer saw it\n", *broken);
}

/* The producer changes a word and is killed; then another process tries to succeed it. */
static void succeed_liar(void)
{
	struct puppet producer, consumer, successor;
	long result;

	alarm(GAME_SECONDS);
	start_producer(&producer);
	puppet_start(&consumer);
	puppet_start(&successor);
	admit_by(&producer, &consumer);
	producer.call.number = MAGIC;
	RETURNS(3, told(&producer, act_put_many, 3));
	RETURNS(0, told(&consumer, act_get, 0));
	choose_word(&producer);
	told(&producer, act_poke, producer.call.n);
	puppet_kill(&producer);
	introduce(&consumer, &successor, act_succeed);
	CHECK(consumer.call.result <= 0, "admit returned %ld", consumer.call.result);
	result = successor.call.result;
	CHECK(result == 0 || result == -EPROTO || result == -ECONNRESET || result == -ENOTSUP ||
	              result == -EACCES || result == -ETIMEDOUT || result == -EPERM,
	      "succeed returned %ld", result);
	if (result == 0) {
		successor.call.seconds = 0.004;
		successor.call.number = MAGIC;
		if (has_true_sizes(&successor)) {
			told_until(&successor, act_put_many_until, 2, 0.004);
			told(&successor, act_consume, 1);
		}
		told(&successor, act_reap, LOST);
		told_until(&successor, act_join_until, 0, 0.004);
		RETURNS(0, told(&successor, act_destroy, 0));
	}
	RETURNS(0, told(&consumer, act_destroy, 0));
	puppet_end(&consumer);
	puppet_end(&successor);
}

static void succeed_liars(unsigned worker)
{
	double end = seconds_now() + 2;

	chance = chance_stream(chance_seed(), worker + 100);
	while (seconds_now() < end)
		succeed_liar();
}

static void a_successor_ends_whatever_was_written_before(void)
{
	chance_seed();
	in_parallel(WORKERS, succeed_liars);
}

int main(void)
{
	RUN(a_consumer_cannot_write_where_items_are);
	RUN(not_even_the_producer_can_resize_the_memory);
	RUN(a_process_that_takes_all_locks_hides_no_death);
	RUN(a_consumer_notices_that_head_moved_back);
	RUN(others_end_whatever_word_a_consumer_writes);
	RUN(others_end_while_a_consumer_writes_all_the_time);
	RUN(consumers_end_whatever_a_producer_writes);
	RUN(a_successor_ends_whatever_was_written_before);
	return check_finish();
}
