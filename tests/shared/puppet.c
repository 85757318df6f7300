/*
 * Puppets: see puppet.h.
 */
#define _GNU_SOURCE
#include "puppet.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	BOUND_MS = 20000, /* much longer than any call of a test takes */
	LOOKS = 3, /* a puppet sleeps if it is found asleep this many times in a row, 1 ms apart */
};

struct spmcq *puppet_queue;

/* --- messages --- */

/* Returns false if the other end is closed. */
static bool send_call(int control, const struct call *call, int along)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} rights = {0};
	struct iovec bytes = {(void *)(uintptr_t)call, sizeof(*call)};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	ssize_t sent;

	if (along >= 0) {
		message.msg_control = rights.room;
		message.msg_controllen = sizeof(rights.room);
		rights.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
		                                 .cmsg_level = SOL_SOCKET,
		                                 .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&rights.header), &along, sizeof(int));
	}
	do
		sent = sendmsg(control, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == sizeof(*call);
}

/* The same. */
static bool receive_call(int control, struct call *call)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} rights = {0};
	struct iovec bytes = {call, sizeof(*call)};
	struct msghdr message = {.msg_iov = &bytes,
	                         .msg_iovlen = 1,
	                         .msg_control = rights.room,
	                         .msg_controllen = sizeof(rights.room)};
	ssize_t got;

	do
		got = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(*call))
		return false;
	call->socket = -1;
	if (message.msg_controllen >= sizeof(rights.room))
		memcpy(&call->socket, CMSG_DATA(&rights.header), sizeof(int));
	return true;
}

/* --- the puppet's side --- */

static void serve(int control)
{
	struct call call;

	while (receive_call(control, &call) && call.make) {
		call.thread = (int)syscall(SYS_gettid);
		call.result = call.make(&call);
		if (call.socket >= 0)
			close(call.socket);
		if (!send_call(control, &call, -1))
			break;
	}
	close(control);
}

static void *serve_in_thread(void *control)
{
	serve((int)(intptr_t)control);
	return NULL;
}

static long act_start_thread(struct call *call)
{
	pthread_t thread;
	intptr_t control = fcntl(call->socket, F_DUPFD_CLOEXEC, 0);
	int error = pthread_create(&thread, NULL, serve_in_thread, (void *)control);

	if (error == 0)
		pthread_detach(thread);
	return -error;
}

static void serve_as_child(int control)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	serve(control);
	exit(EXIT_SUCCESS);
}

/* Returns the child, or a negative error. */
static long act_start_inside(struct call *call)
{
	pid_t child;

	if (unshare(CLONE_NEWPID) != 0)
		return -errno;
	child = fork();
	if (child == 0)
		serve_as_child(call->socket);
	return child;
}

void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
}

/* --- starting and ending --- */

static pid_t start_process(void)
{
	pid_t parent = getpid(), child;

	fflush(stdout);
	child = fork();
	CHECK(child >= 0, "fork: %s", strerror(errno));
	if (child == 0)
		die_with(parent);
	return child;
}

void socket_pair(int type, int ends[2])
{
	RETURNS(0, socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends));
}

static bool await_message(struct puppet *puppet, int ms)
{
	struct pollfd ready = {puppet->control, POLLIN, 0};
	int result;

	do
		result = poll(&ready, 1, ms);
	while (result < 0 && errno == EINTR);
	return result > 0;
}

void puppet_start(struct puppet *puppet)
{
	int ends[2];

	memset(puppet, 0, sizeof(*puppet));
	socket_pair(SOCK_SEQPACKET, ends);
	puppet->process = start_process();
	if (puppet->process == 0) {
		close(ends[0]);
		serve(ends[1]);
		exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	puppet->control = ends[0];
	puppet->thread = puppet->process;
}

void puppet_start_thread(struct puppet *puppet, struct puppet *of)
{
	int ends[2];

	memset(puppet, 0, sizeof(*puppet));
	socket_pair(SOCK_SEQPACKET, ends);
	tell_with(of, act_start_thread, ends[1]);
	close(ends[1]);
	RETURNS(0, answer(of));
	puppet->process = of->process;
	puppet->control = ends[0];
	told(puppet, act_nothing, 0);
	puppet->thread = puppet->call.thread;
}

void puppet_start_inside(struct puppet *puppet, struct puppet *of)
{
	int ends[2];

	memset(puppet, 0, sizeof(*puppet));
	socket_pair(SOCK_SEQPACKET, ends);
	if (CHECK_SANITIZED)
		check_skip("sanitizers do not work in a process namespace");
	tell_with(of, act_start_inside, ends[1]);
	close(ends[1]);
	puppet->process = (pid_t)answer(of);
	if (puppet->process < 0)
		check_skip("no process namespaces here");
	puppet->control = ends[0];
	puppet->thread = puppet->process;
}

void puppet_end_inside(struct puppet *puppet)
{
	kill(puppet->process, SIGKILL);
	CHECK(await_message(puppet, BOUND_MS), "puppet %d did not end", puppet->process);
	close(puppet->control);
}

int puppet_await_end(struct puppet *puppet)
{
	int status = 0;
	pid_t ended = 0;

	for (int ms = 0; ms < BOUND_MS && ended == 0; ms++) {
		ended = waitpid(puppet->process, &status, WNOHANG);
		if (ended == 0)
			sleep_ms(1);
	}
	CHECK(ended == puppet->process, "puppet %d did not end", puppet->process);
	close(puppet->control);
	return status;
}

static void await_end_of_thread(struct puppet *puppet)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", puppet->process, puppet->thread);
	for (int ms = 0; ms < BOUND_MS && access(path, F_OK) == 0; ms++)
		sleep_ms(1);
	CHECK(access(path, F_OK) != 0, "thread %d did not end", puppet->thread);
	close(puppet->control);
}

void puppet_end(struct puppet *puppet)
{
	int status;

	tell(puppet, NULL, 0);
	if (puppet->thread != puppet->process) {
		await_end_of_thread(puppet);
		return;
	}
	status = puppet_await_end(puppet);
	CHECK(status == 0, "puppet %d ended with status %#x", puppet->process, (unsigned)status);
}

void puppet_kill(struct puppet *puppet)
{
	int status;

	kill(puppet->process, SIGKILL);
	CHECK(waitpid(puppet->process, &status, 0) == puppet->process, "no puppet to kill");
	CHECK(WIFSIGNALED(status), "puppet %d ended with status %#x before it was killed",
	      puppet->process, (unsigned)status);
	close(puppet->control);
}

void in_parallel(unsigned workers, void (*work)(unsigned worker))
{
	for (unsigned i = 0; i < workers; i++) {
		if (start_process() == 0) {
			work(i);
			exit(EXIT_SUCCESS);
		}
	}
	for (unsigned i = 0; i < workers; i++) {
		int status = 0;

		CHECK(wait(&status) > 0, "wait: no worker is left");
		/* The puppet has printed why. */
		CHECK(status == 0, "a worker ended with status %#x", (unsigned)status);
	}
}

/* --- calls and answers --- */

static void send_told(struct puppet *puppet, long (*make)(struct call *), int along)
{
	puppet->call.make = make;
	CHECK(send_call(puppet->control, &puppet->call, along), "puppet %d is not there",
	      puppet->process);
}

void tell(struct puppet *puppet, long (*make)(struct call *), size_t n)
{
	puppet->call.n = n;
	send_told(puppet, make, -1);
}

void tell_with(struct puppet *puppet, long (*make)(struct call *), int socket)
{
	send_told(puppet, make, socket);
}

bool has_answered(struct puppet *puppet)
{
	return await_message(puppet, 0);
}

bool answered(struct puppet *puppet)
{
	CHECK(await_message(puppet, BOUND_MS), "puppet %d does not come back", puppet->process);
	return receive_call(puppet->control, &puppet->call);
}

long answer(struct puppet *puppet)
{
	if (!answered(puppet)) {
		int status = puppet_await_end(puppet);

		check_failed(__FILE__, __LINE__, "answer", "puppet %d ended with status %#x",
		             puppet->process, (unsigned)status);
	}
	return puppet->call.result;
}

long told(struct puppet *puppet, long (*make)(struct call *), size_t n)
{
	tell(puppet, make, n);
	return answer(puppet);
}

long told_until(struct puppet *puppet, long (*make)(struct call *), size_t n, double seconds)
{
	puppet->call.seconds = seconds;
	return told(puppet, make, n);
}

/* --- whether a puppet sleeps --- */

/* Returns false if there is no such thread. */
static bool read_state(const struct puppet *puppet, char *state, long *switches)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", puppet->process, puppet->thread);
	file = fopen(path, "r");
	*state = '?';
	*switches = -1;
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "State:", 6) == 0)
			*state = line[6 + strspn(line + 6, " \t")];
		if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
			*switches = strtol(line + 24, NULL, 10);
	}
	if (file)
		fclose(file);
	return *state != '?' && *state != 'Z' && *state != 'X' && *switches >= 0;
}

bool puppet_sleeps(struct puppet *puppet)
{
	long switches = -1, before = -1;
	char state = '?';
	int asleep = 0;

	for (int ms = 0; ms < BOUND_MS; ms++) {
		if (has_answered(puppet) || !read_state(puppet, &state, &switches))
			return false;
		asleep = state == 'S' && switches == before ? asleep + 1 : 0;
		before = switches;
		if (asleep == LOOKS)
			return true;
		sleep_ms(1);
	}
	check_failed(__FILE__, __LINE__, "puppet_sleeps",
	             "the puppet neither answers nor sleeps (state %c)", state);
}

void puppet_await_sleep(struct puppet *puppet)
{
	CHECK(puppet_sleeps(puppet), "the puppet answered instead of sleeping");
}

bool puppet_stops(struct puppet *puppet)
{
	long switches;
	char state = '?';

	for (int ms = 0; ms < BOUND_MS; ms++) {
		if (has_answered(puppet))
			return false;
		if (read_state(puppet, &state, &switches) && state == 'T')
			return true;
		if (ms > 3)
			sleep_ms(1);
	}
	check_failed(__FILE__, __LINE__, "puppet_stops", "the puppet is not stopped (state %c)",
	             state);
}

/* --- admission --- */

void admit(struct spmcq *q, struct puppet *consumer)
{
	int ends[2];

	socket_pair(SOCK_STREAM, ends);
	tell_with(consumer, act_join_queue, ends[1]);
	close(ends[1]);
	RETURNS(0, spmcq_shared_admit(q, ends[0]));
	RETURNS(0, answer(consumer));
	close(ends[0]);
}

void introduce(struct puppet *admitting, struct puppet *coming, long (*make)(struct call *))
{
	int ends[2];

	socket_pair(SOCK_STREAM, ends);
	tell_with(admitting, act_admit, ends[0]);
	tell_with(coming, make, ends[1]);
	close(ends[0]);
	close(ends[1]);
	answer(admitting);
	answer(coming);
}

void admit_by(struct puppet *producer, struct puppet *consumer)
{
	introduce(producer, consumer, act_join_queue);
	RETURNS(0, producer->call.result);
	RETURNS(0, consumer->call.result);
}

void join_by(struct puppet *producer, struct spmcq **q)
{
	int ends[2];

	socket_pair(SOCK_STREAM, ends);
	tell_with(producer, act_admit, ends[0]);
	close(ends[0]);
	RETURNS(0, *q ? spmcq_shared_rejoin(*q, ends[1]) : spmcq_shared_join(q, ends[1], 0));
	RETURNS(0, answer(producer));
	close(ends[1]);
}

/* Admits a successor, and returns the result. The successor's answer is not taken yet. */
static int admit_successor(struct spmcq *q, struct puppet *successor)
{
	int ends[2], result;

	socket_pair(SOCK_STREAM, ends);
	tell_with(successor, act_succeed, ends[0]);
	close(ends[0]);
	result = spmcq_shared_admit(q, ends[1]);
	close(ends[1]);
	return result;
}

void succeed(struct puppet *successor, struct spmcq **q)
{
	RETURNS(0, admit_successor(*q, successor));
	RETURNS(0, answer(successor));
	join_by(successor, q);
}

void fail_to_succeed(struct puppet *successor, struct spmcq *q)
{
	CHECK(admit_successor(q, successor) < 0, "a successor was admitted");
	CHECK(answer(successor) < 0, "succeed returned 0 to a refused successor");
}

void create_by(struct puppet *producer, size_t capacity, const struct spmcq_shared_options *options)
{
	producer->call.capacity = capacity;
	producer->call.item_size = sizeof(item_value);
	if (options)
		producer->call.options = *options;
	RETURNS(0, told(producer, act_create, 0));
}

struct spmcq *producer_start(struct puppet *producer, size_t capacity)
{
	struct spmcq *q = NULL;

	puppet_start(producer);
	create_by(producer, capacity, NULL);
	join_by(producer, &q);
	return q;
}

void consumer_start(struct puppet *consumer, struct spmcq *q)
{
	puppet_start(consumer);
	admit(q, consumer);
}

struct spmcq *shared_at(size_t capacity, const struct spmcq_shared_options *options)
{
	struct spmcq *q = NULL;

	RETURNS(0, spmcq_shared_create(&q, capacity, sizeof(item_value), options));
	CHECK(q, "create returned 0 and no queue");
	return q;
}

struct spmcq *shared_of(size_t capacity)
{
	return shared_at(capacity, NULL);
}

bool can_seal(void)
{
	struct spmcq_shared_options options = {.sealed = true};
	struct spmcq *q = NULL;
	int result = spmcq_shared_create(&q, 1, 4, &options);

	if (result == -ENOTSUP)
		return false;
	RETURNS(0, result);
	queue_free(q);
	return true;
}

/* --- the rest --- */

void *common_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED, "no memory of %zu bytes to share", size);
	return memory;
}

size_t open_files(void)
{
	DIR *files = opendir("/proc/self/fd");
	size_t n = 0;

	CHECK(files, "there is no /proc/self/fd");
	while (readdir(files))
		n++;
	closedir(files);
	return n - 3; /* . and .. and the directory itself */
}

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
