/*
 * A relay: a process between the two ends of an admission. It passes on the messages, but leaves
 * out or changes a part of them.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stddef.h>
#include <sys/types.h>

enum way { TO_PRODUCER, TO_CONSUMER };

enum twist {
	TWIST_NONE,
	TWIST_CUT,      /* `at` bytes are passed on, then both ends are closed */
	TWIST_HALF_CUT, /* `at` bytes are passed on, then no more; the ends stay open */
	TWIST_FLIP,     /* a bit of byte `at` is changed */
	TWIST_SHORT,    /* each message lacks its last byte */
	TWIST_LONG,     /* each message has an additional byte */
	TWIST_TWICE,    /* each message comes twice */
	TWIST_LATE,     /* each message comes 0.3 s later */
	TWIST_DRIP,     /* one byte a second; for streams only */
	TWIST_BYTES,    /* byte by byte; for streams only */
	TWIST_FILES,    /* `at` additional descriptors are sent with the message */
	TWIST_NO_FILES, /* descriptors are left out */
	TWIST_REVERSED, /* descriptors come in the opposite order */
	TWIST_NULLS,    /* descriptors are of /dev/null */
	TWIST_UNSEALED, /* memfds are replaced by copies that can be resized */
	TWIST_SMALL,    /* memfds are replaced by sealed copies with a page less or more */
	TWIST_EMPTY,    /* memfds are replaced by empty sealed copies */
	TWIST_SAME,     /* all memfds are replaced by the first one */
};

struct relay {
	pid_t process;
	int producer, consumer; /* the ends that the producer and the consumer use */
};

/* How many bytes came in each direction, by enum way. */
struct said {
	size_t bytes[2];
};

/* type: SOCK_STREAM or SOCK_SEQPACKET. The twist is applied in the direction `way`, at byte
 * `at`. */
void relay_start(struct relay *relay, int type, enum twist twist, enum way way, size_t at);
/* Ends the relay, if it has not ended by itself. */
void relay_end(struct relay *relay);
/* Returns how many bytes came so far. */
struct said relay_said(void);

#endif
