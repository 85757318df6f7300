/*
 * The header compiles without any other header, and as C11. Without a server, open returns an error
 * and no queue.
 */
#include <spmcq_remote.h>

int main(void)
{
	struct spmcq_remote *q = 0;

	return spmcq_remote_open(&q, "nats://127.0.0.1:1", "header", 1, 1, 0) < 0 && !q ? 0 : 1;
}
