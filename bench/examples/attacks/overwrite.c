/*
 * A consumer that was let in finds an order in the shared memory and writes another one over it.
 * The kernel ends it at that instruction, and the order is as it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spmcq_shared.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char order[32] = "pay 10 to alice", forged[32] = "pay 99 to mallory";

/* What is mapped read-only and shared is the producer's. Returns if the order is not there. */
static int overwrite(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long begin, end;
	char line[512], access[5], *at;

	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &begin, &end, access) != 3 ||
		    strcmp(access, "r--s") != 0)
			continue;
		at = memmem((void *)begin, end - begin, order, sizeof order);
		if (at == NULL)
			continue;
		if (mprotect((void *)begin, end - begin, PROT_READ | PROT_WRITE) != 0)
			printf("to make the memory writable: %s; to write: ", strerror(errno));
		fflush(stdout);
		signal(SIGSEGV, SIG_DFL);
		memcpy(at, forged, sizeof forged);
	}
	return 1;
}

int main(void)
{
	struct spmcq *queue = NULL;
	char got[sizeof order] = "";
	int ends[2], status;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
		return 2;
	if (fork() == 0)
		_exit(spmcq_shared_join(&queue, ends[1], sizeof order) == 0 ? overwrite() : 2);
	if (spmcq_shared_create(&queue, 8, sizeof order, NULL) != 0 ||
	    spmcq_put(queue, order) != 0 || spmcq_shared_admit(queue, ends[0]) != 0 ||
	    wait(&status) < 0 || spmcq_get(queue, got) != 0)
		return 2;
	printf("%s\nthe order: %s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "done",
	       got);
	return spmcq_destroy(queue) != 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV ||
	       strcmp(got, order) != 0;
}
