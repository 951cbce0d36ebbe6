/* What both roles of IKE_SA_INIT share. */
#include "base/secret.h"
#include "engine/crypto/dh.h"
#include "engine/crypto/sign.h"
#include "engine/ike/first_state.h"

#include <errno.h>
#include <string.h>

struct first *first_new(struct engine *e)
{
    struct first *f = calloc(1, sizeof(*f));

    if (f)
        core_random(e, f->nonce, sizeof(f->nonce));
    return f;
}

struct first *first_free(struct first *f)
{
    if (!f)
        return NULL;
    dh_free(f->dh);
    for (size_t i = 0; i < f->n_answers; i++)
        free(f->answers[i].raw);
    free(f->my_init);
    free(f->peer_init);
    secret_wipe(f, sizeof(*f));
    free(f);
    return NULL;
}

int first_keep(uint8_t **place, size_t *place_len, const void *data, size_t len)
{
    uint8_t *copy = malloc(len);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, data, len);
    free(*place);
    *place = copy;
    *place_len = len;
    return 0;
}

void first_nonces(const struct ike_sa *sa, struct wire_bytes *ret_ni, struct wire_bytes *ret_nr)
{
    const struct first *f = sa->first;
    struct wire_bytes mine = {f->nonce, sizeof(f->nonce)}, theirs = {f->peer_nonce, f->peer_nonce_len};

    *ret_ni = sa->initiator ? mine : theirs;
    *ret_nr = sa->initiator ? theirs : mine;
}

bool first_forces_encap(const struct engine *e, const struct ike_conf *c)
{
    return c->encap || !core_settings(e)->raw_esp;
}

void first_write_fragmentation(struct chain_writer *cw)
{
    payload_write_notify(cw, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, PROTO_NONE, NULL, 0, NULL, 0);
}

void first_write_hashes(struct chain_writer *cw)
{
    uint8_t buf[2 * SIGN_HASHES_MAX];
    struct wr w = wr_of(buf, sizeof(buf));

    for (size_t i = 0; i < SIGN_HASHES_MAX; i++)
        wr_be16(&w, sign_hashes[i]);
    payload_write_notify(cw, NOTIFY_SIGNATURE_HASH_ALGORITHMS, PROTO_NONE, NULL, 0, buf, wr_len(&w));
}

void first_write_certreq(const struct engine *e, const struct ike_conf *c, struct chain_writer *cw)
{
    uint8_t hashes[TRUST_CAS_MAX * PKEY_ID_LEN];
    struct wr w = wr_of(hashes, sizeof(hashes));
    size_t len = 0;

    if (c->remote.auth != CONF_AUTH_PUBKEY || !c->send_certreq)
        return;
    for (size_t i = 0; i < c->remote.n_cas; i++)
        wr_bytes(&w, pkey_info_id(cert_key(c->remote.cas[i])), PKEY_ID_LEN);
    len = wr_len(&w);
    if (len == 0)
        (void)trust_certreq(creds_trust(core_creds(e)), hashes, sizeof(hashes), &len);
    if (len > 0)
        payload_write_cert(cw, PAYLOAD_CERTREQ, CERT_X509_SIGNATURE, hashes, len);
}

int first_keys(const struct ike_sa *sa, const struct suite *suite, const struct dh *dh, const struct wire_bytes *value,
               struct ike_keys *ret)
{
    uint8_t secret[DH_SECRET_MAX], seed[ALG_PRF_MAX];
    struct wire_bytes ni, nr;
    size_t len = 0;
    int r = dh_secret(dh, value->data, value->len, secret, &len);

    first_nonces(sa, &ni, &nr);
    if (r == 0) {
        const keymat_bytes i = {ni.data, ni.len}, n = {nr.data, nr.len}, shared = {secret, len};

        r = keymat_seed(suite->prf, &i, &n, &shared, seed);
        if (r == 0)
            r = keymat_ike(suite->prf, suite->encr, suite->integ, seed, suite->prf->out_len, &i, &n, sa->spi_i,
                           sa->spi_r, ret);
    }
    secret_wipe(secret, sizeof(secret));
    secret_wipe(seed, sizeof(seed));
    return r;
}

void first_read_abilities(struct ike_sa *sa, const struct chain *c)
{
    struct notify_payload n;

    sa->fragmentation =
        sa->conf->fragmentation != CONF_FRAGMENTATION_NO && chain_notify(c, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, &n);
    sa->peer_hashes = 0;
    if (chain_notify(c, NOTIFY_SIGNATURE_HASH_ALGORITHMS, &n))
        (void)sign_hashes_read(n.data.data, n.data.len, &sa->peer_hashes);
    sa->first->ppk = sa->conf->has_ppk && chain_notify(c, NOTIFY_USE_PPK, &n);
}
