/*
 * What two processes say to each other at admission: messages of one size over a Unix socket that
 * the user brings. With each goes who its sender is; the kernel refuses what is not true.
 *
 *   joiner -> admitter  HELLO    what it wants
 *   admitter -> joiner  WHO      a random number, or REFUSED
 *   joiner -> admitter  HERE     the same number, and one of its own
 *   admitter -> joiner  WELCOME  that number, descriptors, the key
 *   joiner -> admitter  DONE     whether it could use them
 *
 * The admitter opens a pidfd for the process that it heard from, and then has a random number
 * answered from the same process: so the pidfd is of who speaks, and not of a later one with the
 * same id. The joiner is sent a pidfd, as it may not see the other's process id.
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
	uint32_t number; /* WELCOME, and HELLO of who returns: of its place */
	uint64_t serial;
	unsigned char nonce[NONCE]; /* WHO, HERE: to be answered */
	unsigned char echo[NONCE];  /* HERE, WELCOME: the answer */
	uint32_t key_size;          /* WELCOME: 0 if not sealed */
	uint32_t unused;
	unsigned char key[SPMCQ_KEY_EXPORTED];
};

/* An admission that goes on. */
struct talk {
	int socket;
	bool is_packets; /* each message comes as a whole */
	struct timespec deadline;
	bool knows_other;
	struct spmcq_peer other; /* who sent the first message, and has to send all others */
	int life;                /* its pidfd, or -1 */
	unsigned char nonce[NONCE];
};

/* Returns 0, or -EINVAL if it is no such socket. */
INTERNAL int talk_begin(struct talk *talk, int socket);
INTERNAL void talk_end(struct talk *talk);

/* Open a pidfd for who sent the first message. Returns 0 or -errno. */
INTERNAL int talk_remember(struct talk *talk);

INTERNAL int talk_make_nonce(struct talk *talk, unsigned char *copy);

/* Send a message, of which magic, version and byte order are filled in. Returns 0 or -errno. */
INTERNAL int talk_say(struct talk *talk, struct message *message, const int *files, size_t n);

/* Receive one of a kind, with so many descriptors. Returns 0; -EACCES or what else it says if it is
 * REFUSED instead; -EPROTO, -ECONNRESET, -ETIMEDOUT, -ENOTSUP. */
INTERNAL int talk_hear(struct talk *talk, enum kind kind, struct message *message, int *files,
                       size_t n);

/* Returns whether the process that spoke is the one that was remembered, and lives, and answered
 * the random number. */
INTERNAL bool talk_is_answer(const struct talk *talk, const struct message *message);

#endif
