/*
 * See relay.h.
 */
#define _GNU_SOURCE
#include "relay.h"
#include "puppet.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 4096, FILES = 253 };

static struct said *said; /* shared with the relay's process */

static struct {
	int type;
	enum twist twist;
	enum way way;
	size_t at;
} relayed;

struct message {
	unsigned char bytes[MESSAGE + 1];
	size_t size;
	int files[FILES];
	size_t n; /* how many files */
};

union rights {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * FILES) + CMSG_SPACE(64)];
};

/* Returns false when the other end is closed. */
static bool receive(int from, struct message *message)
{
	union rights rights;
	struct iovec bytes = {message->bytes, MESSAGE};
	struct msghdr header = {.msg_iov = &bytes,
	                        .msg_iovlen = 1,
	                        .msg_control = rights.room,
	                        .msg_controllen = sizeof(rights.room)};
	ssize_t size = recvmsg(from, &header, MSG_CMSG_CLOEXEC);

	message->n = 0;
	if (size <= 0)
		return false;
	message->size = (size_t)size;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		message->n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(message->files, CMSG_DATA(c), message->n * sizeof(int));
	}
	return true;
}

/* Sends the bytes from first to end - 1 of the message; its descriptors are sent with the first
 * byte. */
static void pass_on(int to, struct message *message, size_t first, size_t end)
{
	union rights rights;
	struct iovec bytes = {message->bytes + first, end - first};
	struct msghdr header = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (first == 0 && message->n > 0) {
		memset(&rights, 0, sizeof(rights));
		header.msg_control = rights.room;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * message->n);
		rights.header.cmsg_len = CMSG_LEN(sizeof(int) * message->n);
		rights.header.cmsg_level = SOL_SOCKET;
		rights.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&rights.header), message->files, message->n * sizeof(int));
	}
	(void)sendmsg(to, &header, MSG_NOSIGNAL);
}

static bool is_memfd(int file)
{
	return fcntl(file, F_GET_SEALS) >= 0;
}

/* Returns a copy of a memfd, with that size; its size can be changed unless is_sealed is true. */
static int copy_of(int file, off_t size, bool is_sealed)
{
	static char page[4096];
	int copy = memfd_create("", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat had;

	RETURNS(0, fstat(file, &had));
	RETURNS(0, ftruncate(copy, size));
	for (off_t at = 0; at < size && at < had.st_size; at += (off_t)sizeof(page)) {
		ssize_t n = pread(file, page, sizeof(page), at);

		if (n > 0 && at + n <= size)
			(void)!pwrite(copy, page, (size_t)n, at);
	}
	if (is_sealed)
		RETURNS(0, fcntl(copy, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	return copy;
}

static void twist_files(struct message *message)
{
	int first = -1;

	for (size_t i = 0; i < message->n; i++) {
		int file = message->files[i], other = file;
		struct stat had;

		RETURNS(0, fstat(file, &had));
		if (relayed.twist == TWIST_NULLS)
			other = open("/dev/null", O_RDWR | O_CLOEXEC);
		else if (!is_memfd(file) || had.st_size < 4096)
			continue;
		else if (relayed.twist == TWIST_UNSEALED)
			other = copy_of(file, had.st_size, false);
		else if (relayed.twist == TWIST_SMALL)
			other = copy_of(file, had.st_size + (relayed.at ? 4096 : -4096), true);
		else if (relayed.twist == TWIST_EMPTY)
			other = copy_of(file, 0, true);
		else if (relayed.twist == TWIST_SAME)
			other = first = first < 0 ? file : first;
		message->files[i] = other;
	}
}

static void twist(struct message *message)
{
	switch (relayed.twist) {
	case TWIST_SHORT:
		message->size--;
		break;
	case TWIST_LONG:
		message->bytes[message->size++] = 0x5a;
		break;
	case TWIST_FILES:
		for (size_t i = 0; i < relayed.at && message->n < FILES; i++)
			message->files[message->n++] = open("/dev/null", O_RDWR | O_CLOEXEC);
		break;
	case TWIST_NO_FILES:
		message->n = 0;
		break;
	case TWIST_REVERSED:
		for (size_t i = 0; i < message->n / 2; i++) {
			int file = message->files[i];

			message->files[i] = message->files[message->n - 1 - i];
			message->files[message->n - 1 - i] = file;
		}
		break;
	default:
		twist_files(message);
	}
}

/* Sends the message, changed as the twist says. Returns false if no more is to be sent. */
static bool pass_on_twisted(int to, struct message *message, size_t *passed)
{
	size_t left = relayed.at - *passed; /* bytes before the one that the twist is about */

	*passed += message->size;
	if (relayed.twist == TWIST_CUT || relayed.twist == TWIST_HALF_CUT) {
		if (left > message->size)
			left = message->size;
		if (left > 0)
			pass_on(to, message, 0, left);
		return *passed < relayed.at;
	}
	if (relayed.twist == TWIST_FLIP) {
		if (left < message->size)
			message->bytes[left] ^= (unsigned char)(1 << left % 8);
		pass_on(to, message, 0, message->size);
		return true;
	}
	if (relayed.twist == TWIST_LATE)
		sleep_ms(300);
	if (relayed.twist == TWIST_DRIP || relayed.twist == TWIST_BYTES) {
		for (size_t i = 0; i < message->size; i++) {
			pass_on(to, message, i, i + 1);
			sleep_ms(relayed.twist == TWIST_DRIP ? 1000 : 0);
		}
		return true;
	}
	twist(message);
	if (message->size > 0)
		pass_on(to, message, 0, message->size);
	if (relayed.twist == TWIST_TWICE)
		pass_on(to, message, 0, message->size);
	return true;
}

static void run(int producer, int consumer)
{
	int ends[2] = {producer, consumer}; /* by enum way */
	static struct message message;
	size_t passed = 0;

	if (relayed.twist == TWIST_CUT && relayed.at == 0)
		return;
	for (;;) {
		struct pollfd ready[2] = {{consumer, POLLIN, 0}, {producer, POLLIN, 0}};
		enum way way;

		poll(ready, 2, -1);
		way = ready[TO_PRODUCER].revents ? TO_PRODUCER : TO_CONSUMER;
		if (!receive(ends[!way], &message))
			return;
		said->bytes[way] += message.size;
		if (way != relayed.way || relayed.twist == TWIST_NONE)
			pass_on(ends[way], &message, 0, message.size);
		else if (!pass_on_twisted(ends[way], &message, &passed))
			break;
		for (size_t i = 0; i < message.n; i++)
			close(message.files[i]);
	}
	if (relayed.twist == TWIST_HALF_CUT)
		pause();
}

void relay_start(struct relay *relay, int type, enum twist twist_, enum way way, size_t at)
{
	int producer[2], consumer[2];
	pid_t parent = getpid();

	if (!said)
		said = common_memory(sizeof(*said));
	memset(said, 0, sizeof(*said));
	relayed.type = type;
	relayed.twist = twist_;
	relayed.way = way;
	relayed.at = at;
	socket_pair(type, producer);
	socket_pair(type, consumer);
	relay->process = fork();
	CHECK(relay->process >= 0, "no process for the relay");
	if (relay->process == 0) {
		int on = 1;

		die_with(parent);
		/* The sockets then carry the relay's credentials with each message, also while the
		 * other end does not yet ask for them. */
		RETURNS(0, setsockopt(producer[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
		RETURNS(0, setsockopt(consumer[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
		close(producer[0]);
		close(consumer[0]);
		run(producer[1], consumer[1]);
		_exit(EXIT_SUCCESS);
	}
	close(producer[1]);
	close(consumer[1]);
	relay->producer = producer[0];
	relay->consumer = consumer[0];
}

void relay_end(struct relay *relay)
{
	close(relay->producer);
	close(relay->consumer);
	kill(relay->process, SIGKILL);
	CHECK(waitpid(relay->process, NULL, 0) == relay->process, "there is no relay");
}

struct said relay_said(void)
{
	return *said;
}
