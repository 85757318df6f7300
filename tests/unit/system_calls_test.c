/*
 * A try_ call makes no system call but to wake a thread. On a queue with no_membarrier no call
 * makes a membarrier. A filter of the kernel (seccomp) stops any other system call, and its number
 * is shown. Linux only.
 */
#define _GNU_SOURCE
#include "support/fixture.h"
#include "support/worker.h"
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONG_ENOUGH_TO_LEAD = 20000, LAPS = 1000 };

static bool is_stopped_on_purpose;

static void on_stopped_call(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (is_stopped_on_purpose)
		_exit(0);
	check_failed(__FILE__, __LINE__, "a system call", "number %d was made", info->si_syscall);
}

static void install(const struct sock_fprog *program)
{
	struct sigaction action = {.sa_sigaction = on_stopped_call, .sa_flags = SA_SIGINFO};

	sigaction(SIGSYS, &action, NULL);
	if (CHECK_SANITIZED)
		check_skip("sanitizers make system calls of their own");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) != 0)
		check_skip("system calls cannot be filtered here");
}

/* The low half of an argument of 64 bits. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ARGUMENT(i) (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (i) + 4)
#else
#define ARGUMENT(i) (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (i))
#endif

#define STOP BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define LOAD_NUMBER LOAD((uint32_t)offsetof(struct seccomp_data, nr))
/* The next statement is for this number only. */
#define IF(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1)

#ifdef SYS_futex
#define FUTEX SYS_futex
#else
#define FUTEX SYS_futex_time64
#endif

/* From here on the calling thread may make system calls only to wake others, to end, and to report
 * a failure. */
static void allow_waking_only(void)
{
	struct sock_filter filter[] = {
	        LOAD_NUMBER,
	        IF(SYS_write),
	        ALLOW,
	        IF(SYS_exit_group),
	        ALLOW,
	        IF(SYS_exit),
	        ALLOW,
	        IF(SYS_rt_sigprocmask),
	        ALLOW,
	        IF(SYS_madvise),
	        ALLOW,
	        IF(SYS_munmap),
	        ALLOW,
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX, 1, 0),
	        STOP,
	        LOAD(ARGUMENT(1)),
	        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (uint32_t)FUTEX_CMD_MASK),
	        IF(FUTEX_WAKE),
	        ALLOW,
	        STOP,
	};

	install(&(struct sock_fprog){sizeof(filter) / sizeof(filter[0]), filter});
}

static void allow_all_but_membarrier(void)
{
	struct sock_filter filter[] = {
	        LOAD_NUMBER,
	        IF(SYS_membarrier),
	        STOP,
	        ALLOW,
	};

	install(&(struct sock_fprog){sizeof(filter) / sizeof(filter[0]), filter});
}

static void stream(struct spmcq *q)
{
	for (uint32_t n = 0; n < LONG_ENOUGH_TO_LEAD; n++) {
		RETURNS(0, spmcq_put(q, &n));
		RETURNS(0, spmcq_get(q, &(uint32_t){0}));
		RETURNS(0, spmcq_task_done(q));
	}
}

/* --- try_ calls --- */

static void try_everything(struct spmcq *q)
{
	uint32_t numbers[8] = {0};

	for (int lap = 0; lap < LAPS; lap++) {
		put_numbers(q, 1, 3);
		RETURNS(1, spmcq_try_put_many(q, numbers, 2));
		RETURNS(-EAGAIN, spmcq_try_put(q, numbers));
		RETURNS(-EAGAIN, spmcq_try_put_many(q, numbers, 2));
		COUNTS(4, spmcq_size(q));
		get_numbers(q, 1, 2);
		RETURNS(2, spmcq_try_get_many(q, numbers, 8));
		RETURNS(-EAGAIN, spmcq_try_get(q, numbers));
		RETURNS(-EAGAIN, spmcq_try_get_many(q, numbers, 8));
		RETURNS(0, spmcq_task_done(q));
		RETURNS(0, spmcq_task_done_many(q, 3));
		COUNTS(0, spmcq_unfinished(q));
	}
}

static void try_from_the_beginning(void *q)
{
	allow_waking_only();
	try_everything(q);
}

static void try_calls_make_no_system_call(void)
{
	struct spmcq *q = queue_of(4);
	struct worker worker;

	worker_start(&worker, try_from_the_beginning, q);
	worker_join(&worker);
	queue_free(q);
}

static void stream_and_try(void *q)
{
	stream(q);
	/* The first one may have to end a lead. */
	RETURNS(-EAGAIN, spmcq_try_get(q, &(uint32_t){0}));
	allow_waking_only();
	try_everything(q);
}

static void try_calls_after_a_stream_make_no_system_call_but_the_first(void)
{
	struct spmcq *q = queue_of(4);
	struct worker worker;

	worker_start(&worker, stream_and_try, q);
	worker_join(&worker);
	queue_free(q);
}

static void get_two(void *q)
{
	RETURNS(0, spmcq_get(q, &(uint32_t){0}));
	RETURNS(0, spmcq_get(q, &(uint32_t){0}));
}

static void try_to_put_two(void *q)
{
	allow_waking_only();
	put_numbers(q, 1, 2);
}

static void a_try_put_makes_no_system_call_but_to_wake(void)
{
	struct spmcq *q = queue_of(4);
	struct worker consumer, producer;

	worker_start(&consumer, get_two, q);
	worker_await_sleep(&consumer);
	worker_start(&producer, try_to_put_two, q);
	worker_join(&producer);
	worker_join(&consumer);
	COUNTS(2, stats_of(q).got);
	queue_free(q);
}

static void put_one(void *q)
{
	RETURNS(0, spmcq_put(q, &(uint32_t){5}));
}

static void try_to_get_one(void *q)
{
	allow_waking_only();
	RETURNS(0, spmcq_try_get(q, &(uint32_t){0}));
}

static void a_try_get_makes_no_system_call_but_to_wake(void)
{
	struct spmcq *q = queue_of(1);
	struct worker consumer, producer;

	put_numbers(q, 4, 1);
	RETURNS(0, spmcq_release_producer(q));
	worker_start(&producer, put_one, q);
	worker_await_sleep(&producer);
	worker_start(&consumer, try_to_get_one, q);
	worker_join(&consumer);
	worker_join(&producer);
	get_numbers(q, 5, 1);
	queue_free(q);
}

/* --- membarrier --- */

static void get_all(void *q)
{
	while (spmcq_get(q, &(uint32_t){0}) == 0)
		RETURNS(0, spmcq_task_done(q));
}

/* All that may fence, from create on. */
static void use_a_queue(bool no_membarrier)
{
	struct spmcq_options options = {.no_membarrier = no_membarrier};
	struct timespec past = {0, 0};
	struct worker workers[2];
	struct spmcq *q = NULL;

	allow_all_but_membarrier();
	RETURNS(0, spmcq_create(&q, 8, sizeof(uint32_t), &options));
	stream(q);
	put_numbers(q, 1, 2);
	RETURNS(0, spmcq_get(q, &(uint32_t){0}));
	RETURNS(-ETIMEDOUT, spmcq_join_until(q, &past));
	RETURNS(-ERANGE, spmcq_task_done_many(q, 2));
	RETURNS(0, spmcq_task_done(q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_start(&workers[i], get_all, q);
	for (uint32_t n = 0; n < LONG_ENOUGH_TO_LEAD; n++)
		RETURNS(0, spmcq_put(q, &n));
	RETURNS(0, spmcq_join(q));
	COUNTS(0, spmcq_unfinished(q));
	RETURNS(-EAGAIN, spmcq_try_get(q, &(uint32_t){0}));
	RETURNS(0, spmcq_shutdown(q));
	RETURNS(0, spmcq_shutdown_now(q));
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		worker_join(&workers[i]);
	COUNTS(2 + 2 * LONG_ENOUGH_TO_LEAD, stats_of(q).done);
	queue_free(q);
}

static void a_queue_without_membarrier_never_calls_it(void)
{
	use_a_queue(true);
}

static void the_test_sees_a_membarrier(void)
{
#ifdef SPMCQ_GATE_SEMAPHORE
	check_skip("there are no fences without Linux' calls");
#endif
	is_stopped_on_purpose = true;
	use_a_queue(false);
	CHECK(false, "no call was seen, and create asks at least whether there is one");
}

int main(void)
{
	RUN(try_calls_make_no_system_call);
	RUN(try_calls_after_a_stream_make_no_system_call_but_the_first);
	RUN(a_try_put_makes_no_system_call_but_to_wake);
	RUN(a_try_get_makes_no_system_call_but_to_wake);
	RUN(a_queue_without_membarrier_never_calls_it);
	RUN(the_test_sees_a_membarrier);
	return check_finish();
}
