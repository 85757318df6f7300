/*
 * Queues as a student may write them in bench/queues/mine.c, each with one mistake, which the
 * harness must catch. They are copies of that queue, with a place for each mistake; see the list at
 * the end.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <queue.h>

enum mistake {
	NONE,
	UNLOCKED_PUT,
	UNLOCKED_GET,
	UNLOCKED_DONE,
	UNORDERED_DONE,
	EARLY_PUBLISH,
	EARLY_SIGNAL,
	IF_IN_GET,
	IF_IN_PUT,
	IF_IN_JOIN,
	ONE_SIGNAL,
	NEWEST_FIRST,
	LOSES,
	DOUBLES,
	JOIN_AT_ONCE,
	JOIN_ON_GOT,
	DONE_TWICE,
	DONE_TOO_MANY,
	NO_BOUND,
	BOUND_X_1000,
	WRONG_WRAP,
	COPY_4,
	COPY_8,
	NOTHING_GOT,
	JOINER_SLEEPS,
	PUTTER_SLEEPS,
	GETTERS_SLEEP,
};

enum news { ITEM, ROOM, ALL_DONE, NEWS };

struct broken {
	enum mistake mistake;
	size_t capacity, slots_size, item_size;

	pthread_mutex_t lock;
	pthread_cond_t news[NEWS]; /* the first for all, but where one of them is forgotten */
	char *slots;
	size_t put, got, done;
	bool closed;
};

static pthread_cond_t *condition(struct broken *q, enum news news)
{
	return &q->news[q->mistake >= JOINER_SLEEPS ? news : 0];
}

static void wait_for(struct broken *q, enum news news)
{
	pthread_cond_wait(condition(q, news), &q->lock);
}

static void wake(struct broken *q, enum news news)
{
	if (q->mistake == ONE_SIGNAL)
		pthread_cond_signal(condition(q, news));
	else
		pthread_cond_broadcast(condition(q, news));
}

static void lock(struct broken *q, enum mistake unless)
{
	if (q->mistake != unless)
		pthread_mutex_lock(&q->lock);
}

static void unlock(struct broken *q, enum mistake unless)
{
	if (q->mistake != unless)
		pthread_mutex_unlock(&q->lock);
}

static char *slot(struct broken *q, size_t n)
{
	size_t wrap = q->slots_size;

	if (q->mistake == WRONG_WRAP && wrap > 1)
		wrap--;
	return q->slots + n % wrap * q->item_size;
}

static void copy(const struct broken *q, void *to, const void *from)
{
	size_t size = q->item_size;

	if (q->mistake == COPY_4)
		size = 4;
	else if (q->mistake == COPY_8)
		size = 8;
	memcpy(to, from, size);
}

static int create_with(enum mistake mistake, void **queue, const struct bench_shape *shape)
{
	struct broken *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->mistake = mistake;
	q->capacity = shape->capacity;
	if (mistake == BOUND_X_1000)
		q->capacity *= 1000;
	q->slots_size = q->capacity;
	q->item_size = shape->item_size;
	q->slots = calloc(q->slots_size, q->item_size);
	if (!q->slots) {
		free(q);
		return -ENOMEM;
	}
	pthread_mutex_init(&q->lock, NULL);
	for (size_t i = 0; i < NEWS; i++)
		pthread_cond_init(&q->news[i], NULL);
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct broken *q = queue;

	for (size_t i = 0; i < NEWS; i++)
		pthread_cond_destroy(&q->news[i]);
	pthread_mutex_destroy(&q->lock);
	free(q->slots);
	free(q);
}

static bool is_full(const struct broken *q)
{
	return q->mistake != NO_BOUND && q->put - q->got == q->capacity;
}

static void append(struct broken *q, const void *item)
{
	size_t place = q->put;

	if (q->mistake == EARLY_PUBLISH) {
		q->put++;
		wake(q, ITEM);
		pthread_mutex_unlock(&q->lock);
		copy(q, slot(q, place), item);
		pthread_mutex_lock(&q->lock);
		return;
	}
	copy(q, slot(q, place), item);
	/* The new item changes places with the oldest. */
	if (q->mistake == NEWEST_FIRST && q->put > q->got) {
		char *first = slot(q, q->got), *last = slot(q, place);

		for (size_t i = 0; i < q->item_size; i++) {
			char byte = first[i];

			first[i] = last[i];
			last[i] = byte;
		}
	}
	q->put++;
	if (q->mistake != EARLY_SIGNAL)
		wake(q, ITEM);
}

static int put(void *queue, const void *item)
{
	struct broken *q = queue;

	if (q->mistake == LOSES && __atomic_load_n(&q->put, __ATOMIC_RELAXED) % 1000 == 999) {
		lock(q, NONE);
		q->put++; /* counted, but never in the queue */
		q->got++;
		q->done++;
		unlock(q, NONE);
		return 0;
	}
	if (q->mistake == EARLY_SIGNAL)
		wake(q, ITEM);
	lock(q, UNLOCKED_PUT);
	if (q->mistake == IF_IN_PUT || q->mistake == UNLOCKED_PUT) {
		if (is_full(q) && q->mistake == IF_IN_PUT)
			wait_for(q, ROOM);
		while (q->mistake == UNLOCKED_PUT && is_full(q))
			sched_yield();
	}
	while (q->mistake != IF_IN_PUT && is_full(q))
		wait_for(q, ROOM);
	append(q, item);
	if (q->mistake == DOUBLES && q->put % 1000 == 999 && !is_full(q))
		append(q, item);
	unlock(q, UNLOCKED_PUT);
	return 0;
}

/* Whether it is worth waiting. */
static bool is_empty(const struct broken *q)
{
	return q->got == q->put && !q->closed;
}

static int get(void *queue, void *item)
{
	struct broken *q = queue;
	int result = -ESHUTDOWN;

	lock(q, UNLOCKED_GET);
	if (q->mistake == IF_IN_GET || q->mistake == NOTHING_GOT) {
		if (is_empty(q))
			wait_for(q, ITEM);
	} else if (q->mistake == UNLOCKED_GET) {
		while (is_empty(q))
			sched_yield();
	} else {
		while (is_empty(q))
			wait_for(q, ITEM);
	}
	if (q->mistake == NOTHING_GOT && q->got == q->put && !q->closed)
		result = 0;
	if (q->got < q->put || (q->mistake == IF_IN_GET && !q->closed)) {
		copy(q, item, slot(q, q->got));
		q->got++;
		if (q->mistake != PUTTER_SLEEPS)
			wake(q, ROOM);
		result = 0;
	}
	unlock(q, UNLOCKED_GET);
	return result;
}

/* Returns how many of n reports the queue counts. */
static size_t counted(const struct broken *q, size_t n)
{
	if (q->mistake == DONE_TWICE)
		return 2 * n;
	return n + (q->mistake == DONE_TOO_MANY && q->done % 1000 == 500);
}

static int task_done(void *queue, size_t n)
{
	struct broken *q = queue;

	if (q->mistake == UNORDERED_DONE) {
		__atomic_fetch_add(&q->done, n, __ATOMIC_RELAXED);
		wake(q, ALL_DONE);
		return 0;
	}
	lock(q, UNLOCKED_DONE);
	q->done += counted(q, n);
	if (q->mistake != JOINER_SLEEPS)
		wake(q, ALL_DONE);
	unlock(q, UNLOCKED_DONE);
	return 0;
}

static bool is_done(const struct broken *q)
{
	switch (q->mistake) {
	case JOIN_AT_ONCE:
		return true;
	case JOIN_ON_GOT:
		return q->got >= q->put;
	case UNORDERED_DONE:
		return __atomic_load_n(&q->done, __ATOMIC_RELAXED) >= q->put;
	default:
		return q->done >= q->put;
	}
}

static int join(void *queue)
{
	struct broken *q = queue;

	pthread_mutex_lock(&q->lock);
	if (q->mistake == IF_IN_JOIN && !is_done(q))
		wait_for(q, ALL_DONE);
	while (q->mistake != IF_IN_JOIN && !is_done(q))
		wait_for(q, ALL_DONE);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static int shut_down(void *queue)
{
	struct broken *q = queue;

	pthread_mutex_lock(&q->lock);
	q->closed = true;
	if (q->mistake != GETTERS_SLEEP)
		wake(q, ITEM);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

/* Each as X(mistake, name). */
#define BROKEN_QUEUES                                                                              \
	X(NONE, no_mistake)                                                                        \
	X(UNLOCKED_PUT, no_lock_in_put)                                                            \
	X(UNLOCKED_GET, no_lock_in_get)                                                            \
	X(UNLOCKED_DONE, no_lock_in_task_done)                                                     \
	X(UNORDERED_DONE, done_counted_relaxed_without_the_lock)                                   \
	X(EARLY_PUBLISH, published_before_it_is_copied)                                            \
	X(EARLY_SIGNAL, signalled_before_it_is_there)                                              \
	X(IF_IN_GET, if_for_while_in_get)                                                          \
	X(IF_IN_PUT, if_for_while_in_put)                                                          \
	X(IF_IN_JOIN, if_for_while_in_join)                                                        \
	X(ONE_SIGNAL, one_signal_for_all_who_wait)                                                 \
	X(NEWEST_FIRST, newest_first)                                                              \
	X(LOSES, one_of_a_thousand_lost)                                                           \
	X(DOUBLES, one_of_a_thousand_doubled)                                                      \
	X(JOIN_AT_ONCE, join_returns_at_once)                                                      \
	X(JOIN_ON_GOT, join_waits_until_all_is_got)                                                \
	X(DONE_TWICE, task_done_counts_twice)                                                      \
	X(DONE_TOO_MANY, task_done_counts_one_too_many_of_a_thousand)                              \
	X(NO_BOUND, put_ignores_the_capacity)                                                      \
	X(BOUND_X_1000, capacity_times_a_thousand)                                                 \
	X(WRONG_WRAP, wraps_one_slot_too_early)                                                    \
	X(COPY_4, copies_4_bytes)                                                                  \
	X(COPY_8, copies_8_bytes_of_24)                                                            \
	X(NOTHING_GOT, get_returns_0_with_nothing)                                                 \
	X(JOINER_SLEEPS, nobody_wakes_join)                                                        \
	X(PUTTER_SLEEPS, nobody_wakes_put)                                                         \
	X(GETTERS_SLEEP, shutdown_wakes_nobody)

#define X(mistake, named)                                                                          \
	static int create_##named(void **queue, const struct bench_shape *shape)                   \
	{                                                                                          \
		return create_with(mistake, queue, shape);                                         \
	}                                                                                          \
	static const struct bench_queue named = {.name = #named,                                   \
	                                         .can = BENCH_BOUNDED | BENCH_BLOCKING |           \
	                                                BENCH_FIFO | BENCH_JOIN,                   \
	                                         .create = create_##named,                         \
	                                         .destroy = destroy,                               \
	                                         .put = put,                                       \
	                                         .get = get,                                       \
	                                         .task_done = task_done,                           \
	                                         .join = join,                                     \
	                                         .shutdown = shut_down};
BROKEN_QUEUES
#undef X

#define X(mistake, named) &named,
const struct bench_queue *const bench_queues[] = {BROKEN_QUEUES NULL};
