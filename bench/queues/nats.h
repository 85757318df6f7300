/*
 * The server for --between machines.
 */
#ifndef BENCH_NATS_H
#define BENCH_NATS_H

#include <stddef.h>

/* Uses the server at url, and the certificates to trust in the file ca (NULL: the system's). With
 * url NULL a server is started, which ends with this process. Returns NULL, or what went wrong.
 * Before the first run: these inherit it. */
const char *nats_use(const char *url, const char *ca);

struct bench_shape;

/* Returns how many items a message has at most: as many as a call moves, if they divide the
 * capacity and a server takes so many bytes. */
size_t nats_per_message(const struct bench_shape *shape);

const char *nats_url(void);
const char *nats_ca(void); /* NULL: the system's */

#endif
