/*
 * What two processes say to each other at admission: messages of one size over a Unix socket that
 * the caller brings. The sender's process, user and group come with each message; the kernel
 * refuses false ones, except from root.
 *
 *   joiner -> admitter  HELLO    what it wants
 *   admitter -> joiner  WHO      a random number, or REFUSED
 *   joiner -> admitter  HERE     the same number, and one of its own
 *   admitter -> joiner  WELCOME  the joiner's number, descriptors, the key
 *   joiner -> admitter  DONE     whether it could use them
 *
 * The admitter opens a pidfd for the sender of HELLO, and then sends it a random number. If the
 * same process answers with that number, the pidfd is that of the joiner, and not of a later
 * process with the same id. The joiner is sent a pidfd of the producer: from another pid namespace
 * it could not open one.
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
	unsigned char nonce[NONCE]; /* WHO, HERE: a random number to be answered */
	unsigned char echo[NONCE];  /* HERE, WELCOME: the random number that is answered */
	uint32_t key_size;          /* WELCOME: 0 if not sealed */
	uint32_t unused;
	unsigned char key[SPMCQ_KEY_EXPORTED];
};

/* One side of an admission. */
struct talk {
	int socket;
	bool is_packets; /* each message comes as a whole */
	struct timespec deadline;
	bool knows_other;
	struct spmcq_peer other; /* sender of the first message, and of all others */
	int life;                /* its pidfd, or -1 */
	unsigned char nonce[NONCE];
};

/* Returns 0, -EINVAL if it is no such socket, or -errno. */
INTERNAL int talk_begin(struct talk *talk, int socket);
INTERNAL void talk_end(struct talk *talk);

/* Open a pidfd for the sender of the first message. Returns 0 or -errno. */
INTERNAL int talk_remember(struct talk *talk);

INTERNAL int talk_make_nonce(struct talk *talk, unsigned char *copy);

/* Send a message with n descriptors, after filling in magic, version and byte order. Returns 0 or
 * -errno. */
INTERNAL int talk_say(struct talk *talk, struct message *message, const int *files, size_t n);

/* Receive a message of a kind, with exactly n descriptors. Returns 0; the reason that the other
 * side gives, if it is REFUSED instead; -EPROTO, -ECONNRESET, -ETIMEDOUT, -ENOTSUP. */
INTERNAL int talk_hear(struct talk *talk, enum kind kind, struct message *message, int *files,
                       size_t n);

/* Returns whether the message answers our random number, and the remembered process lives.
 * talk_hear() has checked that this process sent it. */
INTERNAL bool talk_is_answer(const struct talk *talk, const struct message *message);

#endif
