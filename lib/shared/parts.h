/*
 * The memory that processes share, in two parts, by who may write.
 *
 * Part one is the producer's. Consumers map it read-only, and its seals keep the kernel from
 * letting them map it in another way: shape, tail, the items, who was admitted. Part two is
 * everybody's: head, reports, gates. Nothing in it is trusted.
 *
 * A position counts items modulo 2^52. Each thread that gets has a seat in part two; the seats of
 * a peer are known by its number, so nobody can take another one's. Word head holds the next
 * position to take, and above it the seat that moved it there.
 */
#ifndef SPMCQ_SHARED_PARTS_H
#define SPMCQ_SHARED_PARTS_H

#include "words.h"

#include <stdalign.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	POSITION_BITS = 52,
	SEATS_MOST = 4094, /* fit above a position, with NO_SEAT */
	NO_SEAT = 4095,
	NOTES = 256,   /* of a seat: its last gets */
	RUN_ITEMS = 32 /* that are sealed as one */
};

#define POSITION_ONES ((UINT64_C(1) << POSITION_BITS) - 1)

/* How far position to lies ahead of from; negative if it lies behind. Right across the wrap. */
static inline int64_t position_distance(uint64_t from, uint64_t to)
{
	enum { UNUSED = 64 - POSITION_BITS };

	return (int64_t)((to - from) << UNUSED) >> UNUSED;
}

static inline uint64_t position_after(uint64_t position, uint64_t n)
{
	return (position + n) & POSITION_ONES;
}

/* Two rings that items are taken from: the queue, and the lost ones that are given out again. */
enum lane { QUEUE, AGAIN, LANES };

/* What all sizes follow from. Written when the part is made, then only read. */
struct shape {
	uint64_t magic;
	uint32_t version;
	uint32_t byte_order;
	uint32_t line;      /* bytes of a cache line, as compiled */
	uint32_t processes; /* with the producer's */
	uint32_t threads;   /* of each, that get */
	uint32_t algorithm; /* of sealing; 0: not sealed */
	uint32_t tag_size;  /* bytes */
	uint32_t redeliver;
	uint32_t interruptible;
	uint32_t unused;
	uint64_t capacity;
	uint64_t item_size;
	uint64_t first;      /* position */
	uint64_t generation; /* +1 by each successor */
};

/* A process that was admitted, or is the producer. Written by the producer. */
struct peer_record {
	_Atomic uint64_t process; /* its id; 0: the place is free */
	_Atomic uint64_t born; /* when it began, as the kernel counts; tells it from a later one */
	_Atomic uint64_t serial; /* of all who were admitted */
	_Atomic uint64_t named;  /* see read_named() */
};

/* An item that is kept for being given out again. Written by the producer. The item follows. */
struct kept {
	_Atomic uint64_t position; /* KEPT_NOTHING: the place is free */
	_Atomic uint64_t unused;
};

#define KEPT_NOTHING UINT64_MAX

/* A place of the lane AGAIN. Written by the producer. */
struct again {
	_Atomic uint64_t kept;    /* the place of the item among the kept ones */
	_Atomic uint64_t lost_by; /* serial of the peer, and above it the number of what it lost */
};

/* The beginning of part one; behind it lie the records of peers, the lane AGAIN, the kept items and
 * the slots: see struct layout. */
struct part_one {
	struct shape shape;
	alignas(2 * CACHE_LINE) _Atomic uint64_t tail;
	_Atomic uint64_t wake_at;    /* the head that the producer sleeps for */
	_Atomic uint64_t left;       /* 1: the producer destroyed its handle */
	_Atomic uint64_t kept_up_to; /* slots before it are filled anew: see keep.h */
	/* Written seldom. */
	alignas(2 * CACHE_LINE) _Atomic uint64_t again_tail;
	_Atomic uint64_t peers; /* so many records have been used */
	/* Items that are finished by peers that are no longer counted by their seats; and of these,
	 * those that were discarded, or lost and not given out again. They change while settling is
	 * odd, to what is written below before. */
	_Atomic uint64_t settling;
	_Atomic uint64_t settled;
	_Atomic uint64_t written_off;
	_Atomic uint64_t settle_peer, settle_to, write_off_to;
};

/* What a seat took at one time. */
struct note {
	_Atomic uint64_t start;  /* position, or in the lane AGAIN the place of the kept item */
	_Atomic uint64_t end;    /* where head of the lane stands after it */
	_Atomic uint64_t before; /* items that the seat had taken before */
	_Atomic uint64_t lane;
};

/* Written by the thread that has the seat, but for `confirmed`. */
struct seat {
	alignas(CACHE_LINE) _Atomic uint64_t done; /* items reported */
	_Atomic uint64_t taken; /* how often it took something: that many notes hold for sure */
	_Atomic uint64_t end[LANES]; /* head after its last take */
	/* The same as others know it: whoever moves head next sees to it that a take is known here
	 * if the taker has not come to write `end`. */
	alignas(CACHE_LINE) _Atomic uint64_t confirmed[LANES];
	alignas(CACHE_LINE) struct note notes[NOTES];
};

/* What a peer's threads share. */
struct peer_line {
	alignas(CACHE_LINE) _Atomic uint64_t done_for_others; /* not by the thread that got them */
	_Atomic uint64_t seats;   /* so many of its seats have been used */
	_Atomic uint64_t dropped; /* items that it discarded by shutdown_now */
};

/* Where threads of all processes sleep. */
struct shared_gate {
	alignas(CACHE_LINE) _Atomic uint32_t entered; /* +1 by each that lies down; wraps */
	_Atomic uint32_t gone;                        /* of these, so many do not sleep any more */
	_Atomic uint32_t epoch;                       /* +1 by each wake-up */
};

enum { OPEN = 0, CLOSING = 1 }; /* of `closing`; else CLOSED, and the position where it ends */
#define CLOSED (UINT64_C(1) << 63)

struct part_two {
	alignas(2 * CACHE_LINE) _Atomic uint64_t head;
	alignas(2 * CACHE_LINE) _Atomic uint64_t again_head;
	alignas(CACHE_LINE) _Atomic uint64_t closing;
	_Atomic uint64_t generation; /* of the producer that peers were admitted by last */
	_Atomic uint64_t successor;  /* process that is about to become the producer */
	struct shared_gate items;
	struct shared_gate reserve; /* consumers that sleep as others take all the items */
	struct shared_gate room;
	struct shared_gate finished;
};

#endif
