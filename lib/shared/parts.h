/*
 * The memory that processes share. It has two parts, which differ in who may write them. DESIGN.md
 * defines the words.
 *
 * Only the producer's process writes part one: the shape, tail, the items, the records of peers.
 * Consumers map it read-only, and its seals make the kernel refuse a shared writable mapping. All
 * processes write part two: head, reports, gates. No value in it is trusted.
 *
 * A position counts items modulo 2^52. Each thread that gets has a seat in part two. Place p has
 * the seats p * threads and following, so no seat belongs to two peers. The word head holds the
 * next position to take, and above it the number of the seat that moved head there.
 */
#ifndef SPMCQ_SHARED_PARTS_H
#define SPMCQ_SHARED_PARTS_H

#include "words.h"

#include <stdalign.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	POSITION_BITS = 52,
	/* A seat number, or NO_SEAT, fits into the 12 bits above a position. */
	SEATS_MOST = 4094,
	NO_SEAT = 4095,
#ifdef SPMCQ_MODEL /* a model checker explores each access to a note, so it gets fewer */
	NOTES = 3,
#else
	NOTES = 256, /* of a seat: its takes use them in turn */
#endif
	RUN_ITEMS = 32 /* the most items that are sealed as one run */
};

#define POSITION_ONES ((UINT64_C(1) << POSITION_BITS) - 1)
/* A value that head never has after a take. */
#define NO_HEAD UINT64_MAX

/* Returns how many positions `to` is ahead of `from`, also across the wrap; negative if it is
 * behind. */
static inline int64_t position_distance(uint64_t from, uint64_t to)
{
	enum { UNUSED = 64 - POSITION_BITS };

	return (int64_t)((to - from) << UNUSED) >> UNUSED;
}

static inline uint64_t position_after(uint64_t position, uint64_t n)
{
	return (position + n) & POSITION_ONES;
}

/* The two rings that consumers take from: QUEUE, and AGAIN with lost items for redelivery. */
enum lane { QUEUE, AGAIN, LANES };

/* The sizes of both parts are computed from the shape. It is written once, when part one is made.
 */
struct shape {
	uint64_t magic;
	uint32_t version;
	uint32_t byte_order;
	uint32_t line;      /* bytes of a cache line, as compiled */
	uint32_t processes; /* how many places: see places_for() */
	uint32_t threads;   /* the most threads of one process that get */
	uint32_t algorithm; /* for sealing; 0: not sealed */
	uint32_t tag_size;  /* bytes */
	uint32_t redeliver;
	uint32_t interruptible;
	uint32_t unused;
	uint64_t capacity;
	uint64_t item_size;
	uint64_t first;      /* position of the first item */
	uint64_t generation; /* +1 by each successor */
};

/* The process that has a place. Written by the producer's process. */
struct peer_record {
	_Atomic uint64_t process; /* its id; 0: the place is free */
	/* When it started, in the kernel's ticks: a later process with the same id differs. */
	_Atomic uint64_t born;
	_Atomic uint64_t serial; /* number of this admission, counted from 1 */
	/* Lower half: how many of its losses were named. Upper half: how many items of these losses
	 * nobody gets again. */
	_Atomic uint64_t named;
};

/* A kept place: an item that may have to be delivered again. The item follows the struct. Written
 * by the producer's process. */
struct kept {
	_Atomic uint64_t position; /* of the item; KEPT_NOTHING: no item is here */
	_Atomic uint64_t unused;
};

#define KEPT_NOTHING UINT64_MAX

/* An entry of the lane AGAIN. Written by the producer's process. */
struct again {
	_Atomic uint64_t kept; /* number of the kept place of the item */
	/* Upper half: serial of the peer that lost the item; lower half: index of the loss. */
	_Atomic uint64_t lost_by;
};

/* The beginning of part one. The records, the lane AGAIN, the kept places and the slots follow: see
 * struct layout. */
struct part_one {
	struct shape shape;
	alignas(2 * CACHE_LINE) _Atomic uint64_t tail;
	_Atomic uint64_t wake_at; /* the sleeping producer is woken once head is here */
	_Atomic uint64_t left;    /* 0 -> 1 when the producer's handle is destroyed */
	/* The slots of items before this position may hold newer items: see keep.h. */
	_Atomic uint64_t kept_up_to;
	/* Seldom written. */
	alignas(2 * CACHE_LINE) _Atomic uint64_t again_tail;
	_Atomic uint64_t peers; /* places from here on have never been used */
	/* settled: how many items count as finished for the peers that are settled; the seats of
	 * these peers are not added up any more. written_off: how many of these items were
	 * discarded, or lost and not delivered again. Both change only while `settling` is odd.
	 * Their next values are stored in settle_to and write_off_to before that, so that a
	 * successor can repeat the change. */
	_Atomic uint64_t settling;
	_Atomic uint64_t settled;
	_Atomic uint64_t written_off;
	_Atomic uint64_t settle_peer, settle_to, write_off_to;
};

/* What a seat says of one take. */
struct note {
	/* Position of the first item. In the lane AGAIN a take has one item, and start is the
	 * number of its kept place. */
	_Atomic uint64_t start;
	_Atomic uint64_t end;    /* position of the lane's head after this take */
	_Atomic uint64_t before; /* how many items the seat had taken before */
	_Atomic uint64_t lane;
};

/* Written by the thread that has the seat, except `confirmed`. */
struct seat {
	alignas(CACHE_LINE) _Atomic uint64_t done; /* how many items it reported */
	/* How many takes it has finished. The last NOTES - 1 of them have sure notes. */
	_Atomic uint64_t takes;
	_Atomic uint64_t end[LANES]; /* position of each head after the last take there */
	/* Written by other threads: before a thread moves head on, it stores here the end of this
	 * seat's take, unless `end` is that far already. So the take of a thread that was killed
	 * before it wrote `end` is known. */
	alignas(CACHE_LINE) _Atomic uint64_t confirmed[LANES];
	alignas(CACHE_LINE) struct note notes[NOTES];
};

/* Counters that the threads of one process share. */
struct peer_line {
	/* Items that one thread got and another one reported. */
	alignas(CACHE_LINE) _Atomic uint64_t done_for_others;
	_Atomic uint64_t seats;   /* how many of the place's seats have been used */
	_Atomic uint64_t dropped; /* items discarded by shutdown_now */
};

/* Threads of all processes sleep here: see wait.h. */
struct shared_gate {
	alignas(CACHE_LINE) _Atomic uint32_t entered; /* +1 by each sleeper; wraps */
	/* At least this many of the entered sleepers are awake, or will not fall asleep. */
	_Atomic uint32_t awake;
	_Atomic uint32_t epoch; /* +1 by each wake-up */
};

/* While the queue is open, `closing` is 2 * the producer's generation; from shutdown on,
 * 2 * generation + CLOSING; once the end is decided, CLOSED | the position where the queue ends. */
enum { CLOSING = 1 };
#define CLOSED (UINT64_C(1) << 63)

static inline uint64_t open_in(uint64_t generation)
{
	return 2 * generation;
}

static inline uint64_t closing_in(uint64_t generation)
{
	return open_in(generation) + CLOSING;
}

struct part_two {
	alignas(2 * CACHE_LINE) _Atomic uint64_t head;
	alignas(2 * CACHE_LINE) _Atomic uint64_t again_head;
	alignas(CACHE_LINE) _Atomic uint64_t closing;
	_Atomic uint64_t generation; /* of the last producer that admitted a peer */
	_Atomic uint64_t successor;  /* id of the process that becomes the producer; 0: none yet */
	struct shared_gate items;
	struct shared_gate reserve; /* consumers that would hinder a crowd */
	struct shared_gate room;
	struct shared_gate finished;
};

#endif
