/*
 * The algorithms, and the table of them.
 */
#include "aead.h"

#include "forget.h"

#include <string.h>

/* libsodium fills its output with zeros when a message does not open. So a message of up to this
 * size is opened on the stack and then copied. A larger message is verified twice, which costs more
 * than the copy: with AES-256-GCM 0.2 ns a byte instead of 0.03 (`seal` in the bench). */
enum { SCRATCH = 4096 };

/* A function that decrypts. It may write to `message` even if it fails. If `message` is NULL, it
 * only verifies. */
typedef bool decryption(const union aead_prepared *prepared, const unsigned char *nonce,
                        const struct aead_data *data, unsigned char *message,
                        const unsigned char *sealed, size_t bytes);

/* Open a message with `decrypt`, but write to `message` only if the tag is right. */
static inline bool open_by(decryption *decrypt, const union aead_prepared *prepared,
                           const unsigned char *nonce, const struct aead_data *data,
                           unsigned char *message, const unsigned char *sealed, size_t bytes)
{
	unsigned char scratch[SCRATCH];

	if (bytes > SCRATCH)
		return decrypt(prepared, nonce, data, NULL, sealed, bytes) &&
		       decrypt(prepared, nonce, data, message, sealed, bytes);
	if (!decrypt(prepared, nonce, data, scratch, sealed, bytes))
		return false;
	memcpy(message, scratch, bytes);
	sodium_memzero(scratch, bytes);
	return true;
}

/* AES-256-GCM: the round keys are computed once. */

static bool aes_is_here(void)
{
	return crypto_aead_aes256gcm_is_available() == 1;
}

static void aes_prepare(union aead_prepared *prepared, const unsigned char *secret,
                        const unsigned char *nonce)
{
	(void)nonce;
	(void)crypto_aead_aes256gcm_beforenm(&prepared->aes, secret);
	forget(FORGET_MAKING);
}

static void aes_seal(const union aead_prepared *prepared, const unsigned char *nonce,
                     const struct aead_data *data, unsigned char *sealed,
                     const unsigned char *message, size_t bytes)
{
	(void)crypto_aead_aes256gcm_encrypt_afternm(sealed, NULL, message, bytes, data->bytes,
	                                            sizeof(data->bytes), NULL, nonce,
	                                            &prepared->aes);
	forget(FORGET_SEALING);
}

static bool aes_decrypt(const union aead_prepared *prepared, const unsigned char *nonce,
                        const struct aead_data *data, unsigned char *message,
                        const unsigned char *sealed, size_t bytes)
{
	int result = crypto_aead_aes256gcm_decrypt_afternm(
	        message, NULL, NULL, sealed, bytes + crypto_aead_aes256gcm_ABYTES, data->bytes,
	        sizeof(data->bytes), nonce, &prepared->aes);

	forget(FORGET_SEALING);
	return result == 0;
}

static bool aes_open(const union aead_prepared *prepared, const unsigned char *nonce,
                     const struct aead_data *data, unsigned char *message,
                     const unsigned char *sealed, size_t bytes)
{
	return open_by(aes_decrypt, prepared, nonce, data, message, sealed, bytes);
}

static const struct aead aes256gcm = {
        .number = SPMCQ_AES256GCM,
        .secret_bytes = crypto_aead_aes256gcm_KEYBYTES,
        .nonce_bytes = crypto_aead_aes256gcm_NPUBBYTES,
        .tag_bytes = crypto_aead_aes256gcm_ABYTES,
        .most = crypto_aead_aes256gcm_MESSAGEBYTES_MAX,
        .is_here = aes_is_here,
        .prepare = aes_prepare,
        .seal = aes_seal,
        .open = aes_open,
};

/* XChaCha20-Poly1305: by definition ChaCha20-Poly1305 (RFC 8439) with a key computed from the
 * secret and the first 16 bytes of the nonce, and with a nonce of 4 zero bytes and the last 8
 * bytes. All nonces of a key have the same first 16 bytes, so the ChaCha20 key is computed once. */

enum { XCHACHA_NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, LAST = 8 };

_Static_assert(crypto_core_hchacha20_INPUTBYTES == XCHACHA_NONCE - LAST, "");
_Static_assert(crypto_core_hchacha20_OUTPUTBYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "");

static bool xchacha_is_here(void)
{
	return true;
}

static void xchacha_prepare(union aead_prepared *prepared, const unsigned char *secret,
                            const unsigned char *nonce)
{
	(void)crypto_core_hchacha20(prepared->chacha, nonce, secret, NULL);
	forget(FORGET_MAKING);
}

/* A nonce of ChaCha20-Poly1305. */
struct chacha_nonce {
	unsigned char bytes[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
};

static struct chacha_nonce chacha_nonce(const unsigned char *nonce)
{
	struct chacha_nonce last = {{0}};

	memcpy(last.bytes + sizeof(last.bytes) - LAST, nonce + XCHACHA_NONCE - LAST, LAST);
	return last;
}

static void xchacha_seal(const union aead_prepared *prepared, const unsigned char *nonce,
                         const struct aead_data *data, unsigned char *sealed,
                         const unsigned char *message, size_t bytes)
{
	struct chacha_nonce last = chacha_nonce(nonce);

	(void)crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, message, bytes, data->bytes,
	                                                sizeof(data->bytes), NULL, last.bytes,
	                                                prepared->chacha);
	forget(FORGET_SEALING);
}

/* First verifies: libsodium only verifies if the output is NULL. Then decrypts, by xor with the key
 * stream from block 1 on. Block 0 is the key of the tag. */
static bool xchacha_open(const union aead_prepared *prepared, const unsigned char *nonce,
                         const struct aead_data *data, unsigned char *message,
                         const unsigned char *sealed, size_t bytes)
{
	struct chacha_nonce last = chacha_nonce(nonce);

	bool is_good =
	        crypto_aead_chacha20poly1305_ietf_decrypt(
	                NULL, NULL, NULL, sealed, bytes + crypto_aead_chacha20poly1305_ietf_ABYTES,
	                data->bytes, sizeof(data->bytes), last.bytes, prepared->chacha) == 0;

	if (is_good)
		(void)crypto_stream_chacha20_ietf_xor_ic(message, sealed, bytes, last.bytes, 1,
		                                         prepared->chacha);
	forget(FORGET_SEALING);
	return is_good;
}

static const struct aead xchacha20poly1305 = {
        .number = SPMCQ_XCHACHA20POLY1305,
        .secret_bytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
        .nonce_bytes = XCHACHA_NONCE,
        .tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES,
        .most = crypto_aead_chacha20poly1305_ietf_MESSAGEBYTES_MAX,
        .is_here = xchacha_is_here,
        .prepare = xchacha_prepare,
        .seal = xchacha_seal,
        .open = xchacha_open,
};

/* AEGIS-128L: there is nothing to prepare. */

#ifdef crypto_aead_aegis128l_KEYBYTES
static bool aegis_is_here(void)
{
	return true;
}

static void aegis_prepare(union aead_prepared *prepared, const unsigned char *secret,
                          const unsigned char *nonce)
{
	(void)nonce;
	memcpy(prepared->aegis, secret, sizeof(prepared->aegis));
}

static void aegis_seal(const union aead_prepared *prepared, const unsigned char *nonce,
                       const struct aead_data *data, unsigned char *sealed,
                       const unsigned char *message, size_t bytes)
{
	(void)crypto_aead_aegis128l_encrypt(sealed, NULL, message, bytes, data->bytes,
	                                    sizeof(data->bytes), NULL, nonce, prepared->aegis);
	forget(FORGET_SEALING);
}

static bool aegis_decrypt(const union aead_prepared *prepared, const unsigned char *nonce,
                          const struct aead_data *data, unsigned char *message,
                          const unsigned char *sealed, size_t bytes)
{
	int result = crypto_aead_aegis128l_decrypt(
	        message, NULL, NULL, sealed, bytes + crypto_aead_aegis128l_ABYTES, data->bytes,
	        sizeof(data->bytes), nonce, prepared->aegis);

	forget(FORGET_SEALING);
	return result == 0;
}

static bool aegis_open(const union aead_prepared *prepared, const unsigned char *nonce,
                       const struct aead_data *data, unsigned char *message,
                       const unsigned char *sealed, size_t bytes)
{
	return open_by(aegis_decrypt, prepared, nonce, data, message, sealed, bytes);
}

static const struct aead aegis128l = {
        .number = SPMCQ_AEGIS128L,
        .secret_bytes = crypto_aead_aegis128l_KEYBYTES,
        .nonce_bytes = crypto_aead_aegis128l_NPUBBYTES,
        .tag_bytes = crypto_aead_aegis128l_ABYTES,
        .most = crypto_aead_aegis128l_MESSAGEBYTES_MAX,
        .is_here = aegis_is_here,
        .prepare = aegis_prepare,
        .seal = aegis_seal,
        .open = aegis_open,
};
#endif

static const struct aead *const aeads[] = {
        &aes256gcm,
        &xchacha20poly1305,
#ifdef crypto_aead_aegis128l_KEYBYTES
        &aegis128l,
#endif
};

/* A processor with instructions for AES-GCM runs AEGIS by the same instructions, and AEGIS is then
 * by far the fastest. */
static int fastest(void)
{
	if (!aes_is_here())
		return SPMCQ_XCHACHA20POLY1305;
#ifdef crypto_aead_aegis128l_KEYBYTES
	return SPMCQ_AEGIS128L;
#else
	return SPMCQ_AES256GCM;
#endif
}

INTERNAL const struct aead *aead_by_number(int number)
{
	if (number == SPMCQ_ALGORITHM_AUTO)
		number = fastest();
	for (size_t i = 0; i < sizeof(aeads) / sizeof(aeads[0]); i++)
		if (aeads[i]->number == number && aeads[i]->is_here())
			return aeads[i];
	return NULL;
}
