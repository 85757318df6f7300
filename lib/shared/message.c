/*
 * Sending and receiving the messages of admission.
 */
#define MESSAGE_MAGIC UINT64_C(0x71636d7073000002)

#include "message.h"

#include "life.h"
#include "memory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECONDS = 5, FILES_MOST = 16 };

union control {
	struct cmsghdr first;
	unsigned char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int[FILES_MOST]))];
};

INTERNAL int talk_begin(struct talk *talk, int socket)
{
	int domain, type, listens, yes = 1;
	socklen_t size = sizeof domain;

	*talk = (struct talk){.socket = socket, .deadline = spmcq_after(SECONDS), .life = -1};
	if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX)
		return -EINVAL;
	size = sizeof listens;
	if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens != 0)
		return -EINVAL;
	size = sizeof type;
	if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
	    (type != SOCK_STREAM && type != SOCK_SEQPACKET))
		return -EINVAL;
	talk->is_packets = type == SOCK_SEQPACKET;
	return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0 ? 0 : -errno;
}

INTERNAL void talk_end(struct talk *talk)
{
	close_if_open(&talk->life);
}

INTERNAL int talk_remember(struct talk *talk)
{
	talk->life = life_open(talk->other.process);
	/* The process has ended meanwhile. */
	if (talk->life == -ESRCH)
		return -ECONNRESET;
	return talk->life < 0 ? talk->life : 0;
}

INTERNAL int talk_make_nonce(struct talk *talk, unsigned char *copy)
{
	if (getrandom(talk->nonce, NONCE, 0) != NONCE)
		return -EIO;
	memcpy(copy, talk->nonce, NONCE);
	return 0;
}

INTERNAL bool talk_is_answer(const struct talk *talk, const struct message *message)
{
	return memcmp(talk->nonce, message->echo, NONCE) == 0 && !life_is_over(talk->life, -1);
}

/* Wait until the socket can be written or read. Returns 0, -ETIMEDOUT or -errno. */
static int await_socket(const struct talk *talk, short events)
{
	struct pollfd end = {.fd = talk->socket, .events = events};

	for (;;) {
		struct timespec now;
		int64_t left;
		int r;

		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (talk->deadline.tv_sec - now.tv_sec) * INT64_C(1000) +
		       (talk->deadline.tv_nsec - now.tv_nsec) / 1000000;
		if (left < 0)
			return -ETIMEDOUT;
		r = poll(&end, 1, (int)left + 1);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

static int why_not_sent(void)
{
	return errno == EPIPE || errno == ECONNRESET ? -ECONNRESET
	       : errno == ENOTCONN                   ? -EINVAL
	                                             : -errno;
}

static void write_control(unsigned char *at, int type, const void *data, size_t bytes)
{
	struct cmsghdr header = {
	        .cmsg_len = CMSG_LEN(bytes), .cmsg_level = SOL_SOCKET, .cmsg_type = type};

	memcpy(at, &header, sizeof header);
	memcpy(at + CMSG_LEN(0), data, bytes);
}

static void add_control(struct msghdr *packet, union control *control, const int *files, size_t n)
{
	struct ucred self = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
	size_t bytes = CMSG_SPACE(sizeof self);

	memset(control, 0, sizeof *control);
	write_control(control->bytes, SCM_CREDENTIALS, &self, sizeof self);
	if (files != NULL) {
		write_control(control->bytes + bytes, SCM_RIGHTS, files, n * sizeof *files);
		bytes += CMSG_SPACE(n * sizeof *files);
	}
	packet->msg_control = control->bytes;
	packet->msg_controllen = bytes;
}

INTERNAL int talk_say(struct talk *talk, struct message *message, const int *files, size_t n)
{
	struct iovec bytes = {message, sizeof *message};
	struct msghdr packet = {.msg_iov = &bytes, .msg_iovlen = 1};
	union control control;

	message->magic = MESSAGE_MAGIC;
	message->version = SHAPE_VERSION;
	message->byte_order = BYTE_ORDER_MARK;
	add_control(&packet, &control, files, n);
	while (bytes.iov_len > 0) {
		ssize_t sent;
		int r = await_socket(talk, POLLOUT);

		if (r != 0)
			return r;
		sent = sendmsg(talk->socket, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (sent < 0)
			return why_not_sent();
		bytes.iov_base = (unsigned char *)bytes.iov_base + sent;
		bytes.iov_len -= (size_t)sent;
		/* The descriptors went with the first byte: do not send them again. */
		add_control(&packet, &control, NULL, 0);
	}
	return 0;
}

/* What was received in addition to the bytes of a message. */
struct received {
	bool has_sender;
	struct ucred sender;
	int files[FILES_MOST];
	size_t n;
};

static void close_all(struct received *received)
{
	for (size_t i = 0; i < received->n; i++)
		close(received->files[i]);
	received->n = 0;
}

/* Returns false if the sender is not the same as before, or too many descriptors came. */
static bool see_control(struct msghdr *packet, struct received *received)
{
	bool good = (packet->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *at = CMSG_FIRSTHDR(packet); at != NULL; at = CMSG_NXTHDR(packet, at)) {
		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_CREDENTIALS) {
			struct ucred sender;

			memcpy(&sender, CMSG_DATA(at), sizeof sender);
			if (received->has_sender && received->sender.pid != sender.pid)
				good = false;
			received->sender = sender;
			received->has_sender = true;
		} else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS) {
			size_t n = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			for (size_t i = 0; i < n; i++) {
				int file;

				memcpy(&file, CMSG_DATA(at) + i * sizeof file, sizeof file);
				if (received->n < FILES_MOST) {
					received->files[received->n++] = file;
				} else {
					close(file);
					good = false;
				}
			}
		}
	}
	return good;
}

static int receive(struct talk *talk, struct message *message, struct received *received,
                   size_t files)
{
	struct iovec bytes = {message, sizeof *message};
	/* If no descriptors are expected, there is no room for them, so that the kernel installs
	 * none. Closing a descriptor can block for as long as its file system wants, for example
	 * one over a network. */
	size_t room = files > 0 ? sizeof(union control) : CMSG_SPACE(sizeof(struct ucred));

	while (bytes.iov_len > 0) {
		union control control;
		struct msghdr packet = {.msg_iov = &bytes,
		                        .msg_iovlen = 1,
		                        .msg_control = control.bytes,
		                        .msg_controllen = room};
		ssize_t n;
		int r = await_socket(talk, POLLIN);

		if (r != 0)
			return r;
		n = recvmsg(talk->socket, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return why_not_sent();
		if (!see_control(&packet, received) || (packet.msg_flags & MSG_TRUNC) != 0)
			return -EPROTO;
		if (n == 0)
			return -ECONNRESET;
		bytes.iov_base = (unsigned char *)bytes.iov_base + n;
		bytes.iov_len -= (size_t)n;
		if (talk->is_packets && bytes.iov_len > 0)
			return -EPROTO;
	}
	return 0;
}

/* Returns 0 if the message is the expected one, or what talk_hear() is to return. */
static int check(const struct talk *talk, enum kind kind, const struct message *message,
                 const struct received *received, size_t n)
{
	if (message->magic != MESSAGE_MAGIC || !received->has_sender)
		return -EPROTO;
	if (message->version != SHAPE_VERSION || message->byte_order != BYTE_ORDER_MARK)
		return -ENOTSUP;
	if (talk->knows_other &&
	    (talk->other.process != received->sender.pid ||
	     talk->other.user != received->sender.uid || talk->other.group != received->sender.gid))
		return -EPROTO;
	if (message->kind == REFUSED)
		return message->result < 0 && message->result > -4096 ? message->result : -EPROTO;
	return message->kind == (uint32_t)kind && received->n == n ? 0 : -EPROTO;
}

INTERNAL int talk_hear(struct talk *talk, enum kind kind, struct message *message, int *files,
                       size_t n)
{
	struct received received = {.has_sender = false};
	int r = receive(talk, message, &received, n);

	if (r == 0)
		r = check(talk, kind, message, &received, n);
	if (r != 0) {
		close_all(&received);
		return r;
	}
	talk->other = (struct spmcq_peer){
	        .process = received.sender.pid,
	        .user = received.sender.uid,
	        .group = received.sender.gid,
	};
	talk->knows_other = true;
	for (size_t i = 0; i < n; i++)
		files[i] = received.files[i];
	return 0;
}
