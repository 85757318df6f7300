/*
 * What the public calls show too rarely: subscriptions end while messages for them are on the way.
 * The client library before 3.6.1 does not bear it that they are freed then.
 */
#include "spmcq_remote.c" /* first: it says which system interfaces it wants */

#include "server.h"

#include "support/check.h"
#include "support/worker.h"

enum { ROUNDS = 300, AT_A_TIME = 10, BURST = 500 };

static const char subject[] = "spmcq.burst";

static void subscribe_all(natsConnection *nats, natsSubscription **subscriptions)
{
	for (int i = 0; i < AT_A_TIME; i++) {
		COUNTS(NATS_OK, natsConnection_SubscribeSync(&subscriptions[i], nats, subject));
		COUNTS(NATS_OK, natsSubscription_SetPendingLimits(subscriptions[i], -1, -1));
	}
}

/* Most of what is sent is still on the way when the first of it has come. */
static void subscribe_and_end(struct connection *connection, natsConnection *sender)
{
	natsSubscription *subscriptions[AT_A_TIME];
	natsMsg *message;

	subscribe_all(connection->nats, subscriptions);
	COUNTS(NATS_OK, natsConnection_Flush(connection->nats));
	for (int i = 0; i < BURST; i++)
		COUNTS(NATS_OK, natsConnection_PublishString(sender, subject, "x"));
	COUNTS(NATS_OK, natsSubscription_NextMsg(&message, subscriptions[AT_A_TIME - 1], 5000));
	natsMsg_Destroy(message);
	for (int i = 0; i < AT_A_TIME; i++)
		connection_unsubscribe(connection, subscriptions[i]);
}

static void subscriptions_may_end_while_messages_come(void)
{
	struct spmcq_remote *q, *other;
	struct server server;

	server_start(&server, "");
	RETURNS(0, spmcq_remote_open(&q, server.url, "ends", 10, sizeof(int), NULL));
	RETURNS(0, spmcq_remote_open(&other, server.url, "ends", 10, sizeof(int), NULL));
	for (int i = 1; i <= ROUNDS; i++) {
		check_doing("round %d", i);
		subscribe_and_end(&q->connection, other->connection.nats);
	}
	CHECK(!q->connection.left, "a subscription that has ended is not freed");
	RETURNS(0, spmcq_remote_close(other));
	RETURNS(0, spmcq_remote_close(q));
}

/* While there is no connection they are kept, and the next that ends frees them. */
static void subscriptions_that_end_without_a_connection_are_freed_later(void)
{
	natsSubscription *subscriptions[AT_A_TIME];
	struct spmcq_remote *q;
	struct server server;

	server_start(&server, "");
	RETURNS(0, spmcq_remote_open(&q, server.url, "ends", 10, sizeof(int), NULL));
	subscribe_all(q->connection.nats, subscriptions);
	server_kill(&server);
	while (connection_is_up(&q->connection))
		sleep_ms(1);
	for (int i = 0; i + 1 < AT_A_TIME; i++)
		connection_unsubscribe(&q->connection, subscriptions[i]);
	CHECK(q->connection.left && q->connection.left->next, "they are not kept");
	server_run(&server);
	while (!connection_is_up(&q->connection))
		sleep_ms(1);
	connection_unsubscribe(&q->connection, subscriptions[AT_A_TIME - 1]);
	CHECK(!q->connection.left, "they are not freed");
	RETURNS(0, spmcq_remote_close(q));
}

int main(int argc, char **argv)
{
	remote_begin(argc, argv, NULL);
	RUN(subscriptions_may_end_while_messages_come);
	RUN(subscriptions_that_end_without_a_connection_are_freed_later);
	return remote_finish();
}
