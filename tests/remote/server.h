/*
 * Servers and peers of the tests. A server is a real nats-server on a free port of this machine,
 * which writes all its files to a scratch directory. A peer is this program, started again as
 * another process. Both are killed when the property that started them ends; the directory is
 * removed when the program ends.
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
	/* If is_apart: gives the server a network before it starts. */
	void (*connect)(struct server *server);
	char url[64];
	char directory[PATH_LENGTH];
	char config[PATH_LENGTH];
};

/* A test program calls remote_begin() before its first property, and returns remote_finish(). In a
 * peer, remote_begin() runs the peer's role and does not return. Where there is no nats-server, it
 * skips all properties. */
struct peer_role {
	const char *name;
	int (*run)(int argc,
	           char **argv); /* argv: the arguments of peer_start(). Returns the exit status. */
};
void remote_begin(int argc, char **argv, const struct peer_role *roles);
int remote_finish(void);

/* Makes a directory for this property, and returns its path. */
const char *scratch_directory(const char *name);

int free_port(void);

/* more: lines of configuration; "" for none. */
void server_configure(struct server *server, const char *name, const char *more);
void server_configure_at(struct server *server, const char *name, const char *host,
                         const char *more);
void server_run(struct server *server); /* waits until the server takes connections */
void server_start(struct server *server, const char *more);
void server_signal(struct server *server, int signal);
/* By SIGKILL; server_run() can start it again on the same port. */
void server_kill(struct server *server);

/* Starts this program again, in the role of that name. The list of arguments ends with NULL. */
pid_t peer_start(const char *role, ...);
void peer_kill(pid_t peer);
int peer_await(pid_t peer); /* returns its exit status; fails the property if it was killed */

/* Returns memory of that size that all processes with this path share; all bytes are zero at
 * first. */
void *shared_memory(const char *path, size_t size);

double seconds_now(void);

#endif
