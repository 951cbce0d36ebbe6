#include "engine/esp/sa.h"

#include "engine/esp/inner.h"
#include "engine/esp/sa_state.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define TRAILER_LEN 2 /* pad length and next header */
#define ALIGNMENT   4 /* RFC 4303 2.4: the trailer ends on a word */
#define AAD_MAX     12
#define HIGH_LEN    4 /* of an extended sequence number */

int esp_sa_new(const struct esp_config *c, struct esp_sa **ret)
{
    cleanup(esp_sa_freep) struct esp_sa *s = NULL;
    int r;

    if (c->window != 0 && (c->window < REPLAY_WINDOW_MIN || c->window > REPLAY_WINDOW_MAX))
        return -EINVAL;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    r = seal_new(c->encr, c->key_encr, c->integ, c->key_integ, &s->seal);
    if (r < 0)
        return r;
    s->spi = c->spi;
    s->esn = c->esn;
    s->replay = (struct replay){.size = c->window, .esn = c->esn};
    *ret = TAKE_PTR(s);
    return 0;
}

struct esp_sa *esp_sa_free(struct esp_sa *s)
{
    if (s) {
        s->seal = seal_free(s->seal);
        free(s);
    }
    return NULL;
}

uint32_t esp_sa_spi(const struct esp_sa *s)
{
    return s->spi;
}

const struct esp_counters *esp_sa_counters(const struct esp_sa *s)
{
    return &s->counters;
}

static enum esp_drop drop(struct esp_sa *s, enum esp_drop why)
{
    s->counters.drops[why]++;
    return why;
}

void esp_sa_drop(struct esp_sa *s, enum esp_drop why)
{
    (void)drop(s, why);
}

const char *esp_drop_name(enum esp_drop why)
{
    switch (why) {
    case ESP_OK:
        return "ok";
    case ESP_DROP_REPLAY:
        return "replay";
    case ESP_DROP_INTEGRITY:
        return "integrity";
    case ESP_DROP_MALFORMED:
        return "malformed";
    case ESP_DROP_EXHAUSTED:
        return "exhausted";
    case ESP_DROP_SELECTORS:
        return "selectors";
    case ESP_DROP_ECN:
        return "ecn";
    case ESP_DROPS:
        break;
    }
    return NULL;
}

static void count(struct esp_sa *s, size_t len)
{
    s->counters.packets++;
    s->counters.bytes += len;
}

uint64_t esp_sa_left(const struct esp_sa *s)
{
    return (s->esn ? UINT64_MAX : UINT32_MAX) - s->sent;
}

static size_t alignment(size_t block)
{
    return block > ALIGNMENT ? block : ALIGNMENT;
}

/* The encrypted part of a packet: inner packet, padding and trailer. */
static size_t text_len(const struct esp_sa *s, size_t len)
{
    size_t unit = alignment(seal_block(s->seal));

    return (len + TRAILER_LEN + unit - 1) / unit * unit;
}

size_t esp_sealed_len(const struct esp_sa *s, size_t len)
{
    return ESP_HEADER_LEN + seal_iv_len(s->seal) + text_len(s, len) + seal_icv_len(s->seal);
}

size_t esp_inner_max(const struct alg *encr, const struct alg *integ, size_t len)
{
    size_t unit = alignment(encr->block);
    size_t fixed = (size_t)ESP_HEADER_LEN + encr->iv_len + (integ ? integ->icv_len : encr->icv_len);

    return len < fixed + unit ? 0 : (len - fixed) / unit * unit - TRAILER_LEN;
}

static void put_be32(uint8_t *at, uint32_t v)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        at[i] = (uint8_t)v;
}

static uint32_t get_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* What the ICV covers besides IV and text: the high half of an ESN too, which is not sent. */
struct cover {
    uint8_t aad[AAD_MAX];
    size_t aad_len;
    uint8_t tail[HIGH_LEN];
    size_t tail_len;
};

static void cover_packet(struct cover *c, const struct esp_sa *s, uint64_t seq, bool aead)
{
    *c = (struct cover){.aad_len = ESP_HEADER_LEN};
    put_be32(c->aad, s->spi);
    put_be32(c->aad + 4, (uint32_t)seq);
    if (s->esn && aead) { /* RFC 4106 5: SPI and the whole number */
        put_be32(c->aad + 4, (uint32_t)(seq >> 32));
        put_be32(c->aad + 8, (uint32_t)seq);
        c->aad_len = AAD_MAX;
    } else if (s->esn) { /* RFC 4303 3.3.2.1: as if it came behind the packet */
        put_be32(c->tail, (uint32_t)(seq >> 32));
        c->tail_len = HIGH_LEN;
    }
}

/* The parts of the packet at PACKET, whose encrypted part is LEN bytes long. */
static struct seal_text parts_of(const struct esp_sa *s, uint8_t *packet, size_t len, const struct cover *c)
{
    uint8_t *iv = packet + ESP_HEADER_LEN, *text = iv + seal_iv_len(s->seal);

    return (struct seal_text){
        .aad = c->aad,
        .aad_len = c->aad_len,
        .iv = iv,
        .text = text,
        .text_len = len,
        .tail = c->tail,
        .tail_len = c->tail_len,
        .icv = text + len,
    };
}

enum esp_drop esp_seal(struct esp_sa *s, const uint8_t *packet, size_t len, uint8_t *buf, size_t size, size_t *ret_len)
{
    size_t whole = esp_sealed_len(s, len), n = text_len(s, len);
    struct seal_text t;
    struct cover c;

    if (len == 0 || inner_len(packet, len) != len || whole > ESP_PACKET_MAX)
        return drop(s, ESP_DROP_MALFORMED);
    if (esp_sa_left(s) == 0) /* RFC 4303 3.3.3: never a number twice */
        return drop(s, ESP_DROP_EXHAUSTED);
    assert(size >= whole);
    s->sent++;
    cover_packet(&c, s, s->sent, seal_is_aead(s->seal));
    t = parts_of(s, buf, n, &c);
    put_be32(buf, s->spi);
    put_be32(buf + 4, (uint32_t)s->sent);
    memcpy(t.text, packet, len);
    for (size_t i = len; i < n - TRAILER_LEN; i++)
        t.text[i] = (uint8_t)(i - len + 1); /* RFC 4303 2.4: 1, 2, 3... */
    t.text[n - 2] = (uint8_t)(n - TRAILER_LEN - len);
    t.text[n - 1] = packet[0] >> 4 == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
    seal_encrypt(s->seal, s->sent, &t);
    count(s, len);
    *ret_len = whole;
    return ESP_OK;
}

/* RFC 4303 2.4 to 2.7: what is in the N bytes of decrypted text. *RET_LEN 0: a dummy packet. */
static bool read_text(const uint8_t *text, size_t n, size_t *ret_len)
{
    uint8_t pad = text[n - 2], next = text[n - 1];
    size_t len, whole;

    if (n < (size_t)pad + TRAILER_LEN)
        return false;
    len = n - TRAILER_LEN - pad;
    for (size_t i = 0; i < pad; i++)
        if (text[len + i] != i + 1)
            return false;
    if (next == IPPROTO_NONE) {
        *ret_len = 0;
        return true;
    }
    whole = inner_len(text, len);
    if (whole == 0 || next != (text[0] >> 4 == 4 ? IPPROTO_IPIP : IPPROTO_IPV6))
        return false;
    *ret_len = whole;
    return true;
}

enum esp_drop esp_open(struct esp_sa *s, uint8_t *packet, size_t len, uint8_t **ret, size_t *ret_len)
{
    size_t fixed = ESP_HEADER_LEN + seal_iv_len(s->seal) + seal_icv_len(s->seal);
    size_t unit = alignment(seal_block(s->seal)), n;
    struct seal_text t;
    struct cover c;
    uint64_t seq;

    if (len < fixed + unit || len > ESP_PACKET_MAX || (len - fixed) % unit != 0 || get_be32(packet) != s->spi)
        return drop(s, ESP_DROP_MALFORMED);
    if (!replay_check(&s->replay, get_be32(packet + 4), &seq))
        return drop(s, ESP_DROP_REPLAY);
    cover_packet(&c, s, seq, seal_is_aead(s->seal));
    t = parts_of(s, packet, len - fixed, &c);
    if (seal_decrypt(s->seal, &t) < 0)
        return drop(s, ESP_DROP_INTEGRITY);
    replay_mark(&s->replay, seq);
    if (!read_text(t.text, t.text_len, &n))
        return drop(s, ESP_DROP_MALFORMED);
    if (n > 0)
        count(s, n);
    *ret = t.text;
    *ret_len = n;
    return ESP_OK;
}
