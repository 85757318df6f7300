/*
 * The machine's cores, threads and time. A simulated thread is a stack and a thread pointer of its
 * own on one real thread; the core whose time is earliest goes on, so that a run is the same each
 * time. Of memory this file knows only when a core's buffered stores are done (lines.h).
 */
#ifndef BENCH_SIMULATE_CORES_H
#define BENCH_SIMULATE_CORES_H

#include <stdbool.h>
#include <stdint.h>

#include "simulate/job.h"

/* Picoseconds, so that a fraction of a nanosecond counts. 2^64 of them are 213 days. */
typedef uint64_t sim_time;
#define SIM_NEVER UINT64_MAX

static inline sim_time sim_ns(double ns)
{
	return (sim_time)(ns * 1000 + 0.5);
}

enum { SIM_CORES = 256, SIM_THREADS = 1280 };

struct thread {
	unsigned number;
	unsigned core; /* where it runs, or ran last */
	enum { THREAD_READY, THREAD_RUNNING, THREAD_ASLEEP, THREAD_ENDED } state;
	enum sim_call call; /* what it is doing */

	/* Asleep. */
	const volatile void *sleeps_on; /* NULL: only until a time */
	sim_time deadline;              /* SIM_NEVER: none */
	bool was_woken;                 /* by another; not by the deadline */

	/* Ready: waits for its core. */
	sim_time ready_at;
	struct thread *next;

	void *stack_pointer;
	uintptr_t thread_pointer;
	void (*run)(void *argument);
	void *argument;
};

struct core {
	sim_time now;
	sim_time slice_end;
	struct thread *running; /* NULL: idle, or about to begin with the first that waits */
	struct thread *first;   /* wait for this core, by when they are ready */
};

/* What happened to the machine as a whole. */
struct cores {
	unsigned count, per_socket;
	struct core core[SIM_CORES];
	struct thread thread[SIM_THREADS];
	unsigned threads, ended;
	unsigned asleep_with_deadline;
	uint64_t switches, sleeps, wakes;
	sim_time progress;      /* the last put, get or report, or the end of work that goes on */
	uint64_t fruitless;     /* how often a core was chosen since then */
	const char *given_up;   /* why; NULL: it was not */
	struct sim_costs costs; /* of the job */
};
extern struct cores cores;

/* The thread that runs now. NULL before and after a run. */
extern struct thread *self;
extern struct core *here;
extern sim_time others_next; /* the earliest time at which another core has something to do */

/* A machine that has done nothing yet: 0 or -ENOMEM. */
int cores_begin(const struct sim_job *job);
/* core: where it begins. at: when. 0, or -EAGAIN: the system has no more threads. */
int cores_spawn(void (*run)(void *argument), void *argument, unsigned core, sim_time at);
/* Returns when all threads have ended, or none can go on: cores.given_up says so. */
void cores_run(void);
/* Ends the run, whose given_up then names the call. Does not return. */
__attribute__((noreturn)) void cores_abandon(const char *call);

/* Lets all cores run whose time is earlier than the time of this core; or, if the slice is over,
 * the thread that waits for this core. The thread may be on another core afterwards. Inline: it is
 * called for every access to memory. */
void cores_let_others(void);

static inline bool cores_slice_is_over(void)
{
	return here->first && here->now >= here->slice_end && here->first->ready_at <= here->now;
}

static inline void cores_turn(void)
{
	while (here->now > others_next || cores_slice_is_over())
		cores_let_others();
}

static inline void cores_spend(sim_time time)
{
	here->now += time;
}

/* Notes that an item was put, got or reported at that time. */
static inline void cores_note_progress(sim_time at)
{
	if (cores.progress < at)
		cores.progress = at;
	cores.fruitless = 0;
}

/* Work takes this time; other threads get the core when the slice is over. */
void cores_work(sim_time time);
/* The thread has nothing to do until then. If threads share cores, others use the core
 * meanwhile. */
void cores_rest(sim_time until);
/* Another core loses that time. */
void cores_interrupt(unsigned core, sim_time time);

void cores_yield(void);
/* Sleep until woken or until the deadline. True: woken. */
bool cores_sleep(const volatile void *on, sim_time deadline);
/* Wake up to n that sleep on it, the longest asleep first. Returns how many. */
int cores_wake(const volatile void *on, int n);

/* A number from 0 to below n, of the job's seed. */
uint64_t cores_random(uint64_t n);

/* Writes why the run was given up, and which threads wait where; threads that are alike stand
 * together. */
void cores_describe(char *text, size_t size);

#endif
