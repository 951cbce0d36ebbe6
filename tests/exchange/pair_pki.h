/* Certificates of the two engines. */
#pragma once

#include "tests/exchange/pair.h"
#include "tests/unit/pki.h"

/* NODE has CA to trust, and OWN with its key. */
void pair_certify(struct pair *p, int node, const struct pki_party *ca, const struct pki_party *own);
