/*
 * One run on the simulated machine: a producer and consumers on a queue, as in the other workloads.
 * Only the calls of the queue and the work take simulated time: this file is not compiled with
 * hooks.
 *
 * Checked: every item got once, whole, in order where the queue promises it; join not before every
 * item was reported.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/driver.h"
#include "simulate/lines.h"
#include "simulate/memory.h"
#include "simulate/system.h"

#define memcpy __real_memcpy /* another would be that of the machine, and take time */
#include "measure/item.h"
#undef memcpy

struct consumer {
	size_t number;
	char *buffer; /* of bulk items */
	uint64_t got, next;
};

static struct run {
	const struct sim_job *job;
	const struct bench_queue *queue;
	void *handle; /* what create() made */
	struct sim_outcome *outcome;
	uint64_t *latency_ns;

	sim_time *due; /* of each item */
	unsigned char *times_got;
	uint64_t reported;
	bool is_shut_down; /* or about to be */
	sim_time begin, end, in_put;
	struct consumer consumers[SIM_THREADS];
} run;

__attribute__((format(printf, 1, 2))) static void void_run(const char *format, ...)
{
	va_list arguments;

	if (*run.outcome->why)
		return;
	va_start(arguments, format);
	vsnprintf(run.outcome->why, sizeof(run.outcome->why), format, arguments);
	va_end(arguments);
}

static void enter(enum sim_call call)
{
	self->call = call;
}

static void *handle_of_producer(void)
{
	return run.queue->producer ? run.queue->producer(run.handle) : run.handle;
}

static void put(void *handle, const char *items, uint64_t n)
{
	size_t size = run.job->shape.item_size;

	for (uint64_t done = 0; done < n;) {
		ssize_t placed;

		if (run.queue->can & BENCH_BULK && n > 1)
			placed = run.queue->put_many(handle, items + done * size, n - done);
		else
			placed = run.queue->put(handle, items + done * size) == 0 ? 1 : -1;
		if (placed <= 0) {
			void_run("put failed");
			return;
		}
		done += (uint64_t)placed;
		cores_note_progress(here->now);
	}
}

/* With an interval an item is late when its put begins late, and that counts. */
static sim_time due_of(uint64_t i)
{
	sim_time interval = sim_ns(run.job->interval_ns);

	return interval > 0 ? run.begin + i / run.job->bulk * run.job->bulk * interval : here->now;
}

static void produce(void *argument)
{
	const struct sim_job *job = run.job;
	char *items = argument;
	void *handle = handle_of_producer();

	run.begin = here->now;
	lines_count(true);
	for (uint64_t i = 0; i < job->items; i += job->bulk) {
		uint64_t n = job->bulk < job->items - i ? job->bulk : job->items - i;

		if (job->interval_ns > 0)
			cores_rest(run.begin + i * sim_ns(job->interval_ns));
		for (uint64_t j = 0; j < n; j++) {
			item_write(items + j * job->shape.item_size, job->shape.item_size, i + j);
			run.due[i + j] = due_of(i + j);
		}
		sim_time before = here->now;
		enter(SIM_PUT);
		put(handle, items, n);
		run.in_put += here->now - before;
	}
	enter(SIM_JOIN);
	run.queue->join(run.handle);
	run.end = here->now;
	lines_count(false);
	if (run.reported != job->items)
		void_run("join returned when %llu of %llu items were not reported",
		         (unsigned long long)(job->items - run.reported),
		         (unsigned long long)job->items);
	enter(SIM_SHUTDOWN);
	run.is_shut_down = true;
	run.queue->shutdown(run.handle);
}

static void check_item(struct consumer *me, const char *item)
{
	uint64_t n = item_read(item, sizeof(n)); /* by its first word */

	if (n >= run.job->items) {
		void_run("got an item that was never put");
		return;
	}
	if (run.times_got[n]++)
		void_run("item %llu was got twice", (unsigned long long)n);
	if (item_read(item, run.job->shape.item_size) != n)
		void_run("item %llu was torn", (unsigned long long)n);
	if (n < me->next && run.queue->can & BENCH_FIFO)
		void_run("item %llu came after %llu", (unsigned long long)n,
		         (unsigned long long)me->next - 1);
	me->next = n + 1;
	run.latency_ns[n] = (here->now - run.due[n]) / 1000;
	me->got++;
}

static void consume(void *argument)
{
	const struct sim_job *job = run.job;
	struct consumer *me = argument;
	void *handle =
	        run.queue->consumer ? run.queue->consumer(run.handle, me->number) : run.handle;

	for (;;) {
		ssize_t got;

		enter(SIM_GET);
		if (run.queue->can & BENCH_BULK && job->bulk > 1)
			got = run.queue->get_many(handle, me->buffer, job->bulk);
		else
			got = run.queue->get(handle, me->buffer) == 0 ? 1 : -1;
		if (got <= 0) {
			if (!run.is_shut_down)
				void_run("get found no item before shutdown, and did not wait");
			return;
		}
		cores_note_progress(here->now);
		for (ssize_t i = 0; i < got; i++)
			check_item(me, me->buffer + (size_t)i * job->shape.item_size);
		cores_work(sim_ns(job->work_ns) * (sim_time)got);
		run.reported += (uint64_t)got;
		enter(SIM_TASK_DONE);
		if (run.queue->task_done(handle, (size_t)got) != 0)
			void_run("task_done failed");
		cores_note_progress(here->now);
	}
}

/* Threads begin within two microseconds, when the seed says. */
static int spawn_all(void)
{
	const struct sim_job *job = run.job;
	size_t bytes = job->bulk * job->shape.item_size;
	char *items = lines_allocate(bytes, LINE_BYTES);
	int error = items ? cores_spawn(produce, items, 0, cores_random(sim_ns(2000))) : -ENOMEM;

	for (size_t i = 0; i < job->shape.consumers && error == 0; i++) {
		struct consumer *me = &run.consumers[i];

		me->number = i;
		me->buffer = lines_allocate(bytes, LINE_BYTES);
		error = me->buffer ? cores_spawn(consume, me, (unsigned)(i + 1) % job->cores,
		                                 cores_random(sim_ns(2000)))
		                   : -ENOMEM;
	}
	return error;
}

static void conclude(void)
{
	const struct sim_job *job = run.job;
	struct sim_outcome *outcome = run.outcome;
	uint64_t lost = 0;

	if (cores.given_up) {
		outcome->is_stuck = true;
		cores_describe(outcome->why, sizeof(outcome->why));
	}
	for (uint64_t i = 0; i < job->items; i++)
		lost += run.times_got[i] == 0;
	if (lost > 0 && !cores.given_up)
		*outcome->why = '\0'; /* other faults may follow from the loss */
	if (lost > 0)
		void_run("%llu of %llu items were lost", (unsigned long long)lost,
		         (unsigned long long)job->items);
	for (size_t i = 0; i < job->shape.consumers; i++)
		if (run.consumers[i].got > outcome->busiest)
			outcome->busiest = run.consumers[i].got;
	outcome->seconds = (double)(run.end - run.begin) * 1e-12;
	outcome->put_seconds = (double)run.in_put * 1e-12;
	outcome->moves = lines_moves;
	outcome->sleeps = cores.sleeps;
	outcome->wakes = cores.wakes;
	outcome->queue = (uintptr_t)run.handle;
	outcome->place_count = lines_places(&outcome->places);
	outcome->block_count = system_blocks(&outcome->blocks);
}

void driver_run(const struct bench_queue *queue, const struct sim_job *job, uint64_t *latency_ns,
                struct sim_outcome *outcome)
{
	int error;

	*outcome = (struct sim_outcome){0};
	run = (struct run){
	        .job = job, .queue = queue, .outcome = outcome, .latency_ns = latency_ns};
	if (!run.queue) {
		void_run("the simulated machine has no %s", job->queue);
		return;
	}
	error = cores_begin(job);
	if (error == 0)
		error = run.queue->create(&run.handle, &job->shape);
	run.due = calloc(job->items, sizeof(*run.due));
	run.times_got = calloc(job->items, 1);
	if (error == 0 && (!run.due || !run.times_got))
		error = -ENOMEM;
	if (error == 0)
		error = spawn_all();
	if (error == -ENOMEM)
		void_run("the queue and the items of a call do not fit into the %zu MB of the "
		         "simulated machine",
		         SIM_MEMORY >> 20);
	if (error) {
		void_run("%s", strerror(-error));
		return;
	}
	lines_count(false); /* until the first put */
	cores_run();
	conclude();
}
