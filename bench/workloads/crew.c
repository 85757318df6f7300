/*
 * Starts the threads, or the processes, of a run behind one barrier, and waits for their end.
 * Compares their counts, and tells them when the run is stopped.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew_start.h"
#include "measure/common.h"
#include "rehearsal.h"

/* Puts between two checks of the bound, for each consumer. A check moves the cache line of each
 * consumer, which is then less than 0.1 ns a put. */
enum { LOOK_EVERY = 1024 };

void crew_fail(struct crew_member *me, const char *call, int error)
{
	if (error < 0)
		bench_void(me->result, "%s: %s", call, strerror(-error));
	else
		bench_void(me->result, "%s returned %d", call, error);
	_exit(1); /* the other threads may wait for this one for ever */
}

void crew_fault(struct crew_member *me, const char *format, ...)
{
	struct crew *crew = me->crew;
	va_list arguments;

	if (*crew->fault)
		return;
	va_start(arguments, format);
	vsnprintf(crew->fault, sizeof(crew->fault), format, arguments);
	va_end(arguments);
	if (!crew->is_rehearsal)
		return;
	crew_judge(crew);
	_exit(1); /* there is nothing to measure, and a queue that is wrong may hang */
}

void crew_judge(const struct crew *crew)
{
	if (*crew->fault)
		bench_void(crew->result, "%s", crew->fault);
}

/* This is a data race: it reads a word to which another thread may be adding. No processor reads
 * such a word in parts, so the value is right, if perhaps old. Under ThreadSanitizer only the
 * rehearsal (rehearsal.h) checks the bound. */
__attribute__((no_sanitize("thread"))) static uint64_t count_got(const struct crew_member *me)
{
	uint64_t got = 0;

	for (size_t i = 1; i <= me->run->point.consumers; i++)
		got += *(const volatile uint64_t *)&me->crew->threads[i].member.got;
	return got;
}

/* A count may be old, but the put that used the room of a get sees all that this consumer did
 * before that get. So the count lacks the consumer's last get at most, and the bound allows one get
 * for each consumer. */
void crew_look(struct crew_member *me)
{
	const struct bench_point *point = &me->run->point;
	uint64_t most = rehearsal_most(me->calls, point->capacity), put = crew_has_put(me), got;

	me->left = (int64_t)(LOOK_EVERY * point->consumers);
	me->put_then = put + LOOK_EVERY * point->consumers;
	if (most == SIZE_MAX || !me->crew)
		return;
	got = count_got(me);
	most += point->consumers * me->bulk;
	if (got < put && put - got > most)
		crew_fault(me, "%llu items were put and not got, more than the %llu it may hold",
		           (unsigned long long)(put - got), (unsigned long long)most);
}

/* Right after join: the consumers' counts are what they wrote before their last task_done. */
static void look_after_join(struct crew_member *me)
{
	uint64_t through = 0;

	for (size_t i = 1; i <= me->run->point.consumers; i++)
		through += me->crew->threads[i].member.through;
	if (through != crew_has_put(me))
		crew_fault(me, "join returned when %llu of %llu items were done",
		           (unsigned long long)through, (unsigned long long)crew_has_put(me));
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
			item_write((char *)buffer + i * item_size, item_size, n);
		crew_put(me, buffer, batch);
	}
}

void crew_join(struct crew_member *me)
{
	int error;

	me->stage = CREW_IN_JOIN;
	error = me->calls->join(me->queue);
	me->stage = CREW_BUSY;
	if (error)
		crew_fail(me, "join", error);
	if (me->crew && !me->crew->is_rehearsal) /* which looks more closely */
		look_after_join(me);
}

void crew_shut_down(struct crew_member *me)
{
	int error;

	me->stage = CREW_IN_SHUTDOWN;
	error = me->calls->shutdown(me->queue);
	me->stage = CREW_BUSY;
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

void *crew_thread_main(void *argument)
{
	struct crew_thread *thread = argument;

	errno = ENOMEM;
	thread->member.handle = handle_of(thread);
	if (!thread->member.handle)
		crew_fail(&thread->member, "handle", -errno);
	pthread_barrier_wait(thread->start);
	if (thread->is_producer)
		thread->member.crew->produce(&thread->member);
	else
		thread->member.crew->consume(&thread->member);
	thread->member.stage = CREW_GONE;
	return NULL;
}

void crew_start_thread(struct crew_thread *thread, size_t place)
{
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	machine_pin_place(thread->member.run->pin, place, &attributes);
	int error = pthread_create(&thread->thread, &attributes, crew_thread_main, thread);
	if (error)
		crew_fail(&thread->member, "pthread_create", -error);
	pthread_attr_destroy(&attributes);
}

/* What the threads were doing when a run was stopped, for its result. */

static const struct crew *running; /* NULL: no threads to tell of */

static const char *place_of_producer(const struct crew_member *me)
{
	switch (me->stage) {
	case CREW_IN_JOIN:
		return "join";
	case CREW_IN_SHUTDOWN:
		return "shutdown";
	case CREW_GONE:
		return "no call any more";
	case CREW_BUSY:
		break;
	}
	return "put";
}

/* Runs in a signal handler. It calls one function that is not async-signal-safe: snprintf() of
 * whole numbers, which takes no lock and allocates nothing. The other threads go on meanwhile: a
 * count may be off by a call. */
__attribute__((no_sanitize("thread"))) static void tell_and_exit(int number)
{
	const struct crew *crew = running;
	const struct crew_member *producer = &crew->threads[0].member;
	size_t at_work = 0, in_call = 0;
	uint64_t got = 0, through = 0;

	(void)number;
	for (size_t i = 1; i <= crew->run->point.consumers; i++) {
		const struct crew_member *me = &crew->threads[i].member;

		got += me->got;
		through += me->through;
		at_work += me->got != me->through;
		in_call += me->got == me->through && me->stage != CREW_GONE;
	}
	snprintf(crew->result->why, sizeof(crew->result->why),
	         "%s%llu put, %llu got, %llu done; producer in %s; consumers: %zu in get or "
	         "task_done, %zu at work",
	         crew->is_rehearsal ? "rehearsal: " : "",
	         (unsigned long long)crew_has_put(producer), (unsigned long long)got,
	         (unsigned long long)through, place_of_producer(producer), in_call, at_work);
	_exit(0);
}

/* Place 0 is the producer's, place i consumer i - 1's. */
static void prepare(struct crew *crew, void *queue, pthread_barrier_t *barrier)
{
	const struct bench_run *run = crew->run;

	for (size_t i = 0; i <= run->point.consumers; i++)
		crew->threads[i] = (struct crew_thread){
		        .member = {.run = run,
		                   .calls = run->queue,
		                   .queue = queue,
		                   .number = i ? i - 1 : 0,
		                   .bulk = run->queue->can & BENCH_BULK ? run->point.bulk : 1,
		                   .job = crew->job,
		                   .result = crew->result,
		                   .crew = crew,
		                   .left = (int64_t)(LOOK_EVERY * run->point.consumers),
		                   .put_then = LOOK_EVERY * run->point.consumers},
		        .is_producer = i == 0,
		        .start = barrier,
		};
}

static void run_threads(struct crew *crew)
{
	size_t places = crew->run->point.consumers + 1;

	for (size_t i = 0; i < places; i++)
		crew_start_thread(&crew->threads[i], i);
	for (size_t i = 0; i < places; i++)
		pthread_join(crew->threads[i].thread, NULL);
}

/* It sleeps: a thousand threads that spin keep the next from being started. */
static void init_barrier(pthread_barrier_t *barrier, const struct bench_run *run)
{
	pthread_barrierattr_t attributes;

	pthread_barrierattr_init(&attributes);
	if (run->queue->can & BENCH_PROCESSES)
		pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(barrier, &attributes, (unsigned)run->point.consumers + 1);
	pthread_barrierattr_destroy(&attributes);
}

/* barrier: in common memory. */
static void run_all(struct crew *crew, void *queue, pthread_barrier_t *barrier)
{
	struct sigaction tell = {.sa_handler = tell_and_exit}, before;

	init_barrier(barrier, crew->run);
	prepare(crew, queue, barrier);
	running = crew;
	sigaction(SIGTERM, &tell, &before);
	if (crew->run->queue->can & BENCH_PROCESSES)
		crew_run_processes(crew);
	else
		run_threads(crew);
	sigaction(SIGTERM, &before, NULL);
	pthread_barrier_destroy(barrier);
}

static void run_on_queue(struct crew *crew)
{
	const struct bench_run *run = crew->run;
	struct bench_shape shape = {.capacity = run->point.capacity,
	                            .item_size = run->point.item_size,
	                            .consumers = run->point.consumers,
	                            .bulk = run->point.bulk};
	pthread_barrier_t *barrier = common_alloc(1, sizeof(*barrier));
	void *queue;
	int error;

	crew->threads = common_alloc(shape.consumers + 1, sizeof(*crew->threads));
	error = barrier && crew->threads ? run->queue->create(&queue, &shape) : -ENOMEM;
	if (error) {
		bench_void(crew->result, "create: %s", strerror(-error));
	} else {
		run_all(crew, queue, barrier);
		run->queue->destroy(queue);
	}
	common_free(crew->threads);
	common_free(barrier);
}

void crew_run(struct crew *crew)
{
	if (crew->is_rehearsal || rehearse(crew->run, crew->result))
		run_on_queue(crew);
}
