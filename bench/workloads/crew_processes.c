/*
 * A process for each consumer, forked before there is any thread. None outlives this process: the
 * kernel ends them with the thread that forked, which waits for them.
 */
#include <signal.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "crew_start.h"
#include "measure/common.h"
#include "measure/usage.h"

/* The processes of a run, by the number of the consumer; 0: it has ended. */
struct processes {
	pid_t *ids;
	size_t n;
};

_Noreturn static void be_consumer(struct crew_thread *thread, pid_t parent)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};

	/* Only the first process tells what a stopped run was doing. */
	sigaction(SIGTERM, &usual, NULL);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	if (getppid() != parent)
		_exit(1);
	machine_pin_self(thread->member.run->pin, thread->member.number + 1);
	common_touch();
	crew_thread_main(thread);
	_exit(fflush(NULL) == 0 ? 0 : 1); /* the first process frees what it made */
}

static void end_all(struct processes *processes)
{
	for (size_t i = 0; i < processes->n; i++)
		if (processes->ids[i] > 0)
			kill(processes->ids[i], SIGKILL);
	for (size_t i = 0; i < processes->n; i++)
		while (processes->ids[i] > 0 && waitpid(processes->ids[i], NULL, 0) < 0 &&
		       errno == EINTR)
			;
}

/* A fault that the process noted itself stays. */
static void tell_end(struct crew *crew, size_t consumer, int status)
{
	if (WIFSIGNALED(status))
		bench_void(crew->result, "the process of consumer %zu was killed: %s", consumer + 1,
		           strsignal(WTERMSIG(status)));
	else
		bench_void(crew->result, "the process of consumer %zu ended with exit status %d",
		           consumer + 1, WEXITSTATUS(status));
}

_Noreturn static void fail(struct crew *crew, struct processes *processes, const char *call)
{
	bench_void(crew->result, "%s: %s", call, strerror(errno));
	end_all(processes);
	_exit(1);
}

static size_t number_of(const struct processes *processes, pid_t id)
{
	size_t i = 0;

	while (i < processes->n && processes->ids[i] != id)
		i++;
	return i;
}

static void await_all(struct crew *crew, struct processes *processes)
{
	for (size_t left = processes->n; left > 0;) {
		int status;
		pid_t id = waitpid(-1, &status, 0);
		size_t consumer = number_of(processes, id);

		if (id < 0 && errno != EINTR)
			fail(crew, processes, "waitpid");
		if (id < 0 || consumer == processes->n)
			continue; /* a signal, or a process that is none of these */
		/* The producer may be counting the time of all of them. */
		__atomic_store_n(&processes->ids[consumer], 0, __ATOMIC_RELAXED);
		left--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		tell_end(crew, consumer, status);
		end_all(processes);
		_exit(1); /* the producer may wait for ever */
	}
}

static void fork_all(struct crew *crew, struct processes *processes)
{
	pid_t parent = getpid();

	fflush(NULL); /* or each would print it again */
	for (; processes->n < crew->run->point.consumers; processes->n++) {
		pid_t id = fork();

		if (id == 0)
			be_consumer(&crew->threads[processes->n + 1], parent);
		if (id < 0)
			fail(crew, processes, "fork");
		processes->ids[processes->n] = id;
	}
}

void crew_run_processes(struct crew *crew)
{
	struct processes processes = {.n = 0};

	processes.ids = calloc(crew->run->point.consumers, sizeof(*processes.ids));
	if (!processes.ids) {
		bench_void(crew->result, "no memory for the processes");
		return;
	}
	fork_all(crew, &processes);
	usage_include(processes.ids, processes.n);
	crew_start_thread(&crew->threads[0], 0);
	await_all(crew, &processes);
	pthread_join(crew->threads[0].thread, NULL);
	usage_include(NULL, 0);
	free(processes.ids);
}
