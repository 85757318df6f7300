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
 *   -EPERM      put by a thread that is not the producer, before shutdown. (A new thread whose
 *               control block lies at the address of a producer that has ended counts as that
 *               producer)
 *   -ERANGE     more task_done than items got; nothing is counted
 *   -EBUSY      destroy while a thread waits inside a blocking call
 *
 * Deadlines are absolute times of CLOCK_MONOTONIC. NULL waits for ever; a past one tries once.
 *
 * Signals: a blocking call goes on after a handler returns, unless options.interruptible is true.
 * No call may be made from a handler.
 * Cancellation: no call is a cancellation point.
 * fork: the child has a private copy of the queue and only the forking thread. The child may use
 * its copy if no other thread was inside a call at the fork; otherwise the child must not use the
 * copy. If another thread of the parent was the producer, that thread is the producer in the copy,
 * too, and a put in the child returns -EPERM.
 * seccomp: a filter that is installed after create must still allow the system calls futex and
 * membarrier, if they were allowed at create. If membarrier is refused later, the library prints a
 * message and aborts the process, because without that fence items could be lost.
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
 * So a program and a library with different time_t do not link. */
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

/** How a queue is made. If all fields are zero, these are the defaults. */
struct spmcq_options {
	/* false: put returns -EPERM to a second thread. true: put does not check which thread
	 * calls; the callers ensure that no two puts overlap and that each put happens-before the
	 * next one. */
	bool unchecked_producer;
	/* Where the 62-bit count of items starts; taken modulo 2^62. It is for tests, which start
	 * just before the count wraps. */
	uint64_t first_position;
	/* true: if a signal handler runs while a call sleeps, the call looks once more, and if it
	 * would have to sleep again, it returns -EINTR and has changed nothing; a put_many that has
	 * put some of its items returns their number. (A handler that runs just before the sleep
	 * does not end the call.) false: the call sleeps on. */
	bool interruptible;
	/* true: the queue never calls membarrier, which makes every running thread of the process
	 * execute a memory fence. All calls still work; they are slower where one consumer takes
	 * all the items. For threads that must not be interrupted. */
	bool no_membarrier;
};

/** What happened since create. Each field is exact while no other call runs, and else a snapshot.
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
 * @q        set if the call returns 0, else left as it was
 * @options  NULL: the defaults
 * Returns 0, -EINVAL, -EOVERFLOW or -ENOMEM.
 * Threads: any. Blocks: no. Memory: capacity, rounded up to a power of two, times item_size,
 * rounded up to a multiple of 8 bytes, plus at most 370 cache lines (23 KiB if they are of 64
 * bytes); nothing is allocated later.
 */
int spmcq_create(struct spmcq **q, size_t capacity, size_t item_size,
                 const struct spmcq_options *options);

/**
 * Free a queue and whatever is still in it. NULL is allowed.
 * Returns 0, or -EBUSY while a thread sleeps inside a blocking call, or is about to: shut down, let
 * the threads return, then destroy. A thread in the first microseconds of a call is not noticed:
 * the caller ensures that no other call begins or is still running.
 * Threads: one, the last. Blocks: no.
 */
int spmcq_destroy(struct spmcq *q);

/**
 * Put one item (put), or n items in order (put_many), at the tail.
 * @item, @items  item_size bytes each; copied before the call returns
 * @deadline      absolute CLOCK_MONOTONIC; NULL waits for ever
 * put and put_until return 0; the many calls return how many items they put: n, or fewer if
 * shutdown, the deadline or (with interruptible) a signal came first, or if the queue became full
 * (try). If they put none: -EAGAIN (try), -ETIMEDOUT (until), -EINTR, -ESHUTDOWN, -EPERM or
 * -EINVAL.
 * When a call returns, a consumer can get the items.
 * Threads: the producer; the first thread to put becomes it, even if that put fails with another
 * error than -EINVAL (see spmcq_release_producer).
 * Blocks: try never; the other calls while the queue is full. They look for room for some 25 us and
 * then sleep. If at most an eighth of the queue is free, they wait until half is free; after 100 us
 * (up to 1.6 ms while consumers are slow) any free slot will do, and at once if the last call that
 * looked for room did so 100 us ago or earlier. Progress: try is wait-free. Cost: O(items), and a
 * system call if a consumer must be woken. A consumer that has taken some 4096 items alone may
 * have a lead: it and the producer then need no locked instructions (see lib/DESIGN.md). Ending the
 * lead takes one more system call, membarrier; the first try_ call that finds the queue full makes
 * it, and a call that waits for room may.
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
 * @item, @items  room for item_size bytes each. In a buffer of at most 64 bytes only the items that
 *                are returned are written. In a larger one a get may overwrite any part with items
 *                that other consumers take
 * @deadline      absolute CLOCK_MONOTONIC; NULL waits for ever
 * get and get_until return 0; the many calls wait for the first item only, take what is there and
 * return how many. If none: -EAGAIN (try), -ETIMEDOUT (until), -EINTR, -ESHUTDOWN or -EINVAL.
 * Threads: any. Blocks: try never; the other calls sleep while the queue is empty, and for some
 * milliseconds if other consumers take items so fast that one more would slow them down.
 * Progress: lock-free. A consumer that is stopped delays other consumers by 3 to 6 ms, at worst by
 * 3 ms for each sleeping consumer and 3 ms more. But an item that it was just woken for, or the
 * sleeping producer that it was about to wake, may wait until the next put or get; and while it
 * begins a lead (see spmcq_put), all items may wait until the next get. Cost: O(items).
 * If another consumer has a lead (see spmcq_put), a get ends the lead, by the system call
 * membarrier. The first try_ call that meets a lead prevents all later leads, so later try_ calls
 * need no membarrier.
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
 * several threads together report more items than were got, the reports that fit return 0 and the
 * others -ERANGE.
 * Threads: any; cheapest from the thread that got the items. Blocks: no. Progress: lock-free;
 * wait-free for a thread that reports what it got itself, as long as all threads do so and the
 * thread has a counter of its own (a queue has 256 of them: see Identity in lib/DESIGN.md). A
 * thread that is stopped after its report may delay a sleeping joiner until the next report.
 */
int spmcq_task_done(struct spmcq *q);
int spmcq_task_done_many(struct spmcq *q, size_t n);

/**
 * Wait until no item is unfinished. Many threads may call it, and more than once.
 * Returns 0 at an instant when nothing was unfinished, -ETIMEDOUT, -EINTR or -EINVAL.
 * Threads: any. Blocks: while items are unfinished.
 */
int spmcq_join(struct spmcq *q);
int spmcq_join_until(struct spmcq *q, const struct timespec *deadline);

/**
 * Refuse further puts. Puts that wait fail; gets take the items that are left, then fail.
 * shutdown_now also discards the queued items, which then do not count as unfinished; join then
 * waits only for items that were got and not yet reported.
 * Returns 0 or -EINVAL. Threads: any, also several at the same time; a second call returns 0.
 * Blocks: no.
 */
int spmcq_shutdown(struct spmcq *q);
int spmcq_shutdown_now(struct spmcq *q);

/**
 * Give up the producer side: the next thread to put becomes the producer.
 * Returns 0, -EINVAL, or -EPERM when the caller is not the producer. Threads: the producer. Blocks:
 * no.
 */
int spmcq_release_producer(struct spmcq *q);

/**
 * Become the producer in place of any other thread, for example one that has ended without
 * releasing. The caller ensures that the last put of the former producer happens-before this call.
 * Returns 0 or -EINVAL. Threads: any. Blocks: no.
 */
int spmcq_take_producer(struct spmcq *q);

/**
 * Facts and snapshots. A snapshot is exact while no other call runs; otherwise size stays within
 * 0..capacity. If q is NULL the counts are 0, is_shutdown is true and stats returns -EINVAL.
 * Threads: any. Blocks: no. Progress: wait-free.
 */
size_t spmcq_capacity(const struct spmcq *q);
size_t spmcq_item_size(const struct spmcq *q);
size_t spmcq_size(const struct spmcq *q);
size_t spmcq_unfinished(const struct spmcq *q);
bool spmcq_is_shutdown(const struct spmcq *q);
int spmcq_stats(const struct spmcq *q, struct spmcq_stats *out);

/**
 * Make a deadline that many seconds from now on CLOCK_MONOTONIC. If seconds is negative or NaN, it
 * is now. If seconds is too large, it is the largest timespec.
 * Threads: any. Blocks: no.
 */
struct timespec spmcq_after(double seconds);

/**
 * The version of the library that runs. SPMCQ_VERSION is the version of the header. Threads: any.
 * Blocks: no.
 */
const char *spmcq_version(void);

#ifdef __cplusplus
}
#endif

#endif
