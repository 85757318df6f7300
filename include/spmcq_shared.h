/*
 * spmcq_shared: the queue of spmcq.h in memory that processes share. Linux.
 *
 * One process makes the queue and puts; others get. The handle is a struct spmcq, and all calls of
 * spmcq.h take it, with the same results. This header says how a process gets its handle, what
 * happens when a process dies, and what one process may do to the others.
 *
 *   producer's process            a consumer's process
 *   spmcq_shared_create(&q, ...)
 *   spmcq_shared_admit(q, fd)     spmcq_shared_join(&q, fd, sizeof x)
 *   spmcq_put(q, &x)              spmcq_get(q, &x), spmcq_task_done(q)
 *   spmcq_join(q)
 *
 * Here fd is one end of a connected Unix socket; each process uses its own end.
 *
 * Words. A peer is a process that was admitted. A peer is gone when it has ended, or executed
 * another program, or destroyed its handle; one that is only stopped is not gone. An item is lost
 * when the process that got it is gone and had not reported it. A thread that ends loses nothing:
 * other threads of its process can still report what it got.
 *
 * Who may write what. The producer's memory holds the items, tail and all sizes; the kernel lets
 * all other processes only read it. The memory that peers have to write says how many items were
 * taken and reported, and which threads sleep; every process may write it. Each process checks what
 * it reads there against its own copies. If a process reads a value that this library cannot have
 * written, its calls return -EPROTO, and it cannot use the queue any more.
 *
 * Results, in addition to those of spmcq.h:
 *   -EOWNERDEAD  get: nothing is left and the producer's process is gone.
 *                join: items are unfinished, and may stay so. Either the producer's process is
 *                gone; or (only the producer's process sees this) a peer that is gone has lost
 *                items that spmcq_shared_reap() has not named yet.
 *                put, redeliver only: there is no room, and a peer that is gone has lost items that
 *                spmcq_shared_reap() has not named yet
 *   -EPROTO      another process wrote something that this library would never write
 *   -EBADMSG     get, sealed only: the items could not be decrypted, so somebody changed or moved
 *                them. They count as got and reported; the next get takes the items after them
 *   -EPERM       put: this is not the producer's process. All calls but destroy and those that
 *                return a fact (spmcq_size() and so on): the process is a forked child of the
 *                process that made the handle. The child must join by itself
 *   -EUSERS      get, shutdown_now: more threads of this process at once than options.threads
 *   -ERANGE      join: more items were reported than were put, so a process reported too many
 *   -ENOBUFS     get, redeliver only: this thread has not reported the items of its last 255 gets
 *
 * What differs from a queue between threads:
 * - task_done reports items that the calling process got: first the oldest that the calling thread
 * got; if these are fewer than n, the rest is reported for other threads of the process. Such a
 * task_done, and each later one of the process, locks a mutex of the process. So does a put with
 * redeliver when it needs room, even a try_put. Reap and admit, and a put or join that waits, hold
 * the mutex of the producer's process while they look for peers that are gone.
 * - With `redeliver`, items may come again.
 * - A try_get that finds nothing asks the system every now and then whether the producer lives. A
 * sleep ends after 0.1 s at most. Then a consumer checks whether the producer is gone; a joiner in
 * the producer's process, and a put with redeliver, check whether a peer is gone.
 * - There is no lead (see spmcq_put() in spmcq.h), because a lead needs membarrier, which does not
 * reach other processes.
 * - Positions are counted modulo 2^52.
 * - spmcq_stats() counts sleeps and wake-ups of the calling process only.
 *
 * Link with -lspmcq_shared -lspmcq_seal -lspmcq; pkg-config spmcq_shared says what else.
 */
#ifndef SPMCQ_SHARED_H
#define SPMCQ_SHARED_H

#include "spmcq.h"
#include "spmcq_seal.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The process at the other end of a socket, as the kernel says. */
struct spmcq_peer {
	pid_t process;
	uid_t user;
	gid_t group;
};

/** How a shared queue is made. If all fields are zero, these are the defaults. */
struct spmcq_shared_options {
	/* As in struct spmcq_options. interruptible holds for peers, too. first_position is taken
	 * modulo 2^52. */
	bool unchecked_producer;
	bool interruptible;
	uint64_t first_position;
	/* Returns whether a process may be admitted. It must not call functions of this queue.
	 * NULL: only processes of the effective user of the producer's process are admitted. */
	bool (*allow)(const struct spmcq_peer *peer, void *argument);
	void *argument; /* for allow */
	/* The most peers that live at a time (0: 64), and the most threads of one process that get
	 * at a time (0: 16). (2 * processes + 2) * threads must be at most 4094: there is a place
	 * for each living peer, as many places for peers that are gone and not reaped yet, and one
	 * each for the producer and a successor. */
	unsigned processes;
	unsigned threads;
	/* true: spmcq_shared_reap() gives lost items to other consumers. They come before the items
	 * that wait in the queue, in the order in which they are reaped. So an item can come later
	 * than items that were put after it; and if a consumer did the work and was killed before
	 * it reported, the work is done again. The producer keeps each item until it is reported.
	 * So put also waits while more items than the capacity were got and are not reported. */
	bool redeliver;
	/* true: items are sealed, see spmcq_seal.h, and bound to their position and to this queue.
	 * A run is a number of consecutive items that are sealed together: a put_many makes runs of
	 * at most 32 items and 64 KiB, or of one larger item. A get_many returns items of one run
	 * at most. create returns -ENOTSUP if spmcq_seal was built without libsodium. */
	bool sealed;
	enum spmcq_algorithm algorithm;
};

/** Consecutive items that a peer had got and not reported when it ended. */
struct spmcq_lost {
	uint64_t position; /* of the first item; SPMCQ_POSITION_UNKNOWN: see reap */
	uint64_t items;
	pid_t process;    /* that got them */
	bool redelivered; /* other consumers get them */
};

/** The position of lost items that cannot be known: see spmcq_shared_reap(). */
#define SPMCQ_POSITION_UNKNOWN UINT64_MAX

/**
 * Make an empty queue that other processes can be admitted to.
 * @q        set if the call returns 0, else left as it was
 * @options  NULL: the defaults
 * Returns as spmcq_create(), or -ENOTSUP (not Linux, a kernel before 5.3, or a build without
 * sealing), -EMFILE, -ENFILE, and what spmcq_key_create() returns. -ENOMEM also means that the
 * memfds would be larger than memory and swap of the machine together.
 * Threads: any. Blocks: no. Memory: two memfds, files without a name whose size nobody can change.
 * They hold the slots as in spmcq_create() (with redeliver, up to three times as many places for
 * items in all) and some 8 KiB for each of (2 * processes + 2) * threads threads; pages that are
 * never used take no memory. File descriptors: four, and two for each peer; five in a consumer's
 * process.
 */
int spmcq_shared_create(struct spmcq **q, size_t capacity, size_t item_size,
                        const struct spmcq_shared_options *options);

/**
 * Admit the process at the other end of a socket. It calls spmcq_shared_join(),
 * spmcq_shared_rejoin() or spmcq_shared_succeed() there. The kernel says which process, user and
 * group it is, and options.allow decides whether to admit it. Only then are the memory and, if the
 * queue is sealed, the key sent to it.
 * @socket  a connected Unix socket, stream or seqpacket, blocking or not. It stays the caller's,
 *          and the queue does not use it afterwards. It may be an end of a socket pair that was
 *          made before a fork: what counts is which process writes, not which one made the socket
 * Returns 0; -EACCES if the process is refused; -EUSERS if there are too many peers; -EBUSY if it
 * asks to succeed a producer that is not gone; -EPROTO if it sent something else than a request;
 * -ECONNRESET if the other end closed; -ETIMEDOUT if it took longer than 5 seconds; -EINVAL if this
 * is not such a socket; -EPERM in a consumer's process, unless the producer's process is gone and
 * the other process asks to succeed it; the error that the other process reports if it could not
 * use what it was sent, such as -EMSGSIZE; or an error of the system. If it fails, other peers are
 * not affected.
 * Threads: any, of the producer's process; or, to admit a successor, of a peer whose producer is
 * gone. Blocks: up to 5 seconds, as long as the other process makes it wait; so the thread that
 * puts may leave this to another thread.
 */
int spmcq_shared_admit(struct spmcq *q, int socket);

/**
 * Become a consumer of a queue. The process at the other end of the socket calls
 * spmcq_shared_admit(). The library does not check which process that is: the caller must know it
 * from the way in which it obtained the socket.
 * @q          set if the call returns 0, else left as it was
 * @socket     as above
 * @item_size  bytes that the caller has room for; 0: any. The producer chooses how many bytes a get
 *             writes, so a caller that passes 0 must compare spmcq_item_size() before its first get
 * Returns 0; -EMSGSIZE if the items are of another size; -EACCES if refused; -EPROTO, -ECONNRESET,
 * -ETIMEDOUT, -EINVAL as above; -ENOTSUP if the other process has another version or byte order, or
 * its items are sealed by an algorithm that this process lacks; -ENOMEM, -EMFILE ...
 * Threads: any. Blocks: up to 5 seconds.
 */
int spmcq_shared_join(struct spmcq **q, int socket, size_t item_size);

/**
 * Connect this handle to the successor of a producer that is gone. The successor calls
 * spmcq_shared_admit() at the other end. Items that the process has got and not reported stay its
 * own. The caller ensures that meanwhile no other call on this handle begins or is still running.
 * Returns as spmcq_shared_join(); -EBUSY if a thread waits in a call on the handle; -EINVAL if the
 * handle is a producer's. On an error the handle is not changed.
 * Threads: any of the process that joined. Blocks: up to 5 seconds.
 */
int spmcq_shared_rejoin(struct spmcq *q, int socket);

/**
 * Find peers that are gone, name the items that they lost (that is, write them to lost), and, with
 * redeliver, give these items to other consumers. Each lost item is named once. Without redeliver
 * the lost items of a peer count as finished once all of them have been named.
 * @lost  room for max entries
 * Returns how many entries were written: 0 if there is nothing new to name; max if there may be
 * more. -EINVAL, -ENOMEM, -EPERM outside the producer's process, -EPROTO.
 * The result is exact, at whatever instruction the peer died; but a hostile peer can have written
 * anything about what it or other peers got. If a thread had not reported its last 255 gets, all
 * its items are counted, but the positions of the older ones are not known.
 * Threads: any of the producer's process. Blocks: no.
 */
int spmcq_shared_reap(struct spmcq *q, struct spmcq_lost *lost, size_t max);

/**
 * Become the producer of a queue whose producer's process is gone. The queue still has the items
 * that no peer has taken. If the queue is sealed, the successor encrypts these items again with a
 * new key. What was reported stays reported. A peer connects to the successor by
 * spmcq_shared_rejoin(). Until then it may take the items that are left; after the last one its
 * gets return -EOWNERDEAD. spmcq_shared_reap() finds the peers that are gone.
 * @q       set if the call returns 0, else left as it was
 * @socket  to a peer, which calls spmcq_shared_admit(). The successor cannot verify that the memory
 *          is that of the queue: a hostile peer could send memory that it made up. Sizes and counts
 *          are checked
 * @options as for spmcq_shared_create(); NULL: the defaults. Only allow, argument, interruptible
 *          and unchecked_producer are used
 * Returns 0; -EBUSY if the producer's process is not gone; -EACCES, -EPROTO, -ECONNRESET,
 * -ETIMEDOUT, -EINVAL, -ENOTSUP, -ENOMEM ... as above.
 * Threads: any. Blocks: up to 5 seconds.
 */
int spmcq_shared_succeed(struct spmcq **q, int socket, const struct spmcq_shared_options *options);

#ifdef __cplusplus
}
#endif

#endif
