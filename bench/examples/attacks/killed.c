/*
 * A worker takes a number and is killed before it reports it. No thread waits for ever, and another
 * worker does the number, once.
 */
#include <errno.h>
#include <signal.h>
#include <spmcq_shared.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 5 };
static int *done; /* how often each number was done, in memory of all processes */

static int work(int socket, bool is_victim)
{
	struct spmcq *queue = NULL;
	int n, r = spmcq_shared_join(&queue, socket, sizeof(int));

	for (; r == 0 && (r = spmcq_get(queue, &n)) == 0; r = spmcq_task_done(queue)) {
		if (is_victim)
			raise(SIGKILL);
		done[n]++;
	}
	return r != -ESHUTDOWN;
}

int main(void)
{
	const struct spmcq_shared_options again = {.redeliver = true};
	struct spmcq_lost lost = {.items = 0};
	int ends[2], right = 0, said[2] = {0}, r = 0;
	struct spmcq *queue;

	done = mmap(NULL, NUMBERS * sizeof *done, PROT_READ | PROT_WRITE,
	            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED || spmcq_shared_create(&queue, 8, sizeof(int), &again) != 0)
		return 2;
	for (int n = 0; r == 0 && n < NUMBERS; n++)
		r = spmcq_put(queue, &n);
	for (int i = 0; r == 0 && i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
			return 2;
		if (fork() == 0)
			_exit(work(ends[1], i == 0));
		if (spmcq_shared_admit(queue, ends[0]) != 0)
			return 2;
		said[i] = spmcq_join(queue);
		r = i == 0 ? spmcq_shared_reap(queue, &lost, 1) != 1 : spmcq_shutdown(queue);
	}
	for (int n = 0; n < NUMBERS; n++)
		right += done[n] == 1;
	printf("number %d: killed; join: %s\n", (int)lost.position, strerror(-said[0]));
	printf("another came; join: %s; %d numbers were done once\n", strerror(-said[1]), right);
	return spmcq_destroy(queue) != 0 || r != 0 || said[0] != -EOWNERDEAD || said[1] != 0 ||
	       right != NUMBERS;
}
