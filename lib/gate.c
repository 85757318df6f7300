/*
 * Waiting: look, yield, sleep. The protocol is in gate.h.
 */
#include "gate.h"

#include "spmcq.h"

#include <ck_pr.h>
#include <errno.h>
#include <sched.h>

/* Every so many times all pauses are made: else a wait that got a little shorter than a sleep would
 * never be noticed. */
enum { TRY_MOST_EVERY = 16 };

/* How long items can wait behind a consumer that was quick and suddenly is not: at first, and
 * after naps, each twice as long, that found all well. Naps of 5 ms gave a tenth more than 0.5. */
enum { NAP_NS = 500000, NAP_MOST_NS = 4000000 };

enum { YIELDS_LEAST = 3 };

/* What a yield takes that finds nobody else to run. */
enum { SPIN_NS = 1000 };

INTERNAL int gate_init(struct gate *gate, uint32_t pauses, bool blind)
{
	gate->blind = blind;
	gate->pauses_most = pauses;
	atomic_init(&gate->sleepers, 0);
	atomic_init(&gate->patience, pauses);
	atomic_init(&gate->turn, 0);
	atomic_init(&gate->slept, 0);
	atomic_init(&gate->rung, 0);
	return park_init(&gate->park);
}

INTERNAL void gate_destroy(struct gate *gate)
{
	park_destroy(&gate->park);
}

INTERNAL bool gate_is_past(const struct timespec *deadline)
{
	struct timespec now;

	if (deadline == NULL)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec != deadline->tv_sec ? now.tv_sec > deadline->tv_sec
	                                      : now.tv_nsec >= deadline->tv_nsec;
}

INTERNAL const struct timespec *gate_sooner(const struct timespec *a, const struct timespec *b)
{
	if (b == NULL)
		return a;
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? a : b;
	return a->tv_nsec < b->tv_nsec ? a : b;
}

static void count(_Atomic uint64_t *counter)
{
	/* Orders nothing. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Sequentially consistent, like every change of sleepers and of the promises: see gate.h. */
static uint32_t promise(struct gate *gate, uint32_t what)
{
	return atomic_fetch_add_explicit(&gate->park.word, what, memory_order_seq_cst);
}

static uint32_t keep(struct gate *gate, uint32_t what)
{
	return atomic_fetch_sub_explicit(&gate->park.word, what, memory_order_seq_cst);
}

INTERNAL void gate_yield(void)
{
	sched_yield();
}

INTERNAL void gate_spin(void)
{
	struct timespec end = spmcq_after(SPIN_NS * 1e-9);

	do
		ck_pr_stall();
	while (!gate_is_past(&end));
}

/* How many pauses to make this time. */
static uint32_t pauses_due(struct gate *gate, uint32_t patience)
{
	/* A guess, as all of this: any thread may change it meanwhile. */
	uint32_t turn = atomic_fetch_add_explicit(&gate->turn, 1, memory_order_relaxed);

	return turn % TRY_MOST_EVERY == 0 ? gate->pauses_most : patience;
}

static void set_patience(struct gate *gate, uint32_t pauses)
{
	if (pauses > gate->pauses_most)
		pauses = gate->pauses_most;
	atomic_store_explicit(&gate->patience, pauses, memory_order_relaxed);
}

/* After so many pauses for nothing. Spinning stops before long; yielding does not, as the time goes
 * to others. */
static uint32_t less_patience(uint32_t made, gate_pause *pause)
{
	uint32_t less = made - (made + 3) / 4;

	return pause == gate_yield && less < YIELDS_LEAST ? YIELDS_LEAST : less;
}

INTERNAL bool gate_look_around(struct gate *gate, gate_look *look, void *arg, gate_pause *pause,
                               const struct timespec *deadline)
{
	uint32_t patience = atomic_load_explicit(&gate->patience, memory_order_relaxed);
	uint32_t due = pauses_due(gate, patience);
	uint32_t made = 0;

	/* due is twice what was needed last, or the most and tells nothing. One less than needed,
	 * to notice when it gets shorter. */
	if (gate->blind && due < gate->pauses_most)
		for (; made + 1 < due / 2; made++)
			pause();
	while (!look(arg, false)) {
		if (made == due || gate_is_past(deadline)) {
			set_patience(gate, less_patience(made < patience ? made : patience, pause));
			return false;
		}
		pause();
		made++;
	}
	if (made > 0)
		set_patience(gate, 2 * made);
	return true;
}

/* Sequentially consistent, like every change of sleepers and of the promises: see gate.h. */
static void announce(struct gate *gate)
{
	atomic_fetch_add_explicit(&gate->sleepers, 1, memory_order_seq_cst);
}

/* A token taken off may have been for another sleeper; that one sleeps on, as we will look. */
static uint32_t take_off(struct gate *gate, uint32_t flags)
{
	return atomic_fetch_and_explicit(&gate->park.word, ~flags, memory_order_seq_cst);
}

static void wake_up(struct gate *gate, uint32_t flags)
{
	take_off(gate, flags);
	atomic_fetch_sub_explicit(&gate->sleepers, 1, memory_order_seq_cst);
}

/* Sleep until rung, opened or late. */
static void sleep_until(struct gate *gate, const struct timespec *deadline)
{
	count(&gate->slept);
	for (;;) {
		/* Pairs with ring_token() and gate_open(). */
		uint32_t seen = atomic_load_explicit(&gate->park.word, memory_order_seq_cst);

		if ((seen & (GATE_TOKEN | GATE_OPEN)) || gate_is_past(deadline))
			break;
		park_sleep(&gate->park, seen, deadline);
	}
}

/* Steps 1 to 4 of who waits. A looker before and after. True: the last look got it. */
static bool sleep_unless(struct gate *gate, gate_look *look, void *arg,
                         const struct timespec *deadline)
{
	bool got;

	announce(gate);
	/* The napper relied on us being awake. */
	take_off(gate, GATE_NAPPER);
	keep(gate, GATE_LOOKER);
	got = look(arg, true);
	if (!got)
		sleep_until(gate, deadline);
	/* Promise before the token goes: there is no instant without either. */
	promise(gate, GATE_LOOKER);
	wake_up(gate, GATE_TOKEN);
	return got;
}

/* Out of the way until the napper's time, rung or late. A looker before and after. */
static void nap(struct gate *gate, long ns, const struct timespec *deadline)
{
	struct timespec soon = spmcq_after((double)ns * 1e-9);
	uint32_t before;

	announce(gate);
	before = atomic_fetch_or_explicit(&gate->park.word, GATE_NAPPER, memory_order_seq_cst);
	keep(gate, GATE_LOOKER);
	if (before & GATE_NAPPER) {
		sleep_until(gate, deadline);
		promise(gate, GATE_LOOKER);
		wake_up(gate, GATE_TOKEN);
	} else {
		sleep_until(gate, gate_sooner(&soon, deadline));
		promise(gate, GATE_LOOKER);
		wake_up(gate, GATE_TOKEN | GATE_NAPPER);
	}
}

INTERNAL void gate_nap(struct gate *gate, gate_look *crowded, void *arg,
                       const struct timespec *deadline)
{
	long ns = NAP_NS;

	promise(gate, GATE_LOOKER);
	do {
		nap(gate, ns, deadline);
		ns = ns < NAP_MOST_NS ? 2 * ns : ns;
	} while (!gate_is_past(deadline) && crowded(arg, false));
	keep(gate, GATE_LOOKER);
}

INTERNAL int gate_wait(struct gate *gate, gate_look *look, void *arg, gate_pause *pause,
                       const struct timespec *deadline)
{
	int r = 0;

	promise(gate, GATE_LOOKER);
	while (!gate_look_around(gate, look, arg, pause, deadline)) {
		if (gate_is_past(deadline)) {
			r = look(arg, true) ? 0 : -ETIMEDOUT;
			break;
		}
		if (sleep_unless(gate, look, arg, deadline))
			break;
	}
	keep(gate, GATE_LOOKER);
	return r;
}

SLOW_PATH static void ring_token(struct gate *gate)
{
	/* Pairs with the loop in sleep_until(). */
	uint32_t before =
	        atomic_fetch_or_explicit(&gate->park.word, GATE_TOKEN, memory_order_seq_cst);

	if (!(before & GATE_TOKEN)) {
		count(&gate->rung);
		park_wake_one(&gate->park);
	}
}

INTERNAL void gate_ring_sleeper(struct gate *gate)
{
	/* Any promise will do, and so does an open gate. Step 3 of who brings something. */
	if (atomic_load_explicit(&gate->park.word, memory_order_seq_cst) == 0)
		ring_token(gate);
}

INTERNAL void gate_ring_anyway(struct gate *gate)
{
	/* Relaxed: a guess, taken anew by the next call. */
	if (atomic_load_explicit(&gate->sleepers, memory_order_relaxed) == 0)
		return;
	/* Pairs with the loop in sleep_until(). Who was rung before may not run: wake another. */
	atomic_fetch_or_explicit(&gate->park.word, GATE_TOKEN, memory_order_seq_cst);
	count(&gate->rung);
	park_wake_one(&gate->park);
}

INTERNAL void gate_open(struct gate *gate)
{
	/* Pairs with the loop in sleep_until(). */
	atomic_fetch_or_explicit(&gate->park.word, GATE_OPEN, memory_order_seq_cst);
	park_wake_all(&gate->park);
}
