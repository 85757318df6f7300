/*
 * A carrier that need not be trusted carries orders. It keeps the first order and delivers it again
 * in place of the second, or changes a bit, or delivers an order of another queue. None of these
 * opens.
 */
#include <errno.h>
#include <spmcq_seal.h>
#include <stdio.h>
#include <string.h>

enum { ORDER = 32, SKIPPED = 77 };

static struct spmcq_key *key, *other;
static unsigned char first[ORDER + SPMCQ_TAG_MOST], second[sizeof first], foreign[sizeof first];
static ssize_t size;

static ssize_t seal(const struct spmcq_key *by, uint64_t position, const char *order,
                    unsigned char *sealed)
{
	char item[ORDER] = "";

	strcpy(item, order);
	return spmcq_seal_items(by, position, item, 1, ORDER, sealed, sizeof first);
}

/* Returns whether what was carried to a position opens, which is not wanted. */
static int opens(const char *attack, uint64_t position, const unsigned char *carried)
{
	char item[ORDER];
	ssize_t r = spmcq_open_items(key, position, carried, (size_t)size, item, 1, ORDER);

	printf("%s: %s\n", attack, r < 0 ? strerror((int)-r) : item);
	return r != -EBADMSG;
}

int main(void)
{
	int r = spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO), opened;

	if (r == -ENOTSUP || r == -EPERM) {
		printf("skipped: no key can be made here: %s\n", strerror(-r));
		return SKIPPED;
	}
	if (r != 0 || spmcq_key_create(&other, SPMCQ_ALGORITHM_AUTO) != 0)
		return 2;
	size = seal(key, 1, "pay 10 to mallory", first);
	if (size < 0 || seal(key, 2, "pay 10 to alice", second) != size ||
	    seal(other, 2, "pay 99 to mallory", foreign) != size)
		return 2;
	opened = opens("the first order again, as the second", 2, first);
	opened += opens("an order sealed for another queue", 2, foreign);
	second[4] ^= 1;
	opened += opens("one bit changed", 2, second);
	second[4] ^= 1;
	r = opened != 0 || opens("as it was sealed", 2, second) == 0;
	spmcq_key_destroy(key);
	spmcq_key_destroy(other);
	return r;
}
