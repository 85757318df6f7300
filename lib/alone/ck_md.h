/*
 * Stands in for Concurrency Kit's header of this name in the two-file form: the size of what
 * processors move between their caches.
 */
#ifndef CK_MD_H
#define CK_MD_H

#ifndef CK_MD_CACHELINE
#if defined(__s390x__)
#define CK_MD_CACHELINE (256)
#elif defined(__powerpc64__) || (defined(__aarch64__) && defined(__APPLE__))
#define CK_MD_CACHELINE (128)
#else
#define CK_MD_CACHELINE (64)
#endif
#endif

#endif
