/*
 * Several items in a message: what of each call differs from one item in a message.
 */
#include "server.h"

#include "support/check.h"
#include "support/worker.h"

#include <errno.h>
#include <limits.h>
#include <nats/nats.h>
#include <spmcq.h>
#include <spmcq_remote.h>
#include <string.h>

static struct server server;

static struct spmcq_remote *opened(size_t capacity, const struct spmcq_remote_options *options)
{
	struct spmcq_remote *q = NULL;

	RETURNS(0, spmcq_remote_open(&q, server.url, "packed", capacity, sizeof(int), options));
	return q;
}

static struct spmcq_remote *started(size_t capacity, unsigned items_per_message)
{
	struct spmcq_remote_options options = {.items_per_message = items_per_message};

	server_start(&server, "");
	return opened(capacity, &options);
}

enum { MOST = 2048 };

static void put_numbers(struct spmcq_remote *q, int first, int n)
{
	int items[MOST];

	for (int i = 0; i < n; i++)
		items[i] = first + i;
	RETURNS(n, spmcq_remote_put_many(q, items, (size_t)n));
}

/* Asks for max items, and must get n, of which the first is `first`. */
static void get_numbers(struct spmcq_remote *q, int max, int first, int n)
{
	int items[MOST];

	RETURNS(n, spmcq_remote_get_many(q, items, (size_t)max));
	for (int i = 0; i < n; i++)
		CHECK(items[i] == first + i, "got %d, not %d", items[i], first + i);
}

/* The server may count a reported message for a moment after task_done has returned. */
static void unfinished_becomes(struct spmcq_remote *q, ssize_t n)
{
	for (int i = 0; i < 100 && spmcq_remote_unfinished(q) > n; i++)
		sleep_ms(1);
	RETURNS(n, spmcq_remote_unfinished(q));
}

static struct spmcq_remote_stats stats_of(struct spmcq_remote *q)
{
	struct spmcq_remote_stats stats;

	RETURNS(0, spmcq_remote_stats(q, &stats));
	return stats;
}

static int try_open(size_t capacity, size_t item_size, unsigned items_per_message)
{
	struct spmcq_remote_options options = {.items_per_message = items_per_message};
	struct spmcq_remote *q = NULL;
	int error = spmcq_remote_open(&q, server.url, "refused", capacity, item_size, &options);

	CHECK(error == 0 || !q, "an open that failed returned a queue");
	if (error == 0)
		RETURNS(0, spmcq_remote_close(q));
	return error;
}

static void numbers_that_cannot_be_are_refused(void)
{
	struct spmcq_remote_options exists = {.must_exist = true};
	struct spmcq_remote *q = NULL;

	server_start(&server, "max_payload: 4096\n");
	RETURNS(-EINVAL, try_open(10, 4, 4));
	RETURNS(-EINVAL, try_open(10, 4, 11));
	RETURNS(-EINVAL, try_open(10, 4, UINT_MAX));
	RETURNS(-EOVERFLOW, try_open(UINT_MAX, 4, UINT_MAX));
	RETURNS(-EMSGSIZE, try_open(1024, 4, 1024)); /* with its headers */
	RETURNS(-ENOENT, spmcq_remote_open(&q, server.url, "refused", 1024, 4, &exists));
	RETURNS(0, try_open(960, 4, 960));
}

/* The server counts the headers of a message, too. */
static void the_largest_message_can_be_put(void)
{
	struct spmcq_remote *q = NULL;
	unsigned n = 1024;

	server_start(&server, "max_payload: 4096\n");
	for (int error = -EMSGSIZE; error; n--) {
		struct spmcq_remote_options options = {.items_per_message = n};

		error = spmcq_remote_open(&q, server.url, "packed", n, 4, &options);
		CHECK(error == 0 || error == -EMSGSIZE, "%u items: %d", n, error);
	}
	n++;
	CHECK(n >= 980, "only %u items of 4 bytes fit in 4096", n);
	put_numbers(q, 0, (int)n);
	get_numbers(q, (int)n, 0, (int)n);
	RETURNS(0, spmcq_remote_close(q));
}

static void check_description(const char *name, const char *wanted)
{
	natsConnection *nats = NULL;
	jsCtx *js = NULL;
	jsStreamInfo *info = NULL;

	RETURNS(NATS_OK, natsConnection_ConnectTo(&nats, server.url));
	RETURNS(NATS_OK, natsConnection_JetStream(&js, nats, NULL));
	RETURNS(NATS_OK, js_GetStreamInfo(&info, js, name, NULL, NULL));
	CHECK(strcmp(info->Config->Description, wanted) == 0, "%s: \"%s\"", name,
	      info->Config->Description);
	jsStreamInfo_Destroy(info);
	jsCtx_Destroy(js);
	natsConnection_Destroy(nats);
}

/* Handles of older versions open queues of one item in a message, and no others. */
static void a_queue_says_how_many_items_its_messages_have(void)
{
	struct spmcq_remote *q = started(8, 4);

	check_description("spmcq-packed", "spmcq for 8 items of 4 bytes, set aside after 5 "
	                                  "deliveries, lease 10000 ms, key none, 4 items in a "
	                                  "message");
	RETURNS(0, try_open(8, 4, 1));
	check_description("spmcq-refused", "spmcq for 8 items of 4 bytes, set aside after 5 "
	                                   "deliveries, lease 10000 ms, key none");
	RETURNS(0, spmcq_remote_close(q));
}

static void every_handle_uses_the_number_that_the_queue_was_made_with(void)
{
	struct spmcq_remote_options other = {.items_per_message = 2};
	struct spmcq_remote *q = started(16, 4), *plain = opened(16, NULL),
	                    *two = opened(16, &other);

	put_numbers(plain, 0, 8);
	COUNTS(8, stats_of(q).put);
	RETURNS(0, spmcq_remote_release_producer(plain));
	put_numbers(two, 8, 8);
	COUNTS(16, stats_of(q).put);
	get_numbers(q, 16, 0, 16);
	RETURNS(0, spmcq_remote_close(two));
	RETURNS(0, spmcq_remote_close(plain));
	RETURNS(0, spmcq_remote_close(q));
}

static void gets_of_any_length_keep_the_order(void)
{
	struct spmcq_remote *q = started(MOST, 256);

	put_numbers(q, 0, 1);
	put_numbers(q, 1, 300); /* messages of 256 and of 44 items */
	COUNTS(3 * 256, stats_of(q).put);
	get_numbers(q, 1, 0, 1);
	get_numbers(q, 10, 1, 10);
	get_numbers(q, 1, 11, 1);
	get_numbers(q, 500, 12, 245); /* the rest, for which the server is not asked */
	get_numbers(q, 500, 257, 44);
	RETURNS(301, spmcq_remote_held(q));
	put_numbers(q, 301, 1000);
	get_numbers(q, 700, 301, 700);
	get_numbers(q, MOST, 1001, 68);
	get_numbers(q, MOST, 1069, 232);
	RETURNS(0, spmcq_remote_size(q));
	RETURNS(0, spmcq_remote_task_done_many(q, 1301));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

/* More messages than are sent before their answers are waited for. */
static void a_put_of_many_messages_keeps_the_order(void)
{
	enum { ITEMS = 5000 };
	static int items[ITEMS];
	struct spmcq_remote *q = started(6000, 3);
	int next = 0;

	for (int i = 0; i < ITEMS; i++)
		items[i] = i;
	RETURNS(ITEMS, spmcq_remote_put_many(q, items, ITEMS));
	while (next < ITEMS) {
		ssize_t n = spmcq_remote_get_many(q, items, 1111);

		CHECK(n > 0 && n <= 1111, "get_many: %zd", n);
		for (ssize_t i = 0; i < n; i++, next++)
			CHECK(items[i] == next, "got %d, not %d", items[i], next);
	}
	RETURNS(0, spmcq_remote_task_done_many(q, ITEMS));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void never_more_than_capacity_items_fit(void)
{
	struct spmcq_remote *q = started(12, 4);
	int items[13] = {0}, item;

	RETURNS(12, spmcq_remote_try_put_many(q, items, 13));
	RETURNS(-EAGAIN, spmcq_remote_try_put(q, items));
	RETURNS(4, spmcq_remote_get_many(q, items, 4));
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	RETURNS(-EAGAIN, spmcq_remote_try_put(q, items)); /* the message is unfinished */
	RETURNS(0, spmcq_remote_task_done(q));
	unfinished_becomes(q, 8);
	RETURNS(4, spmcq_remote_try_put_many(q, items, 13));
	RETURNS(0, spmcq_remote_shutdown_now(q));
	RETURNS(0, spmcq_remote_delete(q));
	RETURNS(0, spmcq_remote_close(q));
	q = opened(12, &(struct spmcq_remote_options){.items_per_message = 4});
	for (int i = 0; i < 3; i++)
		RETURNS(0, spmcq_remote_put(q, &i));
	RETURNS(-EAGAIN, spmcq_remote_try_put(q, items));
	RETURNS(12, spmcq_remote_unfinished(q));
	RETURNS(12, spmcq_remote_size(q));
	for (int i = 0; i < 3; i++) {
		RETURNS(0, spmcq_remote_get(q, &item));
		RETURNS(i, item);
	}
	RETURNS(0, spmcq_remote_close(q));
}

static void a_message_is_reported_with_its_last_item(void)
{
	struct spmcq_remote *q = started(12, 4);

	put_numbers(q, 0, 10); /* messages of 4, 4 and 2 items */
	get_numbers(q, 10, 0, 10);
	RETURNS(-ERANGE, spmcq_remote_task_done_many(q, 11));
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	RETURNS(12, spmcq_remote_unfinished(q));
	RETURNS(7, spmcq_remote_held(q));
	RETURNS(0, spmcq_remote_task_done(q));
	unfinished_becomes(q, 8);
	RETURNS(6, spmcq_remote_held(q));
	RETURNS(0, spmcq_remote_task_done_many(q, 5));
	unfinished_becomes(q, 4);
	RETURNS(1, spmcq_remote_held(q));
	RETURNS(-ERANGE, spmcq_remote_task_done_many(q, 2));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(-ERANGE, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void items_of_the_rest_are_not_held_before_they_are_got(void)
{
	struct spmcq_remote *q = started(8, 4);
	struct timespec soon;

	put_numbers(q, 0, 4);
	get_numbers(q, 1, 0, 1);
	RETURNS(1, spmcq_remote_held(q));
	RETURNS(1, spmcq_remote_deliveries(q));
	RETURNS(-ERANGE, spmcq_remote_task_done_many(q, 2));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(-ERANGE, spmcq_remote_task_done(q));
	RETURNS(-ERANGE, spmcq_remote_deliveries(q));
	RETURNS(0, spmcq_remote_held(q));
	soon = spmcq_after(0.1);
	RETURNS(-ETIMEDOUT, spmcq_remote_join_until(q, &soon));
	get_numbers(q, 2, 1, 2);
	RETURNS(0, spmcq_remote_task_done_many(q, 2));
	RETURNS(4, spmcq_remote_unfinished(q));
	get_numbers(q, 2, 3, 1);
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void get_and_report_one(void *arg)
{
	get_numbers(arg, 1, 0, 1);
	RETURNS(1, spmcq_remote_deliveries(arg));
	RETURNS(0, spmcq_remote_task_done(arg));
}

static void a_begun_message_of_an_ended_thread_or_handle_comes_again_whole(void)
{
	struct spmcq_remote *q = started(8, 4), *other = opened(8, NULL);
	struct worker worker;

	put_numbers(q, 0, 4);
	worker_start(&worker, get_and_report_one, q);
	worker_join(&worker);
	get_numbers(other, 3, 0, 3);
	RETURNS(2, spmcq_remote_deliveries(other));
	RETURNS(0, spmcq_remote_task_done_many(other, 3));
	RETURNS(0, spmcq_remote_close(other));
	get_numbers(q, 5, 0, 4);
	RETURNS(3, spmcq_remote_deliveries(q));
	RETURNS(0, spmcq_remote_task_done_many(q, 4));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void a_begun_message_whose_time_is_over_comes_again_whole(void)
{
	struct spmcq_remote_options options = {.items_per_message = 4, .ack_wait_ms = 300};
	struct spmcq_remote *q, *other;

	server_start(&server, "");
	q = opened(8, &options);
	other = opened(8, NULL);
	put_numbers(q, 0, 4);
	get_numbers(q, 2, 0, 2);
	RETURNS(0, spmcq_remote_task_done_many(q, 2));
	get_numbers(other, 4, 0, 4);
	RETURNS(2, spmcq_remote_deliveries(other));
	get_numbers(q, 4, 2, 2);
	RETURNS(0, spmcq_remote_task_done_many(q, 2)); /* late, but it is a report */
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_task_done_many(other, 4)); /* the second does no harm */
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
}

static void still_working_keeps_a_message_that_has_a_rest(void)
{
	struct spmcq_remote_options options = {.items_per_message = 4, .ack_wait_ms = 300};
	struct spmcq_remote *q, *other;
	int item;

	server_start(&server, "");
	q = opened(8, &options);
	other = opened(8, NULL);
	put_numbers(q, 0, 4);
	get_numbers(q, 1, 0, 1);
	RETURNS(0, spmcq_remote_task_done(q));
	for (int i = 0; i < 10; i++) {
		RETURNS(-EAGAIN, spmcq_remote_try_get(other, &item));
		sleep_ms(100);
		RETURNS(0, spmcq_remote_still_working(q));
	}
	get_numbers(q, 4, 1, 3);
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
}

static void a_message_that_is_never_reported_is_set_aside_whole(void)
{
	struct spmcq_remote_options options = {
	        .items_per_message = 4, .ack_wait_ms = 200, .max_deliveries = 2};
	struct spmcq_remote *q;
	struct timespec soon;
	int item;

	server_start(&server, "");
	q = opened(8, &options);
	put_numbers(q, 0, 4);
	get_numbers(q, 4, 0, 4);
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	get_numbers(q, 4, 0, 4);
	RETURNS(2, spmcq_remote_deliveries(q));
	soon = spmcq_after(1);
	RETURNS(-ETIMEDOUT, spmcq_remote_get_until(q, &item, &soon));
	RETURNS(0, spmcq_remote_join(q));
	COUNTS(4, stats_of(q).set_aside);
	RETURNS(0, spmcq_remote_close(q));
}

static void the_rest_is_got_without_the_server(void)
{
	struct spmcq_remote_options options = {.items_per_message = 4, .answer_ms = 200};
	struct timespec past = {.tv_sec = 1};
	struct spmcq_remote *q;
	int items[4] = {-1, -1, -1, -1};

	server_start(&server, "");
	q = opened(8, &options);
	put_numbers(q, 0, 4);
	get_numbers(q, 1, 0, 1);
	server_kill(&server);
	RETURNS(0, spmcq_remote_try_get(q, items));
	RETURNS(0, spmcq_remote_get_until(q, items + 1, &past));
	RETURNS(1, spmcq_remote_try_get_many(q, items + 2, 2));
	CHECK(items[0] == 1 && items[1] == 2 && items[2] == 3 && items[3] == -1, "got %d %d %d %d",
	      items[0], items[1], items[2], items[3]);
	RETURNS(-ENOTCONN, spmcq_remote_try_get(q, items));
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	RETURNS(-ENOTCONN, spmcq_remote_task_done(q));
	RETURNS(1, spmcq_remote_held(q));
	server_run(&server);
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void after_shutdown_the_rest_is_got_first(void)
{
	struct spmcq_remote *q = started(8, 4);
	int item = 9;

	put_numbers(q, 0, 6);
	get_numbers(q, 3, 0, 3);
	RETURNS(0, spmcq_remote_shutdown(q));
	RETURNS(-ESHUTDOWN, spmcq_remote_put(q, &item));
	get_numbers(q, 3, 3, 1);
	get_numbers(q, 1, 4, 1);
	get_numbers(q, 1, 5, 1);
	RETURNS(-ESHUTDOWN, spmcq_remote_get(q, &item));
	RETURNS(0, spmcq_remote_task_done_many(q, 6));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void shutdown_now_leaves_begun_messages_to_their_threads(void)
{
	struct spmcq_remote *q = started(40, 4), *other = opened(40, NULL);
	struct timespec soon;
	int item;

	put_numbers(q, 0, 38);
	get_numbers(q, 1, 0, 1);
	RETURNS(0, spmcq_remote_task_done(q));
	get_numbers(other, 1, 4, 1);
	RETURNS(0, spmcq_remote_shutdown_now(q));
	RETURNS(0, spmcq_remote_size(q));
	RETURNS(8, spmcq_remote_unfinished(q));
	soon = spmcq_after(0.1);
	RETURNS(-ETIMEDOUT, spmcq_remote_join_until(q, &soon));
	get_numbers(q, 4, 1, 3);
	RETURNS(-EAGAIN, spmcq_remote_try_get(q, &item)); /* the other's may come again */
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	get_numbers(other, 2, 5, 2);
	RETURNS(0, spmcq_remote_task_done_many(other, 3));
	RETURNS(0, spmcq_remote_close(other));
	get_numbers(q, 4, 4, 4);
	RETURNS(0, spmcq_remote_task_done_many(q, 4));
	RETURNS(-ESHUTDOWN, spmcq_remote_get(q, &item));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void consumers_hold_no_more_messages_than_allowed(void)
{
	struct spmcq_remote_options options = {.items_per_message = 4, .max_unacknowledged = 5};
	struct spmcq_remote *q;
	int item;

	server_start(&server, "");
	q = opened(16, &options);
	put_numbers(q, 0, 16);
	get_numbers(q, 4, 0, 4);
	get_numbers(q, 4, 4, 4);
	RETURNS(-EAGAIN, spmcq_remote_try_get(q, &item));
	RETURNS(0, spmcq_remote_task_done_many(q, 4));
	get_numbers(q, 4, 8, 4);
	RETURNS(0, spmcq_remote_shutdown_now(q));
	RETURNS(8, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void publish_bytes(const char *bytes, int size)
{
	natsConnection *nats = NULL;
	jsCtx *js = NULL;

	RETURNS(NATS_OK, natsConnection_ConnectTo(&nats, server.url));
	RETURNS(NATS_OK, natsConnection_JetStream(&js, nats, NULL));
	RETURNS(NATS_OK, js_Publish(NULL, js, "spmcq.packed.item", bytes, size, NULL, NULL));
	jsCtx_Destroy(js);
	natsConnection_Destroy(nats);
}

static void messages_of_another_length_are_set_aside(void)
{
	static const char bytes[5 * sizeof(int)];
	struct spmcq_remote *q = started(80, 4);
	int items[8] = {7, 7, 7, 7, 7, 7, 7, 7};
	const int lengths[] = {1, 3, 5, 15, 17, 20};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		check_doing("%d bytes", lengths[i]);
		publish_bytes(bytes, lengths[i]);
		double since = seconds_now();
		RETURNS(-EBADMSG, spmcq_remote_get_many(q, items, 8));
		CHECK(seconds_now() - since < 1, "it took %.3f s", seconds_now() - since);
		CHECK(items[0] == 7, "a get that failed wrote to the items");
	}
	COUNTS(24, stats_of(q).set_aside);
	RETURNS(0, spmcq_remote_join(q));
	/* The next get after that of some items says so, and then the others come. */
	put_numbers(q, 0, 3);
	publish_bytes(bytes, 1);
	put_numbers(q, 3, 4);
	get_numbers(q, 5, 0, 3);
	RETURNS(-EBADMSG, spmcq_remote_get_many(q, items, 8));
	get_numbers(q, 8, 3, 4);
	RETURNS(0, spmcq_remote_task_done_many(q, 7));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

int main(int argc, char **argv)
{
	remote_begin(argc, argv, NULL);
	RUN(numbers_that_cannot_be_are_refused);
	RUN(the_largest_message_can_be_put);
	RUN(a_queue_says_how_many_items_its_messages_have);
	RUN(every_handle_uses_the_number_that_the_queue_was_made_with);
	RUN(gets_of_any_length_keep_the_order);
	RUN(a_put_of_many_messages_keeps_the_order);
	RUN(never_more_than_capacity_items_fit);
	RUN(a_message_is_reported_with_its_last_item);
	RUN(items_of_the_rest_are_not_held_before_they_are_got);
	RUN(a_begun_message_of_an_ended_thread_or_handle_comes_again_whole);
	RUN(a_begun_message_whose_time_is_over_comes_again_whole);
	RUN(still_working_keeps_a_message_that_has_a_rest);
	RUN(a_message_that_is_never_reported_is_set_aside_whole);
	RUN(the_rest_is_got_without_the_server);
	RUN(after_shutdown_the_rest_is_got_first);
	RUN(shutdown_now_leaves_begun_messages_to_their_threads);
	RUN(consumers_hold_no_more_messages_than_allowed);
	RUN(messages_of_another_length_are_set_aside);
	return remote_finish();
}
