/*
 * The memory that processes share, in two parts, by who may write. (The words are in DESIGN.md.)
 *
 * Part one is the producer's: shape, tail, the items, who was admitted. Consumers map it read-only,
 * and its seals make the kernel refuse any other way of mapping it. Part two is everybody's: head,
 * reports, gates. Nothing in it is trusted.
 *
 * A position counts items modulo 2^52. Each thread that gets has a seat in part two. The seats of a
 * peer follow from its number, so two peers never share one. The word head holds the next position
 * to take, and above it the number of the seat that moved head there.
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
#ifdef SPMCQ_MODEL /* for a model checker, which sees each of them */
	NOTES = 3,
#else
	NOTES = 256, /* of a seat: one for each of its last takes */
#endif
	RUN_ITEMS = 32 /* the most that are sealed as one */
};

#define POSITION_ONES ((UINT64_C(1) << POSITION_BITS) - 1)

/* Returns how far `to` lies ahead of `from`, also across the wrap; negative if it lies behind. */
static inline int64_t position_distance(uint64_t from, uint64_t to)
{
	enum { UNUSED = 64 - POSITION_BITS };

	return (int64_t)((to - from) << UNUSED) >> UNUSED;
}

static inline uint64_t position_after(uint64_t position, uint64_t n)
{
	return (position + n) & POSITION_ONES;
}

/* The two rings that items are taken from: the queue, and lost items that are given out again. */
enum lane { QUEUE, AGAIN, LANES };

/* All sizes follow from it. Written when the part is made, then only read. */
struct shape {
	uint64_t magic;
	uint32_t version;
	uint32_t byte_order;
	uint32_t line;      /* bytes of a cache line, as compiled */
	uint32_t processes; /* places for them: see places_for() */
	uint32_t threads;   /* the most of each that get */
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

/* A process that was admitted, or the producer's. Written by the producer. */
struct peer_record {
	_Atomic uint64_t process; /* its id; 0: the place is free */
	_Atomic uint64_t born; /* when it began, in the kernel's ticks: tells it from a later one */
	_Atomic uint64_t serial; /* of this admission, counted from 1 */
	/* Lower half: how many of its losses were named; upper half: how many items of these nobody
	 * gets again. */
	_Atomic uint64_t named;
};

/* An item that is kept to be given out again. Written by the producer. The item follows. */
struct kept {
	_Atomic uint64_t position; /* of the item; KEPT_NOTHING: the place is free */
	_Atomic uint64_t unused;
};

#define KEPT_NOTHING UINT64_MAX

/* A place of the lane AGAIN. Written by the producer. */
struct again {
	_Atomic uint64_t kept; /* the place of the kept item */
	/* Upper half: serial of the peer that lost it; lower half: which of its losses it is. */
	_Atomic uint64_t lost_by;
};

/* The beginning of part one. The records of peers, the lane AGAIN, the kept items and the slots
 * follow: see struct layout. */
struct part_one {
	struct shape shape;
	alignas(2 * CACHE_LINE) _Atomic uint64_t tail;
	_Atomic uint64_t wake_at;    /* the producer sleeps until head gets here */
	_Atomic uint64_t left;       /* 1: the producer destroyed its handle */
	_Atomic uint64_t kept_up_to; /* items before it may have left their slots: keep.h */
	/* Seldom written. */
	alignas(2 * CACHE_LINE) _Atomic uint64_t again_tail;
	_Atomic uint64_t peers; /* how many records have ever been used */
	/* settled: how many items count as finished, of peers whose seats are no longer counted.
	 * written_off: how many of these were discarded, or lost and not given out again. Both
	 * change only while `settling` is odd; what they change to is written into the last line
	 * before, so that a successor can do it again. */
	_Atomic uint64_t settling;
	_Atomic uint64_t settled;
	_Atomic uint64_t written_off;
	_Atomic uint64_t settle_peer, settle_to, write_off_to;
};

/* One take of a seat. */
struct note {
	/* A position. In the lane AGAIN a take is one item, and this is its place. */
	_Atomic uint64_t start;
	_Atomic uint64_t end;    /* position of the lane's head after this take */
	_Atomic uint64_t before; /* items that the seat took before this take */
	_Atomic uint64_t lane;
};

/* Written by the thread that has the seat, except `confirmed`. */
struct seat {
	alignas(CACHE_LINE) _Atomic uint64_t done; /* items reported */
	_Atomic uint64_t taken;      /* counted takes; the last NOTES - 1 have sure notes */
	_Atomic uint64_t end[LANES]; /* position of head after its last take */
	/* What others write for it: the thread that moves head next first writes here where this
	 * seat's take ended, unless `end` says so. So the take of a thread that was killed before
	 * it wrote `end` is still known. */
	alignas(CACHE_LINE) _Atomic uint64_t confirmed[LANES];
	alignas(CACHE_LINE) struct note notes[NOTES];
};

/* Shared by a peer's threads. */
struct peer_line {
	alignas(CACHE_LINE) _Atomic uint64_t done_for_others; /* by threads that did not get them */
	_Atomic uint64_t seats;   /* how many of its seats have been used */
	_Atomic uint64_t dropped; /* items that it discarded by shutdown_now */
};

/* Threads of all processes sleep here: see wait.h. */
struct shared_gate {
	alignas(CACHE_LINE) _Atomic uint32_t entered; /* +1 by each sleeper; wraps */
	_Atomic uint32_t awake; /* how many of these are awake by now, or will not fall asleep */
	_Atomic uint32_t epoch; /* +1 by each wake-up */
};

/* Values of `closing`; after them comes CLOSED, with the position where the queue ends. */
enum { OPEN = 0, CLOSING = 1 };
#define CLOSED (UINT64_C(1) << 63)

struct part_two {
	alignas(2 * CACHE_LINE) _Atomic uint64_t head;
	alignas(2 * CACHE_LINE) _Atomic uint64_t again_head;
	alignas(CACHE_LINE) _Atomic uint64_t closing;
	_Atomic uint64_t generation; /* of the last producer that admitted a peer */
	_Atomic uint64_t successor;  /* id of the process that is about to become the producer */
	struct shared_gate items;
	struct shared_gate reserve; /* consumers that sleep because others take all the items */
	struct shared_gate room;
	struct shared_gate finished;
};

#endif
