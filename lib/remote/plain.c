/*
 * A URL may be used without TLS only if all of its hosts are this machine.
 */
#include "remote.h"

#include <arpa/inet.h>
#include <string.h>

/* The text of an address shows that the address is this machine's. Other machines, the name
 * servers, decide which address a name has. So localhost is the only name that is accepted. */
static bool is_loopback(const char *host)
{
	struct in_addr four;
	struct in6_addr six;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* Cuts the host out of scheme://user:password@host:port/path. */
static char *host_in(char *url)
{
	char *scheme = strstr(url, "://");
	char *host = scheme ? scheme + 3 : url;
	char *at;

	host[strcspn(host, "/?#")] = '\0';
	at = strrchr(host, '@');
	if (at)
		host = at + 1;
	if (*host == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	} else {
		host[strcspn(host, ":")] = '\0';
	}
	return host;
}

/* For a URL that begins so, the client library uses TLS by itself. */
static bool says_tls(const char *url)
{
	return strncmp(url, "tls://", 6) == 0;
}

/* urls: a copy, which this function changes. */
INTERNAL bool urls_stay_here(char *urls)
{
	char *url;

	while ((url = strsep(&urls, ",")))
		if (!is_loopback(host_in(url + strspn(url, " "))))
			return false;
	return true;
}

/* The client library uses TLS for all servers or for none, so one URL with tls:// is enough. */
INTERNAL bool urls_say_tls(const char *urls)
{
	for (; urls; urls = strchr(urls, ',')) {
		urls += strspn(urls, ", ");
		if (says_tls(urls))
			return true;
	}
	return false;
}
