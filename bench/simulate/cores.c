/*
 * Scheduling: a queue of ready threads a core, time slices, idle cores taken first. Like Linux in
 * what it does most of the time; no thread is moved away from a busy core while another is idle but
 * when it wakes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simulate/lines.h"
#include "simulate/memory.h"
#include "simulate/switch.h"

struct cores cores;
struct thread *self;
struct core *here;
sim_time others_next;

/* The part of a thread's stack that belongs to the thread which lends its thread-local variables.
 */
enum { LENDER_BYTES = 64 * 1024 };

static uint64_t random_state;
static struct thread outside; /* the real thread's own stack, while the machine runs */

/* splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t cores_random(uint64_t n)
{
	uint64_t z = random_state += 0x9E3779B97F4A7C15;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
	z = (z ^ z >> 27) * 0x94D049BB133111EB;
	z ^= z >> 31;
	return n ? z % n : 0;
}

int cores_begin(const struct sim_job *job)
{
	cores = (struct cores){.count = job->cores,
	                       .per_socket = job->cores_per_socket,
	                       .costs = job->costs,
	                       .patience = sim_ns(1e9 + 1000 * (job->work_ns + job->interval_ns))};
	random_state = job->seed;
	memory_begin();
	return lines_begin(job->is_held);
}

/* A real thread that only lends its thread-local variables to a simulated one. */
static void *lend_thread_pointer(void *to)
{
	__atomic_store_n((uintptr_t *)to, switch_thread_pointer(), __ATOMIC_RELEASE);
	while (pause() != 0)
		;
	return NULL;
}

static void begin_thread(void)
{
	self->run(self->argument);
	self->state = THREAD_ENDED;
	cores.ended++;
	here->running = NULL;
	cores_let_others();
	abort(); /* nobody goes on with a thread that has ended */
}

static void append(unsigned core, struct thread *thread, sim_time at)
{
	struct core *c = &cores.core[core];

	thread->core = core;
	thread->state = THREAD_READY;
	thread->ready_at = at;
	thread->next = NULL;
	if (c->first)
		c->last->next = thread;
	else
		c->first = thread;
	c->last = thread;
}

int cores_spawn(void (*run)(void *argument), void *argument, unsigned core, sim_time at)
{
	struct thread *thread = &cores.thread[cores.threads];
	pthread_attr_t small;
	pthread_t lender;
	size_t bytes;

	thread->number = cores.threads++;
	thread->run = run;
	thread->argument = argument;
	char *stack = lines_stack(thread->number, &bytes);
	pthread_attr_init(&small);
	/* In the machine's memory, so that its thread pointer, too, is the same in each run. */
	bytes -= LENDER_BYTES;
	pthread_attr_setstack(&small, stack + bytes, LENDER_BYTES);
	if (pthread_create(&lender, &small, lend_thread_pointer, &thread->thread_pointer) != 0)
		return -EAGAIN;
	pthread_attr_destroy(&small);
	while (__atomic_load_n(&thread->thread_pointer, __ATOMIC_ACQUIRE) == 0)
		poll(NULL, 0, 0);
	thread->stack_pointer = switch_prepare(stack + bytes, begin_thread);
	append(core, thread, at);
	return 0;
}

/* When a core next has something to do. */
static sim_time next_of(const struct core *core)
{
	if (core->running)
		return core->now;
	if (core->first)
		return core->first->ready_at > core->now ? core->first->ready_at : core->now;
	return SIM_NEVER;
}

static void wake(struct thread *thread, sim_time at, bool by_another)
{
	unsigned core = thread->core;

	if (thread->deadline != SIM_NEVER)
		cores.asleep_with_deadline--;
	thread->was_woken = by_another;
	for (unsigned i = 0; i < cores.count && next_of(&cores.core[core]) != SIM_NEVER; i++)
		core = (thread->core + i) % cores.count;
	if (next_of(&cores.core[core]) != SIM_NEVER)
		core = thread->core;
	append(core, thread, at);
	if (&cores.core[core] != here && next_of(&cores.core[core]) < others_next)
		others_next = next_of(&cores.core[core]);
}

static struct thread *earliest_deadline(void)
{
	struct thread *earliest = NULL;

	for (unsigned i = 0; cores.asleep_with_deadline > 0 && i < cores.threads; i++) {
		struct thread *t = &cores.thread[i];

		if (t->state == THREAD_ASLEEP && t->deadline != SIM_NEVER &&
		    (!earliest || t->deadline < earliest->deadline))
			earliest = t;
	}
	return earliest;
}

/* The earliest core, and in others_next the time of the second. NULL: none has anything to do. */
static struct core *earliest_core(void)
{
	struct core *earliest = NULL;
	sim_time first = SIM_NEVER;

	others_next = SIM_NEVER;
	for (unsigned i = 0; i < cores.count; i++) {
		sim_time next = next_of(&cores.core[i]);

		if (next < first) {
			others_next = first;
			first = next;
			earliest = &cores.core[i];
		} else if (next < others_next) {
			others_next = next;
		}
	}
	return earliest;
}

static void begin_first(struct core *core)
{
	struct thread *thread = core->first;

	core->first = thread->next;
	if (thread->ready_at > core->now)
		core->now = thread->ready_at;
	core->now += sim_ns(cores.costs.context_switch);
	core->slice_end = core->now + sim_ns(cores.costs.slice);
	core->running = thread;
	cores.switches++;
	thread->state = THREAD_RUNNING;
}

/* Makes self and here whoever goes on. False: nobody can, or all have ended. */
static bool choose(void)
{
	for (;;) {
		if (cores.ended == cores.threads)
			return false;
		here = NULL;
		struct core *core = earliest_core();
		struct thread *sleeper = earliest_deadline();

		if (sleeper && (!core || sleeper->deadline <= next_of(core))) {
			wake(sleeper, sleeper->deadline, false);
			continue;
		}
		if (!core) {
			cores.given_up = "deadlock";
			return false;
		}
		if (next_of(core) > cores.progress + cores.patience) {
			cores.given_up = "nothing was put, got or done for a second";
			return false;
		}
		if (sleeper && sleeper->deadline < others_next)
			others_next = sleeper->deadline;
		if (!core->running) {
			begin_first(core);
			if (core->now > others_next)
				continue;
		}
		here = core;
		self = core->running;
		return true;
	}
}

static void change_to(struct thread *from, struct thread *to)
{
	if (from == to)
		return;
	switch_set_thread_pointer(to->thread_pointer);
	switch_stack(&from->stack_pointer, to->stack_pointer);
}

/* From self, which has left its core or not, to whoever is next. */
static void go_on(void)
{
	struct thread *from = self;

	if (choose()) {
		change_to(from, self);
	} else {
		self = NULL;
		here = NULL;
		change_to(from, &outside);
	}
}

static void leave_core(void)
{
	memory_drain();
	here->running = NULL;
}

void cores_let_others(void)
{
	if (here->running && here->first && here->now >= here->slice_end) {
		leave_core();
		append(self->core, self, here->now);
	}
	go_on();
}

void cores_yield(void)
{
	here->now += sim_ns(cores.costs.yield);
	if (here->first && here->first->ready_at <= here->now) {
		leave_core();
		append(self->core, self, here->now);
		go_on();
	}
}

bool cores_sleep(const volatile void *on, sim_time deadline)
{
	struct thread *me = self;

	me->state = THREAD_ASLEEP;
	me->sleeps_on = on;
	me->deadline = deadline;
	me->ready_at = here->now; /* the time since when, for cores_wake() */
	if (deadline != SIM_NEVER)
		cores.asleep_with_deadline++;
	cores.sleeps++;
	leave_core();
	here->now += sim_ns(cores.costs.context_switch);
	go_on();
	return me->was_woken;
}

static struct thread *longest_asleep(const volatile void *on)
{
	struct thread *longest = NULL;

	for (unsigned i = 0; i < cores.threads; i++) {
		struct thread *t = &cores.thread[i];

		if (t->state == THREAD_ASLEEP && t->sleeps_on == on &&
		    (!longest || t->ready_at < longest->ready_at))
			longest = t;
	}
	return longest;
}

int cores_wake(const volatile void *on, int n)
{
	struct thread *sleeper;
	int woken = 0;

	while (woken < n && (sleeper = longest_asleep(on))) {
		here->now += sim_ns(cores.costs.wake);
		wake(sleeper, here->now + sim_ns(cores.costs.wake_delay), true);
		cores.wakes++;
		woken++;
	}
	return woken;
}

void cores_run(void)
{
	outside.thread_pointer = switch_thread_pointer();
	if (choose())
		change_to(&outside, self);
}

static const char *const call_names[SIM_CALLS] = {
        [SIM_PUT] = "put",   [SIM_GET] = "get",           [SIM_TASK_DONE] = "task_done",
        [SIM_JOIN] = "join", [SIM_SHUTDOWN] = "shutdown",
};

static bool waits_alike(const struct thread *a, const struct thread *b)
{
	return a->state == b->state && a->call == b->call && a->number > 0 && b->number > 0 &&
	       (a->state != THREAD_ASLEEP || a->sleeps_on == b->sleeps_on);
}

/* The producer has number 0. */
static size_t describe_thread(const struct thread *thread, unsigned alike, char *text, size_t size)
{
	int n;

	if (thread->number == 0)
		n = snprintf(text, size, "; the producer");
	else
		n = snprintf(text, size, "; %u consumer%s", alike, alike == 1 ? "" : "s");
	size_t used = (size_t)n;
	if (thread->state == THREAD_ENDED)
		n = snprintf(text + used, used < size ? size - used : 0, " ended");
	else
		n = snprintf(text + used, used < size ? size - used : 0, " in %s, %s",
		             call_names[thread->call],
		             thread->state == THREAD_ASLEEP ? "asleep" : "looking");
	return used + (size_t)n;
}

void cores_describe(char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "%s", cores.given_up);

	for (unsigned i = 0; i < cores.threads && used < size; i++) {
		unsigned alike = 1, before = 0;

		for (unsigned j = 1; j < i; j++)
			before += waits_alike(&cores.thread[i], &cores.thread[j]);
		if (before > 0)
			continue;
		for (unsigned j = i + 1; j < cores.threads; j++)
			alike += waits_alike(&cores.thread[i], &cores.thread[j]);
		used += describe_thread(&cores.thread[i], alike, text + used, size - used);
	}
}
