/*
 * The header needs no other, and is C11; and without a server a call says what is wrong.
 */
#include <spmcq_remote.h>

int main(void)
{
	struct spmcq_remote *q = 0;

	return spmcq_remote_open(&q, "nats://127.0.0.1:1", "header", 1, 1, 0) < 0 && !q ? 0 : 1;
}
