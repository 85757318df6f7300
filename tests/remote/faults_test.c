/*
 * Faults: consumers, the producer and the server are killed at any moment, and the network is
 * silent for a while. No item is lost, or got again after its report.
 */
#include "flow.h"
#include "server.h"

#include "support/check.h"
#include "support/worker.h"

#include <errno.h>
#include <signal.h>
#include <spmcq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS = 100000, CONSUMERS = 3, BULK = 64, KILLS = 6, PACKED = 256 };

struct putting {
	struct flow *flow;
	uint64_t from, to;
};

static void put_all(void *arg)
{
	struct putting *putting = arg;

	flow_put(putting->flow, putting->from, putting->to);
}

/* A producer and consumers that go on while the test makes faults happen. */
struct siege {
	struct server server;
	struct flow flow;
	struct putting putting;
	struct worker producer;
	pid_t consumers[CONSUMERS];
};

static const struct flow one_in_a_message = {
        .items = ITEMS,
        .capacity = 5000,
        .bulk = BULK,
        .options = {.ack_wait_ms = 5000, .max_deliveries = 50}};

/* A put sends messages of 256 and of 44 items. A get has room for a part of a message. */
static const struct flow many_in_a_message = {
        .items = ITEMS,
        .capacity = 20 * PACKED,
        .bulk = 300,
        .gets = BULK,
        .options = {.ack_wait_ms = 5000, .max_deliveries = 50, .items_per_message = PACKED}};

static void siege_begin(struct siege *siege, const char *name, const struct flow *flow)
{
	siege->flow = *flow;
	siege->flow.name = name;
	siege->putting = (struct putting){&siege->flow, 0, ITEMS};
	server_start(&siege->server, "");
	siege->flow.url = siege->server.url;
	flow_begin(&siege->flow);
	for (size_t i = 0; i < CONSUMERS; i++)
		siege->consumers[i] = flow_consumer(&siege->flow);
	worker_start(&siege->producer, put_all, &siege->putting);
}

static void siege_join(struct spmcq_remote *q)
{
	struct timespec soon = spmcq_after(20);
	struct spmcq_remote_stats stats = {0};
	int error = spmcq_remote_join_until(q, &soon);

	(void)spmcq_remote_stats(q, &stats);
	CHECK(error == 0, "join: %d, %llu unfinished, %zd queued, %llu held, %llu set aside", error,
	      (unsigned long long)stats.unfinished, spmcq_remote_size(q),
	      (unsigned long long)stats.held, (unsigned long long)stats.set_aside);
}

/* unwritten: see flow_check(). */
static void siege_end(struct siege *siege, size_t unwritten)
{
	struct flow *flow = &siege->flow;

	worker_join(&siege->producer);
	siege_join(flow->q);
	flow_check_joined(flow);
	RETURNS(0, spmcq_remote_shutdown(flow->q));
	for (size_t i = 0; i < CONSUMERS; i++)
		COUNTS(0, peer_await(siege->consumers[i]));
	flow_check(flow, unwritten);
	flow_end(flow);
}

/* unwritten: of each consumer that is killed. */
static void kill_consumers(const struct flow *flow, size_t unwritten)
{
	struct siege siege;

	siege_begin(&siege, "killed", flow);
	for (uint64_t kill = 1; kill <= KILLS; kill++) {
		pid_t *consumer = &siege.consumers[kill % CONSUMERS];

		check_doing("kill %llu", (unsigned long long)kill);
		flow_await_done(&siege.flow, kill * ITEMS / (KILLS + 1));
		peer_kill(*consumer);
		*consumer = flow_consumer(&siege.flow);
	}
	siege_end(&siege, KILLS * unwritten);
}

static void consumers_may_be_killed_at_any_moment(void)
{
	kill_consumers(&one_in_a_message, BULK);
}

/* A get returns items of one message, so a report ends no more than one. */
static void consumers_may_be_killed_amid_messages(void)
{
	kill_consumers(&many_in_a_message, PACKED);
}

static void kill_server(const struct flow *flow)
{
	struct siege siege;

	siege_begin(&siege, "restarted", flow);
	for (uint64_t kill = 1; kill <= 3; kill++) {
		check_doing("kill %llu", (unsigned long long)kill);
		flow_await_done(&siege.flow, kill * ITEMS / 4);
		siege.flow.ledger->epoch++;
		server_kill(&siege.server);
		siege.flow.ledger->epoch++;
		sleep_ms(100);
		server_run(&siege.server);
	}
	siege_end(&siege, 0);
}

static void the_server_may_be_killed_at_any_moment(void)
{
	kill_server(&one_in_a_message);
}

static void the_server_may_be_killed_amid_messages(void)
{
	kill_server(&many_in_a_message);
}

static struct spmcq_remote *opened(const struct server *server,
                                   const struct spmcq_remote_options *options)
{
	struct spmcq_remote *q = NULL;

	RETURNS(0, spmcq_remote_open(&q, server->url, "faults", 10, sizeof(int), options));
	return q;
}

static void an_item_that_is_never_reported_is_set_aside_and_counted(void)
{
	struct spmcq_remote_options options = {.ack_wait_ms = 200, .max_deliveries = 3};
	struct spmcq_remote_stats stats;
	struct spmcq_remote *q;
	struct server server;
	int item = 7;

	server_start(&server, "");
	q = opened(&server, &options);
	RETURNS(0, spmcq_remote_put(q, &item));
	for (int delivery = 1; delivery <= 3; delivery++) {
		struct timespec soon = spmcq_after(2);

		item = 0;
		RETURNS(0, spmcq_remote_get_until(q, &item, &soon));
		COUNTS(7, item);
		RETURNS(delivery, spmcq_remote_deliveries(q));
	}
	struct timespec soon = spmcq_after(1);
	RETURNS(-ETIMEDOUT, spmcq_remote_get_until(q, &item, &soon));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_stats(q, &stats));
	COUNTS(1, stats.put);
	COUNTS(0, stats.unfinished);
	COUNTS(1, stats.set_aside);
	RETURNS(0, spmcq_remote_task_done_many(q, 3)); /* a late report does no harm */
	RETURNS(0, spmcq_remote_close(q));
}

static void a_slow_consumer_can_keep_an_item(void)
{
	struct spmcq_remote_options options = {.ack_wait_ms = 300};
	struct spmcq_remote *q, *other;
	struct server server;
	int item = 7;

	server_start(&server, "");
	q = opened(&server, &options);
	other = opened(&server, &options);
	RETURNS(0, spmcq_remote_put(q, &item));
	RETURNS(0, spmcq_remote_get(q, &item));
	for (int i = 0; i < 10; i++) {
		RETURNS(-EAGAIN, spmcq_remote_try_get(other, &item));
		sleep_ms(100);
		RETURNS(0, spmcq_remote_still_working(q));
	}
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
}

/* Puts one item, waits for some milliseconds to be killed or stopped, and tries to put another. */
static int produce(int argc, char **argv)
{
	struct spmcq_remote *q;
	int item = 1;

	if (argc != 2 || spmcq_remote_open(&q, argv[0], "faults", 10, sizeof(int), NULL) != 0)
		return 1;
	if (spmcq_remote_put(q, &item) != 0)
		return 2;
	sleep_ms(atol(argv[1]));
	return spmcq_remote_put(q, &item) == -EPERM ? 0 : 3;
}

static const struct peer_role producer_role = {"produce", produce};

static void await_unfinished(struct spmcq_remote *q, ssize_t n)
{
	for (int i = 0; i < 300 && spmcq_remote_unfinished(q) < n; i++)
		sleep_ms(10);
	RETURNS(n, spmcq_remote_unfinished(q));
}

static int put_within(struct spmcq_remote *q, int item, double seconds)
{
	double until = seconds_now() + seconds;
	int error;

	while ((error = spmcq_remote_put(q, &item)) == -EPERM && seconds_now() < until)
		sleep_ms(20);
	return error;
}

static void a_dead_producer_is_followed_when_its_lease_has_ended(void)
{
	struct spmcq_remote_options options = {.lease_ms = 1000};
	struct spmcq_remote *q;
	struct server server;
	int item = 2;
	pid_t peer;

	server_start(&server, "");
	q = opened(&server, &options);
	peer = peer_start(producer_role.name, server.url, "60000", NULL);
	await_unfinished(q, 1);
	for (int i = 0; i < 12; i++) { /* the producer is alive, and keeps its lease */
		RETURNS(-EPERM, spmcq_remote_put(q, &item));
		sleep_ms(100);
	}
	peer_kill(peer);
	RETURNS(-EPERM, spmcq_remote_put(q, &item));
	RETURNS(0, put_within(q, 2, 3));
	RETURNS(2, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void a_producer_that_was_stopped_is_fenced_off(void)
{
	struct spmcq_remote_options options = {.lease_ms = 600};
	struct spmcq_remote *q;
	struct server server;
	pid_t peer;

	server_start(&server, "");
	q = opened(&server, &options);
	peer = peer_start(producer_role.name, server.url, "1500", NULL);
	await_unfinished(q, 1);
	kill(peer, SIGSTOP);
	RETURNS(0, put_within(q, 2, 3));
	/* The sleep of the producer is over now, so it puts at once when it goes on. */
	sleep_ms(1500);
	kill(peer, SIGCONT);
	RETURNS(0, peer_await(peer));
	RETURNS(2, spmcq_remote_unfinished(q));
	RETURNS(0, put_within(q, 3, 0));
	RETURNS(0, spmcq_remote_close(q));
}

static void let_go_on(void *arg)
{
	const struct server *server = arg;

	sleep_ms(1500);
	kill(server->pid, SIGCONT);
}

/* A stopped server behaves as a network that is cut: no answer comes, and nothing is refused. */
static void calls_wait_or_time_out_while_the_network_is_cut(void)
{
	struct spmcq_remote_options options = {.answer_ms = 300};
	struct worker healer;
	struct spmcq_remote *q;
	struct server server;
	struct timespec soon;
	int item = 0, items[3] = {1, 2, 3};

	server_start(&server, "");
	q = opened(&server, &options);
	RETURNS(0, spmcq_remote_put(q, &item));
	RETURNS(0, spmcq_remote_get(q, &item));
	server_signal(&server, SIGSTOP);
	soon = spmcq_after(0.5);
	item = 1;
	RETURNS(-ENOTCONN, spmcq_remote_put_until(q, &item, &soon));
	/* Begins with the item of the put before. */
	RETURNS(-ENOTCONN, spmcq_remote_try_put_many(q, items, 3));
	RETURNS(-ENOTCONN, spmcq_remote_try_get(q, &item));
	soon = spmcq_after(0.2);
	CHECK(spmcq_remote_get_until(q, &item, &soon) < 0, "got from a server that is stopped");
	soon = spmcq_after(0.2);
	RETURNS(-ENOTCONN, spmcq_remote_join_until(q, &soon));
	RETURNS(-ENOTCONN, spmcq_remote_unfinished(q));
	RETURNS(-ENOTCONN, spmcq_remote_task_done(q));
	worker_start(&healer, let_go_on, &server);
	/* Puts the same items again; each must be stored once. */
	RETURNS(3, spmcq_remote_put_many(q, items, 3));
	worker_join(&healer);
	RETURNS(0, spmcq_remote_task_done(q));
	for (int i = 1; i <= 3; i++) {
		RETURNS(0, spmcq_remote_get(q, &item));
		CHECK(item == i, "got %d, not %d", item, i);
	}
	RETURNS(3, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_task_done_many(q, 3));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

/* The items that are got must be *next and the numbers that follow. */
static void note_in_order(const int *items, ssize_t n, int *next)
{
	for (ssize_t i = 0; i < n; i++, ++*next)
		CHECK(items[i] == *next, "got %d, not %d", items[i], *next);
}

/* Makes gets that return without items while the server is stopped. Their requests are left, and
 * the server answers them when it goes on. Items that the server had sent before may still come. */
static void leave_requests(struct spmcq_remote *q, struct server *server, int *next)
{
	int items[10];

	server_signal(server, SIGSTOP);
	for (int i = 0; i < 3; i++) {
		struct timespec soon = spmcq_after(0.02);

		note_in_order(items, spmcq_remote_try_get_many(q, items, 10), next);
		note_in_order(items, spmcq_remote_try_get(q, items) == 0, next);
		note_in_order(items, spmcq_remote_get_many_until(q, items, 10, &soon), next);
	}
	server_signal(server, SIGCONT);
}

static void late_items_are_not_lost_and_come_in_order(void)
{
	struct spmcq_remote_options options = {.answer_ms = 300, .max_deliveries = 5};
	struct spmcq_remote_stats stats;
	struct spmcq_remote *q;
	struct server server;
	int items[10], next = 0;

	server_start(&server, "");
	q = opened(&server, &options);
	for (int round = 0; round < 6; round++) {
		check_doing("round %d", round);
		for (int i = 0; i < 10; i++)
			items[i] = 10 * round + i;
		RETURNS(10, spmcq_remote_put_many(q, items, 10));
		leave_requests(q, &server, &next);
		if (round % 2) /* else items are still on their way in the next get */
			sleep_ms(100);
		while (next < 10 * round + 10) {
			struct timespec soon = spmcq_after(5);

			RETURNS(0, spmcq_remote_get_until(q, items, &soon));
			CHECK(spmcq_remote_deliveries(q) <= 3, "delivered %d times",
			      spmcq_remote_deliveries(q));
			note_in_order(items, 1, &next);
		}
		RETURNS(0, spmcq_remote_task_done_many(q, 10));
	}
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_stats(q, &stats));
	COUNTS(0, stats.set_aside);
	RETURNS(0, spmcq_remote_close(q));
}

/* The handle is closed while requests that it has sent are open. */
static void closing_a_handle_with_open_requests_loses_no_item(void)
{
	struct spmcq_remote_options options = {.answer_ms = 300, .max_deliveries = 10};
	struct spmcq_remote *q, *other;
	struct server server;
	int items[10], item = -1;

	server_start(&server, "");
	q = opened(&server, NULL);
	for (int i = 0; i < 10; i++)
		items[i] = i;
	RETURNS(10, spmcq_remote_put_many(q, items, 10));
	for (int round = 0; round < 3; round++) {
		int next = 0;

		other = opened(&server, &options);
		leave_requests(other, &server, &next);
		RETURNS(0, spmcq_remote_close(other));
	}
	for (int i = 0; i < 10; i++) {
		struct timespec soon = spmcq_after(5);

		RETURNS(0, spmcq_remote_get_until(q, &item, &soon));
		CHECK(item >= 0 && item < 10 && items[item] == item, "got %d again", item);
		items[item] = -1;
	}
	RETURNS(0, spmcq_remote_task_done_many(q, 10));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

/* The answer to a put is lost because the server is killed. The server has stored the item, or
 * not. */
static void a_repeated_put_stores_each_item_once(void)
{
	struct spmcq_remote_options options = {.answer_ms = 300};
	struct spmcq_remote *q;
	struct server server;

	server_start(&server, "");
	q = opened(&server, &options);
	for (int i = 0; i < 8; i++) {
		int item = i, got = -1, error;
		struct timespec now = spmcq_after(0.01);

		check_doing("put %d", i);
		if (i > 0)
			server_signal(&server, SIGSTOP);
		error = spmcq_remote_put_until(q, &item, &now);
		CHECK(error == 0 || error == -ENOTCONN, "put: %d", error);
		if (i % 2)
			server_kill(&server), server_run(&server);
		else
			server_signal(&server, SIGCONT);
		if (error)
			RETURNS(0, spmcq_remote_put(q, &item));
		RETURNS(0, spmcq_remote_get(q, &got));
		CHECK(got == item, "got %d, not %d", got, item);
		RETURNS(0, spmcq_remote_task_done(q));
		RETURNS(0, spmcq_remote_join(q));
	}
	RETURNS(0, spmcq_remote_close(q));
}

/* Writes the path of a file in which the server stores the stream: the items, or the index. */
static void store_file(char *path, size_t size, const struct server *server, const char *name)
{
	snprintf(path, size, "%s/store/jetstream/$G/streams/spmcq-faults/msgs/%s",
	         server->directory, name);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[1024];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	CHECK(in && out, "%s or %s: %s", from, to, strerror(errno));
	n = fread(bytes, 1, sizeof(bytes), in);
	CHECK(n < sizeof(bytes) && fwrite(bytes, 1, n, out) == n, "%s is longer", from);
	fclose(in);
	fclose(out);
}

static void get_and_report(struct spmcq_remote *q, const int *items, int n)
{
	for (int i = 0; i < n; i++) {
		struct timespec soon = spmcq_after(5);
		int item = -1;

		RETURNS(0, spmcq_remote_get_until(q, &item, &soon));
		CHECK(item == items[i], "got %d, not %d", item, items[i]);
		RETURNS(0, spmcq_remote_task_done(q));
	}
	RETURNS(0, spmcq_remote_join(q));
}

/* A server 2.9 that removes the last item empties the file of items first, and then writes the
 * index. The test makes the files that are left if the server is killed between the two. */
static void items_put_after_a_server_forgot_its_last_position_are_got(void)
{
	char index[2 * PATH_LENGTH], items_file[2 * PATH_LENGTH], saved[2 * PATH_LENGTH];
	int items[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct server server;

	server_start(&server, "");
	store_file(index, sizeof(index), &server, "1.idx");
	store_file(items_file, sizeof(items_file), &server, "1.blk");
	snprintf(saved, sizeof(saved), "%s/saved", server.directory);
	for (int same_handle = 0; same_handle < 2; same_handle++) {
		struct spmcq_remote *q = opened(&server, NULL);

		check_doing("same handle %d", same_handle);
		RETURNS(10, spmcq_remote_put_many(q, items, 10));
		if (same_handle == 0)
			copy_file(index, saved);
		get_and_report(q, items, 10);
		if (!same_handle)
			RETURNS(0, spmcq_remote_close(q));
		server_kill(&server);
		copy_file(saved, index);
		CHECK(truncate(items_file, 0) == 0, "%s: %s", items_file, strerror(errno));
		server_run(&server);
		if (!same_handle)
			q = opened(&server, NULL);
		RETURNS(5, spmcq_remote_put_many(q, items, 5));
		RETURNS(5, spmcq_remote_unfinished(q));
		get_and_report(q, items, 5);
		RETURNS(0, spmcq_remote_close(q));
	}
}

int main(int argc, char **argv)
{
	const struct peer_role roles[] = {flow_role, producer_role, {NULL, NULL}};

	remote_begin(argc, argv, roles);
	RUN(consumers_may_be_killed_at_any_moment);
	RUN(consumers_may_be_killed_amid_messages);
	RUN(the_server_may_be_killed_at_any_moment);
	RUN(the_server_may_be_killed_amid_messages);
	RUN(an_item_that_is_never_reported_is_set_aside_and_counted);
	RUN(a_slow_consumer_can_keep_an_item);
	RUN(a_dead_producer_is_followed_when_its_lease_has_ended);
	RUN(a_producer_that_was_stopped_is_fenced_off);
	RUN(calls_wait_or_time_out_while_the_network_is_cut);
	RUN(late_items_are_not_lost_and_come_in_order);
	RUN(closing_a_handle_with_open_requests_loses_no_item);
	RUN(a_repeated_put_stores_each_item_once);
	RUN(items_put_after_a_server_forgot_its_last_position_are_got);
	return remote_finish();
}
