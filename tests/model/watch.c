/*
 * The watch: a consumer that no thread would wake never sleeps for ever while there is an item; a
 * reserve looks by itself. Here a counter, `things`, stands for the items; consumers wait as in
 * get.c.
 */
#include "model.h"

static struct gate gate, reserve_gate;
static struct watch watch;
static _Atomic unsigned things;       /* brought and not taken yet */
static uint32_t woken, reserve_woken; /* the bringer's */

static void begin(void)
{
	gate_init(&gate);
	gate_init(&reserve_gate);
	atomic_init(&watch.word, 0);
	atomic_init(&things, 0);
	woken = reserve_woken = 0;
}

static bool take(void)
{
	unsigned n = atomic_load(&things);

	while (n > 0)
		if (atomic_compare_exchange_strong(&things, &n, n - 1))
			return true;
	return false;
}

/* As sleep_until_woken(): returns whether it took something. */
static bool sleep_here(void)
{
	uint32_t epoch = gate_announce(&gate);
	bool found = take();

	if (!found)
		gate_sleep(&gate, epoch, NULL);
	gate_leave(&gate);
	return found;
}

/* As sleep_in_reserve(). */
static void sleep_a_while(void)
{
	struct timespec soon = spmcq_after(1);
	uint32_t epoch = gate_announce(&reserve_gate);

	gate_sleep(&reserve_gate, epoch, &soon);
	gate_leave(&reserve_gate);
}

/* As sleep_once(). */
static bool lie_down_once(bool crowd)
{
	bool reserve = watch_lie_down(&watch, crowd, false);
	bool found = false;

	if (reserve)
		sleep_a_while();
	else
		found = sleep_here();
	watch_get_up(&watch, reserve);
	return found;
}

/* As pass_on(). */
static void hand_on(void)
{
	unsigned left = atomic_load(&things);

	if (left == 0 || !watch_needs_waking(&watch))
		return;
	if (watch_has_sleepers(&watch))
		gate_wake(&gate, left);
	else
		gate_wake(&reserve_gate, 1);
}

/* As await_items(). */
static void take_one_in(bool crowd)
{
	watch_begin_to_look(&watch);
	while (crowd || !take()) {
		if (lie_down_once(crowd))
			break;
		crowd = false;
	}
	watch_end_to_look(&watch);
	hand_on();
}

static void take_one(void *arg)
{
	take_one_in(false);
	if (arg != NULL)
		*(bool *)arg = true;
}

static void take_one_in_a_crowd(void *arg)
{
	(void)arg;
	take_one_in(true);
}

/* A looker, which the case has counted, lies down once, then takes what there is and goes. */
static void lie_down(void *arg)
{
	if (!lie_down_once(arg != NULL))
		take();
	watch_end_to_look(&watch);
	hand_on();
}

/* Looks once, and gives up. */
static void look_and_go(void *arg)
{
	(void)arg;
	watch_begin_to_look(&watch);
	take();
	watch_end_to_look(&watch);
	hand_on();
}

/* As after_put(). */
static void bring(unsigned n)
{
	atomic_fetch_add(&things, n);
	if (!watch_needs_waking(&watch))
		return;
	if (watch_has_sleepers(&watch))
		gate_wake_new(&gate, &woken, n);
	else if (!gate_is_waking(&reserve_gate, reserve_woken))
		gate_wake_new(&reserve_gate, &reserve_woken, 1);
}

static void bring_one(void *arg)
{
	(void)arg;
	bring(1);
}

static void bring_two(void *arg)
{
	(void)arg;
	bring(1);
	bring(1);
}

/* Reserves do not sleep for ever, so none is counted. */
static void nobody_sleeps_beside_a_thing(void)
{
	model_end();
	MODEL_CHECK(atomic_load(&things) == 0 || model_asleep(&gate) == 0, "a wake-up was lost");
}

static void a_sleeper_is_woken(void)
{
	begin();
	model_start(take_one, NULL);
	model_start(bring_two, NULL);
	nobody_sleeps_beside_a_thing();
}

/* Each may leave it to the other, for a moment. second: lies down because of a crowd. */
static void two_lie_down(bool *second)
{
	begin();
	watch_begin_to_look(&watch);
	watch_begin_to_look(&watch);
	model_start(lie_down, NULL);
	model_start(lie_down, second);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void a_sleeper_beside_another_is_woken(void)
{
	two_lie_down(NULL);
}

static void a_sleeper_beside_a_crowd_is_woken(void)
{
	bool crowd = true;

	two_lie_down(&crowd);
}

/* A put may rely on a looker, which finds nothing, or takes one of two. */
static void a_looker_that_goes_passes_on(void)
{
	begin();
	model_start_asleep(take_one, NULL);
	model_start(look_and_go, NULL);
	model_start(bring_two, NULL);
	nobody_sleeps_beside_a_thing();
}

static void a_reserve_takes_what_a_stopped_looker_leaves(void)
{
	bool took = false;

	begin();
	/* It never comes back. */
	watch_begin_to_look(&watch);
	model_start(take_one, &took);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
	MODEL_CHECK(took && atomic_load(&things) == 0, "a reserve missed a thing");
}

/* It leaves nobody to look but itself; when it looks, it lies down as any other. */
static void a_reserve_of_a_crowd_looks_for_itself(void)
{
	begin();
	model_start(take_one_in_a_crowd, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
	MODEL_CHECK(atomic_load(&things) == 0, "a reserve missed a thing");
}

static void note_a_crowd(void *arg)
{
	(void)arg;
	watch_note_crowd(&watch, true);
	watch_note_crowd(&watch, false);
}

/* What one notes of a crowd takes nothing from what another gives up. */
static void a_sleeper_is_woken_while_a_crowd_is_noted(void)
{
	begin();
	model_start(take_one, NULL);
	model_start(note_a_crowd, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

#define CASES(CASE)                                                                                \
	CASE(a_sleeper_is_woken)                                                                   \
	CASE(a_sleeper_beside_another_is_woken)                                                    \
	CASE(a_looker_that_goes_passes_on)                                                         \
	CASE(a_reserve_takes_what_a_stopped_looker_leaves)                                         \
	CASE(a_reserve_of_a_crowd_looks_for_itself)                                                \
	CASE(a_sleeper_beside_a_crowd_is_woken)                                                    \
	CASE(a_sleeper_is_woken_while_a_crowd_is_noted)
#include "main.h"
