/*
 * The calls that a test can have another process (a puppet, see puppet.h) make: one call of the
 * library each.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

static const struct timespec *deadline_of(const struct call *call, struct timespec *deadline)
{
	*deadline = spmcq_after(call->seconds);
	return call->seconds < 0 ? NULL : deadline;
}

static const item_value *numbered(struct call *call, size_t n)
{
	for (size_t i = 0; i < n && i < ITEMS; i++)
		call->items[i] = call->number + (item_value)i;
	return call->items;
}

long act_create(struct call *call)
{
	return spmcq_shared_create(&puppet_queue, call->capacity, call->item_size, &call->options);
}

long act_admit(struct call *call)
{
	return spmcq_shared_admit(puppet_queue, call->socket);
}

long act_join_queue(struct call *call)
{
	if (puppet_queue)
		return spmcq_shared_rejoin(puppet_queue, call->socket);
	return spmcq_shared_join(&puppet_queue, call->socket, call->item_size);
}

long act_succeed(struct call *call)
{
	return spmcq_shared_succeed(&puppet_queue, call->socket, &call->options);
}

long act_reap(struct call *call)
{
	return spmcq_shared_reap(puppet_queue, call->lost, call->n);
}

long act_put(struct call *call)
{
	return spmcq_put(puppet_queue, numbered(call, 1));
}

long act_try_put(struct call *call)
{
	return spmcq_try_put(puppet_queue, numbered(call, 1));
}

long act_put_until(struct call *call)
{
	struct timespec deadline;

	return spmcq_put_until(puppet_queue, numbered(call, 1), deadline_of(call, &deadline));
}

long act_put_many(struct call *call)
{
	return spmcq_put_many(puppet_queue, numbered(call, call->n), call->n);
}

long act_try_put_many(struct call *call)
{
	return spmcq_try_put_many(puppet_queue, numbered(call, call->n), call->n);
}

long act_put_many_until(struct call *call)
{
	struct timespec deadline;

	return spmcq_put_many_until(puppet_queue, numbered(call, call->n), call->n,
	                            deadline_of(call, &deadline));
}

long act_get(struct call *call)
{
	return spmcq_get(puppet_queue, call->items);
}

long act_try_get(struct call *call)
{
	return spmcq_try_get(puppet_queue, call->items);
}

long act_get_until(struct call *call)
{
	struct timespec deadline;

	return spmcq_get_until(puppet_queue, call->items, deadline_of(call, &deadline));
}

long act_get_many(struct call *call)
{
	return spmcq_get_many(puppet_queue, call->items, call->n);
}

long act_try_get_many(struct call *call)
{
	return spmcq_try_get_many(puppet_queue, call->items, call->n);
}

long act_get_many_until(struct call *call)
{
	struct timespec deadline;

	return spmcq_get_many_until(puppet_queue, call->items, call->n,
	                            deadline_of(call, &deadline));
}

long act_task_done(struct call *call)
{
	(void)call;
	return spmcq_task_done(puppet_queue);
}

long act_task_done_many(struct call *call)
{
	return spmcq_task_done_many(puppet_queue, call->n);
}

long act_join(struct call *call)
{
	(void)call;
	return spmcq_join(puppet_queue);
}

long act_join_until(struct call *call)
{
	struct timespec deadline;

	return spmcq_join_until(puppet_queue, deadline_of(call, &deadline));
}

long act_shutdown(struct call *call)
{
	(void)call;
	return spmcq_shutdown(puppet_queue);
}

long act_shutdown_now(struct call *call)
{
	(void)call;
	return spmcq_shutdown_now(puppet_queue);
}

long act_release(struct call *call)
{
	(void)call;
	return spmcq_release_producer(puppet_queue);
}

long act_take(struct call *call)
{
	(void)call;
	return spmcq_take_producer(puppet_queue);
}

long act_capacity(struct call *call)
{
	(void)call;
	return (long)spmcq_capacity(puppet_queue);
}

long act_item_size(struct call *call)
{
	(void)call;
	return (long)spmcq_item_size(puppet_queue);
}

long act_size(struct call *call)
{
	(void)call;
	return (long)spmcq_size(puppet_queue);
}

long act_unfinished(struct call *call)
{
	(void)call;
	return (long)spmcq_unfinished(puppet_queue);
}

long act_is_shutdown(struct call *call)
{
	(void)call;
	return spmcq_is_shutdown(puppet_queue);
}

long act_stats(struct call *call)
{
	return spmcq_stats(puppet_queue, &call->stats);
}

long act_destroy(struct call *call)
{
	long result = spmcq_destroy(puppet_queue);

	(void)call;
	if (result == 0)
		puppet_queue = NULL;
	return result;
}

long act_nothing(struct call *call)
{
	(void)call;
	return 0;
}

long act_drain(struct call *call)
{
	long n = 0, result;

	while ((result = spmcq_try_get(puppet_queue, &call->items[n])) == 0) {
		result = spmcq_task_done(puppet_queue);
		if (result != 0)
			return result;
		CHECK(++n < ITEMS, "there is no end of items");
	}
	return result == -EAGAIN ? n : result;
}

long act_for_a_while(struct call *call)
{
	struct itimerval end = {.it_value = {0, (suseconds_t)(call->seconds * 1e6)}};
	long result;

	setitimer(ITIMER_REAL, &end, NULL);
	result = call->stepped(call);
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
	return result;
}

/* setresgid() and setresuid() reset two settings of this process: that others may examine it
 * (PR_SET_DUMPABLE), and that it is killed when its parent ends. So both are set again. */
long act_be_nobody(struct call *call)
{
	pid_t parent = getppid();

	(void)call;
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return -errno;
	prctl(PR_SET_DUMPABLE, 1);
	die_with(parent);
	return 0;
}

long act_open_files(struct call *call)
{
	(void)call;
	return (long)open_files();
}
