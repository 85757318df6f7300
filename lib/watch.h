/*
 * The watch tells whether a put has to wake a consumer.
 *
 * A consumer that waits is first a looker: it looks for items again and again, for some
 * microseconds. Then it lies down as a sleeper or as a reserve. "The watch" in lib/DESIGN.md says
 * which, and why a put need not wake anybody if all that sleep are reserves and there are lookers,
 * a lead or a crowd. In a crowd, a consumer sleeps as a reserve although there are items.
 */
#ifndef SPMCQ_WATCH_H
#define SPMCQ_WATCH_H

#include "internal.h"

#include <stdalign.h>

/* Bits 0 to 19 of the word count reserves, bit 20 is the crowd flag, bits 21 to 41 count lookers,
 * and bits 42 to 63 sleepers. */
#define WATCH_RESERVE UINT64_C(1)
#define WATCH_CROWD (UINT64_C(1) << 20) /* set and cleared by those who lie down, and reserves */
#define WATCH_LOOKER (UINT64_C(1) << 21)
#define WATCH_SLEEPER (UINT64_C(1) << 42)

struct watch {
	/* Written by consumers that wait. */
	alignas(CACHE_LINE) _Atomic uint64_t word;
};

/* Every access is sequentially consistent: a consumer lies down before its S1, and a put that reads
 * the word makes the first half of its W2 (see gate.h). */
static inline void watch_begin_to_look(struct watch *watch)
{
	atomic_fetch_add_explicit(&watch->word, WATCH_LOOKER, memory_order_seq_cst);
}

static inline void watch_end_to_look(struct watch *watch)
{
	atomic_fetch_sub_explicit(&watch->word, WATCH_LOOKER, memory_order_seq_cst);
}

/* A looker becomes a sleeper or a reserve. crowd: it saw a crowd. held: there is a lead of another
 * consumer, or one is ending. Returns true if it is a reserve now, false if it is a
 * sleeper and has to make a final look. Lock-free. */
static bool watch_lie_down(struct watch *watch, bool crowd, bool held)
{
	uint64_t before = atomic_load_explicit(&watch->word, memory_order_seq_cst);
	uint64_t after;
	bool reserve;

	do {
		after = (held ? before : before & ~WATCH_CROWD) - WATCH_LOOKER;
		reserve = crowd || held || after % WATCH_SLEEPER >= WATCH_LOOKER;
		if (crowd)
			after |= WATCH_CROWD;
		after += reserve ? WATCH_RESERVE : WATCH_SLEEPER;
	} while (!atomic_compare_exchange_weak_explicit(
	        &watch->word, &before, after, memory_order_seq_cst, memory_order_seq_cst));
	return reserve;
}

/* A sleeper or a reserve becomes a looker again. */
static inline void watch_get_up(struct watch *watch, bool reserve)
{
	atomic_fetch_add_explicit(&watch->word,
	                          WATCH_LOOKER - (reserve ? WATCH_RESERVE : WATCH_SLEEPER),
	                          memory_order_seq_cst);
}

/* Set or clear the crowd flag, for a reserve that has slept for RESERVE_NS or more. */
static inline void watch_note_crowd(struct watch *watch, bool crowd)
{
	if (crowd)
		atomic_fetch_or_explicit(&watch->word, WATCH_CROWD, memory_order_seq_cst);
	else
		atomic_fetch_and_explicit(&watch->word, ~WATCH_CROWD, memory_order_seq_cst);
}

/* W2. Returns whether a new item needs a wake-up: there are sleepers, or there are reserves and
 * neither lookers nor a crowd. */
static inline bool watch_needs_waking(const struct watch *watch)
{
	uint64_t word = atomic_load_explicit(&watch->word, memory_order_seq_cst);

	return word != 0 && (word >= WATCH_SLEEPER || word < WATCH_CROWD);
}

static inline bool watch_has_sleepers(const struct watch *watch)
{
	return atomic_load_explicit(&watch->word, memory_order_seq_cst) >= WATCH_SLEEPER;
}

#endif
