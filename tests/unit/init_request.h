/* An IKE_SA_INIT request written down by hand, field by field, from RFC 7296 3.1 to 3.12. */
#pragma once

#define INIT_REQUEST_LEN 268
#define INIT_REQUEST                                                                                                   \
    "8f3c2a7719e04b65 0000000000000000 21 20 22 08 00000000 0000010c" /* header: SA is first, 268 bytes */             \
    "22 00 0030  00 00 002c 01 01 00 04" /* SA: one proposal for IKE without SPI, four transforms */                   \
    "03 00 000c 01 00 000c 800e 0080"    /* ENCR_AES_CBC, Key Length 128 */                                            \
    "03 00 0008 03 00 000c"              /* AUTH_HMAC_SHA2_256_128 */                                                  \
    "03 00 0008 02 00 0005"              /* PRF_HMAC_SHA2_256 */                                                       \
    "00 00 0008 04 00 0013"              /* 256-bit random ECP group */                                                \
    "28 00 0048 0013 0000"               /* KE of group 19 */                                                          \
    "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"                                                 \
    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"                                                 \
    "29 00 0024" /* Nonce */                                                                                           \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"                                                 \
    "29 00 001c 00 00 4004 a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3" /* NAT_DETECTION_SOURCE_IP */                     \
    "29 00 001c 00 00 4005 c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3" /* NAT_DETECTION_DESTINATION_IP */                \
    "2b 00 0008 00 00 402e"                                          /* IKEV2_FRAGMENTATION_SUPPORTED */               \
    "00 00 0014 4f45755c645c6a795c5c6170"                            /* Vendor ID */                                   \
    "00112233"
