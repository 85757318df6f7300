/*
 * The gate between processes by itself: nobody sleeps for ever beside something that was brought,
 * also if nobody ever looked by himself.
 */
#include "whole_shared.h"

static struct shared_gate gate;
static _Atomic unsigned things; /* brought and not taken yet */
static _Atomic bool may_come;

static void begin(void)
{
	begin_shared();
	model_patient = true;
#ifndef MODEL_CHECKED
	memset((void *)&gate, 0, sizeof gate);
	atomic_init(&things, 0);
	atomic_init(&may_come, false);
#endif
}

static bool take_thing(void)
{
	unsigned n = atomic_load(&things);

	while (n > 0)
		if (atomic_compare_exchange_strong(&things, &n, n - 1))
			return true;
	return false;
}

static void wait_for_one(void)
{
	for (;;) {
		uint32_t epoch = gate_announce(&gate);

		if (take_thing())
			return;
		gate_sleep(&gate, epoch, NULL, false);
	}
}

static void wait_here(void *arg)
{
	(void)arg;
	wait_for_one();
}

static void wait_when_told(void *arg)
{
	(void)arg;
	MODEL_AWAIT(atomic_load(&may_come));
	wait_for_one();
}

/* As a consumer: it wakes another if something is left. */
static void wait_here_and_pass_on(void *arg)
{
	(void)arg;
	wait_for_one();
	if (gate_has_waiters(&gate) && atomic_load(&things) > 0)
		gate_wake(&world.process[PRODUCER], &gate, 1);
}

static void bring(unsigned n)
{
	atomic_fetch_add(&things, n);
	gate_wake(&world.process[PRODUCER], &gate, n);
}

/* What somebody who was awake took at once. */
static void bring_what_is_gone(void *arg)
{
	(void)arg;
	gate_wake(&world.process[PRODUCER], &gate, 1);
}

static void bring_one(void *arg)
{
	(void)arg;
	bring(1);
}

static void bring_one_after_another(void *arg)
{
	(void)arg;
	bring(1);
	bring(1);
}

static void bring_two_at_once(void *arg)
{
	(void)arg;
	bring(2);
}

/* Who was there is gone: it timed out, or was killed. */
static void leave_an_announcement(void)
{
	gate_announce(&gate);
}

static void nobody_sleeps_beside_a_thing(void)
{
	model_end();
	MODEL_CHECK(atomic_load(&things) == 0 || model_asleep_on(&gate.epoch) == 0,
	            "a wake-up was lost");
}

static void a_sleeper_is_woken(void)
{
	begin();
	model_start(wait_here, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void a_sleeper_is_woken_when_another_has_gone(void)
{
	begin();
	leave_an_announcement();
	model_start(wait_here, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void two_things_wake_two(void)
{
	begin();
	model_start_asleep(wait_here, NULL);
	model_start(wait_here, NULL);
	model_start(bring_one_after_another, NULL);
	nobody_sleeps_beside_a_thing();
}

static void two_things_at_once_wake_two(void)
{
	begin();
	model_start(wait_here_and_pass_on, NULL);
	model_start(wait_here_and_pass_on, NULL);
	model_start(bring_two_at_once, NULL);
	nobody_sleeps_beside_a_thing();
}

static void two_bringers_wake_one(void)
{
	begin();
	model_start(wait_here, NULL);
	model_start(bring_one, NULL);
	model_start(bring_one, NULL);
	nobody_sleeps_beside_a_thing();
}

static void two_bringers_wake_two(void)
{
	begin();
	model_start_asleep(wait_here, NULL);
	model_start_asleep(wait_here, NULL);
	model_start(bring_one, NULL);
	model_go();
	bring(1);
	nobody_sleeps_beside_a_thing();
}

/* Two bringers forget who was there, one of them late. */
static void who_comes_later_is_not_forgotten(void)
{
	begin();
	leave_an_announcement();
	model_start(bring_what_is_gone, NULL);
	model_start(wait_when_told, NULL);
	model_go();
	bring_what_is_gone(NULL);
	atomic_store(&may_come, true);
	bring(1);
	nobody_sleeps_beside_a_thing();
}

#define CASES(CASE)                                                                                \
	CASE(a_sleeper_is_woken)                                                                   \
	CASE(a_sleeper_is_woken_when_another_has_gone)                                             \
	CASE(two_things_wake_two)                                                                  \
	CASE(two_things_at_once_wake_two)                                                          \
	CASE(two_bringers_wake_one)                                                                \
	CASE(two_bringers_wake_two)                                                                \
	CASE(who_comes_later_is_not_forgotten)
#include "main.h"
