#include "tests/exchange/pair_pki.h"

#include <assert.h>

void pair_certify(struct pair *p, int node, const struct pki_party *ca, const struct pki_party *own)
{
    struct creds *creds = p->node[node].creds;
    struct pkey *key = NULL;

    assert(creds_add_cert(creds, pki_cert(ca), CREDS_CERT_CA) == 0);
    assert(creds_add_cert(creds, pki_cert(own), CREDS_CERT_NONE) == 0);
    assert(pkey_of_evp(pkey_evp(pki_key(own)), &key) == 0);
    assert(creds_take_key(creds, key) == 0);
}
