/*
 * A process's handle of a shared queue: where the two parts are mapped here, and, in this process's
 * own memory, its copies of all that others could change.
 *
 *   memory    making, checking and mapping the parts
 *   life      which processes are gone
 *   wait      gates: where threads of all processes sleep
 *   seat      which thread has which seat
 *   end       where the queue ends
 *   take      moving head past items: claims and their notes
 *   held      what a seat holds
 *   keep      items that may have to be given out again
 *   reap      what peers that are gone have lost
 *   run       sealed items
 *   message, admit, join, succeed   how processes come to have the memory
 */
#ifndef SPMCQ_SHARED_HANDLE_H
#define SPMCQ_SHARED_HANDLE_H

#include "spmcq_shared.h"

#include "deadline.h"
#include "elsewhere.h"
#include "layout.h"

#include <pthread.h>

/* A seat as its own process knows it. Others cannot write here. */
struct my_seat {
	_Atomic bool is_used;
	struct seat *seat;
	uint64_t number; /* among the seats of all processes */
	uint64_t takes;
	_Atomic uint64_t taken;    /* items that it took; other threads read it, too */
	_Atomic uint64_t reported; /* items; written by the thread that has the seat */
	uint64_t backoff;          /* bound of the pauses after the next lost claim */
	uint64_t chance;           /* random number, for back_off() */
	unsigned found;            /* looks in succession by try calls, at most CHASE_FOUND */
	unsigned found_nothing;    /* the same that found nothing, without bound */
	unsigned char *run;        /* room for a sealed run and its tag; NULL if not sealed */
	uint64_t *before;          /* `before` of each note; NULL without redeliver */
};

/* A peer, as the producer knows it. */
struct my_peer {
	bool is_used;
	bool is_gone; /* it has ended, but what it lost is not settled yet */
	int process;  /* pidfd */
	int lifeline; /* the peer's; -1 until it holds it, and for this process */
	pid_t id;
	uint64_t serial;
	/* Once it is gone. */
	struct lost_item *lost; /* NULL: not looked for yet */
	size_t lost_n, named;
	bool is_settled;   /* all of it is counted; its place is not free yet */
	uint64_t for_good; /* items of these that nobody gets again */
	uint64_t finished; /* items that it reported */
};

/* The places of kept items, as the producer knows them. */
struct places {
	uint64_t *index; /* finds the place of a position: see keep.c */
	uint64_t index_mask;
	uint64_t *free; /* list of free places */
	uint64_t n_free;
	bool *needed; /* for each place, during a sweep */
};

struct handle {
	struct elsewhere_face face; /* first */
	uint64_t id;                /* of all handles of this process, ever */
	struct layout layout;
	struct part_one *one;
	struct part_two *two;
	int one_file, two_file;   /* memfds */
	const uint32_t *attached; /* a page of its own that is empty in a child of fork */
	_Atomic bool is_broken;   /* another process wrote what no peer writes */
	bool is_producer;         /* this is the producer's process */
	bool redelivers;
	bool has_words; /* items of a word each, neither sealed nor given out again */
	bool interruptible;
	uint32_t number;         /* of this process among the peers */
	uint64_t serial;         /* as in its record */
	_Atomic uint32_t inside; /* threads that wait */
	struct my_seat *seats;   /* layout.threads */
	pthread_key_t seat_key;
	pthread_mutex_t lock;        /* admission, reaping, reports for others */
	_Atomic uint64_t for_others; /* items reported by threads that did not get them */
	struct spmcq_key *key;       /* NULL: not sealed */
	unsigned char *run;          /* the producer's room for a sealed run */
	unsigned char *aside;        /* room for an item with its tag */
	unsigned char *spare_run;    /* room for a run that the last producer sealed */
	_Atomic uint64_t tail_seen;
	_Atomic uint64_t head_seen[LANES]; /* head never goes back: a lower one is a lie */
	_Atomic uint64_t closed;           /* what `closing` said, once it was not open; 0: open */
	_Atomic int64_t batch;             /* items that the last look at tail found */

	int lifeline; /* held by this process */

	/* A consumer's: how it sees whether the producer lives. */
	int producer_process, producer_lifeline;
	_Atomic bool producer_gone;

	/* The producer's. */
	bool unchecked;
	_Atomic uint64_t owner; /* thread_id() */
	uint64_t tail;
	uint64_t room_limit;
	uint64_t head_of_room; /* head when room_limit was computed */
	int64_t room_found;    /* slots that were free then */
	unsigned room_pauses;  /* that were needed when the producer last waited for room */
	uint64_t next_serial;
	struct places places;
	struct my_peer *peers; /* layout.processes; this process's own is not used */
	int self;              /* pidfd of this process, to send to peers */
	struct spmcq_shared_options options;

	/* Statistics, of this process. */
	_Atomic uint64_t consumer_sleeps, producer_sleeps, joiner_sleeps, wakeups;
};

static inline struct handle *handle_of(struct spmcq *q)
{
	return (struct handle *)(void *)q;
}

static inline const struct handle *const_handle_of(const struct spmcq *q)
{
	return (const struct handle *)(const void *)q;
}

static inline void *part_at(void *part, size_t offset)
{
	return (unsigned char *)part + offset;
}

static inline struct seat *seat_at(const struct handle *h, uint64_t number)
{
	return (struct seat *)part_at(h->two, h->layout.seats_at) + number;
}

static inline struct peer_line *line_of(const struct handle *h, uint64_t peer)
{
	return (struct peer_line *)part_at(h->two, h->layout.lines_at) + peer;
}

static inline struct peer_record *record_of(const struct handle *h, uint64_t peer)
{
	return (struct peer_record *)part_at(h->one, h->layout.records_at) + peer;
}

static inline slot_word *slot_of(const struct handle *h, uint64_t position)
{
	return (slot_word *)part_at(h->one, h->layout.slots_at) +
	       (size_t)(position & h->layout.mask) * h->layout.slot_words;
}

/* Returns whether the seats of a place count: those of a peer that is not settled. Sequentially
 * consistent, pairs with record_write() and reap_settle_again(). */
static inline bool seats_count(const struct handle *h, uint64_t peer)
{
	return atomic_load_explicit(&record_of(h, peer)->process, memory_order_seq_cst) != 0;
}

/* Returns how many of n items from a position on lie next to each other in memory. It is 1 if items
 * do not fill their slots. */
static inline uint64_t slots_in_a_row(const struct handle *h, uint64_t position, uint64_t n)
{
	uint64_t most = h->layout.mask + 1 - (position & h->layout.mask);

	if (h->layout.item_size != h->layout.slot_words * WORD)
		return 1;
	return n < most ? n : most;
}

static inline struct again *again_at(const struct handle *h, uint64_t position)
{
	return (struct again *)part_at(h->one, h->layout.again_at) +
	       (position & h->layout.again_mask);
}

static inline struct kept *kept_at(const struct handle *h, uint64_t place)
{
	return (struct kept *)(void *)((slot_word *)part_at(h->one, h->layout.kept_at) +
	                               (size_t)place * h->layout.kept_words);
}

static inline slot_word *kept_item(struct kept *kept)
{
	return (slot_word *)(kept + 1);
}

/* Note that another process wrote what no peer writes: from now on calls on this handle fail.
 * Returns -EPROTO. */
INTERNAL int break_handle(struct handle *h);

/* Returns 0 if calls may be made, -EPERM in a child of fork, -EPROTO if the handle is broken. */
INTERNAL int handle_status(const struct handle *h);

#endif
