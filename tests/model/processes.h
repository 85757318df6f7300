/*
 * The queue between processes in the world of the model clients: a process is a handle, and a
 * thread that uses it. Making the memory and admission are left out, and which processes are dead
 * is a variable of the model.
 *
 * One thread may be killed: it ends before any of its writes. A kill anywhere else has the same
 * effect: the writes before it are there, and those after it are not.
 */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "world.h"

/* The thread that may be killed; 0: none. */
static unsigned model_victim;

#ifdef MODEL_CHECKED
/* Seen by the victim at any time, or not at all. */
static _Atomic bool model_is_killed;

static void model_kill(void)
{
	atomic_store_explicit(&model_is_killed, true, memory_order_relaxed);
}

static bool model_ends_here(void)
{
	return atomic_load_explicit(&model_is_killed, memory_order_relaxed);
}

static void model_expose(unsigned thread)
{
	model_victim = thread;
}
#else
/* So many writes that the victim still does. */
static unsigned model_writes_left;

static void model_kill(void)
{
}

static bool model_ends_here(void)
{
	return model_writes_left-- == 0;
}

static void model_expose(unsigned thread)
{
	enum { WRITES = 32 };
	struct chance chance = chance_stream(chance_seed(), ~model_repetitions);

	model_victim = thread;
	model_writes_left = (unsigned)chance_below(&chance, WRITES);
}
#endif

/* Before each write. */
static void model_write(void)
{
	if (model_self != 0 && model_self == model_victim && model_ends_here()) {
		model_leave();
		pthread_exit(NULL);
	}
	model_delay();
}

#undef atomic_store_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_strong_explicit
#ifdef __clang__
#define MODEL_STORE __c11_atomic_store
#define MODEL_ADD __c11_atomic_fetch_add
#define MODEL_SUB __c11_atomic_fetch_sub
#define MODEL_EXCHANGE __c11_atomic_exchange
#define MODEL_CHANGE(to, seen, value, order, other)                                                \
	__c11_atomic_compare_exchange_strong(to, seen, value, order, other)
#else
#define MODEL_STORE __atomic_store_n
#define MODEL_ADD __atomic_fetch_add
#define MODEL_SUB __atomic_fetch_sub
#define MODEL_EXCHANGE __atomic_exchange_n
#define MODEL_CHANGE(to, seen, value, order, other)                                                \
	__atomic_compare_exchange_n(to, seen, value, false, order, other)
#endif
#define atomic_store_explicit(to, value, order) (model_write(), MODEL_STORE(to, value, order))
#define atomic_fetch_add_explicit(to, value, order) (model_write(), MODEL_ADD(to, value, order))
#define atomic_fetch_sub_explicit(to, value, order) (model_write(), MODEL_SUB(to, value, order))
#define atomic_exchange_explicit(to, value, order) (model_write(), MODEL_EXCHANGE(to, value, order))
#define atomic_compare_exchange_strong_explicit(to, seen, value, order, other)                     \
	(model_write(), MODEL_CHANGE(to, seen, value, order, other))

/* --- what a model checker lacks --- */

#ifdef MODEL_CHECKED
/* It notes the name of each byte of padding, and takes seconds for that. */
#undef CK_MD_CACHELINE
#define CK_MD_CACHELINE 8

#ifndef EOWNERDEAD
#define EOWNERDEAD 130
#endif
#ifndef ENOTSUP
#define ENOTSUP 95
#endif
typedef int pthread_key_t;
typedef int pid_t;
typedef unsigned uid_t, gid_t;
#define pthread_setspecific(key, value) ((void)(key), (void)(value), 0)
#define pthread_getspecific(key) ((void)(key), NULL)
#define memmove(to, from, bytes)                                                                   \
	do                                                                                         \
		for (size_t i_ = 0; i_ < (bytes) / sizeof *(to); i_++)                             \
			(to)[i_] = (from)[i_];                                                     \
	while (0)
#define qsort_r(list, n, size, compare, arg) model_sort(list, n, compare, arg)

/* It has no structs of a thread's own: cases say whose seat it is. */
#define _Thread_local

/* Who would look again does so in another execution. */
#undef sched_yield
#define sched_yield() MODEL_ASSUME(false)
#endif

/* A process has no more than one thread here, and there are fewer keys than repetitions. */
#define pthread_key_create(key, at_end) (*(key) = 0)

/* Few notes: see lib/shared. */
#define SPMCQ_MODEL
/* Not all of it is here, nor is all of it used by each client. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#include "futex.h"

#include "shared/calls.h"
#include "shared/handle.h"
#include "shared/life.h"
#include "shared/reap.h"

/* --- the system --- */

/* A second later. */
struct timespec spmcq_after(double seconds)
{
	struct timespec t;

	(void)seconds;
	model_gettime(&t);
	t.tv_sec++;
	return t;
}

/* What a peer lost, and the seat of a successor: once a case. */
static struct lost_item model_list[8];
static struct my_seat model_seat;
static uint64_t model_before[NOTES];

static void *model_calloc(size_t n, size_t size)
{
	if (size == sizeof model_seat)
		return &model_seat;
	if (size == sizeof *model_before)
		return model_before;
	return n <= 8 ? (void *)model_list : NULL;
}

#define calloc(n, size) model_calloc(n, size)
#define malloc(size) NULL
#define free(memory) ((void)(memory))

/* A descriptor of a process is the thread of the case that is all of it. The kernel says that it is
 * gone when the thread has ended and others know it. */
INTERNAL bool life_is_over(int process, int lifeline)
{
	(void)lifeline;
	return process > 0 && model_threads[process].is_joined;
}

INTERNAL void close_if_open(int *file)
{
	*file = -1;
}

/* Nobody writes what no peer writes. */
INTERNAL int break_handle(struct handle *h)
{
	(void)h;
	MODEL_CHECK(false, "a peer is taken for a liar");
	return -EPROTO;
}

INTERNAL int handle_status(const struct handle *h)
{
	(void)h;
	return 0;
}

INTERNAL int shared_destroy(struct spmcq *q)
{
	(void)q;
	return -EBUSY;
}

/* Nothing is sealed. */
#include "seal/stub.c"

#ifdef MODEL_CHECKED
/* What the compiler makes of assigned structs: of words, and one that has smaller members. */
void *(memcpy)(void *to, const void *from, size_t bytes)
{
	const struct my_peer *peer = from;
	struct my_peer *copy = to;

	if (bytes == sizeof *peer) {
		copy->is_used = peer->is_used;
		copy->is_gone = peer->is_gone;
		copy->process = peer->process;
		copy->lifeline = peer->lifeline;
		copy->id = peer->id;
		copy->serial = peer->serial;
		copy->lost = peer->lost;
		copy->lost_n = peer->lost_n;
		copy->named = peer->named;
		copy->finished = peer->finished;
	} else {
		model_copy(to, from, bytes);
	}
	return to;
}

void *(memset)(void *to, int byte, size_t bytes)
{
	if (bytes % sizeof(uint64_t) != 0)
		for (size_t i = 0; i < bytes; i++)
			((unsigned char *)to)[i] = (unsigned char)byte;
	else
		for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
			((uint64_t *)to)[i] = 0;
	return to;
}

/* By insertion. */
static void model_sort(struct lost_item *list, size_t n,
                       int (*compare)(const void *a, const void *b, void *arg), void *arg)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && compare(&list[j - 1], &list[j], arg) > 0; j--) {
			struct lost_item later;

			later = list[j - 1];
			list[j - 1] = list[j];
			list[j] = later;
		}
}
#endif

/* Only what a case uses: else a model checker reads all of the library. */
static int model_reap(struct spmcq *q, struct spmcq_lost *lost, size_t max);
#define spmcq_shared_reap model_reap

#include "shared/close.c"
#include "shared/end.c"
#include "shared/facts.c"
#include "shared/finish.c"
#include "shared/get.c"
#include "shared/held.c"
#include "shared/keep.c"
#include "shared/put.c"
#include "shared/reap.c"
#include "shared/run.c"
#include "shared/seat.c"
#include "shared/take.c"
#include "shared/wait.c"
#endif
