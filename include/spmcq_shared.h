/*
 * spmcq_shared: the queue of spmcq.h in memory that processes share. Linux.
 *
 * One process makes the queue and puts; others get. The handle is a struct spmcq, and all calls of
 * spmcq.h take it, with the same results. This header says how processes come to have one, what
 * happens when a process dies, and what one process may do to the others.
 *
 *   producer's process            a consumer's process
 *   spmcq_shared_create(&q, ...)
 *   spmcq_shared_admit(q, fd)     spmcq_shared_join(&q, fd, sizeof x)
 *   spmcq_put(q, &x)              spmcq_get(q, &x), spmcq_task_done(q)
 *   spmcq_join(q)
 *
 * Here fd is one of the two ends of a Unix socket, in each process its own.
 *
 * Words. A peer is a process that was admitted. A peer is gone when it has ended, or executed
 * another program, or destroyed its handle; one that is only stopped is not. An item is lost when
 * the peer that got it is gone and had not reported it.
 *
 * Who may write what. The producer's memory (the items, their number, all sizes) is read-only for
 * peers: the kernel lets nobody else write there. What peers have to write (how many items were
 * taken and reported, who sleeps) everybody may write. Each process checks what it reads there
 * against copies of its own: a lie gives -EPROTO, and the queue is of no more use to this process.
 *
 * Results beside those of spmcq.h:
 *   -EOWNERDEAD  get: nothing is left and the producer's process is gone. join: items are
 *                unfinished, and the producer's process is gone, or a peer that is gone has lost
 *                items which spmcq_shared_reap() has not named yet (seen by the producer's process
 *                only). put: there is no room until spmcq_shared_reap() was called (redeliver only)
 *   -EPROTO      another process wrote what no peer writes
 *   -EBADMSG     get, sealed only: the items did not open. They count as got and reported; the next
 *                get goes on behind them
 *   -EPERM       put: not in the producer's process. All calls but destroy: in a child of fork,
 *                which has to join by itself
 *   -EUSERS      get, shutdown_now: more threads of this process at once than options.threads
 *   -ENOBUFS     get, redeliver only: this thread has not reported the items of its last 255 gets
 *
 * What differs from a queue between threads: task_done reports items that the calling process got,
 * first those of the calling thread, oldest first. With `redeliver` items may come again (see
 * there). A try_get that finds nothing asks the system every now and then whether the producer
 * lives. Whoever sleeps wakes up ten times a second to see whether the others live. There is no
 * lead: membarrier does not reach other processes. Positions are counted modulo 2^52.
 * spmcq_stats() counts sleeps and wake-ups of the calling process only.
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

/** Who is at the other end of a socket, as the kernel says. */
struct spmcq_peer {
	pid_t process;
	uid_t user;
	gid_t group;
};

/** How a shared queue is made. All zero: the defaults. */
struct spmcq_shared_options {
	/* As in struct spmcq_options; interruptible holds for peers, too, and first_position is
	 * taken modulo 2^52. */
	bool unchecked_producer;
	bool interruptible;
	uint64_t first_position;
	/* Who may in: returns whether the peer may. It must not call functions of this queue. NULL:
	 * only processes of the effective user of the producer's process may. */
	bool (*allow)(const struct spmcq_peer *peer, void *argument);
	void *argument; /* for allow */
	/* The most peers at a time; 0: 64. And the most threads of a process that get at a time;
	 * 0: 16. At most 4094 threads in all, those of the producer's process among them. */
	unsigned processes;
	unsigned threads;
	/* true: spmcq_shared_reap() gives lost items to others. They come before the items that
	 * wait in the queue, in the order in which they are reaped: an item then comes later than
	 * items that were put after it, and a consumer that had done the work, and was killed
	 * before it reported, has the work done again. For this an item is kept until it is
	 * reported: put waits while more than twice the capacity is unfinished. */
	bool redeliver;
	/* true: items are sealed, see spmcq_seal.h: runs of put_many, of up to 32 items and 64 KiB,
	 * as one, bound to their position and to this queue. get_many then gets items of one run at
	 * most. -ENOTSUP if the program was linked without -lspmcq_seal or that has no libsodium.
	 */
	bool sealed;
	enum spmcq_algorithm algorithm;
};

/** Items that a peer had got and not reported when it ended; they follow each other. */
struct spmcq_lost {
	uint64_t position; /* of the first; SPMCQ_POSITION_UNKNOWN: see spmcq_shared_reap() */
	uint64_t items;
	pid_t process;    /* that got them */
	bool redelivered; /* whether others get them now */
};

#define SPMCQ_POSITION_UNKNOWN UINT64_MAX

/**
 * Make an empty queue that other processes can be admitted to.
 * @q        set on 0, untouched otherwise
 * @options  NULL: the defaults
 * Returns as spmcq_create(), or -ENOTSUP (not Linux, a kernel before 5.3, or sealing is not to be
 * had), -EMFILE, -ENFILE, and what spmcq_key_create() returns.
 * Threads: any. Blocks: no. Memory: two memfds, which have no name in any file system, sealed
 * against resizing: slots as in spmcq_create(), three times as many with redeliver; 8 KiB for each
 * thread that gets. File descriptors: five, and two for each peer.
 */
int spmcq_shared_create(struct spmcq **q, size_t capacity, size_t item_size,
                        const struct spmcq_shared_options *options);

/**
 * Let the process at the other end of a socket in, which calls spmcq_shared_join() there, or
 * spmcq_shared_succeed(). It is asked who it is, the kernel vouches for the answer, and options say
 * whether it may; only then are the memory and the key sent to it.
 * @socket  a connected Unix socket, stream or seqpacket, blocking or not. It is the caller's, and
 *          of no more use to the queue afterwards. A socketpair made before a fork will do: the one
 *          that writes is asked, not the one that made it
 * Returns 0; -EACCES if it may not; -EUSERS if too many peers are in; -EPROTO if what came is no
 * request; -ECONNRESET if the other end closed; -ETIMEDOUT if it took longer than 5 seconds;
 * -EINVAL if it is no such socket; -EPERM in a consumer's process, unless the producer's is gone
 * and the other comes to succeed it; or what the system says. Other peers are not concerned.
 * Threads: any, of the producer's process; or, to let a successor in, of a peer whose producer is
 * gone. Blocks: up to 5 seconds, for as long as the other side lets it wait: a thread that puts
 * may leave it to another one.
 */
int spmcq_shared_admit(struct spmcq *q, int socket);

/**
 * Become a consumer of the queue whose owner calls spmcq_shared_admit() at the other end.
 * @q       set on 0, untouched otherwise
 * @socket  as above
 * @item_size  that the caller has room for, in bytes; 0: any. As the producer says how many bytes a
 *             get writes, a caller that passes 0 compares spmcq_item_size() first
 * Returns 0; -EMSGSIZE if the items are of another size; -EACCES if refused; -EPROTO, -ECONNRESET,
 * -ETIMEDOUT, -EINVAL as above; -ENOTSUP if the other side is of another version or byte order, or
 * its items are sealed in a way that is not to be had here; -ENOMEM, -EMFILE ... Threads: any.
 * Blocks: up to 5 seconds.
 */
int spmcq_shared_join(struct spmcq **q, int socket, size_t item_size);

/**
 * Go over to the successor of a producer that is gone, whose owner calls spmcq_shared_admit() at
 * the other end. The handle keeps what it has got and not reported. No other call on it goes on.
 * Returns as spmcq_shared_join(), with the handle as it was on an error; -EBUSY if a thread waits
 * in a call on it, -EINVAL if it is a producer's.
 * Threads: any of the process that joined. Blocks: up to 5 seconds.
 */
int spmcq_shared_rejoin(struct spmcq *q, int socket);

/**
 * Find peers that are gone, name what they lost, and, with redeliver, give it to others. What was
 * named is never named again; without redeliver it counts as finished from then on.
 * @lost  room for max entries
 * Returns how many entries were written: 0 if nobody lost anything; as many as max if there may be
 * more. -EINVAL, -EPERM outside the producer's process, -EPROTO.
 * Exact, whatever instruction the peer died at; of a hostile peer it is what that wrote. Items of a
 * thread that had not reported its last 255 gets are counted, but the positions of the older ones
 * are not known. Threads: any of the producer's process. Blocks: no.
 */
int spmcq_shared_reap(struct spmcq *q, struct spmcq_lost *lost, size_t max);

/**
 * Become the producer of a queue whose producer's process is gone. All that was put and not taken
 * is there, what was reported stays reported, with a fresh key if it is sealed. Peers get
 * -EOWNERDEAD when they have taken what was left; they come back by spmcq_shared_rejoin(), and
 * those that are gone are found by spmcq_shared_reap().
 * @q       set on 0, untouched otherwise
 * @socket  to a peer, which calls spmcq_shared_admit(). The successor believes it that this is the
 *          queue; sizes and counts it checks
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
