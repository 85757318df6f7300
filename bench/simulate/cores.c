/*
 * Scheduling: a queue of ready threads a core, time slices, idle cores taken first. It is as in
 * Linux in most cases. A thread changes its core only when it wakes: a core that becomes idle takes
 * no thread from the queue of a busy one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
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

/* A binary tree of times: at node SIM_CORES + n stands when core n next has something to do, and at
 * each node n below SIM_CORES the earlier of the times at nodes 2n and 2n + 1. */
static sim_time earliest[2 * SIM_CORES];

/* No sleeper's deadline is before it. */
static sim_time next_deadline;

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
	cores = (struct cores){
	        .count = job->cores, .per_socket = job->cores_per_socket, .costs = job->costs};
	for (size_t i = 0; i < 2 * SIM_CORES; i++)
		earliest[i] = SIM_NEVER;
	next_deadline = SIM_NEVER;
	random_state = job->seed;
	memory_begin();
	return lines_begin(job->is_held);
}

/* The C library's pause(). The linker sends calls of pause() to refused.c, which takes its caller
 * for a simulated thread once the machine runs. */
int __real_pause(void);

/* A real thread that only lends its thread-local variables to a simulated one. */
static void *lend_thread_pointer(void *to)
{
	__atomic_store_n((uintptr_t *)to, switch_thread_pointer(), __ATOMIC_RELEASE);
	while (__real_pause() != 0)
		;
	return NULL;
}

static void begin_thread(void)
{
	self->run(self->argument);
	self->state = THREAD_ENDED;
	cores.ended++;
	cores_note_progress(here->now);
	here->running = NULL;
	cores_let_others();
	abort(); /* nobody goes on with a thread that has ended */
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

static void note_next(const struct core *core)
{
	size_t node = SIM_CORES + (size_t)(core - cores.core);

	earliest[node] = next_of(core);
	while (node /= 2)
		earliest[node] = earliest[2 * node] < earliest[2 * node + 1]
		                         ? earliest[2 * node]
		                         : earliest[2 * node + 1];
}

/* Inserts the thread behind those that are ready at the same time or earlier. */
static void enqueue(unsigned core, struct thread *thread, sim_time at)
{
	struct thread **to = &cores.core[core].first;

	while (*to && (*to)->ready_at <= at)
		to = &(*to)->next;
	thread->core = core;
	thread->state = THREAD_READY;
	thread->ready_at = at;
	thread->next = *to;
	*to = thread;
	note_next(&cores.core[core]);
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
		sched_yield();
	thread->stack_pointer = switch_prepare(stack + bytes, begin_thread);
	enqueue(core, thread, at);
	return 0;
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
	enqueue(core, thread, at);
	if (&cores.core[core] != here && next_of(&cores.core[core]) < others_next)
		others_next = next_of(&cores.core[core]);
}

static struct thread *first_sleeper(void)
{
	struct thread *first = NULL;

	for (unsigned i = 0; cores.asleep_with_deadline > 0 && i < cores.threads; i++) {
		struct thread *t = &cores.thread[i];

		if (t->state == THREAD_ASLEEP && t->deadline != SIM_NEVER &&
		    (!first || t->deadline < first->deadline))
			first = t;
	}
	next_deadline = first ? first->deadline : SIM_NEVER;
	return first;
}

/* Wakes the sleeper whose deadline comes before anything else. False: there is none. */
static bool wake_sleeper(sim_time next)
{
	struct thread *sleeper;

	if (next_deadline == SIM_NEVER || next_deadline > next)
		return false;
	sleeper = first_sleeper(); /* who had the deadline may have been woken by another */
	if (!sleeper || sleeper->deadline > next)
		return false;
	wake(sleeper, sleeper->deadline, false);
	return true;
}

/* The earliest core, and in others_next the time of the second. NULL: none has anything to do. */
static struct core *earliest_core(void)
{
	size_t node = 1;

	others_next = SIM_NEVER;
	if (earliest[1] == SIM_NEVER)
		return NULL;
	while (node < SIM_CORES) {
		size_t left = 2 * node, right = left + 1;
		size_t other = earliest[left] <= earliest[right] ? right : left;

		if (earliest[other] < others_next)
			others_next = earliest[other];
		node = other == right ? left : right;
	}
	return &cores.core[node - SIM_CORES];
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

/* The simulated time without progress after which a run is stopped. A queue that works needs less:
 * some time slices of all threads that wait for a core, because the owner of a lock may have lost
 * its core; and some sleeps of consumers that wake up by themselves. Work and pauses of the
 * producer are progress until they are over. */
static sim_time patience(void)
{
	double shared = cores.count < cores.threads ? 4 * cores.costs.slice * cores.threads : 0;

	return sim_ns(50e6 + shared);
}

/* How many choices of a core without progress stop a run: with many cores that poll, the simulated
 * time passes too slowly for patience(). Where a process may not set its thread pointer by an
 * instruction, a choice took 4 us in a virtual machine (AMD EPYC). */
static uint64_t most_fruitless(void)
{
	return 1000000 + UINT64_C(50000) * cores.threads;
}

__attribute__((format(printf, 1, 2))) static void give_up(const char *format, ...)
{
	static char why[120];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	cores.given_up = why;
}

static bool is_hopeless(sim_time now)
{
	if (now == SIM_NEVER)
		give_up("deadlock");
	else if (now > cores.progress + patience())
		give_up("nothing was put, got or done for %.0f ms of the machine's time",
		        (double)patience() / 1e9);
	else if (now > cores.progress && ++cores.fruitless > most_fruitless())
		give_up("nothing was put, got or done in %llu accesses to memory",
		        (unsigned long long)most_fruitless());
	return cores.given_up;
}

/* Chooses the thread that goes on, and stores it and its core in self and here. Returns false if no
 * thread can go on, or all have ended. */
static bool choose(void)
{
	if (here)
		note_next(here);
	here = NULL;
	while (cores.ended < cores.threads) {
		struct core *core = earliest_core();
		sim_time now = earliest[1];

		if (wake_sleeper(now))
			continue;
		if (is_hopeless(now))
			return false;
		if (next_deadline < others_next)
			others_next = next_deadline;
		/* So that a core that polls while the others sleep is checked for progress, too. */
		if (cores.progress + patience() < others_next)
			others_next = cores.progress + patience();
		if (!core->running) {
			begin_first(core);
			note_next(core);
			if (core->now > others_next)
				continue;
		}
		here = core;
		self = core->running;
		return true;
	}
	return false;
}

static void change_to(struct thread *from, struct thread *to)
{
	if (from == to)
		return;
	switch_set_thread_pointer(to->thread_pointer);
	switch_stack(&from->stack_pointer, to->stack_pointer);
}

/* Switches from self, whether it has left its core or not, to the next thread. */
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
	if (here->running && cores_slice_is_over()) {
		leave_core();
		enqueue(self->core, self, here->now);
	}
	go_on();
}

void cores_yield(void)
{
	here->now += sim_ns(cores.costs.yield);
	if (here->first && here->first->ready_at <= here->now) {
		leave_core();
		enqueue(self->core, self, here->now);
		go_on();
	}
}

void cores_work(sim_time time)
{
	while (time > 0) {
		sim_time part = here->now < here->slice_end ? here->slice_end - here->now
		                                            : sim_ns(cores.costs.slice) + 1;

		if (part > time)
			part = time;
		time -= part;
		here->now += part;
		cores_note_progress(here->now);
		cores_turn();
	}
}

void cores_rest(sim_time until)
{
	cores_note_progress(until);
	/* It takes a moment to begin again. */
	if (cores.count < cores.threads &&
	    until > here->now + 2 * sim_ns(cores.costs.context_switch)) {
		cores_sleep(NULL, until);
		cores.sleeps--; /* not the queue's doing */
	}
	if (here->now < until)
		here->now = until;
	cores_turn();
}

void cores_interrupt(unsigned core, sim_time time)
{
	cores.core[core].now += time;
	note_next(&cores.core[core]);
}

bool cores_sleep(const volatile void *on, sim_time deadline)
{
	struct thread *me = self;

	me->state = THREAD_ASLEEP;
	me->sleeps_on = on;
	me->deadline = deadline;
	me->ready_at = here->now; /* when it fell asleep, for cores_wake() */
	if (deadline != SIM_NEVER)
		cores.asleep_with_deadline++;
	if (deadline < next_deadline)
		next_deadline = deadline;
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

void cores_abandon(const char *call)
{
	struct thread *from = self;

	give_up("%s is not simulated", call);
	self = NULL;
	here = NULL;
	change_to(from, &outside);
	abort(); /* nobody goes on after cores_run() */
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
