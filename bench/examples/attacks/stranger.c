/*
 * A broker asks its clients for a certificate, and the clients ask the broker for one. A client
 * without one, or with one by another authority, is refused, and nothing is put. See the script
 * stranger.
 */
#include <errno.h>
#include <spmcq_remote.h>
#include <stdio.h>
#include <unistd.h>

static const char *url;

/* Put an order as this client, which trusts that authority. */
static int put_as(const char *who, const char *authority, const char *certificate, const char *key)
{
	const struct spmcq_remote_options options = {
	        .ca_file = authority,
	        .cert_file = certificate,
	        .key_file = key,
	        .in_memory = true,
	};
	struct spmcq_remote *queue = NULL;
	int order = 10, r = spmcq_remote_open(&queue, url, "orders", 8, sizeof order, &options);

	if (r == 0) {
		r = spmcq_remote_put(queue, &order);
		spmcq_remote_close(queue);
	}
	if (r == 0)
		printf("%s: the order was put\n", who);
	else
		printf("%s: refused: %s\n", who, spmcq_remote_reason());
	return r;
}

int main(int argc, char **argv)
{
	int none, other, middle;

	if (argc != 3 || chdir(argv[2]) != 0)
		return 2;
	url = argv[1];
	none = put_as("without a certificate", "ca.pem", NULL, NULL);
	other = put_as("with one by another authority", "ca.pem", "other-client.pem",
	               "other-client-key.pem");
	middle = put_as("to a broker that another authority vouches for", "other-ca.pem",
	                "client.pem", "client-key.pem");
	return none >= 0 || other >= 0 || middle != -EKEYREJECTED ||
	       put_as("with the right one", "ca.pem", "client.pem", "client-key.pem") != 0;
}
