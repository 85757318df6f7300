/*
 * A gate by itself: no thread sleeps for ever after something was published for it.
 */
#include "model.h"

static struct gate gate;
static _Atomic unsigned things; /* brought and not taken yet */
static uint32_t woken;          /* the bringer's, for gate_wake_new() */

static void begin(void)
{
	gate_init(&gate);
	atomic_init(&things, 0);
	woken = 0;
}

/* arg: whether things are brought lazily. */
static bool take(void *arg, bool final)
{
	unsigned n;

	if (arg != NULL && final)
		sys_fence_all();
	n = atomic_load(&things);
	while (n > 0)
		if (atomic_compare_exchange_strong(&things, &n, n - 1))
			return true;
	return false;
}

/* As a consumer: it wakes another if something is left. */
static void wait_until(const struct timespec *deadline)
{
	gate_wait(&gate, take, NULL, deadline, false);
	if (atomic_load(&things) > 0)
		gate_wake(&gate, 1);
}

static void wait_here(void *arg)
{
	(void)arg;
	wait_until(NULL);
}

static void wait_for_lazy(void *arg)
{
	gate_wait(&gate, take, &gate, arg, false);
}

static void wait_a_while(void *arg)
{
	struct timespec deadline = spmcq_after(1);

	(void)arg;
	wait_until(&deadline);
}

static void bring(unsigned n)
{
	atomic_fetch_add(&things, n);
	gate_wake(&gate, n);
}

/* As the producer, which keeps count of whom it woke. */
static void bring_often(unsigned n)
{
	atomic_fetch_add(&things, n);
	gate_wake_new(&gate, &woken, n);
}

static void bring_one(void *arg)
{
	(void)arg;
	bring(1);
}

static void bring_two_at_once(void *arg)
{
	(void)arg;
	bring(2);
}

static void bring_one_often(void *arg)
{
	(void)arg;
	bring_often(1);
}

static void bring_two_often(void *arg)
{
	(void)arg;
	bring_often(1);
	bring_often(1);
}

static void bring_two_at_once_often(void *arg)
{
	(void)arg;
	bring_often(2);
}

/* Does not order bringing against looking for sleepers: the sleeper does. A bringer that sees one
 * orders it. */
static void bring_lazily(void *arg)
{
	(void)arg;
	atomic_store_explicit(&things, 1, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (gate_sleepers(&gate) > 0) {
		atomic_fetch_add(&things, 0);
		gate_wake(&gate, 1);
	}
}

static void open_it(void *arg)
{
	(void)arg;
	atomic_fetch_add(&things, MODEL_THREADS);
	gate_wake(&gate, UINT64_MAX);
}

static void nobody_sleeps_beside_a_thing(void)
{
	model_end();
	MODEL_CHECK(atomic_load(&things) == 0 || model_asleep(&gate) == 0, "a wake-up was lost");
}

static void a_waiter_is_woken(void)
{
	begin();
	model_start(wait_here, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void a_waiter_is_woken_by_a_bringer_that_keeps_count(void)
{
	begin();
	model_start(wait_here, NULL);
	model_start(bring_two_often, NULL);
	nobody_sleeps_beside_a_thing();
}

/* The second comes late, and may take what the first was woken for. */
static void a_newcomer_may_take_it(void (*bring_it)(void *arg))
{
	begin();
	model_start_asleep(wait_here, NULL);
	model_start(wait_here, NULL);
	model_start(bring_it, NULL);
	nobody_sleeps_beside_a_thing();
}

static void a_newcomer_may_take_it_from_a_sleeper(void)
{
	a_newcomer_may_take_it(bring_one);
}

static void a_newcomer_is_counted(void)
{
	a_newcomer_may_take_it(bring_two_often);
}

static void a_newcomer_passes_on(void)
{
	a_newcomer_may_take_it(bring_two_at_once);
}

static void a_newcomer_passes_on_what_is_brought_often(void)
{
	a_newcomer_may_take_it(bring_two_at_once_often);
}

static void two_asleep(void (*bring_them)(void *arg))
{
	begin();
	model_start_asleep(wait_here, NULL);
	model_start_asleep(wait_here, NULL);
	model_start(bring_them, NULL);
	nobody_sleeps_beside_a_thing();
}

static void two_things_wake_two(void)
{
	two_asleep(bring_two_often);
}

static void two_things_at_once_wake_two(void)
{
	two_asleep(bring_two_at_once_often);
}

static void two_wakers_wake_two(void)
{
	begin();
	model_start_asleep(wait_here, NULL);
	model_start_asleep(wait_here, NULL);
	model_start(bring_one_often, NULL);
	model_go();
	bring(1);
	nobody_sleeps_beside_a_thing();
}

/* One waiter, anywhere between its steps. */
static void two_wakers_wake_one(void)
{
	begin();
	model_start(wait_here, NULL);
	model_start(bring_one, NULL);
	model_start(bring_one_often, NULL);
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

/* It may leave before it is woken, or with the wake-up of the other. */
static void one_leaves_by_deadline(void (*bring_it)(void *arg))
{
	begin();
	model_start_asleep(wait_here, NULL);
	model_start(wait_a_while, NULL);
	model_start(bring_it, NULL);
	nobody_sleeps_beside_a_thing();
}

static void a_waiter_that_is_late_passes_on(void)
{
	one_leaves_by_deadline(bring_one);
}

static void a_waiter_that_is_late_is_not_counted_for_another(void)
{
	one_leaves_by_deadline(bring_two_often);
}

/* Both sleep, and the one that leaves by itself came first. */
static void a_sleeper_that_leaves_is_not_counted_for_another(void)
{
	begin();
	model_start_asleep(wait_a_while, NULL);
	model_start_asleep(wait_here, NULL);
	model_start(bring_two_often, NULL);
	nobody_sleeps_beside_a_thing();
}

static void nobody_sleeps_at_an_open_gate(void)
{
	begin();
	model_start_asleep(wait_here, NULL);
	model_start(wait_here, NULL);
	model_start(open_it, NULL);
	nobody_sleeps_beside_a_thing();
}

#define CASES(CASE)                                                                                \
	CASE(a_waiter_is_woken)                                                                    \
	CASE(a_waiter_is_woken_by_a_bringer_that_keeps_count)                                      \
	CASE(a_newcomer_may_take_it_from_a_sleeper)                                                \
	CASE(a_newcomer_is_counted)                                                                \
	CASE(a_newcomer_passes_on)                                                                 \
	CASE(a_newcomer_passes_on_what_is_brought_often)                                           \
	CASE(two_things_wake_two)                                                                  \
	CASE(two_things_at_once_wake_two)                                                          \
	CASE(two_wakers_wake_two)                                                                  \
	CASE(two_wakers_wake_one)                                                                  \
	CASE(a_lazy_bringer_is_not_missed)                                                         \
	CASE(a_waiter_that_is_late_passes_on)                                                      \
	CASE(a_waiter_that_is_late_is_not_counted_for_another)                                     \
	CASE(a_sleeper_that_leaves_is_not_counted_for_another)                                     \
	CASE(nobody_sleeps_at_an_open_gate)
#include "main.h"
