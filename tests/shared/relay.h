/*
 * A process between the two ends of an admission, which passes on what they say to each other, but
 * not all of it, or not as it was.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stddef.h>
#include <sys/types.h>

enum way { TO_PRODUCER, TO_CONSUMER };

enum twist {
	TWIST_NONE,
	TWIST_CUT,      /* so many bytes pass, then both ends are closed */
	TWIST_HALF_CUT, /* the same, and nothing comes any more, but it is not closed */
	TWIST_FLIP,     /* a bit of that byte is changed */
	TWIST_SHORT,    /* each message lacks its last byte */
	TWIST_LONG,     /* each has a byte more */
	TWIST_TWICE,    /* each comes twice */
	TWIST_LATE,     /* each comes a third of a second later */
	TWIST_DRIP,     /* one byte a second; of a stream */
	TWIST_BYTES,    /* byte by byte; of a stream */
	TWIST_FILES,    /* `at` more descriptors come along */
	TWIST_NO_FILES, /* descriptors do not come along */
	TWIST_REVERSED, /* they come in the opposite order */
	TWIST_NULLS,    /* they are of /dev/null */
	TWIST_UNSEALED, /* memfds are copies that can be resized */
	TWIST_SMALL,    /* they are sealed copies of a page less, or more */
	TWIST_EMPTY,    /* they are sealed copies without a byte */
	TWIST_SAME,     /* all memfds are the same one */
};

struct relay {
	pid_t process;
	int producer, consumer; /* the ends for these two */
};

/* The bytes that were passed on in each direction, by enum way. */
struct said {
	size_t bytes[2];
};

/* type: SOCK_STREAM or SOCK_SEQPACKET. The twist is made in that way, at that byte. */
void relay_start(struct relay *relay, int type, enum twist twist, enum way way, size_t at);
/* Ends it, if it has not come to its end. */
void relay_end(struct relay *relay);
/* How much it has passed on. */
struct said relay_said(void);

#endif
