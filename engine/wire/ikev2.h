/* The numbers of IKEv2 (IANA, Internet Key Exchange Version 2 Parameters) and their names for people. */
#pragma once

#include <stdint.h>

#define IKE_PORT      500
#define IKE_PORT_NATT 4500 /* RFC 3948 */
#define IKE_SPI_LEN   8
#define ESP_SPI_LEN   4

enum ike_exchange {
    IKE_SA_INIT = 34,
    IKE_AUTH = 35,
    CREATE_CHILD_SA = 36,
    INFORMATIONAL = 37,
};

enum ike_flag { /* RFC 7296 3.1 */
                IKE_FLAG_INITIATOR = 0x08,
                IKE_FLAG_VERSION = 0x10,
                IKE_FLAG_RESPONSE = 0x20,
};

enum ike_payload {
    PAYLOAD_NONE = 0,
    PAYLOAD_SA = 33,
    PAYLOAD_KE = 34,
    PAYLOAD_IDI = 35,
    PAYLOAD_IDR = 36,
    PAYLOAD_CERT = 37,
    PAYLOAD_CERTREQ = 38,
    PAYLOAD_AUTH = 39,
    PAYLOAD_NONCE = 40,
    PAYLOAD_NOTIFY = 41,
    PAYLOAD_DELETE = 42,
    PAYLOAD_VENDOR = 43,
    PAYLOAD_TSI = 44,
    PAYLOAD_TSR = 45,
    PAYLOAD_SK = 46,
    PAYLOAD_CP = 47,
    PAYLOAD_EAP = 48,
    PAYLOAD_SKF = 53, /* RFC 7383 */
};

enum ike_protocol {
    PROTO_NONE = 0,
    PROTO_IKE = 1,
    PROTO_AH = 2,
    PROTO_ESP = 3,
};

enum ike_notify {
    NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
    NOTIFY_INVALID_IKE_SPI = 4,
    NOTIFY_INVALID_MAJOR_VERSION = 5,
    NOTIFY_INVALID_SYNTAX = 7,
    NOTIFY_INVALID_MESSAGE_ID = 9,
    NOTIFY_INVALID_SPI = 11,
    NOTIFY_NO_PROPOSAL_CHOSEN = 14,
    NOTIFY_INVALID_KE_PAYLOAD = 17,
    NOTIFY_AUTHENTICATION_FAILED = 24,
    NOTIFY_SINGLE_PAIR_REQUIRED = 34,
    NOTIFY_NO_ADDITIONAL_SAS = 35,
    NOTIFY_INTERNAL_ADDRESS_FAILURE = 36,
    NOTIFY_FAILED_CP_REQUIRED = 37,
    NOTIFY_TS_UNACCEPTABLE = 38,
    NOTIFY_INVALID_SELECTORS = 39,
    NOTIFY_UNACCEPTABLE_ADDRESSES = 40,
    NOTIFY_UNEXPECTED_NAT_DETECTED = 41,
    NOTIFY_TEMPORARY_FAILURE = 43,
    NOTIFY_CHILD_SA_NOT_FOUND = 44,
    NOTIFY_ERROR_MAX = 16383, /* the last error; status types follow */
    NOTIFY_INITIAL_CONTACT = 16384,
    NOTIFY_SET_WINDOW_SIZE = 16385,
    NOTIFY_ADDITIONAL_TS_POSSIBLE = 16386,
    NOTIFY_IPCOMP_SUPPORTED = 16387,
    NOTIFY_NAT_DETECTION_SOURCE_IP = 16388,
    NOTIFY_NAT_DETECTION_DESTINATION_IP = 16389,
    NOTIFY_COOKIE = 16390,
    NOTIFY_USE_TRANSPORT_MODE = 16391,
    NOTIFY_HTTP_CERT_LOOKUP_SUPPORTED = 16392,
    NOTIFY_REKEY_SA = 16393,
    NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
    NOTIFY_NON_FIRST_FRAGMENTS_ALSO = 16395,
    NOTIFY_MOBIKE_SUPPORTED = 16396,
    NOTIFY_ADDITIONAL_IP4_ADDRESS = 16397,
    NOTIFY_ADDITIONAL_IP6_ADDRESS = 16398,
    NOTIFY_NO_ADDITIONAL_ADDRESSES = 16399,
    NOTIFY_UPDATE_SA_ADDRESSES = 16400,
    NOTIFY_COOKIE2 = 16401,
    NOTIFY_NO_NATS_ALLOWED = 16402,
    NOTIFY_CHILDLESS_IKEV2_SUPPORTED = 16418, /* RFC 6023 */
    NOTIFY_QUICK_CRASH_DETECTION = 16419,     /* RFC 6290 */
    NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED = 16430,
    NOTIFY_SIGNATURE_HASH_ALGORITHMS = 16431,
    NOTIFY_USE_PPK = 16435, /* RFC 8784 */
    NOTIFY_PPK_IDENTITY = 16436,
    NOTIFY_NO_PPK_AUTH = 16437,
};

enum ike_auth_method {
    AUTH_RSA = 1,
    AUTH_PSK = 2,
    AUTH_ECDSA_256 = 9,
    AUTH_ECDSA_384 = 10,
    AUTH_ECDSA_521 = 11,
    AUTH_DIGITAL_SIGNATURE = 14, /* RFC 7427 */
};

enum ike_hash { /* RFC 7427 7 */
                HASH_SHA1 = 1,
                HASH_SHA2_256 = 2,
                HASH_SHA2_384 = 3,
                HASH_SHA2_512 = 4,
                HASH_IDENTITY = 5, /* RFC 8420 */
};

enum ike_id_type {             /* RFC 7296 3.5 */
                   ID_ANY = 0, /* not on the wire */
                   ID_IPV4_ADDR = 1,
                   ID_FQDN = 2,
                   ID_RFC822_ADDR = 3,
                   ID_IPV6_ADDR = 5,
                   ID_DER_ASN1_DN = 9,
                   ID_DER_ASN1_GN = 10,
                   ID_KEY_ID = 11,
};

enum ike_ts_type {
    TS_IPV4_ADDR_RANGE = 7,
    TS_IPV6_ADDR_RANGE = 8,
};

#define CERT_X509_SIGNATURE 4 /* RFC 7296 3.6 */

/* Never NULL; "unknown" for a number without a name. */
const char *ike_exchange_name(uint8_t exchange);
const char *ike_payload_name(uint8_t payload);
const char *ike_notify_name(uint16_t notify);
