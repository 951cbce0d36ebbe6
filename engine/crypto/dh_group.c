#include "engine/crypto/dh_group.h"

#include "base/array.h"

static const struct dh_group groups[] = {
    {2, &dh_modp, 128, 128, NULL}, /* RFC 7296 B.2; OpenSSL has the prime and no name for it */
    {5, &dh_modp, 192, 192, "modp_1536"},    {14, &dh_modp, 256, 256, "modp_2048"},
    {15, &dh_modp, 384, 384, "modp_3072"},   {16, &dh_modp, 512, 512, "modp_4096"},
    {17, &dh_modp, 768, 768, "modp_6144"},   {18, &dh_modp, 1024, 1024, "modp_8192"},
    {22, &dh_modp, 128, 128, "dh_1024_160"}, {23, &dh_modp, 256, 256, "dh_2048_224"},
    {24, &dh_modp, 256, 256, "dh_2048_256"}, {19, &dh_ecp, 64, 32, "P-256"},
    {20, &dh_ecp, 96, 48, "P-384"},          {21, &dh_ecp, 132, 66, "P-521"},
    {31, &dh_curve, 32, 32, "X25519"},       {32, &dh_curve, 56, 56, "X448"},
};

const struct dh_group *dh_group_find(uint16_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (groups[i].id == id)
            return &groups[i];
    return NULL;
}
