/*
 * The server for --between machines.
 */
#ifndef BENCH_NATS_H
#define BENCH_NATS_H

/* Uses the server at url, and the certificates to trust in the file ca (NULL: the system's). With
 * url NULL a server is started, which ends with this process. Returns NULL, or what went wrong.
 * Before the first run: these inherit it. */
const char *nats_use(const char *url, const char *ca);

const char *nats_url(void);
const char *nats_ca(void); /* NULL: the system's */

#endif
