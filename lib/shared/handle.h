/*
 * A process's handle of a shared queue: the addresses of the two parts, and private copies of all
 * values that other processes could change.
 *
 *   memory    making, checking and mapping the parts
 *   life      which processes are gone
 *   wait      gates: where threads of all processes sleep
 *   seat      which thread has which seat
 *   end       where the queue ends
 *   take      moving head past items: claims and their notes
 *   held      what a seat holds: items that were taken and not reported
 *   keep      copies of items that may have to be delivered again
 *   reap      finding what peers that are gone have lost; settling them
 *   run       sealed items
 *   message, admit, join, succeed   how a process gets the memory
 */
#ifndef SPMCQ_SHARED_HANDLE_H
#define SPMCQ_SHARED_HANDLE_H

#include "spmcq_shared.h"

#include "deadline.h"
#include "elsewhere.h"
#include "layout.h"

#include <pthread.h>

/* This process's own data of one of its seats. Other processes cannot write it. */
struct my_seat {
	alignas(2 * CACHE_LINE) _Atomic bool is_used;
	struct seat *seat;
	uint64_t number;           /* among the seats of all processes */
	uint64_t takes;            /* how many takes it has finished */
	_Atomic uint64_t taken;    /* items that it took; other threads of the process read it */
	_Atomic uint64_t reported; /* items that it reported; only its thread writes this */
	/* Head after this thread's last take, or NO_HEAD if it does not expect head there. Any take
	 * but that of a word sets NO_HEAD: a claim from an older head would write a note that ends
	 * before the last take, and such a note looks as if the claim had succeeded. */
	uint64_t head;
	uint64_t backoff;       /* after a lost claim, a random number of pauses below this */
	uint64_t chance;        /* state of the random numbers of back_off() */
	bool woke_producer;     /* since it last ran out of items */
	unsigned found;         /* successive looks of try calls that found items; <= CHASE_FOUND */
	unsigned found_nothing; /* successive looks of try calls that found nothing */
	unsigned char *run;     /* buffer for a sealed run and its tag; NULL if not sealed */
	uint64_t *before;       /* `before` of each note; NULL without redeliver */
};

/* What the producer's process knows of the peer in a place. */
struct my_peer {
	bool is_used;
	bool is_gone; /* it is gone; its place is not free yet */
	int process;  /* pidfd */
	/* Descriptor of the peer's lifeline; -1 until the peer has locked it, and -1 if this
	 * process has joined itself: a process cannot check its own lock. */
	int lifeline;
	pid_t id;
	uint64_t serial;
	/* Set once it is gone. */
	struct lost_item *lost; /* NULL: not computed yet */
	size_t lost_n, named;
	bool is_settled;   /* but its place is not free yet */
	uint64_t for_good; /* items of its losses that nobody gets again */
	uint64_t finished; /* items that it reported */
};

/* The kept places, in the producer's own memory. */
struct places {
	uint64_t *index; /* finds the kept place of a position: see keep.c */
	uint64_t index_mask;
	uint64_t *free; /* list of free kept places */
	uint64_t n_free;
	bool *needed; /* during make_room(): whether a kept place is still needed */
};

struct handle {
	struct elsewhere_face face; /* the first field of all handles: see elsewhere.h */
	uint64_t id;                /* above 0; no other handle of this process ever has it */
	struct layout layout;
	struct part_one *one;
	struct part_two *two;
	int one_file, two_file;   /* memfds */
	const uint32_t *attached; /* a page that is 1 here and 0 in a forked child */
	_Atomic bool is_broken;   /* another process wrote what this library never writes */
	bool is_producer;         /* this is the producer's process */
	bool redelivers;
	bool has_words; /* an item is one word; not sealed; no redeliver */
	bool interruptible;
	uint32_t number;       /* of this process's place */
	uint64_t serial;       /* as in its record */
	struct my_seat *seats; /* layout.threads of them */
	pthread_key_t seat_key;
	pthread_mutex_t lock;        /* for admission, reaping, reports for other threads */
	_Atomic uint64_t for_others; /* items reported by threads that did not get them */
	struct spmcq_key *key;       /* NULL: not sealed */
	unsigned char *run;          /* the producer's buffer for a sealed run */
	unsigned char *aside;        /* buffer for an item with its tag */
	unsigned char *spare_run;    /* buffer for a run that the former producer sealed */
	_Atomic uint64_t closed;     /* copy of `closing` once the end is decided; OPEN before */

	int lifeline; /* locked by this process */

	/* Of a consumer: descriptors by which it checks whether the producer is gone. */
	int producer_process, producer_lifeline;
	_Atomic bool producer_gone;

	/* Written by the threads of this process that get. These fields, those of the producer and
	 * those that all threads write are two lines apart from each other, as in struct cursor.
	 * With a producer and a consumer in one process this doubles the items/s. */
	alignas(2 * CACHE_LINE) _Atomic uint64_t tail_seen; /* a tail that this process has read */
	_Atomic uint64_t head_seen[LANES];                  /* the latest heads that it has read */
	_Atomic int64_t batch; /* how many items the last look at tail found */

	/* Of the producer. */
	alignas(2 * CACHE_LINE) bool unchecked;
	_Atomic uint64_t owner; /* thread_id() */
	uint64_t tail;
	uint64_t room_limit;
	uint64_t head_of_room; /* head when room_limit was computed */
	int64_t room_found;    /* slots that were free then */
	int64_t looked_ns;     /* when the last wait for room ended */
	unsigned room_ns;      /* how long it sleeps next for half the capacity */
	unsigned room_pauses;  /* pauses before the first look for room */
	uint64_t next_serial;
	struct places places;
	struct my_peer *peers; /* layout.processes; this process's own entry is not used */
	int self;              /* pidfd of this process, which is sent to peers */
	struct spmcq_shared_options options;

	alignas(2 * CACHE_LINE) _Atomic uint32_t inside; /* threads that wait in a call */
	/* Statistics of this process. */
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

/* Returns whether a place belongs to a process that is not settled. Only the seats of such places
 * are added up. Sequentially consistent, pairs with record_write() and reap_settle_again(). */
static inline bool place_is_used(const struct handle *h, uint64_t peer)
{
	return atomic_load_explicit(&record_of(h, peer)->process, memory_order_seq_cst) != 0;
}

/* Returns how many of the n items from a position on are adjacent in memory; 1 if an item does not
 * fill its slot. */
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

/* Mark the handle as broken, because another process wrote a value that this library never writes.
 * Later calls on the handle return -EPROTO. Returns -EPROTO. */
INTERNAL int break_handle(struct handle *h);

/* Returns 0 if calls may be made, -EPERM in a forked child, -EPROTO if the handle is broken. */
INTERNAL int handle_status(const struct handle *h);

#endif
