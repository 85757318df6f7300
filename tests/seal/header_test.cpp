/*
 * The header is enough by itself, in C++11, and its calls link, with the library or the stub.
 */
#include <spmcq_seal.h>

#include <cstdio>

int main()
{
	unsigned char item = 5, sealed[1 + SPMCQ_TAG_MOST], exported[SPMCQ_KEY_EXPORTED];
	spmcq_key *key = nullptr;
	int made = spmcq_key_create(&key, SPMCQ_ALGORITHM_AUTO);
	ssize_t size = spmcq_seal_items(key, 1, &item, 1, 1, sealed, sizeof(sealed));
	bool good = made < 0 ? size < 0
	                     : spmcq_open_items(key, 1, sealed, static_cast<size_t>(size), &item, 1,
	                                        1) == 1 &&
	                               item == 5 &&
	                               spmcq_key_export(key, exported, sizeof(exported)) == 0;

	spmcq_key_destroy(key);
	std::printf("%sok 1 - the_header_is_enough_in_cpp11\n1..1\n", good ? "" : "not ");
	return good ? 0 : 1;
}
