/*
 * Puts whose messages arrive late. The connection leads through a proxy. It holds back what the
 * producer sends, and cuts the connection; so the put fails, and the next one goes over a new
 * connection. The proxy lets go what it has held back just before the first item that comes over
 * the new connection. So the server gets each message of the first put before those of the second.
 */
#define _GNU_SOURCE /* memmem */
#include "server.h"

#include "support/check.h"
#include "support/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <spmcq.h>
#include <spmcq_remote.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* LATE_MS: how long the server has for late messages, and the proxy waits for more to hold back.
 * CUT_MS: how long there is no connection, so that the put ends meanwhile. */
enum { BYTES = 1 << 16, LATE_MS = 100, CUT_MS = 1000 };

static const char item_subject[] = "spmcq.late.item";

static struct server server;
static int listener, proxy_port;
static _Atomic bool is_holding; /* items that the producer sends are held back from now on */

/* Used by the proxy's thread, and by the test while that thread sleeps. */
static char held[BYTES];
static _Atomic size_t held_n;
static _Atomic int held_to = -1; /* the old connection to the server; -1: none */

static bool has_item(const char *bytes, size_t n)
{
	return memmem(bytes, n, item_subject, sizeof(item_subject) - 1) != NULL;
}

static int connect_to_server(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons((uint16_t)server.port),
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int out = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(connect(out, (struct sockaddr *)&address, sizeof(address)) == 0, "connect: %s",
	      strerror(errno));
	return out;
}

static void send_all(int to, const char *bytes, size_t n)
{
	for (ssize_t sent; n > 0; bytes += sent, n -= (size_t)sent) {
		sent = send(to, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
	}
}

static void let_go(void)
{
	send_all(held_to, held, held_n);
	sleep_ms(LATE_MS);
	held_n = 0;
	held_to = -1;
}

/* Passes on what the producer sends. Returns false when the connection is to be cut. */
static bool pass_on(int from, int to)
{
	char bytes[BYTES];
	ssize_t n = recv(from, bytes, sizeof(bytes), 0);

	if (n <= 0)
		return false;
	if (atomic_load(&is_holding) && (held_n > 0 || has_item(bytes, (size_t)n))) {
		CHECK(held_n + (size_t)n <= sizeof(held), "too much to hold back");
		memcpy(held + held_n, bytes, (size_t)n);
		held_n += (size_t)n;
		held_to = to;
		return true;
	}
	if (held_n > 0 && to != held_to && has_item(bytes, (size_t)n))
		let_go();
	send_all(to, bytes, (size_t)n);
	return true;
}

static bool pass_back(int from, int to)
{
	char bytes[BYTES];
	ssize_t n = recv(from, bytes, sizeof(bytes), 0);

	if (n > 0)
		send_all(to, bytes, (size_t)n);
	return n > 0;
}

/* Serves one connection until one side ends it, or until items were held back for a while. */
static void serve(int client)
{
	int out = connect_to_server();
	struct pollfd ends[] = {{.fd = client, .events = POLLIN}, {.fd = out, .events = POLLIN}};
	bool goes_on = true, is_cut = false;

	while (goes_on && !is_cut) {
		int ready = poll(ends, 2, LATE_MS);

		is_cut = ready == 0 && held_to == out;
		if (ends[0].revents)
			goes_on = pass_on(client, out);
		if (goes_on && ends[1].revents)
			goes_on = pass_back(out, client);
	}
	close(client);
	if (!is_cut) {
		close(out);
		return;
	}
	atomic_store(&is_holding, false);
	sleep_ms(CUT_MS);
}

static void *proxy(void *arg)
{
	(void)arg;
	for (;;)
		serve(accept(listener, NULL, NULL));
	return NULL;
}

static void proxy_begin(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int yes = 1;
	pthread_t thread;

	proxy_port = free_port();
	address.sin_port = htons((uint16_t)proxy_port);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	              listen(listener, 8) == 0,
	      "listen: %s", strerror(errno));
	CHECK(pthread_create(&thread, NULL, proxy, NULL) == 0, "no thread");
	pthread_detach(thread);
}

static struct spmcq_remote *producer_through_proxy(unsigned items_per_message)
{
	struct spmcq_remote_options options = {.items_per_message = items_per_message,
	                                       .answer_ms = 300};
	struct spmcq_remote *q = NULL;
	char url[64];
	int item = 0;

	server_start(&server, "");
	proxy_begin();
	snprintf(url, sizeof(url), "nats://127.0.0.1:%d", proxy_port);
	RETURNS(0, spmcq_remote_open(&q, url, "late", 120, sizeof(int), &options));
	RETURNS(0, spmcq_remote_put(q, &item));
	return q;
}

/* A put of the items 1..n whose messages do not arrive in time. */
static void put_late(struct spmcq_remote *q, int n)
{
	struct timespec soon = spmcq_after(0.01);
	int items[100];

	for (int i = 0; i < n; i++)
		items[i] = 1 + i;
	atomic_store(&is_holding, true);
	RETURNS(-ENOTCONN, spmcq_remote_put_many_until(q, items, (size_t)n, &soon));
}

/* What was held back never arrives. Returns when there is a connection again. */
static void lose_held(struct spmcq_remote *q)
{
	held_n = 0;
	held_to = -1;
	while (spmcq_remote_unfinished(q) < 0)
		sleep_ms(10);
}

static void put_numbers(struct spmcq_remote *q, int first, int n)
{
	int items[100];

	for (int i = 0; i < n; i++)
		items[i] = first + i;
	RETURNS(n, spmcq_remote_put_many(q, items, (size_t)n));
}

/* The items of the queue are 0 .. n - 1, then those of more. */
static void check_items(int n, const int *more, int more_n)
{
	struct spmcq_remote *q = NULL;
	int item;

	RETURNS(0, spmcq_remote_open(&q, server.url, "late", 120, sizeof(int), NULL));
	for (int i = 0; i < n + more_n; i++) {
		int wanted = i < n ? i : more[i - n];
		struct timespec soon = spmcq_after(5);

		RETURNS(0, spmcq_remote_get_until(q, &item, &soon));
		CHECK(item == wanted, "got %d, not %d", item, wanted);
	}
	RETURNS(-EAGAIN, spmcq_remote_try_get(q, &item));
	RETURNS(0, spmcq_remote_task_done_many(q, (size_t)(n + more_n)));
	RETURNS(0, spmcq_remote_join(q));
	RETURNS(0, spmcq_remote_close(q));
}

static void repeat_a_put(unsigned items_per_message)
{
	struct spmcq_remote *q = producer_through_proxy(items_per_message);

	put_late(q, 6);
	put_numbers(q, 1, 6);
	CHECK(held_n == 0, "nothing arrived late");
	check_items(7, NULL, 0);
	RETURNS(0, spmcq_remote_close(q));
}

static void a_put_that_is_repeated_stores_each_item_once(void)
{
	repeat_a_put(1);
}

static void a_put_of_messages_that_is_repeated_stores_each_item_once(void)
{
	repeat_a_put(4);
}

/* The second message that was sent has 2 items, and would now have 4. */
static void a_repeated_put_of_more_items_stores_each_item_once(void)
{
	struct spmcq_remote *q = producer_through_proxy(4);

	put_late(q, 6);
	put_numbers(q, 1, 12);
	CHECK(held_n == 0, "nothing arrived late");
	check_items(13, NULL, 0);
	RETURNS(0, spmcq_remote_close(q));
}

/* The messages of the first put are lost. The second put sends a message of 2 items to the position
 * of a message of 4. */
static void a_put_repeated_in_part_and_then_whole_loses_no_item(void)
{
	struct spmcq_remote *q = producer_through_proxy(4);

	put_late(q, 6);
	lose_held(q);
	put_late(q, 2);
	put_numbers(q, 1, 6);
	CHECK(held_n == 0, "nothing arrived late");
	check_items(7, NULL, 0);
	RETURNS(0, spmcq_remote_close(q));
}

/* The first put has put all of its items, although it did not know that. */
static void an_item_after_a_part_of_a_repeated_put_is_stored(void)
{
	struct spmcq_remote *q = producer_through_proxy(1);
	int other = 77;

	put_late(q, 2);
	put_numbers(q, 1, 1);
	RETURNS(0, spmcq_remote_put(q, &other));
	CHECK(held_n == 0, "nothing arrived late");
	check_items(3, &other, 1);
	RETURNS(0, spmcq_remote_close(q));
}

static void put_others(unsigned items_per_message)
{
	static const int others[] = {77, 78};
	struct spmcq_remote *q = producer_through_proxy(items_per_message);

	put_late(q, 2);
	put_numbers(q, 77, 2);
	CHECK(held_n == 0, "nothing arrived late");
	check_items(3, others, 2);
	RETURNS(0, spmcq_remote_close(q));
}

static void other_items_than_those_in_doubt_are_stored(void)
{
	put_others(1);
}

static void other_messages_than_those_in_doubt_are_stored(void)
{
	put_others(4);
}

int main(int argc, char **argv)
{
	remote_begin(argc, argv, NULL);
	RUN(a_put_that_is_repeated_stores_each_item_once);
	RUN(a_put_of_messages_that_is_repeated_stores_each_item_once);
	RUN(a_repeated_put_of_more_items_stores_each_item_once);
	RUN(a_put_repeated_in_part_and_then_whole_loses_no_item);
	RUN(an_item_after_a_part_of_a_repeated_put_is_stored);
	RUN(other_items_than_those_in_doubt_are_stored);
	RUN(other_messages_than_those_in_doubt_are_stored);
	return remote_finish();
}
