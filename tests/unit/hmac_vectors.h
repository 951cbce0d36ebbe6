/* HMAC as the RFCs print it: of the PRFs whole, of the integrity algorithms as long as the ICV. */
#pragma once

#include "engine/crypto/alg.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HMAC_INPUT_MAX 160

/* Bytes as the RFCs describe them: a text, one byte again and again, or 01 02 03 and so on. */
struct hmac_input {
    const char *text; /* NULL: LEN bytes from FIRST on */
    uint8_t first, step;
    size_t len;
};

#define TEXT(t)                                                                                                        \
    {                                                                                                                  \
        (t), 0, 0, sizeof(t) - 1                                                                                       \
    }
#define FILL(b, n)                                                                                                     \
    {                                                                                                                  \
        NULL, (b), 0, (n)                                                                                              \
    }
#define COUNT(n)                                                                                                       \
    {                                                                                                                  \
        NULL, 1, 1, (n)                                                                                                \
    }

struct hmac_vector {
    const char *source;
    enum alg_type type;
    uint16_t id;
    struct hmac_input key, data;
    const char *sum;
};

static const struct hmac_vector hmac_vectors[] = {
    {"RFC 2202 3, case 1", ALG_PRF, 2, FILL(0x0b, 20), TEXT("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00"},
    {"RFC 2202 3, case 2", ALG_PRF, 2, TEXT("Jefe"), TEXT("what do ya want for nothing?"),
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {"RFC 2202 3, case 3", ALG_PRF, 2, FILL(0xaa, 20), FILL(0xdd, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
    {"RFC 2202 3, case 4", ALG_PRF, 2, COUNT(25), FILL(0xcd, 50), "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
    {"RFC 2202 3, case 5", ALG_PRF, 2, FILL(0x0c, 20), TEXT("Test With Truncation"),
     "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
    {"RFC 2202 3, case 6", ALG_PRF, 2, FILL(0xaa, 80), TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
     "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
    {"RFC 2202 3, case 7", ALG_PRF, 2, FILL(0xaa, 80),
     TEXT("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
     "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
    {"RFC 4231 4.2", ALG_PRF, 5, FILL(0x0b, 20), TEXT("Hi There"),
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"RFC 4231 4.3", ALG_PRF, 5, TEXT("Jefe"), TEXT("what do ya want for nothing?"),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 4.4", ALG_PRF, 5, FILL(0xaa, 20), FILL(0xdd, 50),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"RFC 4231 4.5", ALG_PRF, 5, COUNT(25), FILL(0xcd, 50),
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"RFC 4231 4.6", ALG_PRF, 5, FILL(0x0c, 20), TEXT("Test With Truncation"), "a3b6167473100ee06e0c796c2955552b"},
    {"RFC 4231 4.7", ALG_PRF, 5, FILL(0xaa, 131), TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"RFC 4231 4.8", ALG_PRF, 5, FILL(0xaa, 131),
     TEXT("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
          "hashed before being used by the HMAC algorithm."),
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {"RFC 4231 4.2", ALG_PRF, 6, FILL(0x0b, 20), TEXT("Hi There"),
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
    {"RFC 4231 4.3", ALG_PRF, 6, TEXT("Jefe"), TEXT("what do ya want for nothing?"),
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
    {"RFC 4231 4.4", ALG_PRF, 6, FILL(0xaa, 20), FILL(0xdd, 50),
     "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27"},
    {"RFC 4231 4.5", ALG_PRF, 6, COUNT(25), FILL(0xcd, 50),
     "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb"},
    {"RFC 4231 4.6", ALG_PRF, 6, FILL(0x0c, 20), TEXT("Test With Truncation"), "3abf34c3503b2a23a46efc619baef897"},
    {"RFC 4231 4.7", ALG_PRF, 6, FILL(0xaa, 131), TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
     "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"},
    {"RFC 4231 4.8", ALG_PRF, 6, FILL(0xaa, 131),
     TEXT("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
          "hashed before being used by the HMAC algorithm."),
     "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e"},
    {"RFC 4231 4.2", ALG_PRF, 7, FILL(0x0b, 20), TEXT("Hi There"),
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702"
     "e696c203a126854"},
    {"RFC 4231 4.3", ALG_PRF, 7, TEXT("Jefe"), TEXT("what do ya want for nothing?"),
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b6"
     "36e070a38bce737"},
    {"RFC 4231 4.4", ALG_PRF, 7, FILL(0xaa, 20), FILL(0xdd, 50),
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee894267"
     "4278859e13292fb"},
    {"RFC 4231 4.5", ALG_PRF, 7, COUNT(25), FILL(0xcd, 50),
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de"
     "2adebeb10a298dd"},
    {"RFC 4231 4.6", ALG_PRF, 7, FILL(0x0c, 20), TEXT("Test With Truncation"), "415fad6271580a531d4179bc891d87a6"},
    {"RFC 4231 4.7", ALG_PRF, 7, FILL(0xaa, 131), TEXT("Test Using Larger Than Block-Size Key - Hash Key First"),
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8"
     "b915a985d786598"},
    {"RFC 4231 4.8", ALG_PRF, 7, FILL(0xaa, 131),
     TEXT("This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
          "hashed before being used by the HMAC algorithm."),
     "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de044606"
     "5c97440fa8c6a58"},
    {"RFC 2202 3, case 3", ALG_INTEG, 2, FILL(0xaa, 20), FILL(0xdd, 50), "125d7342b9ac11cd91a39af4"},
    {"RFC 2202 3, case 5", ALG_INTEG, 2, FILL(0x0c, 20), TEXT("Test With Truncation"), "4c1a03424b55e07fe7f27be1"},
    {"RFC 4868 2.7.2.1, AUTH256-2", ALG_INTEG, 12, TEXT("JefeJefeJefeJefeJefeJefeJefeJefe"),
     TEXT("what do ya want for nothing?"), "167f928588c5cc2eef8e3093caa0e87c"},
    {"RFC 4868 2.7.2.1, AUTH256-3", ALG_INTEG, 12, FILL(0xaa, 32), FILL(0xdd, 50), "cdcb1220d1ecccea91e53aba3092f962"},
    {"RFC 4868 2.7.2.1, AUTH256-4", ALG_INTEG, 12, COUNT(32), FILL(0xcd, 50), "372efcf9b40b35c2115b1346903d2ef4"},
    {"RFC 4868 2.7.2.2, AUTH384-2", ALG_INTEG, 13, TEXT("JefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefe"),
     TEXT("what do ya want for nothing?"), "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184d"},
    {"RFC 4868 2.7.2.2, AUTH384-3", ALG_INTEG, 13, FILL(0xaa, 48), FILL(0xdd, 50),
     "809f439be00274321d4a538652164b53554a508184a0c316"},
    {"RFC 4868 2.7.2.3, AUTH512-2", ALG_INTEG, 14,
     TEXT("JefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefeJefe"), TEXT("what do ya want for nothing?"),
     "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454"},
    {"RFC 4868 2.7.2.3, AUTH512-3", ALG_INTEG, 14, FILL(0xaa, 64), FILL(0xdd, 50),
     "2ee7acd783624ca9398710f3ee05ae41b9f9b0510c87e49e586cc9bf961733d8"},
    {"RFC 4868 2.7.2.3, AUTH512-4", ALG_INTEG, 14, COUNT(64), FILL(0xcd, 50),
     "5e6688e5a3daec826ca32eaea224eff5e700628947470e13ad01302561bab108"},
};

/* Writes the input to RET and returns its length. */
static inline size_t hmac_bytes(const struct hmac_input *in, uint8_t ret[static HMAC_INPUT_MAX])
{
    for (size_t i = 0; i < in->len; i++)
        ret[i] = in->text ? (uint8_t)in->text[i] : (uint8_t)(in->first + i * in->step);
    return in->len;
}
