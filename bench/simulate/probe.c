/*
 * This machine's costs, each by the shortest program that pays it. Of several tries the median
 * counts if the program has two threads, and the least if it has one.
 */
#define _GNU_SOURCE
#include <ck_pr.h>
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "measure/stats.h"
#include "simulate/costs.h"

enum { TRIES = 11, LINE = 64 };

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* --- one thread --- */

static void locked(void)
{
	static _Alignas(LINE) atomic_uint word;

	atomic_fetch_add(&word, 1);
}

static void pause_once(void)
{
	ck_pr_stall();
}

static void read_clock(void)
{
	(void)now_ns();
}

static void yield(void)
{
	sched_yield();
}

static void call_system(void)
{
	syscall(SYS_getppid);
}

static double time_of(void (*thing)(void), int times)
{
	double begin = now_ns();

	for (int i = 0; i < times; i++)
		thing();
	return (now_ns() - begin) / times;
}

static double least_of(void (*thing)(void), int times)
{
	double least = time_of(thing, times);

	for (int i = 1; i < TRIES; i++) {
		double took = time_of(thing, times);

		least = took < least ? took : least;
	}
	return least;
}

/* --- two threads --- */

/* Each waits until the word has its own value, then gives it the other's. */
struct game {
	_Alignas(LINE) atomic_uint word; /* 0: the first one's turn; 1: the second one's */
	_Alignas(LINE) bool asleep;      /* they wait in futex(), else they look */
	int rounds;
	int cpu[2];
};

struct player {
	struct game *game;
	unsigned number;
};

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static long futex(atomic_uint *word, int operation, unsigned value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void *play(void *argument)
{
	struct player *me = argument;
	struct game *game = me->game;

	pin_to(game->cpu[me->number]);
	for (int i = 0; i < game->rounds; i++) {
		while (atomic_load_explicit(&game->word, memory_order_acquire) != me->number)
			if (game->asleep)
				futex(&game->word, FUTEX_WAIT_PRIVATE, !me->number);
		atomic_store_explicit(&game->word, !me->number, memory_order_release);
		if (game->asleep)
			futex(&game->word, FUTEX_WAKE_PRIVATE, 1);
	}
	return NULL;
}

/* Half a round: from one thread to the other. */
static double one_way(const int cpu[2], bool asleep, int rounds)
{
	double values[TRIES];

	for (int i = 0; i < TRIES; i++) {
		struct game game = {.asleep = asleep, .rounds = rounds, .cpu = {cpu[0], cpu[1]}};
		struct player players[2] = {{&game, 0}, {&game, 1}};
		pthread_t threads[2];

		if (pthread_create(&threads[0], NULL, play, &players[0]) != 0)
			return 0;
		if (pthread_create(&threads[1], NULL, play, &players[1]) != 0)
			_exit(1); /* the first one would wait for ever */
		double begin = now_ns();
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		values[i] = (now_ns() - begin) / rounds / 2;
	}
	return stats_median(values, TRIES);
}

/* --- membarrier, while another thread runs --- */

struct spinner {
	atomic_bool runs, stop;
	int cpu;
};

static void *spin(void *argument)
{
	struct spinner *spinner = argument;

	pin_to(spinner->cpu);
	atomic_store(&spinner->runs, true);
	while (!atomic_load_explicit(&spinner->stop, memory_order_relaxed))
		;
	return NULL;
}

static void fence_all(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static double membarrier_beside(int cpu)
{
	struct spinner spinner = {.cpu = cpu};
	double values[TRIES];
	pthread_t thread;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0 ||
	    pthread_create(&thread, NULL, spin, &spinner) != 0)
		return 0;
	while (!atomic_load(&spinner.runs))
		sched_yield();
	for (int i = 0; i < TRIES; i++)
		values[i] = time_of(fence_all, 100);
	atomic_store(&spinner.stop, true);
	pthread_join(thread, NULL);
	return stats_median(values, TRIES);
}

/* --- all --- */

/* Whether two CPUs are hyperthreads of one core, which share its cache. */
static bool are_siblings(int a, int b)
{
	char path[96], list[256] = "", *next = list;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
	         a);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(list, sizeof(list), file))
		*list = '\0';
	fclose(file);
	/* As in "0,4" or "0-1,8-9". */
	while (*next >= '0' && *next <= '9') {
		long first = strtol(next, &next, 10);
		long last = *next == '-' ? strtol(next + 1, &next, 10) : first;

		if (b >= first && b <= last)
			return true;
		next += *next == ',';
	}
	return false;
}

/* Two that this process may use: of one core only if there are no others. */
static bool two_cpus(int cpu[2])
{
	cpu_set_t set;
	int n = 0, sibling = -1;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return false;
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (!CPU_ISSET((size_t)i, &set))
			continue;
		if (n == 1 && are_siblings(cpu[0], i))
			sibling = i;
		else
			cpu[n++] = i;
	}
	if (n == 1 && sibling >= 0)
		cpu[n++] = sibling;
	return n == 2;
}

static void *measure_alone(void *argument)
{
	struct sim_costs *costs = argument;
	int cpu[2];

	if (two_cpus(cpu))
		pin_to(cpu[0]);
	costs->locked = least_of(locked, 10000);
	costs->pause = least_of(pause_once, 10000);
	costs->clock = least_of(read_clock, 10000);
	costs->syscall = least_of(call_system, 1000);
	costs->yield = least_of(yield, 1000);
	return NULL;
}

static void *measure_pair(void *argument)
{
	struct sim_costs *costs = argument;
	int cpu[2];

	if (!two_cpus(cpu))
		return NULL;
	pin_to(cpu[0]);
	/* A round moves the line twice. Each move is a load that fetches the line, and a store
	 * that waits until the other copy is gone. On average half a turn of the polling loop is
	 * added. */
	costs->near_line = one_way(cpu, false, 10000) / 2;
	costs->far_line = costs->near_line;
	costs->shared_line = costs->near_line / 2;
	double hand_over = one_way(cpu, true, 300);
	/* From a store to the other thread's look: the waker's call, the delay, a switch. */
	costs->wake = costs->syscall;
	costs->context_switch = hand_over / 5;
	costs->wake_delay = hand_over - costs->wake - costs->syscall - costs->context_switch;
	if (costs->wake_delay < costs->context_switch)
		costs->wake_delay = costs->context_switch;
	double membarrier = membarrier_beside(cpu[1]);
	if (membarrier > 0) {
		costs->membarrier = membarrier / 2;
		costs->membarrier_core = membarrier / 2;
		costs->interrupt = membarrier / 4;
	}
	return NULL;
}

/* Measures in a thread of its own, because the measurement pins its thread. */
static void in_a_thread(void *(*measure)(void *), struct sim_costs *costs)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, measure, costs) == 0)
		pthread_join(thread, NULL);
}

struct sim_costs sim_costs_measured(void)
{
	struct sim_costs costs = sim_costs_desktop();

	costs.cores_per_socket = (double)sysconf(_SC_NPROCESSORS_ONLN);
	in_a_thread(measure_alone, &costs);
	in_a_thread(measure_pair, &costs);
	return costs;
}
