/*
 * A program outside the project: it tries to open a queue where no server can be.
 */
#include <spmcq_remote.h>

#include <stdio.h>

int main(void)
{
	struct spmcq_remote *q;

	if (spmcq_remote_open(&q, "nats://127.0.0.1:1", "outside", 10, sizeof(int), NULL) == 0)
		return 1;
	printf("%s\n", spmcq_remote_reason());
	return 0;
}
