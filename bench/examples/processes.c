/*
 * A producer and three worker processes. The first worker that gets 42 is killed; another one gets
 * 42 again.
 */
#include <errno.h>
#include <signal.h>
#include <spmcq_shared.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 100, WORKERS = 3 };

static long *squares; /* of 1 to 100, in memory that all processes have in common */

static int work(int socket)
{
	struct spmcq *queue = NULL;
	long n;
	int r = spmcq_shared_join(&queue, socket, sizeof(n));

	for (; r == 0 && (r = spmcq_get(queue, &n)) == 0; r = spmcq_task_done(queue)) {
		if (n == 42 && squares[n]++ == 0)
			raise(SIGKILL); /* in the middle of it */
		squares[n] = n * n;
	}
	return r != -ESHUTDOWN;
}

int main(void)
{
	const struct spmcq_shared_options options = {.redeliver = true};
	struct spmcq_lost lost[WORKERS];
	struct spmcq *queue;
	int ends[2], right = 0, r = spmcq_shared_create(&queue, 16, sizeof(long), &options);

	squares = mmap(NULL, (NUMBERS + 1) * sizeof(*squares), PROT_READ | PROT_WRITE,
	               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; r == 0 && i < WORKERS; i++) {
		if (squares == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
			return 1;
		if (fork() == 0)
			_exit(work(ends[1]));
		r = spmcq_shared_admit(queue, ends[0]);
	}
	for (long n = 1; r == 0 && n <= NUMBERS; n++)
		r = spmcq_put(queue, &n);
	while (r == 0 && (r = spmcq_join(queue)) == -EOWNERDEAD)
		for (r = spmcq_shared_reap(queue, lost, WORKERS); r > 0; r--)
			printf("%ld is got again\n", 1 + (long)lost[r - 1].position);
	for (long n = 1; n <= NUMBERS; n++)
		right += squares[n] == n * n;
	printf("%d squares are right\n", right);
	r = r != 0 || spmcq_shutdown(queue) != 0 || right != NUMBERS;
	while (wait(NULL) > 0)
		;
	return r != 0 || spmcq_destroy(queue) != 0;
}
