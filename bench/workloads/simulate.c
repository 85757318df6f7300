/*
 * Simulate: the queues' own code on a machine with as many cores as one likes.
 *
 *           +--> consumer 1: work --+    Each thread has a core of its own (with --cores some
 * producer -+--> ...                +    threads share one). Time is simulated: it passes for moves
 * of
 *           +--> consumer N: work --+    cache lines, locked instructions, system calls and
 * waiting.
 *
 * Timed: first put to join, on the simulated clock. Checked as elsewhere: every item got once,
 * whole, in order where the queue promises it; join not before every item was reported. The same
 * seed gives the same figures to the last digit.
 *
 * The machine is in bench/simulate/, a module that is loaded by the process of a run.
 */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/histogram.h"
#include "simulate/job.h"
#include "simulate/names.h"
#include "workload.h"

enum { RATE, IDEAL, LINES, WAKES, SLEEPS, P50, P99, BUSIEST, PUT };
enum { MOST_FIELDS = 4096 };

static const char *const module = BENCH_SIMULATED_MODULE; /* "": not built */

/* Costs are settled before the first run, in the process that all runs are forked from: `this` is
 * measured once, and a file is read once. */
static struct known {
	uint64_t machine; /* 1 + the number of the word; 0: this entry is free */
	struct sim_costs costs;
} known[16];

static const struct sim_costs *costs_of(uint64_t machine, char *why, size_t size)
{
	struct known *free = known;

	for (; free < known + 16 && free->machine != 0; free++)
		if (free->machine == machine + 1)
			return &free->costs;
	if (free == known + 16) {
		snprintf(why, size, "--machine: no more than 16 of them");
		return NULL;
	}
	if (machine == BENCH_THIS)
		free->costs = sim_costs_measured();
	else if (machine == BENCH_DESKTOP)
		free->costs = sim_costs_desktop();
	else if (machine == BENCH_SERVER)
		free->costs = sim_costs_server();
	else if (sim_costs_read(&free->costs, point_word(machine), why, size) != 0)
		return NULL;
	free->machine = machine + 1;
	return &free->costs;
}

/* Does not measure costs: the report may come from another machine. */
static const struct sim_costs *costs_known(uint64_t machine)
{
	char why[200];

	for (size_t i = 0; i < 16 && known[i].machine != 0; i++)
		if (known[i].machine == machine + 1)
			return &known[i].costs;
	return machine == BENCH_DESKTOP || machine == BENCH_SERVER
	               ? costs_of(machine, why, sizeof(why))
	               : NULL;
}

static void describe(const struct bench_point *point, char *text, size_t size)
{
	const struct sim_costs *costs = costs_known(point->machine);
	char cores[40] = "a core a thread", sockets[40] = "";
	size_t used;

	if (point->cores)
		snprintf(cores, sizeof(cores), "%llu cores", (unsigned long long)point->cores);
	if (point->sockets)
		snprintf(sockets, sizeof(sockets), ", %llu sockets",
		         (unsigned long long)point->sockets);
	else if (costs)
		snprintf(sockets, sizeof(sockets), ", %.0f cores a socket",
		         costs->cores_per_socket);
	used = (size_t)snprintf(text, size, "simulated machine (%s: %s%s",
	                        point_word(point->machine), cores, sockets);
	if (costs && used < size)
		used += (size_t)snprintf(text + used, size - used,
		                         "; a line from near %g ns, from far %g ns; a locked "
		                         "instruction %g ns",
		                         costs->near_line, costs->far_line, costs->locked);
	if (used < size)
		snprintf(text + used, size - used, ")");
}

static unsigned cores_of(const struct bench_point *point)
{
	return (unsigned)(point->cores ? point->cores : point->consumers + 1);
}

/* Of the machine's time a run may take: its clock counts picoseconds in 64 bits, which is 213 days.
 */
static const double most_ns = 30 * 24 * 3600e9;

static double least_ns(const struct bench_point *point)
{
	return (double)point->items * (double)(point->interval_ns + point->work_ns);
}

/* Of the queue's items, and of what each thread puts or gets at once. Blocks are powers of two. */
static double needs_bytes(const struct bench_point *point)
{
	double threads = (double)point->consumers + 1;

	return (double)point->item_size * ((double)point->capacity + (double)point->bulk * threads);
}

static bool refuses(const struct bench_point *point, char *why, size_t size)
{
	if (!*module)
		snprintf(why, size,
		         "the simulated machine was not built: it knows gcc on Linux, x86-64 or "
		         "aarch64, and takes no sanitizers");
	else if (point->arbitration != BENCH_HELD && point->arbitration != BENCH_QUEUED)
		snprintf(why, size, "--arbitration: \"%s\" is neither held nor queued",
		         point_word(point->arbitration));
	else if (cores_of(point) > 256)
		snprintf(why, size,
		         "--consumers: %llu and the producer want more than 256 cores; "
		         "--cores gives them fewer",
		         (unsigned long long)point->consumers);
	else if (point->sockets > cores_of(point))
		snprintf(why, size, "--sockets: there are only %u cores", cores_of(point));
	else if (least_ns(point) > most_ns)
		snprintf(why, size,
		         "--items: %llu with that --work and --interval take more than 30 days of "
		         "the machine's time",
		         (unsigned long long)point->items);
	else if (needs_bytes(point) > (double)SIM_MEMORY)
		snprintf(why, size,
		         "--capacity, --bulk, --item-size: they take %.3g GB, and the simulated "
		         "machine has %.3g GB of memory for them",
		         needs_bytes(point) / 1e9, (double)SIM_MEMORY / 1e9);
	else
		return !costs_of(point->machine, why, size);
	return true;
}

static struct sim_job job_of(const struct bench_run *run, const struct sim_costs *costs)
{
	const struct bench_point *point = &run->point;
	unsigned cores = cores_of(point);
	unsigned per_socket = (unsigned)costs->cores_per_socket;

	if (point->sockets)
		per_socket = (cores + (unsigned)point->sockets - 1) / (unsigned)point->sockets;
	return (struct sim_job){.queue = run->queue->name,
	                        .shape = {.capacity = point->capacity,
	                                  .item_size = point->item_size,
	                                  .consumers = point->consumers},
	                        .items = point->items,
	                        .bulk = point->bulk,
	                        .work_ns = (double)point->work_ns,
	                        .interval_ns = (double)point->interval_ns,
	                        .cores = cores,
	                        .cores_per_socket = per_socket,
	                        .is_held = point->arbitration == BENCH_HELD,
	                        .seed = run->seed,
	                        .costs = *costs};
}

/* --- which lines --- */

static struct bench_part *part_named(struct bench_part *parts, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(parts[i].name, name) == 0)
			return &parts[i];
	if (*n == MOST_FIELDS)
		return &parts[MOST_FIELDS - 1];
	snprintf(parts[*n].name, sizeof(parts[*n].name), "%s", name);
	return &parts[(*n)++];
}

static double moves_of(const struct bench_part *part)
{
	double all = 0;

	for (size_t i = 0; i < BENCH_SHARES; i++)
		all += part->share[i];
	return all;
}

static int by_moves(const void *left, const void *right)
{
	double a = moves_of(left), b = moves_of(right);

	return (a < b) - (a > b);
}

/* The largest; the last is all others together, so that the parts add up to the metric. */
static void copy_parts(const struct bench_part *parts, size_t n, struct bench_result *result)
{
	struct bench_part other = {.name = "other"};
	size_t kept = 0;

	while (kept < n && kept < BENCH_PARTS - 1 && moves_of(&parts[kept]) >= 0.01) {
		result->parts[kept] = parts[kept];
		kept++;
	}
	for (size_t i = kept; i < n; i++)
		for (size_t call = 0; call < BENCH_SHARES; call++)
			other.share[call] += parts[i].share[call];
	if (moves_of(&other) > 0)
		result->parts[kept] = other;
}

static void find_lines(const struct bench_run *run, const struct sim_outcome *outcome,
                       struct bench_result *result)
{
	struct bench_part *parts = calloc(MOST_FIELDS, sizeof(*parts));
	struct names *names = names_open(module, run->queue->type, outcome);
	char name[NAMES_SIZE];
	size_t n = 0;

	for (size_t i = 0; parts && names && i < outcome->place_count; i++) {
		names_write(names, outcome->places[i].address, name);
		struct bench_part *part = part_named(parts, &n, name);
		for (size_t call = 0; call < SIM_CALLS; call++)
			part->share[call] +=
			        outcome->places[i].moves[call] / (double)run->point.items;
	}
	if (n > 0)
		qsort(parts, n, sizeof(*parts), by_moves);
	copy_parts(parts, n, result);
	names_close(names);
	free(parts);
}

/* --- figures --- */

/* Returns how many items a second the cores could do if items came by themselves. 0: no limit. */
static double ideal(const struct sim_job *job)
{
	double workers =
	        (double)(job->shape.consumers < job->cores ? job->shape.consumers : job->cores);
	double by_work = job->work_ns > 0 ? workers * 1e9 / job->work_ns : 0;
	double by_interval = job->interval_ns > 0 ? 1e9 / job->interval_ns : 0;

	if (by_work == 0 || by_interval == 0)
		return by_work + by_interval;
	return by_work < by_interval ? by_work : by_interval;
}

static void measure(const struct sim_job *job, const uint64_t *latency_ns,
                    const struct sim_outcome *outcome, struct bench_result *result)
{
	struct histogram *histogram = histogram_create(1);
	double items = (double)job->items, rate = items / outcome->seconds;

	if (!histogram) {
		bench_void(result, "no memory for the latencies");
		return;
	}
	for (uint64_t i = 0; i < job->items; i++)
		histogram_add(histogram, latency_ns[i]);
	result->outcome = BENCH_CHECKED;
	result->seconds = outcome->seconds;
	result->metric[RATE] = rate;
	result->metric[IDEAL] = ideal(job) > 0 ? rate / ideal(job) : NAN;
	result->metric[LINES] = (double)outcome->moves / items;
	result->metric[WAKES] = (double)outcome->wakes / items * 1000;
	result->metric[SLEEPS] = (double)outcome->sleeps / items * 1000;
	result->metric[P50] = (double)histogram_quantile(histogram, 0.5);
	result->metric[P99] = (double)histogram_quantile(histogram, 0.99);
	result->metric[BUSIEST] = (double)outcome->busiest / items;
	result->metric[PUT] = outcome->put_seconds / items * 1e9;
	free(histogram);
}

static simulate_function *load(struct bench_result *result)
{
	void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	simulate_function *function = NULL;

	if (handle)
		*(void **)&function = dlsym(handle, SIMULATE_FUNCTION);
	if (!function)
		bench_void(result, "%s", dlerror());
	return function;
}

static void run(const struct bench_run *run, struct bench_result *result)
{
	char why[300] = "";
	const struct sim_costs *costs = costs_of(run->point.machine, why, sizeof(why));
	simulate_function *simulate = load(result);
	uint64_t *latency_ns = calloc(run->point.items, sizeof(*latency_ns));
	struct sim_outcome outcome;

	if (!costs || !latency_ns)
		bench_void(result, "%s", costs ? "no memory for the latencies" : why);
	if (!simulate || !costs || !latency_ns) {
		free(latency_ns);
		return;
	}
	if (run->print) {
		sim_costs_write(run->print, costs);
		result->outcome = BENCH_CHECKED;
		free(latency_ns);
		return;
	}
	struct sim_job job = job_of(run, costs);
	simulate(&job, latency_ns, &outcome);
	if (*outcome.why) {
		bench_void(result, "%s", outcome.why);
	} else {
		measure(&job, latency_ns, &outcome, result);
		find_lines(run, &outcome, result);
	}
	free(latency_ns);
}

/* The real time of a run, not the simulated time: 10 us an item with few consumers. With many it
 * grows with the square of their number, because all of them look while one item moves, and each
 * waits for all others. Measured with 16 (8 us) and with 255 (4 ms). */
static double pace(const struct bench_point *point)
{
	double consumers = (double)point->consumers;

	return 1e-5 + 6e-8 * consumers * consumers;
}

extern const struct bench_workload bench_simulate;
const struct bench_workload bench_simulate = {
        .name = "simulate",
        .what = "the queues' own code on a simulated machine of many cores",
        .method = "the queue's code, compiled with a hook at every access to memory, on simulated "
                  "cores; timed on their clock from the first put to the return of join; every "
                  "item checked",
        .remarks = "The model knows cache lines that move from core to core and are busy while "
                   "they do, store buffers, loads that overlap, locked instructions, system calls, "
                   "sleeping, waking and preemption. It leaves out: hyperthreads, caches that "
                   "are full, hardware prefetching, memory that belongs to one socket, frequency, "
                   "interrupts, instructions beyond a fixed time for each access, orders weaker "
                   "than x86-64's, glibc's inner workings of condition variables, and the "
                   "allocator. It does not see inline assembly. When several cores want one line, "
                   "--arbitration held lets a core keep it for some nanoseconds after a locked "
                   "instruction and then gives it to whoever happens to try first; queued serves "
                   "the cores in the order in which they asked. Real machines lie between the two: "
                   "believe shapes and ratios, and only what both show. With --interval and "
                   "--bulk N, N items are put together each N intervals, and are due at that time.",
        .uses = 1 << BENCH_ITEMS | 1 << BENCH_CONSUMERS | 1 << BENCH_CAPACITY |
                1 << BENCH_BULK_SIZE | 1 << BENCH_ITEM_SIZE | 1 << BENCH_INTERVAL |
                1 << BENCH_WORK | 1 << BENCH_CORES | 1 << BENCH_SOCKETS | 1 << BENCH_MACHINE |
                1 << BENCH_ARBITRATION,
        .defaults = {.items = 20000,
                     .consumers = 16,
                     .capacity = 1024,
                     .bulk = 1,
                     .item_size = 8,
                     .work_ns = 1000,
                     .machine = BENCH_SERVER,
                     .arbitration = BENCH_HELD},
        .lists = {[BENCH_ARBITRATION] = "held,queued"},
        .needs_simulated = true,
        .refuses = refuses,
        .describe = describe,
        .bytes_per_item = 32,
        .queues = "spmcq,mutex,ck_ring,ticket",
        .runs = 1,
        .can_print = true,
        .interval = "from one item to the next; with --bulk they come together; 0: none",
        .examples = {"--consumers 1,4,16,64 --work 1us --plot cores.svg",
                     "--machine this --consumers 2 --work 0,200ns,1us",
                     "--machine this --print --output this.json"},
        .pace = pace,
        .axis = "throughput on the simulated machine (million items per second)",
        .parts = "lines moved per item",
        .parts_key = "lines",
        .shares = {[SIM_PUT] = "put",
                   [SIM_GET] = "get",
                   [SIM_TASK_DONE] = "task_done",
                   [SIM_JOIN] = "join",
                   [SIM_SHUTDOWN] = "shutdown"},
        .metrics = {[RATE] = {"items_per_second", "M items/s", 1e6, BENCH_MORE},
                    [IDEAL] = {"share_of_ideal", "% of ideal", 0.01, BENCH_MORE},
                    [LINES] = {"lines_per_item", "lines/item", 1, BENCH_LESS},
                    [WAKES] = {"wakes_per_1000", "wakes/1000", 1, BENCH_LESS},
                    [SLEEPS] = {"sleeps_per_1000", "sleeps/1000", 1, BENCH_LESS},
                    [P50] = {"p50_ns", "p50 us", 1e3, BENCH_LESS},
                    [P99] = {"p99_ns", "p99 us", 1e3, BENCH_LESS},
                    [BUSIEST] = {"busiest_share", "busiest %", 0.01, BENCH_LESS},
                    [PUT] = {"put_ns_per_item", "put ns", 1, BENCH_LESS}},
        .run = run,
};
