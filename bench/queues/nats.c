/*
 * This library's calls between machines. The producer and each consumer have a connection of their
 * own to the server, as they would have on machines of their own. There only the delays of the
 * network would be added.
 */
#include <errno.h>
#include <signal.h>
#include <spmcq_remote.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "nats.h"
#include "queue.h"

/* BYTES_MOST: of items in a message. A server takes 1 MiB if it is not configured otherwise. */
enum { NAME_MOST = 48, URL_MOST = 1024, BYTES_MOST = 512 << 10 };

static char server_url[URL_MOST], server_ca[URL_MOST];
static pid_t server, server_of; /* a server of ours, and the process that started it */

struct nats_queue {
	char name[NAME_MOST];
	struct bench_shape shape;
	struct spmcq_remote *producer;
	struct spmcq_remote **consumers; /* shape.consumers; NULL: not asked for yet */
};

_Noreturn static void be_server(const int *ends)
{
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
	if (dup2(ends[1], STDOUT_FILENO) >= 0) {
		close(ends[0]);
		close(ends[1]);
		execl("/bin/sh", "sh", BENCH_SERVER, (char *)NULL);
	}
	_exit(1);
}

static void end_server(void)
{
	if (getpid() != server_of) /* the process of a run must not end the server */
		return;
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

static bool read_line(FILE *in, char *line)
{
	if (!fgets(line, URL_MOST, in))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static const char *start_server(void)
{
	int ends[2];
	bool is_up;
	FILE *in;

	if (pipe(ends) != 0)
		return "no pipe to the server";
	server = fork();
	if (server == 0)
		be_server(ends);
	close(ends[1]);
	in = fdopen(ends[0], "r");
	if (server < 0 || !in)
		return "no process for the server";
	server_of = getpid();
	is_up = read_line(in, server_url) && read_line(in, server_ca);
	fclose(in);
	if (!is_up)
		return "the server did not start";
	return atexit(end_server) == 0 ? NULL : "the server would not be ended";
}

const char *nats_use(const char *url, const char *ca)
{
	if (!url)
		return start_server();
	if (strlen(url) >= URL_MOST || (ca && strlen(ca) >= URL_MOST))
		return "the server's URL is too long";
	strcpy(server_url, url);
	strcpy(server_ca, ca ? ca : "");
	return NULL;
}

const char *nats_url(void)
{
	return server_url;
}

const char *nats_ca(void)
{
	return *server_ca ? server_ca : NULL;
}

size_t nats_per_message(const struct bench_shape *shape)
{
	size_t n = shape->bulk > 1 ? shape->bulk : 1, most = BYTES_MOST / shape->item_size;

	if (n > most)
		n = most > 1 ? most : 1;
	while (shape->capacity % n != 0)
		n--;
	return n;
}

static struct spmcq_remote *open_one(const struct nats_queue *q, int *error)
{
	struct spmcq_remote_options options = {
	        .ca_file = nats_ca(), .items_per_message = (unsigned)nats_per_message(&q->shape)};
	struct spmcq_remote *handle = NULL;

	*error = spmcq_remote_open(&handle, server_url, q->name, q->shape.capacity,
	                           q->shape.item_size, &options);
	if (*error)
		fprintf(stderr, "spmcq-bench: %s\n", spmcq_remote_reason());
	return handle;
}

static void destroy(void *queue)
{
	struct nats_queue *q = queue;

	for (size_t i = 0; i < q->shape.consumers; i++)
		(void)spmcq_remote_close(q->consumers[i]);
	if (q->producer && spmcq_remote_delete(q->producer) != 0)
		fprintf(stderr, "spmcq-bench: %s is left on the server: %s\n", q->name,
		        spmcq_remote_reason());
	(void)spmcq_remote_close(q->producer);
	free(q->consumers);
	free(q);
}

static int create(void **queue, const struct bench_shape *shape)
{
	static unsigned number;
	struct nats_queue *q = calloc(1, sizeof(*q));
	int error;

	if (!q)
		return -ENOMEM;
	snprintf(q->name, sizeof(q->name), "bench-%d-%u", (int)getpid(), number++);
	q->shape = *shape;
	q->consumers = calloc(shape->consumers, sizeof(*q->consumers));
	if (!q->consumers) {
		free(q);
		return -ENOMEM;
	}
	q->producer = open_one(q, &error);
	if (error)
		destroy(q);
	else
		*queue = q;
	return error;
}

static void *producer(void *queue)
{
	struct nats_queue *q = queue;

	return q->producer;
}

/* NULL if it cannot be opened: then the first call says that there is no queue. */
static void *consumer(void *queue, size_t number)
{
	struct nats_queue *q = queue;
	int error;

	q->consumers[number] = open_one(q, &error);
	return q->consumers[number];
}

static int put(void *handle, const void *item)
{
	return spmcq_remote_put(handle, item);
}

static ssize_t put_many(void *handle, const void *items, size_t n)
{
	return spmcq_remote_put_many(handle, items, n);
}

static int get(void *handle, void *item)
{
	return spmcq_remote_get(handle, item);
}

static ssize_t get_many(void *handle, void *items, size_t max)
{
	return spmcq_remote_get_many(handle, items, max);
}

static int task_done(void *handle, size_t n)
{
	return spmcq_remote_task_done_many(handle, n);
}

static int join(void *queue)
{
	return spmcq_remote_join(producer(queue));
}

static int shut_down(void *queue)
{
	return spmcq_remote_shutdown(producer(queue));
}

extern const struct bench_queue bench_nats;
const struct bench_queue bench_nats = {
        .name = "nats",
        .note = "this library's calls over a NATS server, with TLS; with --bulk, a bulk is sent in "
                "one message; its CPU time is without the server's",
        .can = BENCH_BULK | BENCH_BOUNDED | BENCH_BLOCKING | BENCH_FIFO | BENCH_JOIN |
               BENCH_MACHINES,
        .create = create,
        .destroy = destroy,
        .producer = producer,
        .consumer = consumer,
        .put = put,
        .put_many = put_many,
        .get = get,
        .get_many = get_many,
        .task_done = task_done,
        .join = join,
        .shutdown = shut_down,
};
