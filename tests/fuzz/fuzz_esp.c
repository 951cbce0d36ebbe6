/*
 * ESP and what is inside. The first byte tells what the rest is: an inner packet, the decrypted text of a packet, or a
 * packet as it comes from the network. Nothing that did not verify may change the SA.
 */
#include "engine/esp/inner.h"
#include "engine/esp/sa.h"
#include "engine/esp/sa_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SPI      0xC0000001
#define TEXT_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct esp_sa *new_sa(void)
{
    static const uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX];
    const struct esp_config c = {
        .spi = SPI, .encr = alg_find(ALG_ENCR, 20, 128), .key_encr = key, .esn = true, .window = 64};
    struct esp_sa *s = NULL;
    int r = esp_sa_new(&c, &s);

    assert(r == 0);
    (void)r;
    return s;
}

/* A copy of just the size, so that the sanitizer sees each byte that is read behind it. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + !size);

    assert(copy);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static void read_inner(uint8_t *packet, size_t size)
{
    struct inner in, again;

    assert(inner_len(packet, size) <= size);
    if (inner_read(packet, size, &in) < 0)
        return;
    assert(inner_len(packet, size) == size && in.ecn < 4);
    assert(!in.fragment || (in.src_port == 0 && in.dst_port == 0));
    for (uint8_t outer = 0; outer < 4; outer++)
        if (inner_ecn_in(packet, size, outer)) {
            assert(inner_read(packet, size, &again) == 0);
            assert(again.protocol == in.protocol && again.src_port == in.src_port);
        }
}

/* What sealing makes of an inner packet opens again. */
static void round_trip(const uint8_t *packet, size_t size)
{
    cleanup(esp_sa_freep) struct esp_sa *out = new_sa(), *in = new_sa();
    uint8_t buf[TEXT_MAX + ESP_OVERHEAD], *got;
    size_t n, len;

    if (size > TEXT_MAX || esp_seal(out, packet, size, buf, sizeof(buf), &n) != ESP_OK)
        return;
    assert(esp_open(in, buf, n, &got, &len) == ESP_OK);
    assert(len == size && memcmp(got, packet, size) == 0);
}

/* A peer that knows the key and sends what it likes. */
static void open_text(const uint8_t *text, size_t size)
{
    cleanup(esp_sa_freep) struct esp_sa *in = new_sa();
    uint8_t buf[8 + 8 + TEXT_MAX + 16] = {0xC0, 0, 0, 1, 0, 0, 0, 1}, aad[12] = {0xC0, 0, 0, 1, [11] = 1};
    size_t n = size / 4 * 4, len;
    struct seal_text t = {
        .aad = aad, .aad_len = sizeof(aad), .iv = buf + 8, .text = buf + 16, .text_len = n, .icv = buf + 16 + n};
    enum esp_drop why;
    uint8_t *got;

    if (n == 0 || n > TEXT_MAX)
        return;
    memcpy(t.text, text, n);
    seal_encrypt(in->seal, 1, &t);
    why = esp_open(in, buf, 8 + 8 + n + 16, &got, &len);
    assert(why == ESP_OK || why == ESP_DROP_MALFORMED);
    assert(in->replay.last == 1);
    if (why == ESP_OK)
        assert(len == 0 || (got == t.text && len <= n && inner_len(got, len) == len));
}

static void open_packet(uint8_t *packet, size_t size)
{
    cleanup(esp_sa_freep) struct esp_sa *in = new_sa();
    size_t len;
    uint8_t *got;

    if (esp_open(in, packet, size, &got, &len) != ESP_OK)
        assert(in->replay.last == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    if (size == 0)
        return 0;
    copy = copy_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0:
        round_trip(copy, size - 1);
        read_inner(copy, size - 1);
        break;
    case 1:
        open_text(copy, size - 1);
        break;
    case 2:
        open_packet(copy, size - 1);
        break;
    }
    free(copy);
    return 0;
}
