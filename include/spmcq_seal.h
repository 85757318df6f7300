/*
 * spmcq_seal: items that only the holders of a key can read and make.
 *
 * This library is for programs that send items through memory or a server that others can read or
 * write. Consecutive items, a run, are encrypted together and get one authentication tag. A run
 * opens only with the same key, at the same position, with the same number and size of items.
 *
 * Words. A key belongs to one queue and is made with it; the id of the queue is random and made
 * with the key. A run is n items of item_size bytes that follow each other; its position is that of
 * its first item. To seal is to encrypt and authenticate; to open is to verify, then decrypt.
 *
 * What a run is bound to, as authenticated data: the algorithm, the id of the queue, the position,
 * the number of items and their size. A run that was changed, cut, moved to another position, or
 * sealed with another key does not open: -EBADMSG. A run can be opened more than once at its
 * position; the queue must ensure that each position is got only once.
 *
 * RULE: with one key, no position is ever sealed twice. The nonce is made from the key and the
 * position. So two runs that are sealed with one key at the same position, by any process, are
 * encrypted with the same key stream: a reader of both learns the difference of their bytes, and
 * can learn enough to forge other runs. The library keeps no record of positions and cannot notice
 * this, so the caller must keep the rule. A queue keeps it because it has one producer that
 * increments the position, and a new key for each create and each new producer. In particular: do
 * not seal other items for a position whose sealed run anybody may have seen; do not continue with
 * an old key after a restart that may have lost the last position; do not seal in two processes
 * that have the same key, unless their positions differ.
 *
 * What it does not do. Every holder of the key can seal as well as open: a consumer that can also
 * write where items lie can forge them. The number of items and the times when they come are not
 * hidden. A process that may trace this one, and root, can read its memory. Parts of the key are in
 * registers, and on the stack, while a call goes on: a process that dies there has them in its core
 * dump, and a signal that comes there leaves a copy of the registers on the stack.
 *
 * How much with one key. AES-256-GCM: if at most 2^38 bytes (256 GiB) are sealed with one key, an
 * attacker distinguishes the sealed bytes from random ones with a probability below 2^-60. Count
 * each run rounded up to 16 bytes, plus 16. Each doubling of the number of bytes makes this
 * probability four times as great (2^52 bytes: 2^-32). XChaCha20-Poly1305 and AEGIS-128L have no
 * limit that can be reached. A run is at most 64 GiB less 32 bytes with AES-256-GCM.
 *
 * Results. 0 or a count on success, a negative errno value otherwise; an error changes nothing.
 *   -EINVAL    NULL, n 0, item_size 0, or two buffers that overlap and do not begin at the same
 *              address
 *   -EMSGSIZE  the buffer for the result is too small
 *   -EOVERFLOW n times item_size cannot be represented, or is more than a run may have
 *   -EBADMSG   the run does not open, or the bytes are not an exported key
 *   -ENOTSUP   sealing is not in this build (no libsodium, or not Linux), or libsodium or this
 *              processor lacks that algorithm, or the kernel cannot guard a key (before 4.14)
 *   -ENOMEM    no memory
 *   -EPERM     create, import: the system does not let this process lock memory (RLIMIT_MEMLOCK; a
 *              key needs two pages). Other calls: the key was made in the parent, before fork
 *   -EIO       the system has no random bytes
 *
 * The key in memory. It has pages of its own, between two pages that cannot be accessed. Its pages
 * are locked (never swapped out), left out of core dumps, read-only once the key is made, and wiped
 * (overwritten) before they are freed. After a fork the child's copy is empty, because parent and
 * child would seal at the same positions and break the rule. A child that shall have the key gets
 * it as other processes do, by export and import.
 *
 * Link with -lspmcq_seal, pkg-config spmcq_seal; it does not need libspmcq.
 */
#ifndef SPMCQ_SEAL_H
#define SPMCQ_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spmcq_key;

/** How items are sealed. The numbers are part of exported keys and never change. */
enum spmcq_algorithm {
	/* The fastest algorithm below that this build of libsodium and this processor have. If the
	 * key goes to other machines, which may lack it, choose XCHACHA20POLY1305. */
	SPMCQ_ALGORITHM_AUTO = 0,
	SPMCQ_AES256GCM = 1,         /* if the processor has instructions for it */
	SPMCQ_XCHACHA20POLY1305 = 2, /* everywhere */
	SPMCQ_AEGIS128L = 3, /* if libsodium is 1.0.19 or later; slow without AES instructions */
};

enum {
	SPMCQ_KEY_EXPORTED = 96, /* bytes of an exported key */
	SPMCQ_QUEUE_ID = 16,     /* bytes of a queue's id */
	SPMCQ_TAG_MOST = 32,     /* no algorithm adds more bytes than this to a run */
};

/**
 * Make a key, and the id of its queue, from the system's random source.
 * @key  set if the call returns 0, else left as it was
 * Returns 0, -EINVAL, -ENOTSUP, -ENOMEM, -EPERM or -EIO.
 * Threads: any. Blocks: only shortly after boot, until the system has random bytes. Memory: two
 * locked pages and three more of address space.
 */
int spmcq_key_create(struct spmcq_key **key, enum spmcq_algorithm algorithm);

/**
 * Wipe a key and free it. NULL is allowed; so is a key in a forked child.
 * Threads: one, the last; the caller ensures that no other call begins or is still running.
 */
void spmcq_key_destroy(struct spmcq_key *key);

/**
 * Write the key as bytes, so that it can be sent to another process over a channel that nobody else
 * can read. The caller wipes the bytes afterwards.
 * @bytes  SPMCQ_KEY_EXPORTED bytes, written if the call returns 0
 * @size   of bytes; more is allowed
 * Returns 0, -EINVAL, -EMSGSIZE or -EPERM. Threads: any. Blocks: no.
 */
int spmcq_key_export(const struct spmcq_key *key, void *bytes, size_t size);

/**
 * Make a key from exactly the bytes that were exported. If the call returns 0, it has wiped the
 * bytes. On an error they are as before, and the caller wipes them.
 * @key    set if the call returns 0, else left as it was
 * @size   SPMCQ_KEY_EXPORTED
 * Returns 0; -EINVAL (NULL, another size), -EBADMSG (not an exported key, or a damaged one),
 * -ENOTSUP (exported by a later version, or for an algorithm that is missing here), -ENOMEM, -EPERM
 * or -EIO.
 * Threads: any. Blocks: no.
 */
int spmcq_key_import(struct spmcq_key **key, void *bytes, size_t size);

/** Overwrite a secret in a way that the compiler does not optimise away. */
void spmcq_wipe(void *bytes, size_t size);

/**
 * Read the algorithm of a key, and the id of its queue, which is not secret.
 * @id  SPMCQ_QUEUE_ID bytes, written if the call returns 0
 * spmcq_key_algorithm() returns an enum spmcq_algorithm, spmcq_key_queue() returns 0. Both return
 * -EINVAL or -EPERM on an error. Threads: any. Blocks: no.
 */
int spmcq_key_algorithm(const struct spmcq_key *key);
int spmcq_key_queue(const struct spmcq_key *key, void *id);

/**
 * Compute the size of a sealed run of n items. It is the same for all keys of an algorithm.
 * Returns the size in bytes, or -EINVAL, -EOVERFLOW or -EPERM. Threads: any. Blocks: no.
 */
ssize_t spmcq_sealed_size(const struct spmcq_key *key, size_t n, size_t item_size);

/**
 * Seal a run of n items for a position. READ THE RULE ABOVE.
 * @items        n times item_size bytes
 * @sealed       where the sealed run goes: written on success, else left as it was. May be the
 *               same buffer as @items
 * @sealed_size  how much room there is
 * Returns how many bytes were written (spmcq_sealed_size()), or -EINVAL, -EOVERFLOW, -EMSGSIZE or
 * -EPERM.
 * Threads: any, many with the same key. Blocks: no. Progress: wait-free. Cost: O(bytes), no
 * allocation, no system call.
 */
ssize_t spmcq_seal_items(const struct spmcq_key *key, uint64_t position, const void *items,
                         size_t n, size_t item_size, void *sealed, size_t sealed_size);

/**
 * Open a run that was sealed for a position. How many items it has follows from its size.
 * @sealed       sealed_size bytes, which must not change meanwhile: if others can write there,
 *               open a copy
 * @items        room for max items of item_size bytes: written on success, else left as it was. May
 *               be the same buffer as @sealed
 * Returns how many items there are, or -EINVAL, -EOVERFLOW, -EMSGSIZE (more than max), -EBADMSG or
 * -EPERM.
 * Threads, blocks, progress, cost: as spmcq_seal_items(); with AES-256-GCM and AEGIS-128L runs of
 * more than 4 KiB are verified twice, so that nothing is written before it is known to be good.
 */
ssize_t spmcq_open_items(const struct spmcq_key *key, uint64_t position, const void *sealed,
                         size_t sealed_size, void *items, size_t max, size_t item_size);

#ifdef __cplusplus
}
#endif

#endif
