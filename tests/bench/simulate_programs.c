/*
 * See simulate_programs.h. Each says in a line or two what the machine should make of it.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "simulate_programs.h"

#define LOAD(word, order) __atomic_load_n(&(word), __ATOMIC_##order)
#define STORE(word, value, order) __atomic_store_n(&(word), value, __ATOMIC_##order)

static void pass(struct program *p, uint64_t number)
{
	for (uint64_t i = 0; i < p->rounds; i++) {
		while (LOAD(p->word[0].value, ACQUIRE) % 2 != number)
			__builtin_ia32_pause();
		STORE(p->word[0].value, 2 * i + number + 1, RELEASE);
	}
}

void pass_0(void *program)
{
	pass(program, 0);
}

void pass_1(void *program)
{
	pass(program, 1);
}

static void add_to(uint64_t *word, uint64_t times)
{
	for (uint64_t i = 0; i < times; i++)
		__atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
}

void add(void *program)
{
	struct program *p = program;

	add_to(&p->word[0].value, p->rounds);
}

void add_neighbour(void *program)
{
	struct program *p = program;

	add_to(&p->word[0].neighbour, p->rounds);
}

void add_own(void *program)
{
	struct program *p = program;

	add_to(&p->word[1].value, p->rounds);
}

/* Each word has the number of another, so that a chase comes through all; no stride shows. */
void own_all(void *program)
{
	struct program *p = program;

	for (uint64_t i = 0; i < PROGRAM_LINES; i++)
		__atomic_fetch_add(&p->word[i].value, (5 * i + 3) % PROGRAM_LINES,
		                   __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&p->all_owned.value, 1, __ATOMIC_SEQ_CST);
}

static void wait_for_owner(struct program *p)
{
	while (LOAD(p->all_owned.value, ACQUIRE) == 0)
		__builtin_ia32_pause();
}

void store_to_others(void *program)
{
	struct program *p = program;

	wait_for_owner(p);
	p->begin = p->now();
	for (uint64_t i = 0; i < PROGRAM_LINES; i++)
		STORE(p->word[i].value, 1, RELAXED);
	p->end = p->now();
}

void store_and_fence(void *program)
{
	struct program *p = program;

	wait_for_owner(p);
	p->begin = p->now();
	for (uint64_t i = 0; i < PROGRAM_LINES; i++)
		STORE(p->word[i].value, 1, RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p->end = p->now();
}

void load_others(void *program)
{
	struct program *p = program;
	uint64_t sum = 0;

	wait_for_owner(p);
	p->begin = p->now();
	for (uint64_t i = 0; i < PROGRAM_LINES; i++)
		sum += LOAD(p->word[i].value, RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p->end = p->now();
	p->seen[0] = sum;
}

void chase_others(void *program)
{
	struct program *p = program;
	uint64_t at = 0;

	wait_for_owner(p);
	p->begin = p->now();
	for (uint64_t i = 0; i < PROGRAM_LINES; i++)
		at = LOAD(p->word[at].value, RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p->end = p->now();
	p->seen[0] = at;
}

static void full_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* As an intrinsic, where there is one. */
static void intrinsic_fence(void)
{
#ifdef __x86_64__
	_mm_mfence();
#else
	full_fence();
#endif
}

static void no_fence(void)
{
}

/* Both look at both words first, so that each has a copy that the other's store must take away;
 * then they wait until that is over. */
static void say(struct program *p, uint64_t mine, void (*fence)(void))
{
	p->seen[mine] = LOAD(p->word[mine].value, RELAXED) + LOAD(p->word[!mine].value, RELAXED);
	for (int i = 0; i < 20; i++)
		__builtin_ia32_pause();
	STORE(p->word[mine].value, 1, RELEASE);
	fence();
	p->seen[mine] = LOAD(p->word[!mine].value, ACQUIRE);
}

void say_0(void *program)
{
	say(program, 0, no_fence);
}

void say_1(void *program)
{
	say(program, 1, no_fence);
}

void say_fenced_0(void *program)
{
	say(program, 0, full_fence);
}

void say_fenced_1(void *program)
{
	say(program, 1, full_fence);
}

void say_mfence_0(void *program)
{
	say(program, 0, intrinsic_fence);
}

void say_mfence_1(void *program)
{
	say(program, 1, intrinsic_fence);
}

void publish(void *program)
{
	struct program *p = program;

	for (uint64_t i = 1; i <= p->rounds; i++) {
		STORE(p->word[0].value, i, RELAXED);
		STORE(p->word[1].value, i, RELEASE);
	}
}

/* seen[0]: how often the second store was seen before the first. */
void read_back(void *program)
{
	struct program *p = program;
	uint64_t second;

	do {
		second = LOAD(p->word[1].value, ACQUIRE);
		p->seen[0] += LOAD(p->word[0].value, RELAXED) < second;
	} while (second < p->rounds);
}

enum beside { NOTHING, READ, WRITE, FENCE };

static void publish_with(struct program *p, enum beside beside)
{
	for (uint64_t i = 1; i <= p->rounds; i++) {
		STORE(p->word[0].value, i, RELAXED);
		STORE(p->word[1].value, i, RELEASE);
		if (beside == READ)
			(void)*(volatile uint64_t *)&p->word[1].value;
		if (beside == WRITE)
			p->word[1].neighbour = i;
		if (beside == FENCE)
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
		for (int j = 0; j < 3; j++)
			__builtin_ia32_pause();
	}
}

void publish_and_read(void *program)
{
	publish_with(program, READ);
}

void publish_and_write(void *program)
{
	publish_with(program, WRITE);
}

void publish_and_fence(void *program)
{
	publish_with(program, FENCE);
}

void read_back_unevenly(void *program)
{
	struct program *p = program;
	uint64_t second, unordered = 0, chance = (uintptr_t)&second >> 12;

	do {
		second = LOAD(p->word[1].value, ACQUIRE);
		unordered += LOAD(p->word[0].value, RELAXED) < second;
		for (uint64_t i = 0; i < (chance & 15); i++)
			__builtin_ia32_pause();
		chance = chance * 13 + 7;
	} while (second < p->rounds);
	__atomic_fetch_add(&p->unordered, unordered, __ATOMIC_RELAXED);
}

void lock_and_count(void *program)
{
	struct program *p = program;

	for (uint64_t i = 0; i < p->rounds; i++) {
		while (__atomic_exchange_n(&p->word[0].value, 1, __ATOMIC_SEQ_CST))
			;
		p->word[2].value++;
		for (int j = 0; j < 3; j++)
			__builtin_ia32_pause();
		STORE(p->word[0].value, 0, SEQ_CST);
	}
}

void add_late(void *program)
{
	struct program *p = program;

	for (int i = 0; i < 50; i++)
		__builtin_ia32_pause();
	__atomic_fetch_add(&p->word[0].value, 1, __ATOMIC_SEQ_CST);
	p->end = p->now();
}

void look_for_it(void *program)
{
	struct program *p = program;

	while (LOAD(p->word[0].value, ACQUIRE) == 0)
		;
	uint64_t now = p->now();
	if (p->begin == 0 || now < p->begin)
		p->begin = now;
}

void copy_24(void *program)
{
	struct program *p = program;

	for (uint64_t i = 0; i < p->rounds; i++) {
		memcpy(&p->word[0], &p->word[1], 24);
		__builtin_ia32_pause();
	}
}

struct __attribute__((may_alias)) fields {
	uint64_t field[6];
};

void copy_struct(void *program)
{
	struct program *p = program;
	struct fields *to = (void *)&p->word[0], *from = (void *)&p->word[1];

	for (uint64_t i = 0; i < p->rounds; i++) {
		*(volatile struct fields *)to = *from;
		__builtin_ia32_pause();
	}
}

void set_64(void *program)
{
	struct program *p = program;

	for (uint64_t i = 0; i < p->rounds; i++) {
		memset(&p->word[0], (int)i, PROGRAM_LINE);
		__builtin_ia32_pause();
	}
}

void copy_across(void *program)
{
	struct program *p = program;

	for (uint64_t i = 0; i < p->rounds; i++) {
		memcpy((char *)&p->word[0] + 48, &p->word[2], 24);
		__builtin_ia32_pause();
	}
}

void look_at_0(void *program)
{
	struct program *p = program;

	(void)LOAD(p->word[0].value, ACQUIRE);
}

void load_once(void *program)
{
	struct program *p = program;

	for (int i = 0; i < 100; i++)
		__builtin_ia32_pause();
	p->begin = p->now();
	(void)LOAD(p->word[0].value, ACQUIRE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	p->end = p->now();
}

void wait_on_other_words(void *program)
{
	struct program *p = program;

	while (LOAD(p->word[1].value, ACQUIRE) == 0)
		__builtin_ia32_pause();
}

void sleep_on_0(void *program)
{
	struct program *p = program;

	while (LOAD(p->word[0].value, ACQUIRE) == 0)
		syscall(SYS_futex, &p->word[0].value, FUTEX_WAIT_PRIVATE, 0, NULL);
}

void add_and_wake(void *program)
{
	struct program *p = program;

	__atomic_fetch_add(&p->word[0].value, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &p->word[0].value, FUTEX_WAKE_PRIVATE, 1000);
}

void lock_rwlock(void *program)
{
	static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

	(void)program;
	pthread_rwlock_rdlock(&lock);
	pthread_rwlock_unlock(&lock);
}

void work_long(void *program)
{
	struct program *p = program;

	for (uint64_t i = 0; i < p->rounds; i++)
		__builtin_ia32_pause();
}

/* --- a queue under a lock, and what can be wrong with it --- */

enum mistake { NONE, LOSES, DOUBLES, TEARS, WAITS_ONCE };

struct plain {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t capacity, item_size;
	uint64_t head, tail, done, gets;
	bool closed;
	unsigned char *items;
};

static int create(void **queue, const struct bench_shape *shape)
{
	struct plain *q = calloc(1, sizeof(*q));

	q->capacity = shape->capacity;
	q->item_size = shape->item_size;
	q->items = calloc(shape->capacity, shape->item_size);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	*queue = q;
	return 0;
}

static void destroy(void *queue)
{
	struct plain *q = queue;

	free(q->items);
	free(q);
}

static unsigned char *slot(struct plain *q, uint64_t position)
{
	return q->items + position % q->capacity * q->item_size;
}

static int put_with(struct plain *q, const void *item, enum mistake mistake)
{
	pthread_mutex_lock(&q->lock);
	while (q->tail - q->head == q->capacity)
		pthread_cond_wait(&q->changed, &q->lock);
	memcpy(slot(q, q->tail), item, q->item_size);
	if (mistake == TEARS && q->tail % 100 == 99)
		slot(q, q->tail)[q->item_size - 1] ^= 1;
	q->tail++;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static int get_with(struct plain *q, void *item, enum mistake mistake)
{
	pthread_mutex_lock(&q->lock);
	do {
		if (q->tail == q->head && !q->closed)
			pthread_cond_wait(&q->changed, &q->lock);
	} while (mistake != WAITS_ONCE && q->tail == q->head && !q->closed);
	if (q->tail == q->head) {
		pthread_mutex_unlock(&q->lock);
		return -ESHUTDOWN;
	}
	q->gets++;
	if (mistake == LOSES && q->gets % 100 == 0 && q->tail - q->head > 1) {
		q->head++;
		q->done++;
	}
	memcpy(item, slot(q, q->head), q->item_size);
	if (mistake == DOUBLES && q->gets % 100 == 0)
		q->done--;
	else
		q->head++;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static int task_done_silently(void *queue, size_t n)
{
	struct plain *q = queue;

	pthread_mutex_lock(&q->lock);
	q->done += n;
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static int task_done(void *queue, size_t n)
{
	struct plain *q = queue;

	task_done_silently(q, n);
	pthread_cond_broadcast(&q->changed);
	return 0;
}

static int join(void *queue)
{
	struct plain *q = queue;

	pthread_mutex_lock(&q->lock);
	while (q->done != q->tail)
		pthread_cond_wait(&q->changed, &q->lock);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

static int join_at_once(void *queue)
{
	(void)queue;
	return 0;
}

static int shut_down(void *queue)
{
	struct plain *q = queue;

	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
	return 0;
}

#define QUEUE(variable, mistake, its_done, its_join)                                               \
	static int variable##_put(void *queue, const void *item)                                   \
	{                                                                                          \
		return put_with(queue, item, mistake);                                             \
	}                                                                                          \
	static int variable##_get(void *queue, void *item)                                         \
	{                                                                                          \
		return get_with(queue, item, mistake);                                             \
	}                                                                                          \
	const struct bench_queue variable = {                                                      \
	        .name = #variable,                                                                 \
	        .can = BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN,                   \
	        .create = create,                                                                  \
	        .destroy = destroy,                                                                \
	        .put = variable##_put,                                                             \
	        .get = variable##_get,                                                             \
	        .task_done = its_done,                                                             \
	        .join = its_join,                                                                  \
	        .shutdown = shut_down,                                                             \
	}

QUEUE(program_right, NONE, task_done, join);
QUEUE(program_loses_items, LOSES, task_done, join);
QUEUE(program_doubles_items, DOUBLES, task_done, join);
QUEUE(program_tears, TEARS, task_done, join);
QUEUE(program_waits_once, WAITS_ONCE, task_done, join);
QUEUE(program_forgets_to_wake, NONE, task_done_silently, join);
QUEUE(program_joins_at_once, NONE, task_done, join_at_once);
