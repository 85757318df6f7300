/*
 * spmcq between machines: the calls of spmcq.h for a queue that a NATS server with JetStream keeps.
 *
 * The words are those of spmcq.h, and these. A process opens a queue on the server and gets a
 * handle; any number of its threads may use it. The server knows a queue by its name, and a queue
 * outlives its handles. To deliver an item is to give it to a consumer. A thread holds the items
 * that it got and has not reported. To set an item aside is to move it to a stream of its own,
 * where spmcq_remote_stats() counts it and no get finds it.
 *
 * What differs from the queue between threads:
 * - The bound is on unfinished items. An item takes up room until it is reported, not only until it
 *   is got. The server may free the room only shortly after task_done has returned.
 * - Each item is delivered to one consumer. It is delivered again when that consumer's thread ends,
 *   when its handle is closed, or when the item is not reported within ack_wait_ms. So an item can
 *   be processed twice: its consumer may die before the report, or the server before it has
 *   recorded the report.
 * - Order. Items are delivered in the order in which they were put. An item that is delivered again
 *   comes before all items that have never been delivered, but after those that have been delivered
 *   meanwhile. After a fault the order is not kept: an item that was in transit when a connection
 *   broke, or whose consumer died, is delivered up to ack_wait_ms later, after newer items. If the
 *   network fails for a time without breaking the connection, a single consumer still gets items in
 *   order.
 * - An item that was delivered max_deliveries times without a report is set aside when it is due
 *   again, and is not unfinished any more.
 * - task_done reports the oldest item that the calling thread holds. The items that a thread holds
 *   when it ends are given back to the server and delivered again at once.
 * - After shutdown, a get returns -ESHUTDOWN when nothing is queued and no other handle holds an
 *   item that could still come again.
 * - A try_ call does not wait for room or for items, but it waits for the server's answer.
 *   A try_get that finds nothing takes some milliseconds.
 *
 * Several items in a message. With items_per_message above 1, a put_many sends its items in
 * messages of that many, and a last one with those that are left. A put sends a message of one
 * item. The server stores, delivers and records messages, and knows nothing of items:
 * - At most capacity / items_per_message messages are unfinished. So there are never more than
 *   capacity unfinished items. If messages have fewer items, the queue is full before it has so
 *   many: with put alone, after capacity / items_per_message items.
 * - A message is delivered to one thread as a whole. If the caller has room for only some of its
 *   items, the next gets of that thread return the others (the rest) without asking the server.
 *   Until the message is delivered again (see below), no other thread gets these items, and
 *   shutdown_now does not discard them.
 * - The server records a report when the last item of a message is reported. Before that it knows
 *   nothing of the reports of the other items. If the thread ends, its handle is closed, or
 *   ack_wait_ms passes, the whole message is delivered again, also the items that were already
 *   reported.
 * - ack_wait_ms begins when the message is delivered. A thread that needs longer for all of its
 *   items calls still_working meanwhile.
 * - A message is set aside as a whole.
 * - size, unfinished and stats count each message as items_per_message items. So they are upper
 *   bounds, but 0 is exact.
 *
 * Results. 0 or a count on success, a negative errno value otherwise: those of spmcq.h, and:
 *   -ENOTCONN      the server cannot be reached, or did not answer in time. For put see below
 *   -EACCES        the server refuses this user: the key is wrong, or there is no permission
 *   -EKEYREJECTED  TLS failed: the certificate is not trusted or is for another host, or the server
 *                  does not use TLS
 *   -EPERM         put: another thread, of any handle or machine, is the producer; open: the URL
 *                  asks for plain text to another machine
 *   -ENOENT        must_exist is set and there is no such queue; or the queue was deleted
 *   -EEXIST        the queue is there with another capacity, item_size or key
 *   -EMSGSIZE      items, or messages of items_per_message items, are larger than the server takes
 *   -ENOSPC        the server has no memory or disk left
 *   -EBADMSG       get: the message is not an item of this queue, or is sealed and does not open.
 *                  It is set aside, and the next get takes what comes after it
 *   -EIO           the server failed in some other way
 * spmcq_remote_reason() says in words what went wrong.
 *
 * A put that returned -ENOTCONN may have put its items, or some of them: the answer was lost. Call
 * it again with all of the same items: each item is then put once, whatever the result of the first
 * call was. A call with only some of them may put items twice.
 *
 * When the connection is lost, the library tries to connect again until the handle is closed.
 * Blocking calls wait meanwhile. Timed calls wait until their deadline, then return -ENOTCONN.
 *
 * A server that is killed keeps what was put, unless the queue is in_memory, and what was reported:
 * when it is started again, the unreported items come again, and no others. An item that a consumer
 * holds at that time may be delivered to another consumer at once.
 *
 * fork: a child must not use its parent's handles.
 */
#ifndef SPMCQ_REMOTE_H
#define SPMCQ_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spmcq_remote;
struct spmcq_remote_sealing;
struct spmcq_key;

/** How a queue is reached, and how it is made if it is not there. If all fields are zero, these are
 * the defaults. */
struct spmcq_remote_options {
	/* The server's identity. TLS is used if the URL begins with tls://, or if any of ca_file,
	 * server_name and cert_file is given. The server's certificate is then always verified. */
	const char *ca_file;     /* the certificates to trust; NULL: those of the system */
	const char *server_name; /* the name in the certificate; NULL: the host of the URL */

	/* The client's identity, which the server's operator hands out: names of files, but nkey is
	 * the public key itself. */
	const char *cert_file; /* the client's certificate, with key_file */
	const char *key_file;
	const char *nkey;             /* the public NKey, with nkey_seed_file */
	const char *nkey_seed_file;   /* its seed, for signing; never sent */
	const char *credentials_file; /* a JWT and its seed */

	/* Without this, plain text goes to this machine only: localhost, 127.0.0.0/8, ::1. */
	bool allow_plain_text_to_other_machines;

	/* Set by spmcq_remote_seal() only. */
	const struct spmcq_remote_sealing *sealing;
	const struct spmcq_key *key;

	bool must_exist;    /* do not make the queue if it is not there: -ENOENT */
	unsigned answer_ms; /* how long the server may take to answer; 0: 5000 */

	/* These hold for a queue that this call makes. */
	unsigned replicas;       /* servers that keep each item; 0: 1 */
	bool in_memory;          /* faster, but the queue is lost when the server ends */
	unsigned ack_wait_ms;    /* an item not reported by then comes again; 0: 30000 */
	unsigned max_deliveries; /* then an item is set aside; 0: 5 */
	/* Items that consumers may hold together, rounded up to whole messages; 0: capacity. */
	size_t max_unacknowledged;
	/* Most items in a message of put_many, see above; capacity must be a multiple. 0: 1. */
	unsigned items_per_message;
	/* For this time the server drops a second copy of an item. 0: 120000. */
	unsigned duplicate_window_ms;
	/* For this time after a producer has died nobody else becomes the producer. 0: 10000. */
	unsigned lease_ms;
};

/** What the server says of the queue: a snapshot. */
struct spmcq_remote_stats {
	uint64_t put;         /* items put since the queue was made */
	uint64_t unfinished;  /* put, and neither reported nor set aside */
	uint64_t held;        /* of the unfinished: delivered to consumers */
	uint64_t redelivered; /* of the held: delivered more than once */
	uint64_t set_aside;   /* items delivered too often, and invalid messages */
};

/**
 * Open a queue, for the producer or a consumer; make it if it is not there.
 * @q        set on 0, untouched otherwise
 * @url      nats://host:port or tls://host:port; several servers of a cluster with commas between
 * @name     1 to 64 of A-Z a-z 0-9 _ -
 * @options  NULL: the defaults
 * Returns 0, -EINVAL (also if capacity is no multiple of items_per_message), -ENOMEM, -EOVERFLOW,
 * or one of the results above.
 * Threads: any. Blocks: until the server has answered.
 * Permissions it needs of the server: see the end of this file.
 */
int spmcq_remote_open(struct spmcq_remote **q, const char *url, const char *name, size_t capacity,
                      size_t item_size, const struct spmcq_remote_options *options);

/**
 * Seal the items with a key of spmcq_seal.h. The server then cannot read them. If it changes an
 * item, or moves it to another position or another queue, the item does not open: it is set aside,
 * and get returns -EBADMSG for it. The server can still withhold items or deliver them again, and
 * it sees how many there are and when they come. The items of a message are sealed together. Every
 * process that opens the queue must give the same key. A sealed message is 216 bytes larger than
 * its items, 248 bytes with AEGIS-128L.
 * @options  for spmcq_remote_open(), which then also returns the errors of spmcq_seal.h
 * @key      the caller keeps it until all handles that were opened with it are closed
 * Returns 0 or -EINVAL. Threads: any. Blocks: no. A program that calls this links with
 * -lspmcq_seal, too.
 */
int spmcq_remote_seal(struct spmcq_remote_options *options, const struct spmcq_key *key);

/**
 * Close the handle. If one of its threads is the producer, it gives that up; the items that its
 * threads hold are delivered to other consumers. The queue stays on the server. NULL is allowed.
 * Returns 0, or -EBUSY while a thread is inside a call. Threads: one, the last.
 */
int spmcq_remote_close(struct spmcq_remote *q);

/**
 * Remove a queue from the server with all that is in it, also what was set aside. From then on the
 * calls of open handles return -ENOENT.
 * Returns 0, -EINVAL, or one of the results above. Threads: any.
 */
int spmcq_remote_delete(struct spmcq_remote *q);

/**
 * Put one item, or n items in order, as in spmcq.h. put_many sends a run of items before it waits
 * for their answers, and it checks each answer.
 * Threads: the producer, which is the first thread to put, among the threads of all handles on all
 * machines. It stays the producer until it calls release_producer, its handle is closed, or its
 * process has been dead or cut off from the server for lease_ms. If it tries to put after that, it
 * gets -EPERM.
 */
int spmcq_remote_put(struct spmcq_remote *q, const void *item);
int spmcq_remote_try_put(struct spmcq_remote *q, const void *item);
int spmcq_remote_put_until(struct spmcq_remote *q, const void *item,
                           const struct timespec *deadline);
ssize_t spmcq_remote_put_many(struct spmcq_remote *q, const void *items, size_t n);
ssize_t spmcq_remote_try_put_many(struct spmcq_remote *q, const void *items, size_t n);
ssize_t spmcq_remote_put_many_until(struct spmcq_remote *q, const void *items, size_t n,
                                    const struct timespec *deadline);

/**
 * Get the oldest item, or the oldest items, up to max, as in spmcq.h. The calling thread holds them
 * until it reports them. With several items in a message, a get_many returns fewer items than there
 * are if it takes the rest of a message, or if messages have fewer items than they may.
 * Threads: any.
 */
int spmcq_remote_get(struct spmcq_remote *q, void *item);
int spmcq_remote_try_get(struct spmcq_remote *q, void *item);
int spmcq_remote_get_until(struct spmcq_remote *q, void *item, const struct timespec *deadline);
ssize_t spmcq_remote_get_many(struct spmcq_remote *q, void *items, size_t max);
ssize_t spmcq_remote_try_get_many(struct spmcq_remote *q, void *items, size_t max);
ssize_t spmcq_remote_get_many_until(struct spmcq_remote *q, void *items, size_t max,
                                    const struct timespec *deadline);

/** How many items the calling thread holds, or -EINVAL. Blocks: no. */
ssize_t spmcq_remote_held(const struct spmcq_remote *q);

/**
 * How often the newest item that the calling thread holds has been delivered: 1, or more if it was
 * delivered before and not reported. All items of a message have been delivered equally often.
 * Returns that number, -EINVAL, or -ERANGE when the thread holds none. Blocks: no.
 */
int spmcq_remote_deliveries(struct spmcq_remote *q);

/**
 * Start ack_wait_ms anew for all messages of which the calling thread holds items, or has a rest,
 * if its work takes longer.
 * Returns 0, -EINVAL or -ENOTCONN. Blocks: no.
 */
int spmcq_remote_still_working(struct spmcq_remote *q);

/**
 * Report the oldest item that the calling thread holds, or the n oldest, as finished. When this
 * returns 0 the server has recorded it. With several items in a message, the server has recorded
 * all messages of which every item is reported. If only some items of a message are reported, this
 * handle counts them, and the server does not know of them.
 * Returns 0, -EINVAL, -ERANGE when the thread holds fewer than n (nothing is reported then), or
 * -ENOTCONN when the server does not answer for twice answer_ms. After that the thread still holds
 * the items that the server is not known to have recorded (see spmcq_remote_held()) and can report
 * them again.
 */
int spmcq_remote_task_done(struct spmcq_remote *q);
int spmcq_remote_task_done_many(struct spmcq_remote *q, size_t n);

/**
 * Wait until no item is unfinished, by asking the server.
 * Returns 0 at an instant when nothing was unfinished, or -ETIMEDOUT.
 * In a cluster, a server that was cut off from the others may answer with old numbers. A handle
 * ignores an answer that is older than an item that it has put, or than an item of which the server
 * told it before.
 */
int spmcq_remote_join(struct spmcq_remote *q);
int spmcq_remote_join_until(struct spmcq_remote *q, const struct timespec *deadline);

/**
 * Refuse further puts, on all machines, for ever. Consumers get the items that are left. A second
 * call returns 0.
 * Threads: any, of any handle. Blocks: until the server has recorded it.
 */
int spmcq_remote_shutdown(struct spmcq_remote *q);

/**
 * As spmcq_remote_shutdown(), and discard the queued items: join then waits only for the items that
 * consumers hold. The calling thread takes the queued items from the server and reports them, so it
 * needs the permissions of a consumer. A consumer that waits meanwhile may still get some of them.
 * Returns 0 when nothing is queued any more; -EIO when the server says that items are queued and
 * does not deliver them, for twice answer_ms; or one of the results above. A second call
 * returns 0.
 * Threads: any, of any handle. Blocks: until the server has recorded all of it.
 */
int spmcq_remote_shutdown_now(struct spmcq_remote *q);

/**
 * release: stop being the producer. take: become the producer in place of any other thread. Items
 * that the former producer has already sent may still enter the queue before the first put of the
 * new producer, but not after it. release returns -EPERM when the caller is not the producer, take
 * -EBUSY while another thread of this handle is inside a put.
 */
int spmcq_remote_release_producer(struct spmcq_remote *q);
int spmcq_remote_take_producer(struct spmcq_remote *q);

/** Facts; and snapshots, for which the server is asked: a count, or a negative errno value. */
size_t spmcq_remote_capacity(const struct spmcq_remote *q);
size_t spmcq_remote_item_size(const struct spmcq_remote *q);
ssize_t spmcq_remote_size(struct spmcq_remote *q);       /* queued, and never delivered */
ssize_t spmcq_remote_unfinished(struct spmcq_remote *q); /* put, and not reported yet */
int spmcq_remote_is_shutdown(struct spmcq_remote *q);    /* 0 or 1 */
int spmcq_remote_stats(struct spmcq_remote *q, struct spmcq_remote_stats *out);

/** Say what went wrong in the calling thread's last call that failed, in one line. Never NULL. */
const char *spmcq_remote_reason(void);

/*
 * The permissions that users need, by subject, for a queue NAME. All users subscribe to _INBOX.>
 * and spmcq.NAME.bell. All users publish to:
 *   $JS.API.INFO  $JS.API.STREAM.INFO.*  $JS.API.CONSUMER.INFO.spmcq-NAME.consumers
 *   $JS.API.STREAM.MSG.GET.spmcq-NAME-done  spmcq.NAME.mended
 * A consumer also publishes to:
 *   $JS.API.CONSUMER.MSG.NEXT.spmcq-NAME.consumers  $JS.ACK.spmcq-NAME.>
 *   spmcq.NAME.done  spmcq.NAME.aside
 * A producer also publishes to:
 *   spmcq.NAME.item  spmcq.NAME.bell  $KV.spmcq-NAME.>  $JS.API.STREAM.MSG.GET.KV_spmcq-NAME
 *   $JS.API.DIRECT.GET.KV_spmcq-NAME.>  $JS.API.STREAM.UPDATE.spmcq-NAME (for shutdown)
 * A server that is killed may forget some acknowledgements. So reports are also records in a
 * stream, spmcq-NAME-done. After the restart, handles read there which items were reported, puts
 * and join remove those that are there again, and task_done deletes old records. For that all users
 * publish to:
 *   $JS.API.CONSUMER.CREATE.spmcq-NAME-done  $JS.API.CONSUMER.DELETE.spmcq-NAME-done.>
 *   $JS.API.STREAM.MSG.DELETE.spmcq-NAME  $JS.API.STREAM.PURGE.spmcq-NAME-done
 * shutdown_now needs the permissions of a producer and of a consumer, and, for a queue with
 * max_unacknowledged, also publishes to
 *   $JS.API.CONSUMER.DURABLE.CREATE.spmcq-NAME.consumers
 * A user that makes the queue also publishes to $JS.API.STREAM.CREATE.> and $JS.API.CONSUMER.>.
 */

#ifdef __cplusplus
}
#endif

#endif
