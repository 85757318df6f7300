#define _GNU_SOURCE /* unshare */
/*
 * Three servers, each of which stores every item. One of them may be killed, or cut off.
 */
#include "flow.h"
#include "server.h"

#include "support/check.h"
#include "support/worker.h"

#include <errno.h>
#include <nats/nats.h>
#include <sched.h>
#include <signal.h>
#include <spmcq.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SERVERS = 3, ITEMS = 20000, CONSUMERS = 2, BULK = 64 };

/* The number of runs whose report a consumer may send without getting the answer: one over the
 * connection that breaks, and one to each server that it tries to connect to afterwards. */
enum { UNANSWERED = 1 + SERVERS };

static struct server servers[SERVERS];
static char urls[256];

/* hosts: the addresses of the servers, whose names are s0, s1, s2. */
static void configure_cluster(const char *const hosts[SERVERS])
{
	int ports[SERVERS];

	urls[0] = '\0';
	for (int i = 0; i < SERVERS; i++)
		ports[i] = free_port();
	for (int i = 0; i < SERVERS; i++) {
		size_t used = strlen(urls);
		char name[8], lines[512];

		snprintf(name, sizeof(name), "s%d", i);
		snprintf(lines, sizeof(lines),
		         "cluster { name: c, listen: \"%s:%d\", routes: [ \"nats://%s:%d\", "
		         "\"nats://%s:%d\", \"nats://%s:%d\" ] }\n",
		         hosts[i], ports[i], hosts[0], ports[0], hosts[1], ports[1], hosts[2],
		         ports[2]);
		server_configure_at(&servers[i], name, hosts[i], lines);
		snprintf(urls + used, sizeof(urls) - used, "%s%s", used ? "," : "", servers[i].url);
	}
}

static void await_cluster(struct flow *flow)
{
	double until = seconds_now() + 20;
	int error;

	/* The servers first elect the one that makes streams. */
	while ((error = flow_try_begin(flow)) != 0) {
		CHECK(seconds_now() < until, "no queue: %s", spmcq_remote_reason());
		sleep_ms(200);
	}
}

/* Returns the number of the server that is the leader of the stream; waits until there is one. */
static int leader_of(const char *stream)
{
	natsConnection *nats = NULL;
	jsStreamInfo *info = NULL;
	double until = seconds_now() + 20;
	jsCtx *js = NULL;
	int leader = -1;

	RETURNS(NATS_OK, natsConnection_ConnectTo(&nats, urls));
	RETURNS(NATS_OK, natsConnection_JetStream(&js, nats, NULL));
	while (leader < 0) {
		if (js_GetStreamInfo(&info, js, stream, NULL, NULL) == NATS_OK && info->Cluster &&
		    info->Cluster->Leader && info->Cluster->Leader[0] == 's')
			leader = atoi(info->Cluster->Leader + 1);
		jsStreamInfo_Destroy(info);
		info = NULL;
		CHECK(seconds_now() < until, "%s has no leader", stream);
		sleep_ms(leader < 0 ? 100 : 0);
	}
	jsCtx_Destroy(js);
	natsConnection_Destroy(nats);
	return leader;
}

static void put_all(void *arg)
{
	flow_put(arg, 0, ITEMS);
}

/* The servers may just be electing a leader, which takes them longer than the call waits. */
static int shut_down(struct spmcq_remote *q)
{
	double until = seconds_now() + 20;
	int error;

	do
		error = spmcq_remote_shutdown(q);
	while (error == -ENOTCONN && seconds_now() < until);
	return error;
}

/* Puts all items through consumers. After a third of the reports it calls hurt() for the leader of
 * the stream, and after two thirds heal(). */
static void flow_goes_on(struct flow *flow, void (*hurt)(int), void (*heal)(int))
{
	struct worker producer;
	pid_t consumers[CONSUMERS];
	int leader;

	await_cluster(flow);
	for (int i = 0; i < CONSUMERS; i++)
		consumers[i] = flow_consumer(flow);
	worker_start(&producer, put_all, flow);
	flow_await_done(flow, ITEMS / 3);
	leader = leader_of("spmcq-cluster");
	check_doing("server %d, the leader, is killed or cut off", leader);
	flow->ledger->epoch++;
	hurt(leader);
	flow_await_done(flow, ITEMS * 2 / 3);
	flow->ledger->epoch++;
	heal(leader);
	check_doing("server %d is back", leader);
	worker_join(&producer);
	RETURNS(0, spmcq_remote_join(flow->q));
	flow_check_joined(flow);
	RETURNS(0, shut_down(flow->q));
	for (int i = 0; i < CONSUMERS; i++)
		COUNTS(0, peer_await(consumers[i]));
	flow_check(flow, CONSUMERS * BULK * UNANSWERED);
	flow_end(flow);
}

static struct flow cluster_flow(void)
{
	return (struct flow){.url = urls,
	                     .name = "cluster",
	                     .items = ITEMS,
	                     .capacity = 2000,
	                     .bulk = BULK,
	                     .options = {.replicas = 3,
	                                 .ack_wait_ms = 5000,
	                                 .answer_ms = 2000,
	                                 .max_deliveries = 50,
	                                 .allow_plain_text_to_other_machines = true}};
}

static void start_cluster(void)
{
	static const char *const hosts[] = {"127.0.0.1", "127.0.0.1", "127.0.0.1"};

	configure_cluster(hosts);
	for (int i = 0; i < SERVERS; i++)
		server_run(&servers[i]);
}

/* The producer limits the number of items; the servers do not. */
static void a_replicated_queue_is_bounded(void)
{
	struct flow flow = cluster_flow();
	uint64_t items[12] = {0}, item = 0;
	struct timespec soon;

	start_cluster();
	flow.capacity = 10;
	await_cluster(&flow);
	RETURNS(10, spmcq_remote_try_put_many(flow.q, items, 12));
	RETURNS(-EAGAIN, spmcq_remote_try_put(flow.q, &item));
	soon = spmcq_after(0.1);
	RETURNS(-ETIMEDOUT, spmcq_remote_put_until(flow.q, &item, &soon));
	RETURNS(4, spmcq_remote_get_many(flow.q, items, 4));
	RETURNS(-EAGAIN,
	        /* Items that are got but not reported count, too. */
	        spmcq_remote_try_put(flow.q, &item));
	RETURNS(0, spmcq_remote_task_done_many(flow.q, 4));
	soon = spmcq_after(5);
	RETURNS(0, spmcq_remote_put_until(flow.q, &item, &soon));
	while (spmcq_remote_unfinished(flow.q) > 7)
		sleep_ms(1);
	RETURNS(3, spmcq_remote_try_put_many(flow.q, items, 12));
	RETURNS(0, shut_down(flow.q));
	RETURNS(-ESHUTDOWN, spmcq_remote_put(flow.q, &item));
	RETURNS(0, spmcq_remote_shutdown_now(flow.q));
	RETURNS(0, spmcq_remote_join(flow.q));
	flow_end(&flow);
}

static void kill_server(int i)
{
	server_kill(&servers[i]);
}

static void run_server(int i)
{
	server_run(&servers[i]);
}

static void the_leader_may_be_killed(void)
{
	struct flow flow = cluster_flow();

	start_cluster();
	flow_goes_on(&flow, kill_server, run_server);
}

__attribute__((format(printf, 1, 2))) static bool run(const char *format, ...)
{
	char command[512];
	va_list list;

	va_start(list, format);
	vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	return system(command) == 0;
}

static int number_of(const struct server *server)
{
	return (int)(server - servers);
}

/* Lays a virtual cable from the bridge into the server's namespace. */
static void plug_in(struct server *server)
{
	int i = number_of(server);

	CHECK(run("ip link add cable%d type veth peer name eth0 netns %d && "
	          "ip link set cable%d master bridge up && "
	          "nsenter -t %d -n sh -c 'ip link set lo up && "
	          "ip addr add %s/24 dev eth0 && ip link set eth0 up'",
	          i, (int)server->pid, i, (int)server->pid, server->host),
	      "no cable for server %d", i);
}

static void cut_cable(int i)
{
	CHECK(run("ip link set cable%d down", i), "cable %d", i);
}

static void mend_cable(int i)
{
	CHECK(run("ip link set cable%d up", i), "cable %d", i);
}

/* Makes the test's network. It is in a namespace of this process, and ends with it. */
static bool make_network(void)
{
	return unshare(CLONE_NEWNET) == 0 &&
	       run("ip link set lo up && ip link add bridge type bridge && "
	           "ip addr add 198.18.0.1/24 dev bridge && ip link set bridge up") &&
	       run("nsenter --version >/dev/null");
}

static void the_leader_may_be_cut_off(void)
{
	static const char *const hosts[] = {"198.18.0.10", "198.18.0.11", "198.18.0.12"};
	struct flow flow = cluster_flow();

	if (!make_network())
		check_skip("no network namespaces here");
	configure_cluster(hosts);
	for (int i = 0; i < SERVERS; i++) {
		servers[i].is_apart = true;
		servers[i].connect = plug_in;
		server_run(&servers[i]);
	}
	flow_goes_on(&flow, cut_cable, mend_cable);
}

int main(int argc, char **argv)
{
	const struct peer_role roles[] = {flow_role, {NULL, NULL}};

	remote_begin(argc, argv, roles);
	RUN(a_replicated_queue_is_bounded);
	RUN(the_leader_may_be_killed);
	RUN(the_leader_may_be_cut_off);
	return remote_finish();
}
