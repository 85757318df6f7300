/*
 * The messages that two processes exchange at admission. They have one size, and go over a Unix
 * socket that the caller passes. Each message comes with the sender's process, user and group. The
 * kernel lets an unprivileged sender name only its own process, and only its real, effective or
 * saved ids.
 *
 *   joiner -> admitter  HELLO    what it wants
 *   admitter -> joiner  WHO      a random number, or REFUSED
 *   joiner -> admitter  HERE     the same number, and a new one
 *   admitter -> joiner  WELCOME  the joiner's place and random number, descriptors, the key
 *   joiner -> admitter  DONE     whether it could use them
 *
 * The admitter opens a pidfd for the sender of HELLO, and then sends it a random number. If a
 * process with the same id answers with that number while the process of the pidfd lives, the pidfd
 * is the joiner's, and not that of another process with this id. The admitter sends the joiner a
 * pidfd of the producer, because a joiner in another pid namespace could not open one.
 */
#ifndef SPMCQ_SHARED_MESSAGE_H
#define SPMCQ_SHARED_MESSAGE_H

#include "handle.h"

enum kind { HELLO = 1, WHO, REFUSED, HERE, WELCOME, DONE };
enum wish { TO_CONSUME = 1, TO_RETURN, TO_SUCCEED };

enum { NONCE = 16, DESCRIPTORS = 5 };

struct message {
	uint64_t magic;
	uint32_t version;
	uint32_t byte_order;
	uint32_t kind;
	uint32_t wish;   /* HELLO */
	int32_t result;  /* REFUSED, DONE: 0 or -errno */
	uint32_t number; /* of the joiner's place: WELCOME; HELLO with TO_RETURN */
	uint64_t serial;
	unsigned char nonce[NONCE]; /* WHO, HERE: a random number, which the other side returns */
	unsigned char echo[NONCE];  /* HERE, WELCOME: the other side's random number, returned */
	uint32_t key_size;          /* WELCOME: 0 if not sealed */
	uint32_t unused;
	unsigned char key[SPMCQ_KEY_EXPORTED];
};

/* One side of an admission. */
struct talk {
	int socket;
	bool is_packets; /* SOCK_SEQPACKET: each message is received whole */
	struct timespec deadline;
	bool knows_other;
	struct spmcq_peer other; /* the sender of all messages so far */
	int life;                /* pidfd of the other process, or -1 */
	unsigned char nonce[NONCE];
};

/* Returns 0, -EINVAL if it is not a Unix stream or seqpacket socket or it listens, or -errno. */
INTERNAL int talk_begin(struct talk *talk, int socket);
INTERNAL void talk_end(struct talk *talk);

/* Open a pidfd for the sender of HELLO. Returns 0 or -errno. */
INTERNAL int talk_remember(struct talk *talk);

INTERNAL int talk_make_nonce(struct talk *talk, unsigned char *copy);

/* Send a message with n descriptors, after filling in magic, version and byte order. Returns 0 or
 * -errno. */
INTERNAL int talk_say(struct talk *talk, struct message *message, const int *files, size_t n);

/* Receive a message of the given kind with exactly n descriptors. Returns 0, -EPROTO, -ECONNRESET,
 * -ETIMEDOUT, -ENOTSUP, or, if REFUSED came instead, the error that it contains. */
INTERNAL int talk_hear(struct talk *talk, enum kind kind, struct message *message, int *files,
                       size_t n);

/* Returns whether the message contains our random number, and the process of talk->life lives (if a
 * pidfd was opened). talk_hear() has checked that the sender is still the same. */
INTERNAL bool talk_is_answer(const struct talk *talk, const struct message *message);

#endif
