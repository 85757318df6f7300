/*
 * Only the worker is admitted. A guest of the same user asks, too. It is refused by its process id,
 * which the kernel tells. It gets no descriptor, so it cannot read the queue.
 */
#include <errno.h>
#include <fcntl.h>
#include <spmcq_shared.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GOT_IT = 0, REFUSED = 1, SOMETHING_ELSE = 2 };
static bool is_worker(const struct spmcq_peer *peer, void *worker)
{
	return peer->process == *(pid_t *)worker;
}

/* A process that wants in: what became of it. */
static int visit(int socket)
{
	int n = 0, next = dup(socket), r;
	struct spmcq *queue = NULL;

	close(next);
	r = spmcq_shared_join(&queue, socket, sizeof(int));
	if (r == 0)
		return spmcq_get(queue, &n) == 0 && n == 42 ? GOT_IT : SOMETHING_ELSE;
	/* A new descriptor has the lowest free number. */
	return r == -EACCES && dup(socket) == next ? REFUSED : SOMETHING_ELSE;
}

int main(void)
{
	pid_t visitors[2]; /* the guest, the worker */
	struct spmcq_shared_options options = {.allow = is_worker, .argument = &visitors[1]};
	int ends[2][2], status[2], r[2], n = 42;
	struct spmcq *queue;

	for (int i = 0; i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[i]) != 0)
			return 2;
		visitors[i] = fork();
		if (visitors[i] == 0)
			_exit(visit(ends[i][1]));
		close(ends[i][1]); /* else the next child inherits this end, too */
	}
	if (spmcq_shared_create(&queue, 8, sizeof n, &options) != 0 || spmcq_put(queue, &n) != 0 ||
	    spmcq_put(queue, &n) != 0) /* one for each */
		return 2;
	for (int i = 0; i < 2; i++) {
		r[i] = spmcq_shared_admit(queue, ends[i][0]);
		waitpid(visitors[i], &status[i], 0);
		printf("the %s, process %d: %s\n", i == 0 ? "guest" : "worker", (int)visitors[i],
		       r[i] == 0 ? "let in" : strerror(-r[i]));
	}
	return spmcq_destroy(queue) != 0 || r[0] != -EACCES || WEXITSTATUS(status[0]) != REFUSED ||
	       r[1] != 0 || status[1] != 0;
}
