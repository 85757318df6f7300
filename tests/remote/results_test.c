/*
 * Each result of each call. Each property has a server of its own.
 */
#include "server.h"

#include "support/check.h"
#include "support/worker.h"

#include <errno.h>
#include <spmcq.h>
#include <spmcq_remote.h>
#include <string.h>

static struct server server;

static struct spmcq_remote *opened(size_t capacity, const struct spmcq_remote_options *options)
{
	struct spmcq_remote *q = NULL;

	RETURNS(0, spmcq_remote_open(&q, server.url, "results", capacity, sizeof(int), options));
	CHECK(q, "open returned 0 and no queue");
	return q;
}

static struct spmcq_remote *started(size_t capacity)
{
	server_start(&server, "");
	return opened(capacity, NULL);
}

static void put_numbers(struct spmcq_remote *q, int first, int n)
{
	for (int i = first; i < first + n; i++)
		RETURNS(0, spmcq_remote_put(q, &i));
}

static void get_numbers(struct spmcq_remote *q, int first, int n)
{
	for (int i = first; i < first + n; i++) {
		int item = -1;

		RETURNS(0, spmcq_remote_get(q, &item));
		CHECK(item == i, "got %d, not %d", item, i);
	}
}

/* The room of a reported item may become free only a moment after task_done has returned. So this
 * tries for a while. */
static int try_put_soon(struct spmcq_remote *q, int item)
{
	int error = -EAGAIN;

	for (int i = 0; i < 100 && (error = spmcq_remote_try_put(q, &item)) == -EAGAIN; i++)
		sleep_ms(1);
	return error;
}

static void bad_arguments_are_refused(void)
{
	struct spmcq_remote *q = started(5), *none = NULL;
	struct timespec bad = {.tv_nsec = 1000000000};
	int item = 0;

	RETURNS(-EINVAL, spmcq_remote_open(NULL, server.url, "a", 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, NULL, "a", 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, "", "a", 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, server.url, NULL, 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, server.url, "", 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, server.url, "a.b", 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, server.url, "*", 1, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, server.url, "a", 0, 4, NULL));
	RETURNS(-EINVAL, spmcq_remote_open(&none, server.url, "a", 1, 0, NULL));
	RETURNS(-EOVERFLOW, spmcq_remote_open(&none, server.url, "a", SIZE_MAX, 4, NULL));
	RETURNS(-EMSGSIZE, spmcq_remote_open(&none, server.url, "a", 1, 2 << 20, NULL));
	CHECK(!none, "an open that failed returned a queue");
	RETURNS(-EINVAL, spmcq_remote_put(NULL, &item));
	RETURNS(-EINVAL, spmcq_remote_put(q, NULL));
	RETURNS(-EINVAL, spmcq_remote_put_many(q, &item, 0));
	RETURNS(-EINVAL, spmcq_remote_put_until(q, &item, &bad));
	RETURNS(-EINVAL, spmcq_remote_get(q, NULL));
	RETURNS(-EINVAL, spmcq_remote_get_many(q, &item, 0));
	RETURNS(-EINVAL, spmcq_remote_get_until(q, &item, &bad));
	RETURNS(-EINVAL, spmcq_remote_task_done_many(q, 0));
	RETURNS(-EINVAL, spmcq_remote_join_until(q, &bad));
	RETURNS(-EINVAL, spmcq_remote_join(NULL));
	RETURNS(-EINVAL, spmcq_remote_shutdown(NULL));
	RETURNS(-EINVAL, spmcq_remote_shutdown_now(NULL));
	RETURNS(-EINVAL, spmcq_remote_size(NULL));
	RETURNS(-EINVAL, spmcq_remote_stats(q, NULL));
	RETURNS(0, spmcq_remote_close(NULL));
	CHECK(strlen(spmcq_remote_reason()) > 0, "no reason is given");
	RETURNS(0, spmcq_remote_size(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void exactly_capacity_items_fit(void)
{
	static const size_t capacities[] = {1, 2, 3, 5, 1000};

	server_start(&server, "");
	for (size_t i = 0; i < sizeof(capacities) / sizeof(*capacities); i++) {
		struct spmcq_remote *q = opened(capacities[i], NULL);
		int items[1001] = {0};

		check_doing("capacity %zu", capacities[i]);
		RETURNS((long long)capacities[i],
		        spmcq_remote_try_put_many(q, items, capacities[i] + 1));
		RETURNS(-EAGAIN, spmcq_remote_try_put_many(q, items, 2));
		RETURNS(-EAGAIN, spmcq_remote_try_put(q, items));
		RETURNS((long long)capacities[i], spmcq_remote_unfinished(q));
		RETURNS((long long)capacities[i], spmcq_remote_capacity(q));
		RETURNS(sizeof(int), spmcq_remote_item_size(q));
		RETURNS(0, spmcq_remote_delete(q));
		RETURNS(0, spmcq_remote_close(q));
	}
}

static void puts_to_a_full_queue_fail_or_time_out(void)
{
	struct spmcq_remote *q = started(3);
	struct timespec soon, past = {.tv_sec = 1};
	int item = 3;

	put_numbers(q, 0, 3);
	RETURNS(-EAGAIN, spmcq_remote_try_put(q, &item));
	RETURNS(-ETIMEDOUT, spmcq_remote_put_until(q, &item, &past));
	double since = seconds_now();
	soon = spmcq_after(0.1);
	RETURNS(-ETIMEDOUT, spmcq_remote_put_until(q, &item, &soon));
	CHECK(seconds_now() - since >= 0.1 && seconds_now() - since < 1, "the call took %.3f s",
	      seconds_now() - since);
	get_numbers(q, 0, 1);
	/* Items that are got but not reported count, too. */
	RETURNS(-EAGAIN, spmcq_remote_try_put(q, &item));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, try_put_soon(q, 3));
	get_numbers(q, 1, 3);
	RETURNS(0, spmcq_remote_close(q));
}

static void gets_from_an_empty_queue_fail_or_time_out(void)
{
	struct spmcq_remote *q = started(3);
	struct timespec soon = spmcq_after(0.1), past = {.tv_sec = 1};
	int items[2] = {-1, -1};
	double since = seconds_now();

	RETURNS(-ETIMEDOUT, spmcq_remote_get_until(q, items, &soon));
	CHECK(seconds_now() - since >= 0.1 && seconds_now() - since < 1, "the call took %.3f s",
	      seconds_now() - since);
	RETURNS(-EAGAIN, spmcq_remote_try_get(q, items));
	RETURNS(-EAGAIN, spmcq_remote_try_get_many(q, items, 2));
	RETURNS(-ETIMEDOUT, spmcq_remote_get_until(q, items, &past));
	soon = spmcq_after(0.1);
	RETURNS(-ETIMEDOUT, spmcq_remote_get_many_until(q, items, 2, &soon));
	CHECK(items[0] == -1 && items[1] == -1, "a get that failed wrote to the item");
	put_numbers(q, 7, 1);
	RETURNS(1, spmcq_remote_try_get_many(q, items, 2));
	CHECK(items[0] == 7, "got %d", items[0]);
	RETURNS(0, spmcq_remote_close(q));
}

static void items_come_in_order_whole_and_in_runs(void)
{
	struct spmcq_remote *q = started(5000);
	int items[3000], got = 0;

	for (int i = 0; i < 3000; i++)
		items[i] = i;
	RETURNS(3000, spmcq_remote_put_many(q, items, 3000));
	memset(items, 0, sizeof(items));
	while (got < 3000) {
		ssize_t n = spmcq_remote_get_many(q, items, 700);

		CHECK(n > 0 && n <= 700, "get_many: %zd", n);
		for (ssize_t i = 0; i < n; i++, got++)
			CHECK(items[i] == got, "got %d, not %d", items[i], got);
	}
	RETURNS(0, spmcq_remote_size(q));
	RETURNS(3000, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_task_done_many(q, 3000));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void more_reports_than_items_are_refused(void)
{
	struct spmcq_remote *q = started(5);

	RETURNS(-ERANGE, spmcq_remote_task_done(q));
	put_numbers(q, 0, 3);
	RETURNS(-ERANGE, spmcq_remote_task_done(q));
	get_numbers(q, 0, 2);
	RETURNS(-ERANGE, spmcq_remote_task_done_many(q, 3));
	RETURNS(3, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_task_done_many(q, 2));
	RETURNS(-ERANGE, spmcq_remote_task_done(q));
	RETURNS(-ERANGE, spmcq_remote_deliveries(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void what_was_reported_is_no_longer_unfinished(void)
{
	struct spmcq_remote *q = started(5);

	for (int i = 0; i < 300; i++) {
		put_numbers(q, i, 1);
		get_numbers(q, i, 1);
		RETURNS(1, spmcq_remote_unfinished(q));
		RETURNS(0, spmcq_remote_task_done(q));
		RETURNS(0, spmcq_remote_unfinished(q));
	}
	RETURNS(0, spmcq_remote_close(q));
}

static void join_waits_for_the_last_report(void)
{
	struct spmcq_remote *q = started(5);
	struct timespec soon = spmcq_after(0.1);

	RETURNS(0, spmcq_remote_join(q));
	put_numbers(q, 0, 2);
	RETURNS(-ETIMEDOUT, spmcq_remote_join_until(q, &soon));
	get_numbers(q, 0, 2);
	RETURNS(0, spmcq_remote_task_done(q));
	soon = spmcq_after(0.1);
	RETURNS(-ETIMEDOUT, spmcq_remote_join_until(q, &soon));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void after_shutdown_puts_fail_and_gets_drain(void)
{
	struct spmcq_remote *q = started(5), *other = opened(5, NULL), *late;
	int item = 9, items[5];

	put_numbers(q, 0, 5);
	RETURNS(0, spmcq_remote_is_shutdown(other));
	RETURNS(0, spmcq_remote_shutdown(other)); /* shutdown needs no room: the queue is full */
	RETURNS(0, spmcq_remote_shutdown(q));
	RETURNS(1, spmcq_remote_is_shutdown(q));
	RETURNS(-ESHUTDOWN, spmcq_remote_put(q, &item));
	RETURNS(-ESHUTDOWN, spmcq_remote_try_put(q, &item));
	RETURNS(-ESHUTDOWN, spmcq_remote_put_many(other, &item, 1));
	late = opened(5, NULL);
	RETURNS(-ESHUTDOWN, spmcq_remote_put(late, &item));
	RETURNS(5, spmcq_remote_get_many(late, items, 5));
	/* Items that are held may still come again. */
	RETURNS(-EAGAIN, spmcq_remote_try_get(q, &item));
	RETURNS(-ESHUTDOWN, spmcq_remote_get(late, &item));
	RETURNS(0, spmcq_remote_task_done_many(late, 5));
	RETURNS(-ESHUTDOWN, spmcq_remote_try_get(q, &item));
	RETURNS(-ESHUTDOWN, spmcq_remote_get(q, &item));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(late));
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
}

static void shutdown_now_discards_what_is_queued_and_not_what_is_held(void)
{
	struct spmcq_remote *q = started(3000), *other = opened(3000, NULL);
	struct timespec soon;
	int items[2500] = {0}, item;

	RETURNS(2500, spmcq_remote_put_many(q, items, 2500));
	RETURNS(3, spmcq_remote_get_many(other, items, 3));
	RETURNS(0, spmcq_remote_get(q, &item)); /* held by the thread that discards */
	RETURNS(0, spmcq_remote_shutdown_now(q));
	RETURNS(1, spmcq_remote_is_shutdown(other));
	RETURNS(0, spmcq_remote_size(q));
	RETURNS(4, spmcq_remote_unfinished(q));
	RETURNS(1, spmcq_remote_held(q));
	RETURNS(-ESHUTDOWN, spmcq_remote_put(q, &item));
	/* Items that are held may still come again. */
	RETURNS(-EAGAIN, spmcq_remote_try_get(q, &item));
	RETURNS(0, spmcq_remote_shutdown_now(other));
	soon = spmcq_after(0.1);
	RETURNS(-ETIMEDOUT, spmcq_remote_join_until(q, &soon));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_task_done_many(other, 2));
	RETURNS(0, spmcq_remote_close(other)); /* gives the last item that it holds back */
	RETURNS(0, spmcq_remote_get(q, &item));
	RETURNS(2, spmcq_remote_deliveries(q));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(-ESHUTDOWN, spmcq_remote_get(q, &item));
	RETURNS(0, spmcq_remote_shutdown_now(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void shutdown_now_is_not_held_up_by_a_limit(void)
{
	struct spmcq_remote_options options = {.max_unacknowledged = 2};
	struct spmcq_remote *q;
	int item;

	server_start(&server, "");
	q = opened(10, &options);
	put_numbers(q, 0, 10);
	get_numbers(q, 0, 2);
	RETURNS(-EAGAIN, spmcq_remote_try_get(q, &item));
	RETURNS(0, spmcq_remote_shutdown_now(q));
	RETURNS(2, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_task_done_many(q, 2));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static struct spmcq_remote *waiting;

static void get_shut_down(void *arg)
{
	int item;

	(void)arg;
	RETURNS(-ESHUTDOWN, spmcq_remote_get(waiting, &item));
}

static void put_shut_down(void *arg)
{
	int item = 1;

	(void)arg;
	RETURNS(0, spmcq_remote_put(waiting, &item));
	RETURNS(-ESHUTDOWN, spmcq_remote_put(waiting, &item));
}

static void shutdown_wakes_waiting_threads(void)
{
	struct worker getter, putter;
	double since;

	waiting = started(1);
	worker_start(&getter, get_shut_down, NULL);
	sleep_ms(200);
	since = seconds_now();
	RETURNS(-EBUSY, spmcq_remote_close(waiting));
	RETURNS(0, spmcq_remote_shutdown(waiting));
	worker_join(&getter);
	CHECK(seconds_now() - since < 1, "it took %.3f s", seconds_now() - since);
	RETURNS(0, spmcq_remote_delete(waiting));
	RETURNS(0, spmcq_remote_close(waiting));
	waiting = opened(1, NULL);
	worker_start(&putter, put_shut_down, NULL);
	sleep_ms(200);
	RETURNS(0, spmcq_remote_shutdown(waiting));
	worker_join(&putter);
	RETURNS(1, spmcq_remote_unfinished(waiting));
	RETURNS(0, spmcq_remote_close(waiting));
}

static void put_refused(void *arg)
{
	int item = 1;

	RETURNS(-EPERM, spmcq_remote_put(arg, &item));
	RETURNS(-EPERM, spmcq_remote_release_producer(arg));
}

static void put_taken(void *arg)
{
	int item = 1;

	RETURNS(0, spmcq_remote_put(arg, &item));
}

static void only_one_thread_is_the_producer(void)
{
	struct spmcq_remote *q = started(10), *other = opened(10, NULL);
	struct worker worker;
	int item = 0;

	put_numbers(q, 0, 1);
	worker_start(&worker, put_refused, q);
	worker_join(&worker);
	RETURNS(-EPERM, spmcq_remote_put(other, &item));
	RETURNS(0, spmcq_remote_release_producer(q));
	RETURNS(0, spmcq_remote_put(other, &item));
	RETURNS(-EPERM, spmcq_remote_put(q, &item));
	RETURNS(0, spmcq_remote_take_producer(q));
	RETURNS(0, spmcq_remote_put(q, &item));
	RETURNS(-EPERM, spmcq_remote_put(other, &item));
	RETURNS(3, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_close(q)); /* ends its lease */
	RETURNS(0, spmcq_remote_release_producer(other));
	worker_start(&worker, put_taken, other);
	worker_join(&worker);
	RETURNS(4, spmcq_remote_unfinished(other));
	RETURNS(0, spmcq_remote_close(other));
}

static void a_queue_opens_only_as_it_was_made(void)
{
	struct spmcq_remote_options exists = {.must_exist = true};
	struct spmcq_remote *q = NULL, *other = NULL;
	int item = 0;

	server_start(&server, "");
	RETURNS(-ENOENT, spmcq_remote_open(&q, server.url, "results", 5, sizeof(int), &exists));
	q = opened(5, NULL);
	RETURNS(-EEXIST, spmcq_remote_open(&other, server.url, "results", 6, sizeof(int), NULL));
	RETURNS(-EEXIST, spmcq_remote_open(&other, server.url, "results", 5, 8, NULL));
	other = opened(5, &exists);
	put_numbers(q, 0, 1);
	RETURNS(0, spmcq_remote_close(q));
	get_numbers(other, 0, 1);
	RETURNS(0, spmcq_remote_delete(other));
	RETURNS(-ENOENT, spmcq_remote_get(other, &item));
	RETURNS(-ENOENT, spmcq_remote_join(other));
	RETURNS(0, spmcq_remote_close(other));
}

static void get_one_and_end(void *arg)
{
	int item;

	RETURNS(0, spmcq_remote_get(arg, &item));
	CHECK(item == 0, "got %d", item);
	RETURNS(1, spmcq_remote_deliveries(arg));
}

static void items_held_by_an_ended_thread_or_handle_come_again(void)
{
	struct spmcq_remote *q = started(5), *other = opened(5, NULL);
	struct worker worker;

	put_numbers(q, 0, 1);
	worker_start(&worker, get_one_and_end, q);
	worker_join(&worker);
	get_numbers(other, 0, 1);
	RETURNS(2, spmcq_remote_deliveries(other));
	RETURNS(0, spmcq_remote_close(other));
	get_numbers(q, 0, 1);
	RETURNS(3, spmcq_remote_deliveries(q));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void plain_text_stays_on_this_machine(void)
{
	static const char *const elsewhere[] = {
	        "nats://192.0.2.1:4222",
	        "nats://127.0.0.1.example:4222",
	        "192.0.2.1",
	        "nats://localhost:4222,nats://192.0.2.1:4222",
	        "nats://127.0.0.1@192.0.2.1",
	        "nats://[2001:db8::1]:4222",
	        "nats://user:127.0.0.1@[::2]:4222",
	};
	struct spmcq_remote_options allowed = {.allow_plain_text_to_other_machines = true,
	                                       .answer_ms = 200};
	struct spmcq_remote *q = NULL;

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
		check_doing("%s", elsewhere[i]);
		RETURNS(-EPERM, spmcq_remote_open(&q, elsewhere[i], "a", 1, 1, NULL));
	}
	RETURNS(-ENOTCONN, spmcq_remote_open(&q, "nats://[::1]:1", "a", 1, 1, NULL));
	RETURNS(-ENOTCONN, spmcq_remote_open(&q, elsewhere[0], "a", 1, 1, &allowed));
}

int main(int argc, char **argv)
{
	remote_begin(argc, argv, NULL);
	RUN(bad_arguments_are_refused);
	RUN(exactly_capacity_items_fit);
	RUN(puts_to_a_full_queue_fail_or_time_out);
	RUN(gets_from_an_empty_queue_fail_or_time_out);
	RUN(items_come_in_order_whole_and_in_runs);
	RUN(more_reports_than_items_are_refused);
	RUN(what_was_reported_is_no_longer_unfinished);
	RUN(join_waits_for_the_last_report);
	RUN(after_shutdown_puts_fail_and_gets_drain);
	RUN(shutdown_now_discards_what_is_queued_and_not_what_is_held);
	RUN(shutdown_now_is_not_held_up_by_a_limit);
	RUN(shutdown_wakes_waiting_threads);
	RUN(only_one_thread_is_the_producer);
	RUN(a_queue_opens_only_as_it_was_made);
	RUN(items_held_by_an_ended_thread_or_handle_come_again);
	RUN(plain_text_stays_on_this_machine);
	return remote_finish();
}
