/*
 * Starts the threads of a run behind one barrier, and waits for their end.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"

struct crew_thread {
	struct crew_member member;
	const struct crew *crew;
	pthread_t thread;
	bool is_producer;
	pthread_barrier_t *start; /* all threads have their handle */
};

void crew_fail(struct crew_member *me, const char *call, int error)
{
	if (error < 0)
		bench_void(me->result, "%s: %s", call, strerror(-error));
	else
		bench_void(me->result, "%s returned %d", call, error);
	_exit(1); /* the other threads may wait for this one for ever */
}

void *crew_buffer(struct crew_member *me)
{
	void *buffer = calloc(me->bulk, me->run->point.item_size);

	if (!buffer)
		crew_fail(me, "buffer", -ENOMEM);
	return buffer;
}

void crew_put_numbers(struct crew_member *me, void *buffer, uint64_t from, uint64_t to)
{
	size_t item_size = me->run->point.item_size;

	for (uint64_t n = from; n < to;) {
		size_t batch = to - n < me->bulk ? (size_t)(to - n) : me->bulk;

		for (size_t i = 0; i < batch; i++, n++)
			memcpy((char *)buffer + i * item_size, &n, sizeof(n));
		crew_put(me, buffer, batch);
	}
}

void crew_join(struct crew_member *me)
{
	int error = me->calls->join(me->queue);

	if (error)
		crew_fail(me, "join", error);
}

void crew_shut_down(struct crew_member *me)
{
	int error = me->calls->shutdown(me->queue);

	if (error)
		crew_fail(me, "shutdown", error);
}

static void *handle_of(struct crew_thread *thread)
{
	const struct bench_queue *calls = thread->member.calls;
	void *queue = thread->member.queue;

	if (thread->is_producer)
		return calls->producer ? calls->producer(queue) : queue;
	return calls->consumer ? calls->consumer(queue, thread->member.number) : queue;
}

static void *thread_main(void *argument)
{
	struct crew_thread *thread = argument;

	thread->member.handle = handle_of(thread);
	if (!thread->member.handle)
		crew_fail(&thread->member, "handle", -ENOMEM);
	pthread_barrier_wait(thread->start);
	if (thread->is_producer)
		thread->crew->produce(&thread->member);
	else
		thread->crew->consume(&thread->member);
	return NULL;
}

static void start(struct crew_thread *thread, size_t place)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	machine_pin_place(thread->member.run->pin, place, &attributes);
	int error = pthread_create(&thread->thread, &attributes, thread_main, thread);
	if (error)
		crew_fail(&thread->member, "pthread_create", -error);
	pthread_attr_destroy(&attributes);
}

/* Place 0 is the producer's, place i consumer i - 1's. */
static void run_threads(const struct crew *crew, struct crew_thread *threads, void *queue)
{
	const struct bench_run *run = crew->run;
	size_t places = run->point.consumers + 1;
	/* Sleeps: a thousand threads that spin keep the next from being started. */
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, (unsigned)places);
	for (size_t i = 0; i < places; i++) {
		threads[i] = (struct crew_thread){
		        .member = {.run = run,
		                   .calls = run->queue,
		                   .queue = queue,
		                   .number = i ? i - 1 : 0,
		                   .bulk = run->queue->can & BENCH_BULK ? run->point.bulk : 1,
		                   .job = crew->job,
		                   .result = crew->result},
		        .crew = crew,
		        .is_producer = i == 0,
		        .start = &barrier,
		};
		start(&threads[i], i);
	}
	for (size_t i = 0; i < places; i++)
		pthread_join(threads[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
}

void crew_run(const struct crew *crew)
{
	const struct bench_run *run = crew->run;
	struct bench_shape shape = {.capacity = run->point.capacity,
	                            .item_size = run->point.item_size,
	                            .consumers = run->point.consumers};
	struct crew_thread *threads = calloc(shape.consumers + 1, sizeof(*threads));
	void *queue;
	int error = threads ? run->queue->create(&queue, &shape) : -ENOMEM;

	if (error) {
		bench_void(crew->result, "create: %s", strerror(-error));
	} else {
		run_threads(crew, threads, queue);
		run->queue->destroy(queue);
	}
	free(threads);
}
