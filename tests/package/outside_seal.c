/*
 * A program outside the project: it seals an item and opens it again.
 */
#include <errno.h>
#include <spmcq_seal.h>
#include <stdio.h>

int main(void)
{
	unsigned char sealed[sizeof(int) + SPMCQ_TAG_MOST];
	struct spmcq_key *key;
	int item = 42, made = spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO);
	ssize_t size;

	if (made == -ENOTSUP) {
		printf("not in this build\n");
		return 0;
	}
	if (made != 0)
		return 1;
	size = spmcq_seal_items(key, 0, &item, 1, sizeof(item), sealed, sizeof(sealed));
	item = 0;
	if (size < 0 || spmcq_open_items(key, 0, sealed, (size_t)size, &item, 1, sizeof(item)) != 1)
		return 1;
	printf("%d\n", item);
	spmcq_key_destroy(key);
	return 0;
}
