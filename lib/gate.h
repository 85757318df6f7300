/*
 * A gate: where threads wait until there is something for them. It knows nothing of items; what
 * they wait for is a look, a function that tries and says whether it got it.
 *
 * Between trying and sleeping a thread is a looker: it has promised to look once more.
 *
 * The rule: ring only if somebody sleeps and nobody is about to look; who stops looking rings on if
 * something is left. So one item wakes one thread, and a stream of items none.
 *
 * Why no wake-up is lost. Who waits: 1 says in sleepers that it sleeps, 2 takes back its promise,
 * 3 looks again, 4 sleeps. Who brings something: 1 brings it, 2 reads sleepers, 3 reads the
 * promises. All of these are sequentially consistent, so they happen in one order that all agree
 * on. If the bringer's 2 comes before the waiter's 1, the waiter's 3 sees what was brought. Else it
 * reads the promises. If it finds one, that thread looks later, and rings on when it stops. If it
 * finds none, it rings.
 */
#ifndef SPMCQ_GATE_H
#define SPMCQ_GATE_H

#include "internal.h"

#include "park.h"

#include <ck_md.h>
#include <stdalign.h>

/* Try once. True: got it, stop waiting. last: if this look does not get it, the thread gives up, or
 * sleeps, which it has announced. */
typedef bool gate_look(void *arg, bool last);

typedef void gate_pause(void);

struct gate {
	/* How many threads are between steps 1 and having woken. */
	alignas(CK_MD_CACHELINE) _Atomic uint32_t sleepers;
	/* The promises that somebody will look: see the GATE_ flags. Sleepers sleep on it. */
	struct park park;
	uint32_t pauses_most; /* set by gate_init() */
	bool blind;           /* set by gate_init() */
	/* Pauses that paid lately, and how many times they were made. Any thread, relaxed. */
	_Atomic uint32_t patience;
	_Atomic uint32_t turn;
	/* For spmcq_stats() only. Any thread, relaxed. */
	_Atomic uint64_t slept;
	_Atomic uint64_t rung;
};

enum gate_promise {
	GATE_OPEN = 1u << 0,   /* 0 -> 1 once, by gate_open(); nobody sleeps here any more */
	GATE_TOKEN = 1u << 1,  /* a sleeper has been rung and will look */
	GATE_NAPPER = 1u << 2, /* the awake are quick, and a sleeper will look soon by itself */
	GATE_LOOKER = 1u << 3, /* counts lookers, from here up */
};

/* pauses: how many to make at most before sleeping. blind: make the pauses that were needed last
 * time without looking; for a gate where looking disturbs who brings something. 0 or -ENOMEM. */
INTERNAL int gate_init(struct gate *gate, uint32_t pauses, bool blind);
INTERNAL void gate_destroy(struct gate *gate);

/* Look, pause, look again ..., sleep until rung, look ... until look(arg) is true: 0, or the
 * deadline (absolute CLOCK_MONOTONIC; NULL: none) has passed: -ETIMEDOUT. Looks at least once.
 * pause: gate_yield() or gate_spin(). The caller rings on afterwards if something is left. */
INTERNAL int gate_wait(struct gate *gate, gate_look *look, void *arg, gate_pause *pause,
                       const struct timespec *deadline);

/* Only look and pause, as often as has paid lately. True: look(arg) was. */
INTERNAL bool gate_look_around(struct gate *gate, gate_look *look, void *arg, gate_pause *pause,
                               const struct timespec *deadline);

/* Get out of the way of others, who manage without us, as long as crowded(arg): sleep until rung or
 * the deadline; one of those who do so, the napper, wakes soon by itself to see that they still do.
 * The caller looks afterwards, and rings on if something is left. */
INTERNAL void gate_nap(struct gate *gate, gate_look *crowded, void *arg,
                       const struct timespec *deadline);

INTERNAL void gate_ring_sleeper(struct gate *gate);

/* After bringing something. */
static inline bool gate_has_sleepers(const struct gate *gate)
{
	/* Pairs with the announcement in gate_wait(), as explained above. */
	return atomic_load_explicit(&gate->sleepers, memory_order_seq_cst) != 0;
}

/* Whether there are sleepers and no napper among them: only a ring wakes them. */
static inline bool gate_needs_rings(const struct gate *gate)
{
	/* As gate_has_sleepers(). */
	return gate_has_sleepers(gate) &&
	       !(atomic_load_explicit(&gate->park.word, memory_order_seq_cst) & GATE_NAPPER);
}

/* After bringing something: wake one sleeper, if there is one and nobody is about to look.
 * Wait-free; one load if nobody sleeps. */
static inline void gate_ring(struct gate *gate)
{
	if (gate_has_sleepers(gate))
		gate_ring_sleeper(gate);
}

/* Wake a sleeper, if there is one, whatever others promised: they may have been stopped. */
INTERNAL void gate_ring_anyway(struct gate *gate);

/* Wake all, and let nobody sleep here again. */
INTERNAL void gate_open(struct gate *gate);

/* Let about a microsecond pass. Yielding lets others run, which is right in a stream of items: it
 * may be them we wait for. But who yields to a thread that computes waits for its time slice, where
 * a sleeper would have been woken on another core; so for single items, spin. */
INTERNAL void gate_yield(void);
INTERNAL void gate_spin(void);

/* The sooner of two deadlines; the second may be NULL: none. */
INTERNAL const struct timespec *gate_sooner(const struct timespec *a, const struct timespec *b);

/* Whether a deadline (NULL: none) has passed. */
INTERNAL bool gate_is_past(const struct timespec *deadline);

#endif
