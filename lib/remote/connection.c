/*
 * The connection to the server: how the server and this handle prove their identity to each other,
 * and how calls detect that the connection was lost. The client library makes a lost connection
 * again by itself. Its callbacks only count events; calls that wait compare the counts.
 */
#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SERVERS_MOST = 32,  /* in a URL */
	RECONNECT_MS = 100, /* between two attempts to connect again */
	PING_MS = 2000,     /* time between pings on a silent connection */
	PINGS_OUT = 2,      /* unanswered pings after which the connection counts as lost */
};

static void on_lost(natsConnection *nats, void *closure)
{
	struct connection *connection = closure;

	(void)nats;
	atomic_fetch_add(&connection->lost, 1);
}

/* A message on the bell may have been missed while there was no connection. So this counts one. */
static void on_again(natsConnection *nats, void *closure)
{
	struct connection *connection = closure;

	(void)nats;
	atomic_fetch_add(&connection->rung, 1);
}

static void on_bell(natsConnection *nats, natsSubscription *bell, natsMsg *message, void *closure)
{
	struct connection *connection = closure;

	(void)nats;
	(void)bell;
	natsMsg_Destroy(message);
	atomic_fetch_add(&connection->rung, 1);
}

/* The server's refusal of a subject arrives here. The call that used the subject gets no answer. */
static void on_error(natsConnection *nats, natsSubscription *subscription, natsStatus status,
                     void *closure)
{
	struct connection *connection = closure;
	const char *text = NULL;

	(void)subscription;
	if (status != NATS_NOT_PERMITTED)
		natsConnection_GetLastError(nats, &text);
	if (status != NATS_NOT_PERMITTED && !(text && strstr(text, "ermissions")))
		return;
	if (!text)
		natsConnection_GetLastError(nats, &text);
	pthread_mutex_lock(&connection->lock);
	snprintf(connection->refusal, sizeof(connection->refusal), "%s",
	         text ? text : "not permitted");
	pthread_mutex_unlock(&connection->lock);
	atomic_fetch_add(&connection->refused, 1);
}

/* Counts one more source of callbacks. After its last callback it calls connection_end_caller(). */
INTERNAL void connection_add_caller(struct connection *connection)
{
	pthread_mutex_lock(&connection->lock);
	connection->callers++;
	pthread_mutex_unlock(&connection->lock);
}

/* Called after the last callback of a source. The handle may be freed when all sources have
 * ended. */
INTERNAL void connection_end_caller(struct connection *connection)
{
	pthread_mutex_lock(&connection->lock);
	connection->callers--;
	pthread_cond_signal(&connection->ended);
	pthread_mutex_unlock(&connection->lock);
}

static void end_one(void *closure)
{
	connection_end_caller(closure);
}

static void on_closed(natsConnection *nats, void *closure)
{
	(void)nats;
	end_one(closure);
}

INTERNAL bool connection_is_up(struct connection *connection)
{
	return natsConnection_Status(connection->nats) == NATS_CONN_STATUS_CONNECTED;
}

/* Returns how often the connection was made again. Unlike connection->lost, which a callback counts
 * later, it has changed before the first answer over a new connection. */
INTERNAL uint64_t connection_reconnects(struct connection *connection)
{
	natsStatistics *counts = NULL;
	uint64_t reconnects = 0;

	if (natsStatistics_Create(&counts) == NATS_OK &&
	    natsConnection_GetStats(connection->nats, counts) == NATS_OK)
		(void)natsStatistics_GetCounts(counts, NULL, NULL, NULL, NULL, &reconnects);
	natsStatistics_Destroy(counts);
	return reconnects;
}

/* True once the client library will not connect again. That is so when the server has refused the
 * user of this handle twice in a row. */
INTERNAL bool connection_is_dead(struct connection *connection)
{
	return natsConnection_IsClosed(connection->nats);
}

/* A call that used a refused subject only sees that its answer is missing. If error says so
 * (-ENOTCONN or -ETIMEDOUT), and the server has refused a subject since connection->refused had the
 * value of refused, this returns -EACCES; otherwise it returns error. */
INTERNAL int connection_fault(struct connection *connection, unsigned refused, int error)
{
	if (error != -ENOTCONN && error != -ETIMEDOUT)
		return error;
	if (atomic_load(&connection->refused) == refused)
		return error;
	pthread_mutex_lock(&connection->lock);
	error = fault(-EACCES, "%s", connection->refusal);
	pthread_mutex_unlock(&connection->lock);
	return error;
}

static natsStatus set_tls(natsOptions *nats, const struct spmcq_remote_options *options)
{
	natsStatus status = natsOptions_SetSecure(nats, true);

	if (status == NATS_OK)
		status = natsOptions_SkipServerVerification(nats, false);
	if (status == NATS_OK && options->ca_file)
		status = natsOptions_LoadCATrustedCertificates(nats, options->ca_file);
	if (status == NATS_OK && options->cert_file)
		status = natsOptions_LoadCertificatesChain(nats, options->cert_file,
		                                           options->key_file);
	if (status == NATS_OK && options->server_name)
		status = natsOptions_SetExpectedHostname(nats, options->server_name);
	return status;
}

static natsStatus set_user(natsOptions *nats, const struct spmcq_remote_options *options)
{
	natsStatus status = NATS_OK;

	if (options->nkey)
		status = natsOptions_SetNKeyFromSeed(nats, options->nkey, options->nkey_seed_file);
	if (status == NATS_OK && options->credentials_file)
		status = natsOptions_SetUserCredentialsFromFiles(nats, options->credentials_file,
		                                                 NULL);
	return status;
}

/* While there is no connection, a request fails at once. Each message that is published is sent at
 * once. Otherwise the client library would collect messages until the next request or flush, and a
 * get would have to flush and wait for the answer, which takes a tenth longer. (A call for 256
 * messages would take a tenth less time then; but with items_per_message they are one message.) */
static natsStatus set_manners(natsOptions *nats, const struct spmcq_remote_options *options)
{
	natsStatus status = natsOptions_SetFailRequestsOnDisconnect(nats, true);

	if (status == NATS_OK)
		status = natsOptions_SetSendAsap(nats, true);
	if (status == NATS_OK)
		status = natsOptions_SetTimeout(nats, options->answer_ms);
	if (status == NATS_OK)
		status = natsOptions_SetWriteDeadline(nats, options->answer_ms);
	if (status == NATS_OK)
		status = natsOptions_SetPingInterval(nats, PING_MS);
	if (status == NATS_OK)
		status = natsOptions_SetMaxPingsOut(nats, PINGS_OUT);
	if (status == NATS_OK)
		status = natsOptions_SetMaxReconnect(nats, -1);
	if (status == NATS_OK)
		status = natsOptions_SetReconnectWait(nats, RECONNECT_MS);
	return status;
}

static natsStatus set_callbacks(natsOptions *nats, struct connection *connection)
{
	natsStatus status = natsOptions_SetDisconnectedCB(nats, on_lost, connection);

	if (status == NATS_OK)
		status = natsOptions_SetReconnectedCB(nats, on_again, connection);
	if (status == NATS_OK)
		status = natsOptions_SetErrorHandler(nats, on_error, connection);
	if (status == NATS_OK)
		status = natsOptions_SetClosedCB(nats, on_closed, connection);
	return status;
}

static bool wants_tls(const char *url, const struct spmcq_remote_options *options)
{
	return urls_say_tls(url) || options->ca_file || options->server_name || options->cert_file;
}

/* Plain text goes to another machine only if the options allow it. If they do not, the handle also
 * ignores further servers that the first server names, because they may be on other machines. */
static int set_privacy(natsOptions *nats, const char *url,
                       const struct spmcq_remote_options *options)
{
	bool stays_here;
	char *copy;

	if (wants_tls(url, options))
		return fault_of("TLS", set_tls(nats, options), 0);
	if (options->allow_plain_text_to_other_machines)
		return 0;
	copy = strdup(url);
	if (!copy)
		return fault(-ENOMEM, "no memory");
	stays_here = urls_stay_here(copy);
	free(copy);
	if (!stays_here)
		return fault(-EPERM, "plain text to another machine: use tls://, or "
		                     "allow_plain_text_to_other_machines");
	return fault_of("options", natsOptions_SetIgnoreDiscoveredServers(nats, true), 0);
}

/* The URL may be a list of servers with commas between them. */
static int set_servers(natsOptions *nats, const char *url)
{
	const char *servers[SERVERS_MOST];
	char *copy = strdup(url), *rest = copy, *server;
	int n = 0, error = 0;

	if (!copy)
		return fault(-ENOMEM, "no memory");
	while (error == 0 && (server = strsep(&rest, ", "))) {
		if (!*server)
			continue;
		if (n == SERVERS_MOST)
			error = fault(-EINVAL, "more than %d servers", SERVERS_MOST);
		else
			servers[n++] = server;
	}
	if (error == 0 && n == 0)
		error = fault(-EINVAL, "no server in the URL");
	if (error == 0)
		error = fault_of(url, natsOptions_SetServers(nats, servers, n), 0);
	free(copy);
	return error;
}

static int set_all(natsOptions *nats, struct connection *connection, const char *url,
                   const struct spmcq_remote_options *options)
{
	int error = set_servers(nats, url);

	if (error == 0)
		error = set_privacy(nats, url, options);
	if (error == 0)
		error = fault_of("key", set_user(nats, options), 0);
	if (error == 0)
		error = fault_of("options", set_manners(nats, options), 0);
	if (error == 0)
		error = fault_of("options", set_callbacks(nats, connection), 0);
	return error;
}

INTERNAL int connection_open(struct connection *connection, const char *url,
                             const struct spmcq_remote_options *options)
{
	natsOptions *nats;
	int error;

	pthread_mutex_init(&connection->lock, NULL);
	pthread_cond_init(&connection->ended, NULL);
	if (natsOptions_Create(&nats) != NATS_OK)
		return fault(-ENOMEM, "no memory");
	error = set_all(nats, connection, url, options);
	if (error == 0)
		error = fault_of(url, natsConnection_Connect(&connection->nats, nats), 0);
	if (error == 0)
		connection_add_caller(connection);
	natsOptions_Destroy(nats);
	return error;
}

INTERNAL int connection_listen(struct connection *connection, const char *bell)
{
	natsStatus status = natsConnection_Subscribe(&connection->bell, connection->nats, bell,
	                                             on_bell, connection);

	if (status == NATS_OK)
		status = natsSubscription_SetOnCompleteCB(connection->bell, end_one, connection);
	if (status == NATS_OK)
		connection_add_caller(connection);
	return fault_of("subscribe", status, 0);
}

/* A subscription that has ended. */
struct left {
	natsSubscription *subscription;
	struct left *next;
};

static void free_left(struct left *left)
{
	while (left) {
		struct left *next = left->next;

		natsSubscription_Destroy(left->subscription);
		free(left);
		left = next;
	}
}

static void add_left(struct connection *connection, struct left *list)
{
	struct left **end = &list;

	while (*end)
		end = &(*end)->next;
	pthread_mutex_lock(&connection->lock);
	*end = connection->left;
	connection->left = list;
	pthread_mutex_unlock(&connection->lock);
}

static struct left *take_left(struct connection *connection)
{
	struct left *list;

	pthread_mutex_lock(&connection->lock);
	list = connection->left;
	connection->left = NULL;
	pthread_mutex_unlock(&connection->lock);
	return list;
}

/* The client library's thread that reads messages looks for the subscription of each, and in
 * versions before 3.6.1 it then uses it although it may have been freed meanwhile. Mostly it waits
 * for ever for the lock that was there. So a subscription that has ended is freed only when that
 * thread has read an answer to something that was sent later, or when the connection is closed. */
INTERNAL void connection_unsubscribe(struct connection *connection, natsSubscription *subscription)
{
	struct left *left = subscription ? malloc(sizeof(*left)) : NULL;

	if (!left) {
		natsSubscription_Destroy(subscription);
		return;
	}
	(void)natsSubscription_Unsubscribe(subscription);
	*left = (struct left){subscription, NULL};
	add_left(connection, left);
	left = take_left(connection);
	if (connection_is_up(connection) &&
	    natsConnection_FlushTimeout(connection->nats, LINGER_MS) == NATS_OK)
		free_left(left);
	else
		add_left(connection, left);
}

/* Returns when all callbacks have ended. */
INTERNAL void connection_close(struct connection *connection)
{
	if (connection->nats)
		natsConnection_Close(connection->nats);
	pthread_mutex_lock(&connection->lock);
	while (connection->callers > 0)
		pthread_cond_wait(&connection->ended, &connection->lock);
	pthread_mutex_unlock(&connection->lock);
	natsSubscription_Destroy(connection->bell);
	free_left(connection->left);
	jsCtx_Destroy(connection->js);
	natsConnection_Destroy(connection->nats);
	pthread_cond_destroy(&connection->ended);
	pthread_mutex_destroy(&connection->lock);
}
