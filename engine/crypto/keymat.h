/*
 * The keys of IKEv2 (RFC 7296 2.14 to 2.18, RFC 8784 3). Who is initiator is meant of the exchange that makes the
 * keys; nonces are without payload header. All functions return -ENOMEM and nothing else, and write all or nothing.
 */
#pragma once

#include "engine/crypto/prf.h"

#define KEYMAT_KEY_MAX (ALG_KEY_MAX + ALG_SALT_MAX)
#define IKE_SPI_LEN    8

/* Bytes of others, borrowed: a nonce, a shared secret. */
typedef struct prf_part keymat_bytes;

/* The keys of an IKE_SA. Integrity keys are empty with an AEAD (RFC 5282 7). */
struct ike_keys {
    const struct alg *prf;
    const struct alg *encr;
    const struct alg *integ; /* NULL with an AEAD */
    uint8_t sk_d[ALG_PRF_MAX];
    uint8_t sk_ai[ALG_KEY_MAX];
    uint8_t sk_ar[ALG_KEY_MAX];
    uint8_t sk_ei[KEYMAT_KEY_MAX]; /* with the salt */
    uint8_t sk_er[KEYMAT_KEY_MAX];
    uint8_t sk_pi[ALG_PRF_MAX];
    uint8_t sk_pr[ALG_PRF_MAX];
};

/* The keys of a CHILD_SA; of ESP with an AEAD, the integrity keys are empty. */
struct child_keys {
    uint8_t encr_i[KEYMAT_KEY_MAX]; /* what the initiator sends with; with the salt */
    uint8_t integ_i[ALG_KEY_MAX];
    uint8_t encr_r[KEYMAT_KEY_MAX];
    uint8_t integ_r[ALG_KEY_MAX];
};

/* 2.14: SKEYSEED = prf (Ni | Nr, g^ir); prf->out_len bytes. */
int keymat_seed(const struct alg *prf, const keymat_bytes *ni, const keymat_bytes *nr, const keymat_bytes *secret,
                uint8_t *ret);

/* 2.18: the SKEYSEED of a rekeyed IKE_SA, by the PRF and SK_d of the OLD one. */
int keymat_seed_rekey(const struct ike_keys *old, const keymat_bytes *ni, const keymat_bytes *nr,
                      const keymat_bytes *secret, uint8_t *ret);

/* 2.14: all keys from a SKEYSEED of SEED_LEN bytes. After a rekey it is as long as the output of the old PRF. */
int keymat_ike(const struct alg *prf, const struct alg *encr, const struct alg *integ, const uint8_t *seed,
               size_t seed_len, const keymat_bytes *ni, const keymat_bytes *nr, const uint8_t spi_i[IKE_SPI_LEN],
               const uint8_t spi_r[IKE_SPI_LEN], struct ike_keys *ret);

/* 2.17: SECRET is NULL without a key exchange of its own. */
int keymat_child(const struct ike_keys *ike, const keymat_bytes *secret, const keymat_bytes *ni, const keymat_bytes *nr,
                 const struct alg *encr, const struct alg *integ, struct child_keys *ret);

/*
 * 2.15: the AUTH value of one side: MESSAGE is its IKE_SA_INIT message, whole; NONCE is the other side's; SK_P and ID
 * (the body of the ID payload without its header) are its own. Writes prf->out_len bytes.
 */
int keymat_psk_auth(const struct alg *prf, const keymat_bytes *psk, const keymat_bytes *message,
                    const keymat_bytes *nonce, const uint8_t *sk_p, const keymat_bytes *id, uint8_t *ret);

/* 2.15 for signatures: prf (SK_p, ID), the last part of what is signed. Writes prf->out_len bytes. */
int keymat_maced_id(const struct alg *prf, const uint8_t *sk_p, const keymat_bytes *id, uint8_t *ret);

/* RFC 8784 3: mixes the post-quantum key into SK_d, SK_pi and SK_pr of KEYS. */
int keymat_mix_ppk(struct ike_keys *keys, const keymat_bytes *ppk);

void ike_keys_wipe(struct ike_keys *k);
void child_keys_wipe(struct child_keys *k);
