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
 * Here fd is one of the two ends of a Unix socket, in each process its own.
 *
 * Words. A peer is a process that was admitted. A peer is gone when it has ended, or executed
 * another program, or destroyed its handle; one that is only stopped is not gone. An item is lost
 * when the process that got it is gone and had not reported it. A thread that ends loses nothing:
 * other threads of its process can still report what it got.
 *
 * Who may write what. The producer's memory (the items, their number, all sizes) is read-only for
 * peers: the kernel lets nobody else write there. What peers have to write (how many items were
 * taken and reported, who sleeps) everybody may write. Each process checks what it reads there
 * against its own copies. If it finds a lie, calls return -EPROTO, and the queue is of no more use
 * to this process.
 *
 * Results beside those of spmcq.h:
 *   -EOWNERDEAD  get: nothing is left and the producer's process is gone.
 *                join: items are unfinished, and may stay so. Either the producer's process is
 *                gone; or (only the producer's process sees this) a peer that is gone has lost
 *                items that spmcq_shared_reap() has not named yet.
 *                put, redeliver only: there is no room until spmcq_shared_reap() is called
 *   -EPROTO      another process wrote something that this library would never write
 *   -EBADMSG     get, sealed only: the items could not be decrypted, so somebody changed or moved
 *                them. They count as got and reported; the next get takes the items after them
 *   -EPERM       put: not in the producer's process. All calls but destroy: the process is a
 *                child of fork of the one that made the handle; it has to join by itself
 *   -EUSERS      get, shutdown_now: more threads of this process at once than options.threads
 *   -ENOBUFS     get, redeliver only: this thread has not reported the items of its last 255 gets
 *
 * What differs from a queue between threads:
 * - task_done reports items that the calling process got: first those of the calling thread, oldest
 * first; what is left of the number is reported for other threads of the process.
 * - With `redeliver`, items may come again.
 * - A try_get that finds nothing asks the system every now and then whether the producer lives. A
 * thread that sleeps wakes up ten times a second to see whether the others live.
 * - It is no faster where one consumer takes all the items: that shortcut needs membarrier, which
 * does not reach other processes.
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

/** How a shared queue is made. All zero means the defaults. */
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
	 * at a time (0: 16). (2 * processes + 2) * threads is at most 4094: as many places are for
	 * peers that are gone and not reaped yet, and two for the producer and a successor. */
	unsigned processes;
	unsigned threads;
	/* true: spmcq_shared_reap() gives lost items to others. They come before the items that
	 * wait in the queue, in the order in which they are reaped. So an item can come later than
	 * items that were put after it; and if a consumer did the work and was killed before it
	 * reported, the work is done again. For this an item is kept until it is reported: put may
	 * also wait while more items than the capacity were got and are not reported. */
	bool redeliver;
	/* true: items are sealed, see spmcq_seal.h, and bound to their position and to this queue.
	 * A put_many seals up to 32 items, and up to 64 KiB, as one run; a get_many gets items of
	 * one run at most. create returns -ENOTSUP if spmcq_seal was built without
	 * libsodium. */
	bool sealed;
	enum spmcq_algorithm algorithm;
};

/** Items that a peer had got and not reported when it ended; they follow each other. */
struct spmcq_lost {
	uint64_t position; /* of the first; SPMCQ_POSITION_UNKNOWN: see spmcq_shared_reap() */
	uint64_t items;
	pid_t process;    /* that got them */
	bool redelivered; /* others get them now */
};

#define SPMCQ_POSITION_UNKNOWN UINT64_MAX

/**
 * Make an empty queue that other processes can be admitted to.
 * @q        set on 0, untouched otherwise
 * @options  NULL: the defaults
 * Returns as spmcq_create(), or -ENOTSUP (not Linux, a kernel before 5.3, or no sealing here),
 * -EMFILE, -ENFILE, and what spmcq_key_create() returns.
 * Threads: any. Blocks: no. Memory: two memfds, which have no name in any file system, and whose
 * size nobody can change: slots as in spmcq_create(), three times as many with redeliver; some 8
 * KiB for each thread that gets. File descriptors: five, and two for each peer.
 */
int spmcq_shared_create(struct spmcq **q, size_t capacity, size_t item_size,
                        const struct spmcq_shared_options *options);

/**
 * Admit the process at the other end of a socket. It calls spmcq_shared_join(),
 * spmcq_shared_rejoin() or spmcq_shared_succeed() there. The kernel vouches for who it is, and
 * options say whether it may be admitted; only then are the memory and the key sent to it.
 * @socket  a connected Unix socket, stream or seqpacket, blocking or not. It is the caller's, and
 *          the queue does not use it afterwards. A socketpair made before a fork will do: what
 *          counts is which process writes, not which one made the socket
 * Returns 0; -EACCES if it may not; -EUSERS if there are too many peers; -EPROTO if what
 * came is no request; -ECONNRESET if the other end closed; -ETIMEDOUT if it took longer than 5
 * seconds; -EINVAL if it is no such socket; -EPERM in a consumer's process, unless the producer's
 * process is gone and the other process asks to succeed it; what the other process says if it could
 * not use what it was sent, such as -EMSGSIZE; or what the system says. A failure does not concern
 * other peers.
 * Threads: any, of the producer's process; or, to admit a successor, of a peer whose producer is
 * gone. Blocks: up to 5 seconds, as long as the other side makes it wait; so the thread that puts
 * may leave this to another thread.
 */
int spmcq_shared_admit(struct spmcq *q, int socket);

/**
 * Become a consumer of a queue. The process at the other end of the socket calls
 * spmcq_shared_admit(). The caller knows who that is by how it came to the socket; nobody else
 * checks it.
 * @q          set on 0, untouched otherwise
 * @socket     as above
 * @item_size  bytes that the caller has room for; 0: any. The producer says how many bytes a get
 *             writes: a caller that passes 0 compares spmcq_item_size() before its first get
 * Returns 0; -EMSGSIZE if the items are of another size; -EACCES if refused; -EPROTO, -ECONNRESET,
 * -ETIMEDOUT, -EINVAL as above; -ENOTSUP if the other side is of another version or byte order, or
 * its items are sealed in a way that this process cannot open; -ENOMEM, -EMFILE ...
 * Threads: any. Blocks: up to 5 seconds.
 */
int spmcq_shared_join(struct spmcq **q, int socket, size_t item_size);

/**
 * Go over to the successor of a producer that is gone. The successor calls spmcq_shared_admit() at
 * the other end. The handle keeps what it has got and not reported. The caller sees to it that no
 * other call on this handle goes on or begins meanwhile.
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
 * The result is exact, whatever instruction the peer died at; but a hostile peer can have written
 * anything about what it or others hold. If a thread had not reported its last 255 gets, all its
 * items are counted, but the positions of the older ones are not known.
 * Threads: any of the producer's process. Blocks: no.
 */
int spmcq_shared_reap(struct spmcq *q, struct spmcq_lost *lost, size_t max);

/**
 * Become the producer of a queue whose producer's process is gone. The successor finds the items
 * that the peers have not taken by then. If the queue is sealed, they are encrypted with a fresh
 * key. What was reported stays reported. Peers may go on taking what is left before; then they get
 * -EOWNERDEAD. They come back by spmcq_shared_rejoin(). Those that are gone are found by
 * spmcq_shared_reap().
 * @q       set on 0, untouched otherwise
 * @socket  to a peer, which calls spmcq_shared_admit(). Nothing shows the successor that this is
 *          the queue: the peer could send memory of its own making. Sizes and counts are checked
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
