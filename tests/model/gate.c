/*
 * A gate by itself: nobody sleeps for ever beside something that was brought.
 */
#include "model.h"

static struct gate gate;
static _Atomic unsigned things; /* brought and not taken yet */

static void begin(void)
{
	gate_init(&gate, 0, false);
	atomic_init(&things, 0);
}

/* arg: whether who brings is lazy. */
static bool take(void *arg, bool last)
{
	unsigned n;

	if (arg != NULL && last)
		park_fence_all();
	n = atomic_load(&things);
	while (n > 0)
		if (atomic_compare_exchange_strong(&things, &n, n - 1))
			return true;
	return false;
}

/* As a gate asks of who waits at it: ring on if something is left. */
static void wait_until(const struct timespec *deadline)
{
	gate_wait(&gate, take, NULL, gate_yield, deadline);
	if (atomic_load(&things) > 0)
		gate_ring(&gate);
}

static void wait_here(void *arg)
{
	(void)arg;
	wait_until(NULL);
}

static void wait_for_lazy(void *arg)
{
	gate_wait(&gate, take, &gate, gate_yield, arg);
}

static void wait_a_while(void *arg)
{
	struct timespec deadline = spmcq_after(1);

	(void)arg;
	wait_until(&deadline);
}

static bool is_crowded_no_more(void *arg, bool last)
{
	(void)arg;
	(void)last;
	return false;
}

static void nap_then_take(void *arg)
{
	gate_nap(&gate, is_crowded_no_more, NULL, NULL);
	take(arg, false);
	if (atomic_load(&things) > 0)
		gate_ring(&gate);
}

static void bring_one(void *arg)
{
	(void)arg;
	atomic_fetch_add(&things, 1);
	gate_ring(&gate);
}

static void bring_two(void *arg)
{
	bring_one(arg);
	bring_one(arg);
}

static void bring_two_at_once(void *arg)
{
	(void)arg;
	atomic_fetch_add(&things, 2);
	gate_ring(&gate);
}

/* Does not order bringing against looking for sleepers: who sleeps does. Who sees one orders it. */
static void bring_lazily(void *arg)
{
	(void)arg;
	atomic_store_explicit(&things, 1, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load(&gate.sleepers) > 0) {
		atomic_fetch_add(&things, 0);
		gate_ring(&gate);
	}
}

static void open_it(void *arg)
{
	(void)arg;
	atomic_fetch_add(&things, MODEL_THREADS);
	gate_open(&gate);
}

static void start_asleep(void (*run)(void *arg))
{
	model_start(run, NULL);
	model_until_asleep();
}

static void nobody_sleeps_beside_a_thing(void)
{
	model_end();
	MODEL_CHECK(atomic_load(&things) == 0 || model_asleep(&gate) == 0, "a wake-up was lost");
}

static void who_waits_is_rung(void)
{
	begin();
	model_start(wait_here, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void who_comes_may_take_it_from_who_sleeps(void)
{
	begin();
	start_asleep(wait_here);
	model_start(wait_here, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void who_comes_rings_on(void)
{
	begin();
	start_asleep(wait_here);
	model_start(wait_here, NULL);
	model_start(bring_two_at_once, NULL);
	nobody_sleeps_beside_a_thing();
}

static void two_rings_wake_two(void)
{
	begin();
	start_asleep(wait_here);
	start_asleep(wait_here);
	model_start(bring_two, NULL);
	nobody_sleeps_beside_a_thing();
}

static void one_ring_is_handed_on(void)
{
	begin();
	start_asleep(wait_here);
	start_asleep(wait_here);
	model_start(bring_two_at_once, NULL);
	nobody_sleeps_beside_a_thing();
}

static void a_lazy_bringer_is_not_missed(void)
{
	model_lazy = true;
	begin();
	model_start(wait_for_lazy, NULL);
	model_start(bring_lazily, NULL);
	nobody_sleeps_beside_a_thing();
}

static void who_is_late_rings_on(void)
{
	begin();
	start_asleep(wait_here);
	model_start(wait_a_while, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void the_napper_looks_for_all(void)
{
	begin();
	start_asleep(wait_here);
	model_start(nap_then_take, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void nobody_sleeps_at_an_open_gate(void)
{
	begin();
	start_asleep(wait_here);
	model_start(wait_here, NULL);
	model_start(open_it, NULL);
	nobody_sleeps_beside_a_thing();
}

#define CASES(CASE)                                                                                \
	CASE(who_waits_is_rung)                                                                    \
	CASE(who_comes_may_take_it_from_who_sleeps)                                                \
	CASE(who_comes_rings_on)                                                                   \
	CASE(two_rings_wake_two)                                                                   \
	CASE(one_ring_is_handed_on)                                                                \
	CASE(a_lazy_bringer_is_not_missed)                                                         \
	CASE(who_is_late_rings_on)                                                                 \
	CASE(the_napper_looks_for_all)                                                             \
	CASE(nobody_sleeps_at_an_open_gate)
#include "main.h"
