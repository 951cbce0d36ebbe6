/*
 * One ESP SA, of one direction: from an inner packet to an ESP packet in tunnel mode and back (RFC 4303). No I/O: the
 * caller owns all buffers. An SA is used by one thread at a time.
 */
#pragma once

#include "engine/crypto/seal.h"
#include "engine/esp/replay.h"

#define ESP_HEADER_LEN 8   /* SPI and sequence number */
#define ESP_OVERHEAD   128 /* bytes that a packet may grow by, at most */
#define ESP_PACKET_MAX 65535

struct esp_sa;

struct esp_config {
    uint32_t spi; /* host order */
    const struct alg *encr;
    const struct alg *integ;  /* NULL with an AEAD */
    const uint8_t *key_encr;  /* with the salt; copied */
    const uint8_t *key_integ; /* copied */
    bool esn;
    uint32_t window; /* inbound: of replay, packets; 0: off; else REPLAY_WINDOW_MIN to REPLAY_WINDOW_MAX */
};

enum esp_drop { /* why a packet was not taken; keys of list-sas */
                ESP_OK,
                ESP_DROP_REPLAY,
                ESP_DROP_INTEGRITY,
                ESP_DROP_MALFORMED, /* too short, padding, next header */
                ESP_DROP_EXHAUSTED, /* outbound: the last sequence number was used */
                ESP_DROP_SELECTORS, /* counted by the caller, the next one too */
                ESP_DROP_ECN,       /* congestion was marked on a packet that cannot bear the mark (RFC 6040 4.2) */
                ESP_DROPS,
};

struct esp_counters {
    uint64_t packets, bytes; /* inner ones */
    uint64_t drops[ESP_DROPS];
};

/* -EINVAL where the algorithms do not go together or the window is none, -ENOMEM. */
int esp_sa_new(const struct esp_config *c, struct esp_sa **ret);
struct esp_sa *esp_sa_free(struct esp_sa *s); /* wipes; accepts NULL */
DEFINE_CLEANUP(struct esp_sa *, esp_sa_free)

uint32_t esp_sa_spi(const struct esp_sa *s);
const struct esp_counters *esp_sa_counters(const struct esp_sa *s);
void esp_sa_drop(struct esp_sa *s, enum esp_drop why); /* the caller dropped one */
const char *esp_drop_name(enum esp_drop why);          /* "replay", "integrity", ... */

/* How many sequence numbers are left to send with; the SA must be rekeyed before there are none (RFC 4303 3.3.3). */
uint64_t esp_sa_left(const struct esp_sa *s);

/* How much an inner packet of LEN bytes grows to. */
size_t esp_sealed_len(const struct esp_sa *s, size_t len);

/* The longest inner packet that grows to LEN bytes at most; 0: none. INTEG is NULL with an AEAD. */
size_t esp_inner_max(const struct alg *encr, const struct alg *integ, size_t len);

/*
 * Outbound: the IP packet of LEN bytes at PACKET becomes an ESP packet at BUF, which holds esp_sealed_len() bytes.
 * ESP_DROP_EXHAUSTED, ESP_DROP_MALFORMED for what is no IP packet; counted.
 */
enum esp_drop esp_seal(struct esp_sa *s, const uint8_t *packet, size_t len, uint8_t *buf, size_t size, size_t *ret_len);

/*
 * Inbound: decrypts LEN bytes at PACKET in place: check the window, verify, mark. *RET is the inner packet within
 * PACKET, without the padding that may follow it (RFC 4303 2.7); *RET_LEN 0 for a dummy packet (next header 59,
 * RFC 4303 2.6), which is fine. Counted, but for a dummy. What is dropped for ESP_DROP_MALFORMED was verified where
 * its length can be that of a packet of this SA.
 */
enum esp_drop esp_open(struct esp_sa *s, uint8_t *packet, size_t len, uint8_t **ret, size_t *ret_len);
