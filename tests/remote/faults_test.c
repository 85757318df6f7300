/*
 * What must survive: consumers, the producer and the server killed at any moment, and a network
 * that is silent for a while.
 */
#include "flow.h"
#include "server.h"

#include "support/chance.h"
#include "support/check.h"
#include "support/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

enum { ITEMS = 100000, CONSUMERS = 3, BULK = 64, KILLS = 6 };

struct putting {
	struct flow *flow;
	uint64_t from, to;
};

static void put_all(void *arg)
{
	struct putting *putting = arg;

	flow_put(putting->flow, putting->from, putting->to);
}

static void await_done(const struct flow *flow, uint64_t done)
{
	double until = seconds_now() + 50;

	while (flow->ledger->done < done) {
		CHECK(flow->ledger->error == 0, "a consumer stopped: %d", flow->ledger->error);
		CHECK(seconds_now() < until, "%llu of %llu reported",
		      (unsigned long long)flow->ledger->done, (unsigned long long)done);
		sleep_ms(1);
	}
}

static void end_consumers(struct flow *flow, const pid_t *consumers)
{
	RETURNS(0, spmcq_remote_shutdown(flow->q));
	for (size_t i = 0; i < CONSUMERS; i++)
		COUNTS(0, peer_await(consumers[i]));
}

static void consumers_may_be_killed_at_any_moment(void)
{
	struct server server;
	struct flow flow = {.name = "killed",
	                    .items = ITEMS,
	                    .capacity = 5000,
	                    .bulk = BULK,
	                    .options = {.ack_wait_ms = 2000, .max_deliveries = 50}};
	struct putting putting = {&flow, 0, ITEMS};
	struct worker producer;
	pid_t consumers[CONSUMERS];

	server_start(&server, "");
	flow.url = server.url;
	flow_begin(&flow);
	for (size_t i = 0; i < CONSUMERS; i++)
		consumers[i] = flow_consumer(&flow);
	worker_start(&producer, put_all, &putting);
	for (uint64_t kill = 1; kill <= KILLS; kill++) {
		check_doing("kill %llu", (unsigned long long)kill);
		await_done(&flow, kill * ITEMS / (KILLS + 1));
		peer_kill(consumers[kill % CONSUMERS]);
		consumers[kill % CONSUMERS] = flow_consumer(&flow);
	}
	worker_join(&producer);
	RETURNS(0, spmcq_remote_join(flow.q));
	flow_check_joined(&flow);
	end_consumers(&flow, consumers);
	flow_check(&flow, KILLS * BULK);
	flow_end(&flow);
}

static void the_server_may_be_killed_at_any_moment(void)
{
	struct server server;
	struct flow flow = {.name = "restarted",
	                    .items = ITEMS,
	                    .capacity = 5000,
	                    .bulk = BULK,
	                    .options = {.ack_wait_ms = 2000, .max_deliveries = 50}};
	struct putting putting = {&flow, 0, ITEMS};
	struct worker producer;
	pid_t consumers[CONSUMERS];

	server_start(&server, "");
	flow.url = server.url;
	flow_begin(&flow);
	for (size_t i = 0; i < CONSUMERS; i++)
		consumers[i] = flow_consumer(&flow);
	worker_start(&producer, put_all, &putting);
	for (uint64_t kill = 1; kill <= 3; kill++) {
		check_doing("kill %llu", (unsigned long long)kill);
		await_done(&flow, kill * ITEMS / 4);
		flow.ledger->epoch++;
		server_kill(&server);
		flow.ledger->epoch++;
		sleep_ms(100);
		server_run(&server);
	}
	worker_join(&producer);
	RETURNS(0, spmcq_remote_join(flow.q));
	flow_check_joined(&flow);
	end_consumers(&flow, consumers);
	flow_check(&flow, 0);
	flow_end(&flow);
}

int main(int argc, char **argv)
{
	const struct peer_role roles[] = {flow_role, {NULL, NULL}};

	remote_begin(argc, argv, roles);
	RUN(consumers_may_be_killed_at_any_moment);
	RUN(the_server_may_be_killed_at_any_moment);
	return remote_finish();
}
