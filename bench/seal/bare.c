#include "bare.h"

#include <sodium.h>
#include <string.h>

/* Bytes of additional authenticated data: as many as the library authenticates with a run. */
enum { DATA = 48 };

static unsigned char key[32], data[DATA];
static crypto_aead_aes256gcm_state aes;

int bare_start(void)
{
	if (sodium_init() < 0)
		return -1;
	randombytes_buf(key, sizeof(key));
	randombytes_buf(data, sizeof(data));
	if (crypto_aead_aes256gcm_is_available())
		(void)crypto_aead_aes256gcm_beforenm(&aes, key);
	return 0;
}

struct nonce {
	unsigned char bytes[32];
};

static struct nonce nonce_of(uint64_t number)
{
	struct nonce nonce = {{0}};

	memcpy(nonce.bytes, &number, sizeof(number));
	return nonce;
}

static void aes_seal(uint64_t number, const unsigned char *message, size_t bytes,
                     unsigned char *sealed)
{
	struct nonce nonce = nonce_of(number);

	(void)crypto_aead_aes256gcm_encrypt_afternm(sealed, NULL, message, bytes, data, DATA, NULL,
	                                            nonce.bytes, &aes);
}

static bool aes_open(uint64_t number, const unsigned char *sealed, size_t bytes,
                     unsigned char *message)
{
	struct nonce nonce = nonce_of(number);

	return crypto_aead_aes256gcm_decrypt_afternm(message, NULL, NULL, sealed, bytes, data, DATA,
	                                             nonce.bytes, &aes) == 0;
}

static void xchacha_seal(uint64_t number, const unsigned char *message, size_t bytes,
                         unsigned char *sealed)
{
	struct nonce nonce = nonce_of(number);

	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, message, bytes, data, DATA,
	                                                 NULL, nonce.bytes, key);
}

static bool xchacha_open(uint64_t number, const unsigned char *sealed, size_t bytes,
                         unsigned char *message)
{
	struct nonce nonce = nonce_of(number);

	return crypto_aead_xchacha20poly1305_ietf_decrypt(message, NULL, NULL, sealed, bytes, data,
	                                                  DATA, nonce.bytes, key) == 0;
}

#ifdef crypto_aead_aegis128l_KEYBYTES
static void aegis_seal(uint64_t number, const unsigned char *message, size_t bytes,
                       unsigned char *sealed)
{
	struct nonce nonce = nonce_of(number);

	(void)crypto_aead_aegis128l_encrypt(sealed, NULL, message, bytes, data, DATA, NULL,
	                                    nonce.bytes, key);
}

static bool aegis_open(uint64_t number, const unsigned char *sealed, size_t bytes,
                       unsigned char *message)
{
	struct nonce nonce = nonce_of(number);

	return crypto_aead_aegis128l_decrypt(message, NULL, NULL, sealed, bytes, data, DATA,
	                                     nonce.bytes, key) == 0;
}
#endif

const struct bare bare_algorithms[] = {
        {"aes-256-gcm", SPMCQ_AES256GCM, aes_seal, aes_open},
        {"xchacha20-poly1305", SPMCQ_XCHACHA20POLY1305, xchacha_seal, xchacha_open},
#ifdef crypto_aead_aegis128l_KEYBYTES
        {"aegis-128l", SPMCQ_AEGIS128L, aegis_seal, aegis_open},
#endif
        {NULL, SPMCQ_ALGORITHM_AUTO, NULL, NULL},
};
