/*
 * One producer puts 0 to 99, consumers on any machines square them. Started as
 *   machines URL put [CA]     once; ends when all are squared
 *   machines URL get [CA]     as often as one likes; ends with the producer
 * with the URL of a NATS server, as tls://host:4222, and its certificates in the file CA.
 */
#include <errno.h>
#include <spmcq_remote.h>
#include <stdio.h>
#include <string.h>

enum { NUMBERS = 100 };

static struct spmcq_remote *queue;

static int produce(void)
{
	int error = 0;

	for (long n = 0; n < NUMBERS && error == 0; n++)
		error = spmcq_remote_put(queue, &n);
	if (error == 0)
		error = spmcq_remote_join(queue);
	if (error == 0)
		error = spmcq_remote_delete(queue); /* threads that wait in get learn of it */
	return error;
}

static int consume(void)
{
	long n;
	int error;

	while ((error = spmcq_remote_get(queue, &n)) == 0) {
		printf("%ld %ld\n", n, n * n);
		fflush(stdout);
		spmcq_remote_task_done(queue); /* or else it comes again, to another */
	}
	return error == -ENOENT ? 0 : error;
}

int main(int argc, char **argv)
{
	struct spmcq_remote_options options = {.ca_file = argc > 3 ? argv[3] : NULL};
	bool puts = argc > 2 && strcmp(argv[2], "put") == 0;
	int error;

	if (!puts && (argc <= 2 || strcmp(argv[2], "get") != 0)) {
		fprintf(stderr, "usage: machines URL put|get [CA]\n");
		return 2;
	}
	error = spmcq_remote_open(&queue, argv[1], "squares", 16, sizeof(long), &options);
	if (error == 0)
		error = puts ? produce() : consume();
	if (error)
		fprintf(stderr, "machines: %s\n", spmcq_remote_reason());
	return spmcq_remote_close(queue) != 0 || error != 0;
}
