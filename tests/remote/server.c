/*
 * See server.h.
 */
#define _GNU_SOURCE /* nftw */
#include "server.h"

#include "support/check.h"
#include "support/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGUMENTS = 16, START_SECONDS = 10, PEER_SECONDS = 30 };

static char scratch[PATH_LENGTH];

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_scratch(void)
{
	nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void end_scratch(int signal)
{
	remove_scratch();
	_exit(128 + signal);
}

static bool have_server(void)
{
	return system("nats-server --version >/dev/null 2>&1") == 0;
}

void remote_begin(int argc, char **argv, const struct peer_role *roles)
{
	const char *where = getenv("TMPDIR");

	for (; argc > 1 && roles && roles->name; roles++)
		if (strcmp(argv[1], roles->name) == 0)
			exit(roles->run(argc - 2, argv + 2));
	if (!have_server()) {
		printf("1..0 # SKIP there is no nats-server in PATH\n");
		exit(EXIT_SUCCESS);
	}
	snprintf(scratch, sizeof(scratch), "%s/spmcq-remote-XXXXXX", where ? where : "/tmp");
	if (!mkdtemp(scratch))
		abort();
	signal(SIGTERM, end_scratch);
	signal(SIGINT, end_scratch);
}

int remote_finish(void)
{
	int status = check_finish();

	remove_scratch();
	return status;
}

const char *scratch_directory(const char *name)
{
	static char path[PATH_LENGTH + 64];

	snprintf(path, sizeof(path), "%s/%d-%s", scratch, (int)getpid(), name);
	CHECK(mkdir(path, 0700) == 0, "%s: %s", path, strerror(errno));
	return path;
}

/* Not a port that the system gives out by itself. One of these may be the client's end of another
 * test's connection, or of this test's own: a connection to such a port, when nobody listens there,
 * can reach itself. */
int free_port(void)
{
	enum { FIRST = 10000, PORTS = 20000 };
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static unsigned tries;
	int in = socket(AF_INET, SOCK_STREAM, 0), port;

	do {
		port = FIRST + (int)(((unsigned)getpid() * 131 + tries++ * 7919) % PORTS);
		address.sin_port = htons((uint16_t)port);
	} while (bind(in, (struct sockaddr *)&address, sizeof(address)) != 0 && tries < PORTS);
	CHECK(tries < PORTS, "no free port: %s", strerror(errno));
	close(in);
	return port;
}

void server_configure(struct server *server, const char *name, const char *more)
{
	server_configure_at(server, name, "127.0.0.1", more);
}

void server_configure_at(struct server *server, const char *name, const char *host,
                         const char *more)
{
	FILE *file;

	memset(server, 0, sizeof(*server));
	snprintf(server->directory, sizeof(server->directory), "%s", scratch_directory(name));
	snprintf(server->config, sizeof(server->config), "%.140s/conf", server->directory);
	server->port = free_port();
	snprintf(server->host, sizeof(server->host), "%s", host);
	snprintf(server->url, sizeof(server->url), "nats://%s:%d", host, server->port);
	file = fopen(server->config, "w");
	CHECK(file, "%s: %s", server->config, strerror(errno));
	fprintf(file, "listen: \"%s:%d\"\nserver_name: \"%s\"\n", host, server->port, name);
	fprintf(file, "log_file: \"%s/log\"\n", server->directory);
	fprintf(file, "jetstream { store_dir: \"%s/store\" }\n%s", server->directory, more);
	fclose(file);
}

static bool takes_connections(const struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons((uint16_t)server->port),
	                              .sin_addr.s_addr = inet_addr(server->host)};
	int out = socket(AF_INET, SOCK_STREAM, 0);
	bool is_taken = connect(out, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(out);
	return is_taken;
}

/* In the server's process: waits until it has a network. */
static void go_apart(const struct server *server, int ready, int go)
{
	char byte = 0;

	if (server->is_apart &&
	    (unshare(CLONE_NEWNET) != 0 || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1))
		_exit(126);
	close(ready);
	close(go);
}

static void connect_apart(struct server *server, int ready, int go)
{
	char byte = 0;

	if (!server->is_apart)
		return;
	CHECK(read(ready, &byte, 1) == 1, "the server did not get apart");
	server->connect(server);
	CHECK(write(go, &byte, 1) == 1, "write: %s", strerror(errno));
}

void server_run(struct server *server)
{
	double until = seconds_now() + START_SECONDS;
	int ready[2], go[2];

	CHECK(pipe(ready) == 0 && pipe(go) == 0, "pipe: %s", strerror(errno));
	server->pid = fork();
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		go_apart(server, ready[1], go[0]);
		execlp("nats-server", "nats-server", "-c", server->config, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	connect_apart(server, ready[0], go[1]);
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	while (!takes_connections(server)) {
		CHECK(waitpid(server->pid, NULL, WNOHANG) == 0, "%s/log: the server has ended",
		      server->directory);
		CHECK(seconds_now() < until, "the server does not listen at %d", server->port);
		sleep_ms(10);
	}
}

void server_start(struct server *server, const char *more)
{
	server_configure(server, "server", more);
	server_run(server);
}

void server_signal(struct server *server, int signal)
{
	CHECK(kill(server->pid, signal) == 0, "kill: %s", strerror(errno));
	if (signal == SIGSTOP) /* waits until all threads of the server are stopped */
		waitpid(server->pid, NULL, WUNTRACED);
}

void server_kill(struct server *server)
{
	server_signal(server, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

pid_t peer_start(const char *role, ...)
{
	char *argv[ARGUMENTS] = {(char *)"peer", (char *)role};
	char me[2 * PATH_LENGTH] = ""; /* under valgrind the link itself leads to valgrind */
	va_list list;
	pid_t peer;

	CHECK(readlink("/proc/self/exe", me, sizeof(me) - 1) > 0, "readlink: %s", strerror(errno));
	va_start(list, role);
	for (int i = 2; i < ARGUMENTS - 1 && (argv[i] = va_arg(list, char *)); i++)
		;
	va_end(list);
	fflush(stdout);
	peer = fork();
	if (peer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(me, argv);
		_exit(127);
	}
	CHECK(peer > 0, "fork: %s", strerror(errno));
	return peer;
}

void peer_kill(pid_t peer)
{
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
}

int peer_await(pid_t peer)
{
	double until = seconds_now() + PEER_SECONDS;
	int status;
	pid_t ended;

	while ((ended = waitpid(peer, &status, WNOHANG)) == 0) {
		CHECK(seconds_now() < until, "a peer did not end within %d s", PEER_SECONDS);
		sleep_ms(1);
	}
	CHECK(ended == peer, "waitpid: %s", strerror(errno));
	CHECK(WIFEXITED(status), "a peer died by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

void *shared_memory(const char *path, size_t size)
{
	int file = open(path, O_RDWR | O_CREAT, 0600);
	void *memory;

	if (file < 0 || ftruncate(file, (off_t)size) != 0)
		abort();
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		abort();
	close(file);
	return memory;
}
