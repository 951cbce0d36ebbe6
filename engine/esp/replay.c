#include "engine/esp/replay.h"

/*
 * `seen` is a ring, one bit a number: number n has bit n % 64 of word n / 64 % WORDS. There is a word more than the
 * largest window needs, so that a word is wiped as a whole when the window enters it (RFC 6479).
 *
 *           last - size + 1                      last
 *   ...too old |<---------- the window ----------->| new...
 */
#define WORD_BITS 64
#define WORDS     (REPLAY_WINDOW_MAX / WORD_BITS + 1)

static uint64_t *word_of(struct replay *r, uint64_t seq)
{
    return &r->seen[seq / WORD_BITS % WORDS];
}

static uint64_t bit_of(uint64_t seq)
{
    return UINT64_C(1) << (seq % WORD_BITS);
}

/*
 * RFC 4303 A2.2: the high half that puts SEQ into the window or ahead of it. Without a window there are no old packets
 * to reckon with but those that were overtaken: SEQ is then the number next to the last one.
 */
static bool guess_high(const struct replay *r, uint32_t seq, uint32_t *ret)
{
    uint32_t size = r->size ? r->size : UINT32_C(1) << 31;
    uint32_t low = (uint32_t)r->last, high = (uint32_t)(r->last >> 32);
    uint32_t bottom = low - size + 1; /* wraps where the window begins in the subspace before */

    if (low >= size - 1) {
        if (seq >= bottom)
            *ret = high;
        else if (high == UINT32_MAX)
            return false; /* past the last number */
        else
            *ret = high + 1;
    } else {
        if (seq < bottom)
            *ret = high;
        else if (high == 0)
            return false; /* before the first number */
        else
            *ret = high - 1;
    }
    return true;
}

static bool is_seen(const struct replay *r, uint64_t seq)
{
    if (seq == 0)
        return true; /* RFC 4303 3.3.3: the first packet has number 1 */
    if (seq > r->last)
        return false;
    return r->last - seq >= r->size || (r->seen[seq / WORD_BITS % WORDS] & bit_of(seq)) != 0;
}

bool replay_check(const struct replay *r, uint32_t seq, uint64_t *ret)
{
    uint64_t whole = seq;
    uint32_t high;

    if (r->esn) {
        if (!guess_high(r, seq, &high))
            return false;
        whole |= (uint64_t)high << 32;
    }
    if (r->size > 0 && is_seen(r, whole))
        return false;
    *ret = whole;
    return true;
}

void replay_mark(struct replay *r, uint64_t seq)
{
    if (seq > r->last) {
        uint64_t enter = seq / WORD_BITS - r->last / WORD_BITS;

        for (uint64_t i = 0; i < enter && i < WORDS; i++)
            *word_of(r, seq - i * WORD_BITS) = 0;
        r->last = seq;
    }
    if (r->last - seq < r->size)
        *word_of(r, seq) |= bit_of(seq);
}
