/*
 * The watch: how few of the waiting consumers need waking for an item.
 *
 * A consumer that waits is a looker first, which looks for items again and again, for some
 * microseconds. Then it sleeps, in one of two ways. If no other consumer is a looker, it sleeps
 * until it is woken. Otherwise it is a reserve: it sleeps for a few milliseconds at most, then
 * looks for itself. So while all who sleep are reserves, a put may rely on lookers: if they are
 * stopped, a reserve looks soon. It may also rely on a crowd: consumers that take items so fast
 * that one more would be in their way. In a crowd, a consumer sleeps as a reserve although there
 * are items.
 */
#ifndef SPMCQ_WATCH_H
#define SPMCQ_WATCH_H

#include "internal.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

/* The word counts reserves in its lowest bits, then lookers, then sleepers; one bit is a flag. */
#define WATCH_RESERVE UINT64_C(1)
#define WATCH_CROWD (UINT64_C(1) << 20) /* there was a crowd when it was last looked for */
#define WATCH_LOOKER (UINT64_C(1) << 21)
#define WATCH_SLEEPER (UINT64_C(1) << 42) /* those who sleep until they are woken */

struct watch {
	/* Written by consumers that wait. */
	alignas(CACHE_LINE) _Atomic uint64_t word;
};

/* Every access is sequentially consistent: lying down is step 1 of a sleeper, reading the word step
 * 2 of a bringer (see gate.h). */
static inline void watch_begin_to_look(struct watch *watch)
{
	atomic_fetch_add_explicit(&watch->word, WATCH_LOOKER, memory_order_seq_cst);
}

static inline void watch_end_to_look(struct watch *watch)
{
	atomic_fetch_sub_explicit(&watch->word, WATCH_LOOKER, memory_order_seq_cst);
}

/* A looker lies down. crowd: it saw a crowd. held: another consumer holds the cursor. Returns true
 * if it is a reserve now, false if it is a sleeper and has to make a final look. */
INTERNAL bool watch_lie_down(struct watch *watch, bool crowd, bool held);

/* It is a looker again. */
static inline void watch_get_up(struct watch *watch, bool reserve)
{
	atomic_fetch_add_explicit(&watch->word,
	                          WATCH_LOOKER - (reserve ? WATCH_RESERVE : WATCH_SLEEPER),
	                          memory_order_seq_cst);
}

/* For a reserve that has got up by itself. */
static inline void watch_note_crowd(struct watch *watch, bool crowd)
{
	if (crowd)
		atomic_fetch_or_explicit(&watch->word, WATCH_CROWD, memory_order_seq_cst);
	else
		atomic_fetch_and_explicit(&watch->word, ~WATCH_CROWD, memory_order_seq_cst);
}

/* Returns whether an item needs a wake-up: if there are sleepers, or reserves and neither lookers
 * nor a crowd. Step 2 of a bringer. */
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
