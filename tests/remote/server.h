/*
 * Servers and peers of the tests: real nats-servers on free ports of this machine, with all they
 * write in a scratch directory; and this program again as another process. Both are killed with
 * the property that started them, and the directory goes with the program.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PATH_LENGTH = 160 };

struct server {
	int port;
	pid_t pid; /* 0: not running */
	char host[32];
	bool is_apart; /* runs in a network namespace of its own, named by its pid */
	void (*connect)(struct server *server); /* then: gives it a network, before it starts */
	char url[64];
	char directory[PATH_LENGTH];
	char config[PATH_LENGTH];
};

/* Of a program of tests: begin before the first property, finish at its end. begin runs a peer
 * instead, and does not return, if this process is one; and skips all where there is no server. */
struct peer_role {
	const char *name;
	int (*run)(int argc,
	           char **argv); /* argv: what peer_start() was given; returns the status */
};
void remote_begin(int argc, char **argv, const struct peer_role *roles);
int remote_finish(void);

/* A directory of the property's own, made now. */
const char *scratch_directory(const char *name);

int free_port(void);

/* more: lines of configuration; "" for none. */
void server_configure(struct server *server, const char *name, const char *more);
void server_configure_at(struct server *server, const char *name, const char *host,
                         const char *more);
void server_run(struct server *server); /* and wait until it takes connections */
void server_start(struct server *server, const char *more);
void server_signal(struct server *server, int signal);
void server_kill(struct server *server); /* SIGKILL; can be run again on the same port */

/* This program again, in the role of that name. The list of arguments ends with NULL. */
pid_t peer_start(const char *role, ...);
void peer_kill(pid_t peer);
int peer_await(pid_t peer); /* its exit status; fails the property if it was killed */

/* size bytes that the peers which are given the name share; all zero at first. */
void *shared_memory(const char *path, size_t size);

double seconds_now(void);

#endif
