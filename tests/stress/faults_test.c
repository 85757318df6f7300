/*
 * What a system may do to a program: system calls that fail or return for no reason, forks, threads
 * that are cancelled or end, the greatest times, far more threads than cores, one core.
 *
 * The library's system calls go through __wrap_syscall() (see meson.build), which fails some.
 */
#define _GNU_SOURCE
#include "support/chance.h"
#include "support/fixture.h"
#include "support/worker.h"
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- system calls that fail --- */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static _Atomic int wait_error; /* a wait fails with it; 0: it does not; -1: it returns at once */
static _Atomic uint64_t wait_odds; /* one wait in so many, by turns; 0: none */
static _Atomic uint64_t waits;
static _Atomic size_t faults;
static _Atomic bool no_membarrier;

static bool is_wait(long number, long operation)
{
	bool futex = number == SYS_futex;

#ifdef SYS_futex_time64
	futex = futex || number == SYS_futex_time64;
#endif
	return futex && (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

long __wrap_syscall(long number, ...)
{
	uint64_t odds = atomic_load(&wait_odds);
	/* The library makes two calls, of three arguments and of six. */
	size_t arguments = number == SYS_membarrier ? 3 : 6;
	long a[6] = {0};
	va_list list;

	va_start(list, number);
	for (size_t i = 0; i < arguments; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (odds && is_wait(number, a[1]) && atomic_fetch_add(&waits, 1) % odds == 0) {
		int error = atomic_load(&wait_error);

		atomic_fetch_add(&faults, 1);
		errno = error > 0 ? error : 0;
		return error > 0 ? -1 : 0;
	}
	if (number == SYS_membarrier && atomic_load(&no_membarrier)) {
		atomic_fetch_add(&faults, 1);
		errno = ENOSYS;
		return -1;
	}
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void skip_without_futex(void)
{
#ifdef SPMCQ_GATE_SEMAPHORE
	check_skip("the gate makes no system calls itself");
#endif
}

/* --- an exchange of numbers, each of which must come out once --- */

enum { THREADS_MAX = 128, NUMBERS = 1 << 15 };

struct exchange {
	struct spmcq *q;
	uint32_t numbers;
	bool pauses; /* so that everybody has to wait now and then */
	uint64_t seed;
	_Atomic uint64_t streams;
	_Atomic unsigned char times[NUMBERS];
};

static void get_all(void *arg)
{
	struct exchange *exchange = arg;
	struct chance chance =
	        chance_stream(exchange->seed, atomic_fetch_add(&exchange->streams, 1));
	uint32_t numbers[4];
	ssize_t n;

	while ((n = spmcq_get_many(exchange->q, numbers, 1 + chance_below(&chance, 4))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			atomic_fetch_add(&exchange->times[numbers[i]], 1);
		if (exchange->pauses)
			chance_pause(&chance);
		RETURNS(0, spmcq_task_done_many(exchange->q, (size_t)n));
	}
	RETURNS(-ESHUTDOWN, n);
}

/* The calling thread puts and joins. */
static void exchange_numbers(size_t capacity, size_t consumers, uint32_t numbers, bool pauses)
{
	static struct exchange exchange;
	static struct worker workers[THREADS_MAX];
	struct chance chance = chance_stream(chance_seed(), capacity);

	check_doing("capacity %zu, %zu consumers, %u numbers", capacity, consumers, numbers);
	memset(&exchange, 0, sizeof(exchange));
	exchange.q = queue_of(capacity);
	exchange.numbers = numbers;
	exchange.pauses = pauses;
	exchange.seed = chance_next(&chance);
	for (size_t i = 0; i < consumers; i++)
		worker_start(&workers[i], get_all, &exchange);
	for (uint32_t n = 0; n < numbers; n++) {
		RETURNS(0, spmcq_put(exchange.q, &n));
		if (pauses)
			chance_pause(&chance);
		if (n % 100 == 99) {
			RETURNS(0, spmcq_join(exchange.q));
			COUNTS(0, spmcq_unfinished(exchange.q));
		}
	}
	RETURNS(0, spmcq_join(exchange.q));
	for (uint32_t n = 0; n < numbers; n++)
		CHECK(exchange.times[n] == 1, "number %u was got %d times", n, exchange.times[n]);
	RETURNS(0, spmcq_shutdown(exchange.q));
	for (size_t i = 0; i < consumers; i++)
		worker_join(&workers[i]);
	queue_free(exchange.q);
}

static void exchange_with_failing_waits(int error, uint64_t odds)
{
	skip_without_futex();
	atomic_store(&wait_error, error);
	atomic_store(&wait_odds, odds);
	exchange_numbers(2, 3, 2000, true);
	CHECK(atomic_load(&faults) > 0, "no wait was made to fail");
}

static void waits_that_return_for_no_reason_do_no_harm(void)
{
	exchange_with_failing_waits(-1, 2);
	exchange_with_failing_waits(-1, 1);
}

static void waits_that_fail_in_unheard_of_ways_do_no_harm(void)
{
	static const int errors[] = {ENOSYS, EPERM, EINVAL, ENOMEM, EFAULT, EIO};

	for (size_t i = 0; i < COUNT_OF(errors); i++)
		exchange_with_failing_waits(errors[i], 1 + i % 2);
}

static void a_system_without_membarrier_will_do(void)
{
	skip_without_futex();
	atomic_store(&no_membarrier, true);
	exchange_numbers(4, 3, 5000, true);
	CHECK(atomic_load(&faults) > 0, "membarrier was not asked for");
}

/* What is asked for at create, and refused from then on. */
static void lose_membarrier(void)
{
	struct spmcq *q = queue_at(8, 8, 0);
	uint64_t number = 0;

	close(STDERR_FILENO);
	for (int i = 0; i < 20000; i++) {
		RETURNS(0, spmcq_put(q, &number));
		RETURNS(0, spmcq_get(q, &number));
	}
	atomic_store(&no_membarrier, true);
	spmcq_try_get(q, &number);
	/* Where nobody leads only reports need fences. */
	spmcq_task_done_many(q, 20001);
}

static void a_membarrier_that_is_lost_ends_the_process(void)
{
	pid_t child;
	int status;

	skip_without_futex();
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0)
		check_skip("there is no membarrier here");
	child = fork();
	if (child == 0) {
		lose_membarrier();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child, "the child was lost");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %d", status);
}

/* --- fork --- */

static void get_one(void *arg)
{
	uint32_t number;

	RETURNS(0, spmcq_get(arg, &number));
	RETURNS(0, spmcq_task_done(arg));
}

/* What a forked child does with its copy of the queue. If the child fails, the frame of the test
 * ends it. */
static void use_copy(struct spmcq *q)
{
	struct spmcq_stats before = stats_of(q);

	get_numbers(q, 5, 2);
	put_numbers(q, 7, 1);
	get_numbers(q, 7, 1);
	RETURNS(0, spmcq_task_done_many(q, 3));
	RETURNS(0, spmcq_join(q));
	COUNTS(before.got + 3, stats_of(q).got);
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(-ESHUTDOWN, spmcq_get(q, &(uint32_t){0}));
	queue_free(q);
}

static void expect_good_end(pid_t child)
{
	int status;

	CHECK(child > 0, "fork: %s", strerror(errno));
	CHECK(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %x",
	      (unsigned)status);
}

static void a_forked_child_may_use_its_copy(void)
{
	struct spmcq *q = queue_of(4);
	pid_t child;

	put_numbers(q, 5, 2);
	child = fork();
	if (child == 0) {
		use_copy(q);
		_exit(0);
	}
	expect_good_end(child);
	COUNTS(2, spmcq_size(q));
	use_copy(q);
}

static void a_fork_while_others_are_blocked_harms_nobody_here(void)
{
	struct spmcq *q = queue_of(4);
	struct worker workers[2];
	pid_t child;

	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], get_one, q);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_await_sleep(&workers[i]);
	child = fork();
	if (child == 0)
		_exit(0);
	expect_good_end(child);
	put_numbers(q, 1, 2);
	RETURNS(0, spmcq_join(q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	queue_free(q);
}

/* --- threads that are cancelled, or end --- */

struct victim {
	struct spmcq *q;
	_Atomic size_t got;
};

static void get_then_die(void *arg)
{
	struct victim *victim = arg;
	/* Not on the stack: gcc's address sanitizer guards it there beyond the thread's end. */
	static _Thread_local uint32_t number;

	RETURNS(0, spmcq_get(victim->q, &number));
	atomic_fetch_add(&victim->got, 1);
	pthread_testcancel();
	check_failed(__FILE__, __LINE__, "get_then_die", "not cancelled after the call");
}

/* A call is not a cancellation point: it ends, and the thread is cancelled at the next point. */
static void a_cancelled_thread_finishes_its_call_first(void)
{
	struct victim victim = {.q = queue_of(4)};
	struct worker workers[3];

	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], get_then_die, &victim);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_await_sleep(&workers[i]);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		pthread_cancel(workers[i].thread);
	put_numbers(victim.q, 1, COUNT_OF(workers));
	await_count(&victim.got, COUNT_OF(workers), "items got by cancelled threads");
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	RETURNS(0, spmcq_task_done_many(victim.q, COUNT_OF(workers)));
	RETURNS(0, spmcq_join(victim.q));
	queue_free(victim.q);
}

static void get_and_end(void *arg)
{
	RETURNS(0, spmcq_get(arg, &(uint32_t){0}));
}

/* More threads than there are cells to count in, one after the other and all at once. */
static void items_of_ended_threads_can_be_reported_by_others(void)
{
	static struct worker workers[300];
	struct spmcq *q = queue_of(COUNT_OF(workers));

	for (size_t together = 0; together < 2; together++) {
		put_numbers(q, 0, COUNT_OF(workers));
		for (size_t i = 0; i < COUNT_OF(workers); i++) {
			worker_start(&workers[i], get_and_end, q);
			if (!together)
				worker_join(&workers[i]);
		}
		for (size_t i = 0; together && i < COUNT_OF(workers); i++)
			worker_join(&workers[i]);
		COUNTS(COUNT_OF(workers), spmcq_unfinished(q));
		RETURNS(0, spmcq_task_done_many(q, COUNT_OF(workers)));
		RETURNS(0, spmcq_join(q));
	}
	RETURNS(-ERANGE, spmcq_task_done(q));
	queue_free(q);
}

/* --- the end of time --- */

struct waiting {
	struct spmcq *q;
	struct timespec deadline;
};

static void get_until(void *arg)
{
	struct waiting *waiting = arg;

	RETURNS(0, spmcq_get_until(waiting->q, &(uint32_t){0}, &waiting->deadline));
}

static void put_until(void *arg)
{
	struct waiting *waiting = arg;

	RETURNS(0, spmcq_put_until(waiting->q, &(uint32_t){3}, &waiting->deadline));
	RETURNS(0, spmcq_release_producer(waiting->q));
}

static void join_until(void *arg)
{
	struct waiting *waiting = arg;

	RETURNS(0, spmcq_join_until(waiting->q, &waiting->deadline));
}

static void wait_for_what_comes(struct timespec deadline)
{
	struct waiting waiting = {.q = queue_of(1), .deadline = deadline};
	struct worker worker;

	check_doing("a deadline at %lld s", (long long)deadline.tv_sec);
	worker_start(&worker, get_until, &waiting);
	worker_await_sleep(&worker);
	put_numbers(waiting.q, 1, 1);
	worker_join(&worker);
	put_numbers(waiting.q, 2, 1);
	RETURNS(0, spmcq_release_producer(waiting.q));
	worker_start(&worker, put_until, &waiting);
	worker_await_sleep(&worker);
	get_numbers(waiting.q, 2, 1);
	worker_join(&worker);
	worker_start(&worker, join_until, &waiting);
	worker_await_sleep(&worker);
	get_numbers(waiting.q, 3, 1);
	RETURNS(0, spmcq_task_done_many(waiting.q, 3));
	worker_join(&worker);
	queue_free(waiting.q);
}

static void deadlines_at_the_end_of_time_are_far_away(void)
{
	const int bits = (int)sizeof(time_t) * 8;
	time_t last = (time_t)(~UINT64_C(0) >> (65 - bits));

	wait_for_what_comes((struct timespec){last, 999999999});
	wait_for_what_comes((struct timespec){last - 1, 0});
	wait_for_what_comes((struct timespec){last / 2, 1});
	wait_for_what_comes(spmcq_after(1e30));
	wait_for_what_comes(spmcq_after((double)INFINITY));
}

static void deadlines_before_the_beginning_of_time_have_passed(void)
{
	struct timespec past = {-1, 999999999};
	struct spmcq *q = queue_of(1);

	RETURNS(-ETIMEDOUT, spmcq_get_until(q, &(uint32_t){0}, &past));
	RETURNS(0, spmcq_put_until(q, &(uint32_t){1}, &past));
	RETURNS(-ETIMEDOUT, spmcq_put_until(q, &(uint32_t){1}, &past));
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
	queue_free(q);
}

/* --- the rest --- */

static void a_queue_can_be_destroyed_at_every_fill(void)
{
	for (size_t capacity = 1; capacity <= 9; capacity++)
		for (uint32_t passed = 0; passed <= capacity; passed++)
			for (uint32_t fill = 0; fill <= capacity; fill++) {
				struct spmcq *q = queue_at(capacity, sizeof(uint32_t),
				                           (UINT64_C(1) << 63) - 4);

				check_doing("capacity %zu, %u passed, %u inside", capacity, passed,
				            fill);
				put_numbers(q, 0, passed);
				get_numbers(q, 0, passed);
				put_numbers(q, 0, fill);
				COUNTS(fill, spmcq_size(q));
				queue_free(q);
			}
}

static void thirty_two_times_as_many_threads_as_cores_get_through(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t threads = cores > 0 && cores < THREADS_MAX / 32 ? 32 * (size_t)cores : THREADS_MAX;

	exchange_numbers(1, threads, 5000, false);
	exchange_numbers(64, threads, NUMBERS, false);
}

static void one_core_is_enough(void)
{
	cpu_set_t cores;
	int core = sched_getcpu();

	CPU_ZERO(&cores);
	CPU_SET((size_t)(core > 0 ? core : 0), &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) != 0)
		check_skip("the cores to run on cannot be chosen here");
	exchange_numbers(1, 3, 5000, false);
	exchange_numbers(8, 5, NUMBERS, false);
	exchange_numbers(4, 3, 2000, true);
}

int main(void)
{
	RUN(waits_that_return_for_no_reason_do_no_harm);
	RUN(waits_that_fail_in_unheard_of_ways_do_no_harm);
	RUN(a_system_without_membarrier_will_do);
	RUN(a_membarrier_that_is_lost_ends_the_process);
	RUN(a_forked_child_may_use_its_copy);
	RUN(a_fork_while_others_are_blocked_harms_nobody_here);
	RUN(a_cancelled_thread_finishes_its_call_first);
	RUN(items_of_ended_threads_can_be_reported_by_others);
	RUN(deadlines_at_the_end_of_time_are_far_away);
	RUN(deadlines_before_the_beginning_of_time_have_passed);
	RUN(a_queue_can_be_destroyed_at_every_fill);
	RUN(thirty_two_times_as_many_threads_as_cores_get_through);
	RUN(one_core_is_enough);
	return check_finish();
}
