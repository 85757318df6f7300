/*
 * Which clients a server lets in, and which servers a client accepts: certificates of both sides,
 * keys, credentials, permissions.
 */
#include "server.h"

#include "support/check.h"

#include <errno.h>
#include <spmcq_remote.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 500 };

static char made[PATH_LENGTH]; /* the directory of certificates and keys */

/* Makes them with a script of this folder. */
static void make_with(const char *script)
{
	char command[2 * PATH_LENGTH + 64];

	snprintf(made, sizeof(made), "%s", scratch_directory("made"));
	snprintf(command, sizeof(command), "%s/%s %s", REMOTE_TESTS, script, made);
	CHECK(system(command) == 0, "%s failed", command);
}

static const char *file(const char *name)
{
	static char paths[8][PATH_LENGTH + 32];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", made, name);
	return path;
}

static const char *content(const char *name)
{
	static char text[8192];
	FILE *in = fopen(file(name), "r");

	CHECK(in, "no file %s", name);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

static int try_open(const struct server *server, struct spmcq_remote_options options,
                    struct spmcq_remote **q)
{
	options.answer_ms = ANSWER_MS;
	return spmcq_remote_open(q, server->url, "secure", 10, sizeof(int), &options);
}

/* Opens a queue, and moves an item through it. */
static int try_all(const struct server *server, struct spmcq_remote_options options)
{
	struct spmcq_remote *q = NULL;
	int error = try_open(server, options, &q);
	int item = 1;

	if (error)
		return error;
	RETURNS(0, spmcq_remote_put(q, &item));
	RETURNS(0, spmcq_remote_get(q, &item));
	RETURNS(0, spmcq_remote_task_done(q));
	RETURNS(0, spmcq_remote_close(q));
	return 0;
}

static void start_tls(struct server *server, const char *certificate, const char *more)
{
	char lines[1024];

	snprintf(lines, sizeof(lines),
	         "tls { cert_file: \"%s/%s.pem\", key_file: \"%s/%s-key.pem\" %s }\n", made,
	         certificate, made, certificate, more);
	server_configure(server, certificate, lines);
	server_run(server);
	snprintf(server->url, sizeof(server->url), "tls://127.0.0.1:%d", server->port);
}

static void a_server_s_certificate_is_verified(void)
{
	struct spmcq_remote_options none = {.ca_file = NULL}, ours, theirs = none, name;
	struct server server, elsewhere, expired;

	make_with("certificates");
	ours = (struct spmcq_remote_options){.ca_file = file("ca.pem")};
	start_tls(&server, "server", "");
	RETURNS(0, try_all(&server, ours));
	theirs.ca_file = file("other-ca.pem");
	RETURNS(-EKEYREJECTED, try_all(&server, theirs));
	CHECK(strstr(spmcq_remote_reason(), "SSL"), "the reason is: %s", spmcq_remote_reason());
	/* The authorities of the system did not sign its certificate. */
	RETURNS(-EKEYREJECTED, try_all(&server, none));
	name = ours;
	name.server_name = "localhost";
	RETURNS(0, try_all(&server, name));
	name.server_name = "elsewhere.example";
	RETURNS(-EKEYREJECTED, try_all(&server, name));
	start_tls(&elsewhere, "elsewhere", "");
	RETURNS(-EKEYREJECTED, try_all(&elsewhere, ours));
	RETURNS(0, try_all(&elsewhere, name));
	start_tls(&expired, "expired", "");
	RETURNS(-EKEYREJECTED, try_all(&expired, ours));
}

static void a_server_without_tls_is_refused_where_tls_is_wanted(void)
{
	struct spmcq_remote_options ours = {.ca_file = NULL};
	struct server server;

	make_with("certificates");
	ours.ca_file = file("ca.pem");
	server_start(&server, "");
	RETURNS(-EKEYREJECTED, try_all(&server, ours));
	RETURNS(0, try_all(&server, (struct spmcq_remote_options){.ca_file = NULL}));
	snprintf(server.url, sizeof(server.url), "tls://127.0.0.1:%d", server.port);
	RETURNS(-EKEYREJECTED, try_all(&server, (struct spmcq_remote_options){.ca_file = NULL}));
}

static void a_client_s_certificate_is_verified(void)
{
	struct spmcq_remote_options ours = {.ca_file = NULL};
	struct server server;
	char verify[PATH_LENGTH + 64];

	make_with("certificates");
	snprintf(verify, sizeof(verify), ", ca_file: \"%s/ca.pem\", verify: true", made);
	start_tls(&server, "server", verify);
	ours.ca_file = file("ca.pem");
	CHECK(try_all(&server, ours) < 0, "a client without a certificate was let in");
	ours.cert_file = file("other-client.pem");
	ours.key_file = file("other-client-key.pem");
	CHECK(try_all(&server, ours) < 0, "a client of another authority was let in");
	ours.cert_file = file("client.pem");
	/* A certificate with the key of another certificate. */
	RETURNS(-EKEYREJECTED, try_all(&server, ours));
	ours.key_file = file("client-key.pem");
	RETURNS(0, try_all(&server, ours));
	ours.key_file = NULL;
	RETURNS(-EINVAL, try_all(&server, ours));
}

static void a_key_lets_in_its_holder_only(void)
{
	char lines[256], public[2][80];
	struct spmcq_remote_options key = {.nkey = NULL};
	struct server server;

	make_with("keys.py");
	snprintf(public[0], sizeof(public[0]), "%s", content("user.nkey"));
	snprintf(public[1], sizeof(public[1]), "%s", content("other.nkey"));
	snprintf(lines, sizeof(lines), "authorization { users: [ { nkey: %s } ] }\n", public[0]);
	server_start(&server, lines);
	RETURNS(-EACCES, try_all(&server, key));
	key = (struct spmcq_remote_options){.nkey = public[1],
	                                    .nkey_seed_file = file("other.seed")};
	RETURNS(-EACCES, try_all(&server, key));
	key = (struct spmcq_remote_options){.nkey = public[0],
	                                    .nkey_seed_file = file("other.seed")};
	/* The client names its public key, and cannot sign for it. */
	RETURNS(-EACCES, try_all(&server, key));
	key.nkey_seed_file = file("user.seed");
	RETURNS(0, try_all(&server, key));
	key.nkey_seed_file = NULL;
	RETURNS(-EINVAL, try_all(&server, key));
}

static void credentials_let_in_whom_the_operator_signed(void)
{
	struct spmcq_remote_options user = {.nkey = NULL};
	struct spmcq_remote *q = NULL;
	struct server server;
	int item = 1;

	make_with("keys.py");
	server_start(&server, content("operator.conf"));
	RETURNS(-EACCES, try_all(&server, user));
	user.credentials_file = file("stranger.creds");
	RETURNS(-EACCES, try_all(&server, user));
	user.credentials_file = file("user.creds");
	RETURNS(0, try_all(&server, user));
	user.credentials_file = file("limited.creds");
	RETURNS(0, try_open(&server, user, &q));
	RETURNS(-EACCES, spmcq_remote_put(q, &item));
	CHECK(strstr(spmcq_remote_reason(), "spmcq.secure.item"), "the reason is: %s",
	      spmcq_remote_reason());
	RETURNS(-EACCES, spmcq_remote_put_many(q, (int[3]){1, 2, 3}, 3));
	RETURNS(0, spmcq_remote_unfinished(q));
	RETURNS(0, spmcq_remote_close(q));
}

/* The permissions of a producer and a consumer, as spmcq_remote.h lists them. */
#define QUEUE "secure"
#define MAKER "user: maker, password: m, permissions: { publish: \">\", subscribe: \">\" }"
#define LISTEN "subscribe: [ \"_INBOX.>\", \"spmcq." QUEUE ".bell\" ]"
#define ASK                                                                                        \
	"\"$JS.API.INFO\", \"$JS.API.STREAM.INFO.*\", "                                            \
	"\"$JS.API.CONSUMER.INFO.spmcq-" QUEUE ".consumers\", "                                    \
	"\"$JS.API.STREAM.MSG.GET.spmcq-" QUEUE "-done\", \"spmcq." QUEUE ".mended\""
#define PRODUCER                                                                                   \
	"user: producer, password: p, permissions: { publish: [ " ASK ", \"spmcq." QUEUE           \
	".item\", \"spmcq." QUEUE ".bell\", \"$KV.spmcq-" QUEUE ".>\", "                           \
	"\"$JS.API.STREAM.MSG.GET.KV_spmcq-" QUEUE "\", "                                          \
	"\"$JS.API.DIRECT.GET.KV_spmcq-" QUEUE ".>\", "                                            \
	"\"$JS.API.STREAM.UPDATE.spmcq-" QUEUE "\" ], " LISTEN " }"
#define GET                                                                                        \
	ASK ", \"$JS.API.CONSUMER.MSG.NEXT.spmcq-" QUEUE ".consumers\", \"spmcq." QUEUE            \
	    ".done\", \"spmcq." QUEUE ".aside\""
#define CONSUMER                                                                                   \
	"user: consumer, password: c, permissions: { publish: [ " GET ", \"$JS.ACK.spmcq-" QUEUE   \
	".>\" ], " LISTEN " }"
/* may write to the log of reports, but not acknowledge */
#define RECORDER "user: recorder, password: r, permissions: { publish: [ " GET " ], " LISTEN " }"

static struct spmcq_remote *opened_as(struct server *server, const char *user)
{
	struct spmcq_remote *q = NULL;

	snprintf(server->url, sizeof(server->url), "nats://%s@127.0.0.1:%d", user, server->port);
	RETURNS(0, try_open(server, (struct spmcq_remote_options){.answer_ms = 1000}, &q));
	return q;
}

static void the_permissions_that_the_header_names_suffice_and_are_needed(void)
{
	struct spmcq_remote *maker, *producer, *consumer;
	struct server server;
	int item = 1;

	server_start(&server, "authorization { users: [ { " MAKER " }, { " PRODUCER
	                      " }, { " CONSUMER " } ] }\n");
	maker = opened_as(&server, "maker:m");
	producer = opened_as(&server, "producer:p");
	consumer = opened_as(&server, "consumer:c");
	RETURNS(-EACCES, spmcq_remote_put(consumer, &item));
	RETURNS(0, spmcq_remote_put(producer, &item));
	RETURNS(3, spmcq_remote_put_many(producer, (int[3]){1, 2, 3}, 3));
	RETURNS(-EACCES, spmcq_remote_get(producer, &item));
	RETURNS(0, spmcq_remote_get(consumer, &item));
	RETURNS(0, spmcq_remote_get(consumer, &item));
	RETURNS(0, spmcq_remote_task_done_many(consumer, 2));
	RETURNS(-EACCES, spmcq_remote_shutdown(consumer));
	RETURNS(0, spmcq_remote_shutdown(producer));
	RETURNS(2, spmcq_remote_unfinished(consumer));
	RETURNS(2, spmcq_remote_get_many(consumer, (int[3]){0}, 3));
	RETURNS(0, spmcq_remote_task_done_many(consumer, 2));
	RETURNS(0, spmcq_remote_join(producer));
	RETURNS(-EACCES, spmcq_remote_delete(producer));
	RETURNS(0, spmcq_remote_close(consumer));
	RETURNS(0, spmcq_remote_close(producer));
	RETURNS(0, spmcq_remote_delete(maker));
	RETURNS(0, spmcq_remote_close(maker));
}

static void a_report_needs_the_permission_to_acknowledge(void)
{
	struct spmcq_remote *maker, *recorder;
	struct server server;
	int item = 1;

	server_start(&server, "authorization { users: [ { " MAKER " }, { " RECORDER " } ] }\n");
	maker = opened_as(&server, "maker:m");
	recorder = opened_as(&server, "recorder:r");
	RETURNS(0, spmcq_remote_put(maker, &item));
	RETURNS(0, spmcq_remote_get(recorder, &item));
	RETURNS(-EACCES, spmcq_remote_task_done(recorder));
	RETURNS(-EACCES, spmcq_remote_task_done(recorder));
	RETURNS(1, spmcq_remote_held(recorder));
	RETURNS(1, spmcq_remote_unfinished(maker));
	RETURNS(0, spmcq_remote_close(recorder));
	RETURNS(0, spmcq_remote_delete(maker));
	RETURNS(0, spmcq_remote_close(maker));
}

int main(int argc, char **argv)
{
	remote_begin(argc, argv, NULL);
	RUN(a_server_s_certificate_is_verified);
	RUN(a_server_without_tls_is_refused_where_tls_is_wanted);
	RUN(a_client_s_certificate_is_verified);
	RUN(a_key_lets_in_its_holder_only);
	RUN(credentials_let_in_whom_the_operator_signed);
	RUN(the_permissions_that_the_header_names_suffice_and_are_needed);
	RUN(a_report_needs_the_permission_to_acknowledge);
	return remote_finish();
}
