/*
 * spmcq_seal: items that only the holders of a key can read and make.
 *
 * For whoever carries items where others can touch them: through shared memory, through a broker.
 * A run of items is sealed as one: encrypted, with one tag behind it. It opens only with the same
 * key, at the same position, with the same number and size of items.
 *
 * Words. A key belongs to one queue and is made with it; the id of the queue is random and made
 * with the key. A run is n items of item_size bytes that follow each other; its position is that of
 * its first item. To seal is to encrypt and authenticate; to open is to verify, then decrypt.
 *
 * What a run is bound to, as authenticated data: the algorithm, the id of the queue, the position,
 * the number of items and their size. What was changed, cut, moved to another position, or sealed
 * with another key does not open: -EBADMSG. Opening twice at the same position works twice: that
 * each position is got only once is the business of the queue.
 *
 * RULE: with one key, no position is ever sealed twice. The position is the nonce: two different
 * runs sealed at the same position, by anybody, are encrypted by the same key stream. Whoever reads
 * both learns the difference of their bytes, and can learn enough to forge other runs. The library
 * keeps no record of positions and cannot notice. The caller guarantees it: a queue does by having
 * one producer that counts up and by a fresh key for each create and for each new producer. In
 * particular: do not seal again, with other bytes, what may have been seen by anybody; do not go on
 * with an old key after a restart that may have lost the last position; do not seal in two
 * processes that have the same key, unless their positions differ.
 *
 * What it does not do. Every holder of the key can seal as well as open: a consumer that can also
 * write where items lie can forge them. The number of items and when they come is not hidden. A
 * process that may trace this one, and root, can read its memory. Parts of the key are in
 * registers, and on the stack, while a call goes on: a process that dies there has them in its core
 * dump, and a signal that comes there leaves a copy of the registers on the stack.
 *
 * How much with one key. AES-256-GCM: as long as at most 2^38 bytes (256 GiB) are sealed with one
 * key, the chance to tell the items from noise is below 2^-60. Count each run rounded up to 16
 * bytes, plus 16. Each doubling makes it four times as likely (2^52 bytes: 2^-32).
 * XChaCha20-Poly1305 and AEGIS-128L: no limit that can be reached. A run is at most 64 GiB less 32
 * bytes with AES-256-GCM.
 *
 * Results. 0 or a count on success, a negative errno value otherwise; an error changes nothing.
 *   -EINVAL    NULL, n 0, item_size 0, or buffers that overlap other than by being the same
 *   -EMSGSIZE  the buffer for the result is too small
 *   -EOVERFLOW n times item_size cannot be represented, or is more than a run may have
 *   -EBADMSG   does not open, or is no exported key
 *   -ENOTSUP   sealing is not in this build (no libsodium, or not Linux), or libsodium or this
 *              processor lacks that algorithm, or the kernel cannot guard a key (before 4.14)
 *   -ENOMEM    no memory
 *   -EPERM     create, import: the system does not let this process lock memory (RLIMIT_MEMLOCK; a
 *              key needs two pages). Other calls: the key was made in the parent, before fork
 *   -EIO       the system has no random bytes
 *
 * The key in memory: pages of its own between two that nobody can touch, locked (never swapped
 * out), not in core dumps, read-only once made, wiped when freed. A fork leaves the child an empty
 * copy: if both went on counting from the same position they would break the rule. A child that is
 * to have the key gets it as other processes do, by export and import.
 *
 * Link with -lspmcq_seal, pkg-config spmcq_seal; it stands by itself, without libspmcq.
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
	/* The fastest of the following here. A key that goes to other machines, some of which may
	 * lack what this one has, names XCHACHA20POLY1305. */
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
 * @key  set on 0, untouched otherwise
 * Returns 0, -EINVAL, -ENOTSUP, -ENOMEM, -EPERM or -EIO.
 * Threads: any. Blocks: no (at boot, until the system has random bytes). Memory: two locked pages
 * and three more of address space.
 */
int spmcq_key_create(struct spmcq_key **key, enum spmcq_algorithm algorithm);

/**
 * Wipe a key and free it. NULL is allowed; so is a key in a forked child.
 * Threads: one, the last; the caller sees to it that no other call goes on or begins.
 */
void spmcq_key_destroy(struct spmcq_key *key);

/**
 * The key as bytes, to be sent to another process that shall have it, by a way that nobody else
 * can read. The caller wipes them afterwards.
 * @bytes  SPMCQ_KEY_EXPORTED bytes, written on 0
 * @size   of bytes; more is allowed
 * Returns 0, -EINVAL, -EMSGSIZE or -EPERM. Threads: any. Blocks: no.
 */
int spmcq_key_export(const struct spmcq_key *key, void *bytes, size_t size);

/**
 * The reverse: a key from exactly the bytes that were exported. On 0 the bytes
 * are wiped. On an error they are as before, and the caller wipes them.
 * @key    set on 0, untouched otherwise
 * @size   SPMCQ_KEY_EXPORTED
 * Returns 0; -EINVAL (NULL, another size), -EBADMSG (no exported key, or damaged), -ENOTSUP (by a
 * later version, or an algorithm that is not to be had here), -ENOMEM, -EPERM or -EIO.
 * Threads: any. Blocks: no.
 */
int spmcq_key_import(struct spmcq_key **key, void *bytes, size_t size);

/** Overwrite a secret in a way that the compiler does not optimise away. */
void spmcq_wipe(void *bytes, size_t size);

/**
 * What a key is: its algorithm, and the id of its queue, which is no secret.
 * @id  SPMCQ_QUEUE_ID bytes, written on 0
 * Returns an enum spmcq_algorithm, or 0; -EINVAL, -EPERM. Threads: any. Blocks: no.
 */
int spmcq_key_algorithm(const struct spmcq_key *key);
int spmcq_key_queue(const struct spmcq_key *key, void *id);

/**
 * How many bytes a run is once it is sealed: the same for all keys of an algorithm.
 * Returns them, or -EINVAL, -EOVERFLOW or -EPERM. Threads: any. Blocks: no.
 */
ssize_t spmcq_sealed_size(const struct spmcq_key *key, size_t n, size_t item_size);

/**
 * Seal a run of n items for a position. READ THE RULE ABOVE.
 * @items        n times item_size bytes
 * @sealed       where the sealed run goes: written on success, untouched otherwise; may be items
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
 * @items        room for max items of item_size bytes: written on success, untouched otherwise; may
 *               be sealed
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
