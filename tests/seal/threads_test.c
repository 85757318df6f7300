/*
 * Many threads with one key: each seals at positions of its own and opens what the others sealed.
 */
#include "sealing.h"
#include "support/worker.h"

enum { THREADS = 8, RUNS = 2000, ITEMS = 4 };

struct run {
	unsigned char bytes[ITEMS * sizeof(uint64_t) + SPMCQ_TAG_MOST];
	_Atomic ssize_t size; /* 0: not sealed yet */
};

static struct run runs[THREADS][RUNS];
static struct spmcq_key *key;
static _Atomic unsigned numbers;

static uint64_t position_of(unsigned thread, size_t run)
{
	return ((uint64_t)thread << 32) + run * ITEMS;
}

static void seal_one(unsigned thread, size_t run)
{
	uint64_t items[ITEMS];
	ssize_t size;

	for (size_t i = 0; i < ITEMS; i++)
		items[i] = position_of(thread, run) + i;
	size = spmcq_seal_items(key, items[0], items, ITEMS, sizeof(items[0]),
	                        runs[thread][run].bytes, sizeof(runs[thread][run].bytes));
	CHECK(size > 0, "sealing returned %zd", size);
	atomic_store(&runs[thread][run].size, size);
}

static void open_one(unsigned thread, size_t run)
{
	ssize_t size = atomic_load(&runs[thread][run].size);
	uint64_t items[ITEMS];

	if (size == 0)
		return;
	RETURNS(ITEMS, spmcq_open_items(key, position_of(thread, run), runs[thread][run].bytes,
	                                (size_t)size, items, ITEMS, sizeof(items[0])));
	for (size_t i = 0; i < ITEMS; i++)
		COUNTS(position_of(thread, run) + i, items[i]);
	RETURNS(-EBADMSG,
	        spmcq_open_items(key, position_of(thread, run) + 1, runs[thread][run].bytes,
	                         (size_t)size, items, ITEMS, sizeof(items[0])));
}

static void work(void *arg)
{
	unsigned self = atomic_fetch_add(&numbers, 1);

	(void)arg;
	for (size_t run = 0; run < RUNS; run++) {
		seal_one(self, run);
		open_one((self + 1 + run % (THREADS - 1)) % THREADS, run);
		open_one(self, run / 2);
	}
}

static void share_a_key(enum spmcq_algorithm algorithm)
{
	struct worker workers[THREADS];

	key = key_of(algorithm);
	memset(runs, 0, sizeof(runs));
	atomic_store(&numbers, 0);
	for (size_t i = 0; i < THREADS; i++)
		worker_start(&workers[i], work, NULL);
	for (size_t i = 0; i < THREADS; i++)
		worker_join(&workers[i]);
	for (unsigned thread = 0; thread < THREADS; thread++)
		for (size_t run = 0; run < RUNS; run++)
			open_one(thread, run);
	spmcq_key_destroy(key);
}

static void many_threads_share_a_key(void)
{
	with_each_algorithm(share_a_key);
}

static void make_and_free(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < 20; i++)
		spmcq_key_destroy(key_of(SPMCQ_ALGORITHM_AUTO));
}

/* The first of them also starts libsodium. */
static void keys_are_made_by_many_threads_at_once(void)
{
	struct worker workers[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		worker_start(&workers[i], make_and_free, NULL);
	for (size_t i = 0; i < THREADS; i++)
		worker_join(&workers[i]);
}

int main(void)
{
	RUN(keys_are_made_by_many_threads_at_once);
	RUN(many_threads_share_a_key);
	return check_finish();
}
