/*
 * spmcq: a bounded queue for one producer and any number of consumers, after Python's queue.Queue.
 *
 * Words. The producer is the one thread that puts; a consumer is any thread that gets; a joiner is
 * any thread in join. An item is item_size bytes, copied in by put and out by get; it needs no
 * alignment. Unfinished items are those put and not yet reported by task_done, nor discarded.
 *
 * Results. 0 or a count on success, a negative errno value otherwise. An error changes nothing in
 * the queue, unless the text of a call says otherwise.
 *   -EAGAIN     a try_ call found the queue full (put) or empty (get)
 *   -ETIMEDOUT  the deadline passed first
 *   -EINTR      options.interruptible only: a signal handler ran while the call slept
 *   -ESHUTDOWN  put after shutdown; get after shutdown with nothing left
 *   -EINVAL     NULL, capacity 0, item_size 0, n 0, or tv_nsec outside 0..999999999
 *   -EOVERFLOW  capacity times item_size cannot be represented or addressed
 *   -ENOMEM     no memory
 *   -EPERM      put by a second thread while the first owns the producer side, before shutdown. (A
 *               thread that has the place of an ended owner in memory counts as the owner)
 *   -ERANGE     more task_done than items got; nothing is counted
 *   -EBUSY      destroy while a thread is inside a blocking call
 *
 * Deadlines are absolute times of CLOCK_MONOTONIC. NULL waits for ever; a past one tries once.
 *
 * Signals: a blocking call goes on after a handler returns, unless options.interruptible is true.
 * No call may be made from a handler.
 * Cancellation: no call is a cancellation point.
 * fork: the child has a private copy of the queue and only the forking thread. It may use the copy
 * if no other thread was inside a call at the fork; otherwise it must not touch it. A producer side
 * that another thread owned stays taken in the copy.
 * seccomp: a filter set after create must allow what was allowed at create, futex and membarrier;
 * a process that is refused membarrier then is aborted, with a message, rather than lose items.
 */
#ifndef SPMCQ_H
#define SPMCQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/** The version of this header. SPMCQ_VERSION_NUMBER is for #if: later versions have greater ones.
 */
#define SPMCQ_VERSION_MAJOR 0
#define SPMCQ_VERSION_MINOR 2
#define SPMCQ_VERSION_PATCH 0
#define SPMCQ_VERSION "0.2.0"
#define SPMCQ_VERSION_NUMBER                                                                       \
	(SPMCQ_VERSION_MAJOR * 1000000 + SPMCQ_VERSION_MINOR * 1000 + SPMCQ_VERSION_PATCH)

/* On 32-bit systems where a program chooses between a time_t of 32 and of 64 bits (glibc's
 * _TIME_BITS), the calls that take or return a time have other names for the linker if it has 64.
 * So a program and a library with different time_t do not link, rather than go wrong. */
#if defined(__USE_TIME_BITS64) && defined(__TIMESIZE) && __TIMESIZE == 32
#define spmcq_put_until spmcq_put_until_time64
#define spmcq_put_many_until spmcq_put_many_until_time64
#define spmcq_get_until spmcq_get_until_time64
#define spmcq_get_many_until spmcq_get_many_until_time64
#define spmcq_join_until spmcq_join_until_time64
#define spmcq_after spmcq_after_time64
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct spmcq;

/** How a queue is made. All zero: the defaults. */
struct spmcq_options {
	/* false: put refuses a second thread with -EPERM. true: it does not look; whoever calls
	 * sees to it that puts never overlap and that each happens before the next. */
	bool unchecked_producer;
	/* Where the 63-bit count of items starts; taken modulo 2^63. Tests start just before a
	 * wrap. */
	uint64_t first_position;
	/* true: a signal handler that runs while a call sleeps ends the call with -EINTR, and
	 * nothing is done. (A handler that runs just before the call sleeps does not.) false: the
	 * call sleeps on. */
	bool interruptible;
	/* true: never make all threads fence by the membarrier system call. Everything still works,
	 * and is slower where one consumer takes all the items. For threads that must not be
	 * disturbed. */
	bool no_membarrier;
};

/** What happened since create. Each field is exact for a quiet queue and a snapshot for a busy one.
 */
struct spmcq_stats {
	uint64_t put;             /* items put */
	uint64_t got;             /* items got by consumers */
	uint64_t discarded;       /* items thrown away by shutdown_now */
	uint64_t done;            /* items reported by task_done */
	uint64_t consumer_sleeps; /* times a consumer went to sleep */
	uint64_t producer_sleeps; /* times the producer went to sleep */
	uint64_t joiner_sleeps;   /* times a joiner went to sleep */
	uint64_t wakeups; /* system calls made to wake a consumer, the producer or a joiner */
};

/**
 * Make an empty queue for exactly capacity items of item_size bytes each.
 * @q        set on 0, untouched otherwise
 * @options  NULL: the defaults
 * Returns 0, -EINVAL, -EOVERFLOW or -ENOMEM.
 * Threads: any. Blocks: no. Memory: capacity, rounded up to a power of two, times item_size,
 * rounded up to a multiple of 8 bytes, plus at most 112 cache lines (7 KiB if they are of 64
 * bytes); nothing is allocated later.
 */
int spmcq_create(struct spmcq **q, size_t capacity, size_t item_size,
                 const struct spmcq_options *options);

/**
 * Free a queue and whatever is still in it. NULL is allowed.
 * Returns 0, or -EBUSY while a thread sleeps or waits inside a blocking call: shut down, let the
 * threads come back, then destroy. The caller sees to it that no other call begins or goes on.
 * Threads: one, the last. Blocks: no.
 */
int spmcq_destroy(struct spmcq *q);

/**
 * Put one item (put), or n items in order (put_many), at the tail.
 * @item, @items  item_size bytes each; copied before the call returns
 * @deadline      absolute CLOCK_MONOTONIC; NULL waits for ever
 * put and put_until return 0; the many calls return how many were placed: n, or fewer if shutdown
 * or the deadline came midway, or (try) the queue filled up. If none was: -EAGAIN (try), -ETIMEDOUT
 * (until), -EINTR, -ESHUTDOWN, -EPERM or -EINVAL.
 * When a call returns, a consumer can get the items.
 * Threads: the producer; the first thread to put becomes it (see spmcq_release_producer).
 * Blocks: try never; the others sleep while the queue is full.
 * The others use no CPU while the queue is full, but for some 25 us. They wait for half the queue
 * to be free, or, when 100 us have passed since they last found room, for any room. Progress: try
 * is wait-free. Cost: O(items), and a system call if a consumer must be woken. If one consumer has
 * taken all the items, the first try_ call that finds the queue full makes one more system call
 * (membarrier). So may a call that waits for room.
 */
int spmcq_put(struct spmcq *q, const void *item);
int spmcq_try_put(struct spmcq *q, const void *item);
int spmcq_put_until(struct spmcq *q, const void *item, const struct timespec *deadline);
ssize_t spmcq_put_many(struct spmcq *q, const void *items, size_t n);
ssize_t spmcq_try_put_many(struct spmcq *q, const void *items, size_t n);
ssize_t spmcq_put_many_until(struct spmcq *q, const void *items, size_t n,
                             const struct timespec *deadline);

/**
 * Get the oldest item (get), or the oldest run of up to max items (get_many), from the head.
 * @item, @items  room for item_size bytes each. Bytes that no returned item fills may be
 *                overwritten with items of others, unless the whole room is at most 64 bytes and
 *                nothing was got
 * @deadline      absolute CLOCK_MONOTONIC; NULL waits for ever
 * get and get_until return 0; the many calls wait for the first item only, take what is there and
 * return how many. If none: -EAGAIN (try), -ETIMEDOUT (until), -EINTR, -ESHUTDOWN or -EINVAL.
 * Threads: any. Blocks: try never; the others sleep while the queue is empty.
 * Progress: lock-free. A consumer stopped anywhere holds up nobody for more than some milliseconds;
 * but an item that it was just woken for may wait until the next put or get. Cost: O(items). If one
 * consumer has taken all the items, the first get by another makes a system call (membarrier). Once
 * a try_ call has made it, no later try_ call makes it again.
 */
int spmcq_get(struct spmcq *q, void *item);
int spmcq_try_get(struct spmcq *q, void *item);
int spmcq_get_until(struct spmcq *q, void *item, const struct timespec *deadline);
ssize_t spmcq_get_many(struct spmcq *q, void *items, size_t max);
ssize_t spmcq_try_get_many(struct spmcq *q, void *items, size_t max);
ssize_t spmcq_get_many_until(struct spmcq *q, void *items, size_t max,
                             const struct timespec *deadline);

/**
 * Report one item, or n items, as finished. What the caller wrote before is visible to a joiner.
 * Returns 0, -EINVAL, or -ERANGE when more would be reported than were got: nothing is counted. If
 * several threads report the same item at once, one of them gets 0 and the others -ERANGE.
 * Threads: any; cheapest from the thread that got the items. Blocks: no. Progress: lock-free;
 * wait-free for a thread that reports what it got itself, while all do so.
 */
int spmcq_task_done(struct spmcq *q);
int spmcq_task_done_many(struct spmcq *q, size_t n);

/**
 * Wait until no item is unfinished. May be called again and again, by many threads.
 * Returns 0 at an instant when nothing was unfinished, -ETIMEDOUT, -EINTR or -EINVAL.
 * Threads: any. Blocks: while items are unfinished.
 */
int spmcq_join(struct spmcq *q);
int spmcq_join_until(struct spmcq *q, const struct timespec *deadline);

/**
 * Refuse further puts. Blocked puts fail; gets drain what is left, then fail.
 * shutdown_now also discards what is queued and takes it off the unfinished; join then waits only
 * for the items that consumers hold.
 * Returns 0 or -EINVAL. Threads: any, several at once, again. Blocks: no.
 */
int spmcq_shutdown(struct spmcq *q);
int spmcq_shutdown_now(struct spmcq *q);

/**
 * Give up the producer side: the next thread to put becomes the producer.
 * Returns 0, -EINVAL, or -EPERM when the caller does not own it. Threads: the producer. Blocks: no.
 */
int spmcq_release_producer(struct spmcq *q);

/**
 * Become the producer, whichever thread was: for an owner that has ended without releasing. The
 * caller makes sure that the owner's last put happens before this call.
 * Returns 0 or -EINVAL. Threads: any. Blocks: no.
 */
int spmcq_take_producer(struct spmcq *q);

/**
 * Facts and snapshots. A snapshot is true at some instant for a quiet queue; for a busy one size
 * stays within 0..capacity. With q NULL the counts are 0, is_shutdown is true, stats says -EINVAL.
 * Threads: any. Blocks: no. Progress: wait-free.
 */
size_t spmcq_capacity(const struct spmcq *q);
size_t spmcq_item_size(const struct spmcq *q);
size_t spmcq_size(const struct spmcq *q);
size_t spmcq_unfinished(const struct spmcq *q);
bool spmcq_is_shutdown(const struct spmcq *q);
int spmcq_stats(const struct spmcq *q, struct spmcq_stats *out);

/**
 * A deadline so many seconds from now on CLOCK_MONOTONIC. Negative or NaN: now; beyond what a
 * timespec holds: its end.
 * Threads: any. Blocks: no.
 */
struct timespec spmcq_after(double seconds);

/**
 * The version of the library that runs, as SPMCQ_VERSION is that of the header.
 * Threads: any. Blocks: no.
 */
const char *spmcq_version(void);

#ifdef __cplusplus
}
#endif

#endif
