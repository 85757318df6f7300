/*
 * Sealed items. The server stores items that it cannot read, and an item that it changes cannot be
 * opened.
 *
 * The rule of spmcq_seal.h is that no position is ever sealed twice with one key. The positions of
 * the stream would break it: after the server has refused an item, another item comes to the same
 * position, and a hostile server could name any position. So each handle that puts makes a key of
 * its own, the session key, and counts the messages that it seals with that key. Items that are put
 * again are sealed again, with another count. Every message also contains the session key, sealed
 * with the queue's key for a random position. With n sessions, the probability that two have the
 * same random position is n * n / 2^65.
 *
 * The sealed items of a message, numbers little-endian:
 *   number   8 bytes   the session's random position
 *   session            the session key and the queue's name, sealed with the queue's key for the
 *                      position `number`
 *   count    8 bytes   how many messages the session has sealed before
 *   items              the items and their position in the stream, sealed with the session key for
 *                      the position `count`
 * So items open only together, in their own queue, at their own position. A server can still
 * withhold them, or deliver them again.
 */
#include "sealing.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <spmcq_remote.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	QUEUE_NAME = 64,
	/* Session keys that a handle keeps: those of the producer and of the producers before it.
	 */
	SESSIONS = 4,
};

/* Bytes that are sealed with one session key: half of what AES-256-GCM allows. */
#define SESSION_MOST ((uint64_t)1 << 37)

/* The session key and the queue's name, which are sealed with the queue's key. */
struct introduction {
	char key[SPMCQ_KEY_EXPORTED];
	char queue[QUEUE_NAME];
};

struct session {
	struct spmcq_key *key; /* NULL: none */
	char *head;            /* the first two parts, number and session, of all its messages */
	uint64_t count;        /* of this handle's own session: how many messages it has sealed */
	uint64_t bytes;        /* of these messages, rounded up */
};

struct sealer {
	const struct spmcq_key *key; /* the queue's */
	char queue[QUEUE_NAME];
	size_t head_size; /* bytes of number and session */
	size_t tag_size;  /* by how much a sealed run is larger */
	struct session mine;

	pthread_mutex_t lock; /* guards the rest */
	struct session others[SESSIONS];
	unsigned next; /* the session of others that is replaced next */
	char *plain;   /* room for opened items and their position; NULL: none yet */
	size_t room;   /* bytes of plain */
};

static void write_number(char *bytes, uint64_t number)
{
	number = htole64(number);
	memcpy(bytes, &number, sizeof(number));
}

static uint64_t read_number(const char *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return le64toh(number);
}

static void session_end(struct session *session)
{
	spmcq_key_destroy(session->key);
	free(session->head);
	*session = (struct session){.key = NULL};
}

static void free_plain(struct sealer *sealer)
{
	if (sealer->plain)
		spmcq_wipe(sealer->plain, sealer->room);
	free(sealer->plain);
}

static void sealer_end(struct sealer *sealer)
{
	if (!sealer)
		return;
	session_end(&sealer->mine);
	for (size_t i = 0; i < SESSIONS; i++)
		session_end(&sealer->others[i]);
	free_plain(sealer);
	pthread_mutex_destroy(&sealer->lock);
	free(sealer);
}

static int name_key(const struct spmcq_key *key, char *name)
{
	unsigned char id[SPMCQ_QUEUE_ID];
	int error = spmcq_key_queue(key, id);

	for (size_t i = 0; error == 0 && i < sizeof(id); i++)
		snprintf(name + 2 * i, 3, "%02x", id[i]);
	return error;
}

static int sealer_measure(struct sealer *sealer)
{
	ssize_t introduction = spmcq_sealed_size(sealer->key, 1, sizeof(struct introduction));

	if (introduction < 0)
		return (int)introduction;
	sealer->head_size = sizeof(uint64_t) + (size_t)introduction;
	sealer->tag_size = (size_t)introduction - sizeof(struct introduction);
	return 0;
}

static int sealer_begin(struct sealer **out, const struct spmcq_key *key, const char *queue,
                        char *name)
{
	struct sealer *sealer = calloc(1, sizeof(*sealer));
	int error;

	if (!sealer)
		return -ENOMEM;
	pthread_mutex_init(&sealer->lock, NULL);
	sealer->key = key;
	/* The rest of the array is 0. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(sealer->queue, queue, strlen(queue));
	error = name_key(key, name);
	if (error == 0)
		error = sealer_measure(sealer);
	if (error)
		sealer_end(sealer);
	else
		*out = sealer;
	return error;
}

/* Besides the head, these are the count, the position and the tag. */
static size_t sealer_overhead(const struct sealer *sealer)
{
	return sealer->head_size + 2 * sizeof(uint64_t) + sealer->tag_size;
}

/* Writes session->head. */
static int introduce(const struct sealer *sealer, struct session *session)
{
	struct introduction introduction;
	uint64_t number;
	ssize_t size;
	int error = spmcq_key_export(session->key, introduction.key, sizeof(introduction.key));

	if (error == 0 && getrandom(&number, sizeof(number), 0) != sizeof(number))
		error = -EIO;
	if (error)
		return error;
	memcpy(introduction.queue, sealer->queue, QUEUE_NAME);
	write_number(session->head, number);
	size = spmcq_seal_items(sealer->key, number, &introduction, 1, sizeof(introduction),
	                        session->head + sizeof(number), sealer->head_size - sizeof(number));
	spmcq_wipe(&introduction, sizeof(introduction));
	return size < 0 ? (int)size : 0;
}

static int session_begin(const struct sealer *sealer, struct session *session)
{
	int algorithm = spmcq_key_algorithm(sealer->key);
	int error;

	session->head = malloc(sealer->head_size);
	if (algorithm < 0 || !session->head)
		return algorithm < 0 ? algorithm : -ENOMEM;
	error = spmcq_key_create(&session->key, (enum spmcq_algorithm)algorithm);
	return error ? error : introduce(sealer, session);
}

static int sealer_seal(struct sealer *sealer, uint64_t position, const void *items, size_t size,
                       void *sealed)
{
	struct session *mine = &sealer->mine;
	char *at = sealed;
	ssize_t n;
	int error;

	if (mine->key && mine->bytes >= SESSION_MOST)
		session_end(mine);
	if (!mine->key && (error = session_begin(sealer, mine)) != 0) {
		session_end(mine);
		return error;
	}
	memcpy(at, mine->head, sealer->head_size);
	at += sealer->head_size;
	write_number(at, mine->count);
	at += sizeof(uint64_t);
	/* The items are sealed in place; the tag follows them. */
	memcpy(at, items, size);
	write_number(at + size, position);
	size += sizeof(uint64_t);
	mine->bytes += size + 32;
	n = spmcq_seal_items(mine->key, mine->count++, at, 1, size, at, size + sealer->tag_size);
	return n < 0 ? (int)n : 0;
}

/* The lock is held. */
static int session_open(struct sealer *sealer, struct session *session, const char *head)
{
	struct introduction introduction;
	ssize_t n = spmcq_open_items(sealer->key, read_number(head), head + sizeof(uint64_t),
	                             sealer->head_size - sizeof(uint64_t), &introduction, 1,
	                             sizeof(introduction));
	int error = n < 0 ? (int)n : 0;

	if (error == 0 && memcmp(introduction.queue, sealer->queue, QUEUE_NAME) != 0)
		error = -EBADMSG;
	if (error == 0 && !(session->head = malloc(sealer->head_size)))
		error = -ENOMEM;
	if (error == 0)
		error = spmcq_key_import(&session->key, introduction.key, sizeof(introduction.key));
	if (error == 0)
		memcpy(session->head, head, sealer->head_size);
	spmcq_wipe(&introduction, sizeof(introduction));
	return error;
}

/* The lock is held. Finds the session with that head, or opens the head. */
static int session_of(struct sealer *sealer, const char *head, struct session **session)
{
	struct session fresh = {.key = NULL};
	int error;

	for (size_t i = 0; i < SESSIONS; i++) {
		*session = &sealer->others[i];
		if ((*session)->key && memcmp((*session)->head, head, sealer->head_size) == 0)
			return 0;
	}
	error = session_open(sealer, &fresh, head);
	if (error) {
		session_end(&fresh);
		return error;
	}
	*session = &sealer->others[sealer->next++ % SESSIONS];
	session_end(*session);
	**session = fresh;
	return 0;
}

/* The lock is held. */
static int make_plain(struct sealer *sealer, size_t size)
{
	if (size <= sealer->room)
		return 0;
	free_plain(sealer);
	sealer->plain = malloc(size);
	sealer->room = sealer->plain ? size : 0;
	return sealer->plain ? 0 : -ENOMEM;
}

/* The lock is held. Opens items of size bytes. */
static int open_items(struct sealer *sealer, uint64_t position, const char *sealed, size_t size)
{
	const char *at = sealed + sealer->head_size;
	size_t run = size + sizeof(uint64_t);
	struct session *session;
	ssize_t n;
	int error = make_plain(sealer, run);

	if (error == 0)
		error = session_of(sealer, sealed, &session);
	if (error)
		return error;
	n = spmcq_open_items(session->key, read_number(at), at + sizeof(uint64_t),
	                     run + sealer->tag_size, sealer->plain, 1, run);
	if (n < 0)
		return (int)n;
	return read_number(sealer->plain + size) == position ? 0 : -EBADMSG;
}

static int sealer_open(struct sealer *sealer, uint64_t position, const void *sealed, size_t size,
                       void *items)
{
	int error;

	if (size <= sealer_overhead(sealer))
		return -EBADMSG;
	size -= sealer_overhead(sealer);
	pthread_mutex_lock(&sealer->lock);
	error = open_items(sealer, position, sealed, size);
	if (error == 0)
		memcpy(items, sealer->plain, size);
	pthread_mutex_unlock(&sealer->lock);
	return error;
}

int spmcq_remote_seal(struct spmcq_remote_options *options, const struct spmcq_key *key)
{
	static const struct spmcq_remote_sealing sealing = {.begin = sealer_begin,
	                                                    .end = sealer_end,
	                                                    .wipe = spmcq_wipe,
	                                                    .overhead = sealer_overhead,
	                                                    .seal = sealer_seal,
	                                                    .open = sealer_open};

	if (!options || !key)
		return -EINVAL;
	options->sealing = &sealing;
	options->key = key;
	return 0;
}
