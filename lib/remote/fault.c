/*
 * Errors, as negative errno values and in words.
 */
#include "remote.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char reason[256] = "nothing went wrong";

const char *spmcq_remote_reason(void)
{
	return reason;
}

/* Writes the text for spmcq_remote_reason(). Returns error. */
__attribute__((format(printf, 2, 3))) INTERNAL int fault(int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	return error;
}

/* Turns an error number of the server into one that a caller can act on. */
static int errno_of_server(jsErrCode code)
{
	switch (code) {
	case JSStreamNotFoundErr:
	case JSConsumerNotFoundErr:
	case JSNoMessageFoundErr:
		return -ENOENT;
	case JSInsufficientResourcesErr:
	case JSMemoryResourcesExceededErr:
	case JSStorageResourcesExceededErr:
	case JSAccountResourcesExceededErr:
	case JSNoLimitsErr:
		return -ENOSPC;
	case JSClusterNotAvailErr:
	case JSClusterNotActiveErr:
	case JSClusterNotLeaderErr:
	case JSClusterNoPeersErr:
	case JSClusterIncompleteErr:
		return -ENOTCONN;
	case JSStreamMessageExceedsMaximumErr:
		return -EMSGSIZE;
	default:
		return -EIO;
	}
}

static int errno_of_status(natsStatus status)
{
	switch (status) {
	case NATS_OK:
		return 0;
	case NATS_NO_MEMORY:
		return -ENOMEM;
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
		return -EACCES;
	case NATS_SSL_ERROR:
	case NATS_SECURE_CONNECTION_WANTED:
	case NATS_SECURE_CONNECTION_REQUIRED:
		return -EKEYREJECTED;
	case NATS_NOT_FOUND:
		return -ENOENT;
	case NATS_MAX_PAYLOAD:
		return -EMSGSIZE;
	case NATS_INVALID_ARG:
	case NATS_ADDRESS_MISSING:
	case NATS_INVALID_SUBJECT:
	case NATS_PROTOCOL_ERROR:
		return -EINVAL;
	case NATS_TIMEOUT:
	case NATS_NO_SERVER:
	case NATS_IO_ERROR:
	case NATS_STALE_CONNECTION:
	case NATS_CONNECTION_CLOSED:
	case NATS_CONNECTION_DISCONNECTED:
	case NATS_NO_RESPONDERS:
	case NATS_INVALID_SUBSCRIPTION:
		return -ENOTCONN;
	default:
		return -EIO;
	}
}

/* Returns the error for the result of a call of the client library. code: the server's error
 * number; 0: none. */
INTERNAL int fault_of(const char *what, natsStatus status, jsErrCode code)
{
	natsStatus last;
	const char *text;

	if (status == NATS_OK)
		return 0;
	text = nats_GetLastError(&last);
	if (last != status || !text || !text[0])
		text = natsStatus_GetText(status);
	return fault(status == NATS_ERR && code ? errno_of_server(code) : errno_of_status(status),
	             "%s: %s", what, text);
}

/* Turns the result of a call for several items into the result of a call for one item. */
INTERNAL int one(ssize_t n)
{
	return n < 0 ? (int)n : 0;
}

INTERNAL int bad_deadline(void)
{
	return fault(-EINVAL, "a deadline's tv_nsec is not within 0..999999999");
}
