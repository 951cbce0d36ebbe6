#include "agent/window.h"

static struct sample *at(struct window *w, size_t i)
{
    return &w->samples[(w->first + i) % WINDOW_SAMPLES_MAX];
}

static const struct sample *peek(const struct window *w, size_t i)
{
    return &w->samples[(w->first + i) % WINDOW_SAMPLES_MAX];
}

static void append(struct window *w, struct sample s)
{
    if (w->n == WINDOW_SAMPLES_MAX) {
        w->first = (w->first + 1) % WINDOW_SAMPLES_MAX;
        w->n--;
    }
    *at(w, w->n++) = s;
}

/* Newest first: what is asked for was nearly always sent just now. */
static struct sample *find(struct window *w, usec_t sent)
{
    for (size_t i = w->n; i > 0; i--)
        if (at(w, i - 1)->when == sent)
            return at(w, i - 1);
    return NULL;
}

void window_clear(struct window *w)
{
    *w = (struct window){.n = 0};
}

void window_sent(struct window *w, usec_t sent)
{
    append(w, (struct sample){.when = sent, .outcome = SAMPLE_PENDING});
}

void window_failed(struct window *w, usec_t sent, int reason)
{
    append(w, (struct sample){.when = sent, .outcome = SAMPLE_FAILED, .reason = reason});
}

/* RFC 6298 2.2 and 2.3. One that came very late says that something was stuck, not what is usual. */
static void smooth(struct window *w, usec_t rtt)
{
    usec_t off;

    if (rtt > WINDOW_LATE_MAX)
        rtt = WINDOW_LATE_MAX;
    off = rtt > w->srtt ? rtt - w->srtt : w->srtt - rtt;
    if (w->srtt == 0) {
        w->srtt = rtt;
        w->rttvar = rtt / 2;
        return;
    }
    w->rttvar = (3 * w->rttvar + off) / 4;
    w->srtt = (7 * w->srtt + rtt) / 8;
}

bool window_reply(struct window *w, usec_t sent, usec_t rtt)
{
    struct sample *s = find(w, sent);

    if (!s || (s->outcome != SAMPLE_PENDING && s->outcome != SAMPLE_LOST))
        return false;
    s->outcome = SAMPLE_OK;
    s->value = rtt;
    s->reason = 0;
    smooth(w, rtt);
    return true;
}

void window_lose(struct window *w, usec_t sent, int reason)
{
    struct sample *s = find(w, sent);

    if (!s || s->outcome != SAMPLE_PENDING)
        return;
    s->outcome = SAMPLE_LOST;
    s->reason = reason;
}

usec_t window_late_after(const struct window *w)
{
    usec_t late = 2 * w->srtt + 4 * w->rttvar;

    if (w->srtt == 0)
        return WINDOW_LATE_MAX / 2;
    if (late < WINDOW_LATE_MIN)
        return WINDOW_LATE_MIN;
    return late > WINDOW_LATE_MAX ? WINDOW_LATE_MAX : late;
}

size_t window_expire(struct window *w, usec_t now)
{
    usec_t late = window_late_after(w);
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        struct sample *s = at(w, i);

        if (s->outcome == SAMPLE_PENDING && now >= clock_add(s->when, late)) {
            s->outcome = SAMPLE_LOST;
            n++;
        }
    }
    return n;
}

usec_t window_next_expiry(const struct window *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (peek(w, i)->outcome == SAMPLE_PENDING)
            return clock_add(peek(w, i)->when, window_late_after(w));
    return USEC_NEVER;
}

void window_discard(struct window *w, usec_t from, usec_t to)
{
    size_t kept = 0;

    for (size_t i = 0; i < w->n; i++) {
        struct sample s = *at(w, i);

        if (s.when < from || s.when > to)
            *at(w, kept++) = s;
    }
    w->n = kept;
}

/* The runs at the newest end: of losses since the last answer, of answers since the last loss. */
static void read_runs(const struct window *w, struct window_summary *sum)
{
    bool answered = false, missed = false, newest = true;

    for (size_t i = w->n; i > 0 && !(answered && missed); i--) {
        const struct sample *s = peek(w, i - 1);

        if (newest && s->outcome != SAMPLE_PENDING) {
            sum->failing = s->outcome == SAMPLE_FAILED;
            sum->reason = s->reason;
            newest = false;
        }
        if (s->outcome == SAMPLE_OK) {
            if (!answered)
                sum->last_ok = s->when;
            answered = true;
            if (!missed)
                sum->ok_run++;
        } else if (s->outcome == SAMPLE_LOST) {
            missed = true;
            if (!answered) {
                if (sum->lost_run == 0)
                    sum->last_lost = s->when;
                sum->lost_run++;
                sum->lost_since = s->when;
            }
        }
    }
}

struct window_summary window_summarise(const struct window *w)
{
    struct window_summary sum = {.srtt = w->srtt};

    for (size_t i = 0; i < w->n; i++) {
        switch (peek(w, i)->outcome) {
        case SAMPLE_OK:
            sum.ok++;
            break;
        case SAMPLE_LOST:
            sum.lost++;
            break;
        case SAMPLE_PENDING:
            sum.pending++;
            break;
        case SAMPLE_FAILED:
            sum.failed++;
            break;
        }
    }
    if (sum.ok + sum.lost > 0)
        sum.loss = (double)sum.lost / (double)(sum.ok + sum.lost);
    read_runs(w, &sum);
    return sum;
}

struct window_loss window_loss_since(const struct window *w, usec_t from)
{
    struct window_loss loss = {0};
    bool in_run = false;

    for (size_t i = 0; i < w->n; i++) {
        const struct sample *s = peek(w, i);

        if (s->when < from || (s->outcome != SAMPLE_OK && s->outcome != SAMPLE_LOST))
            continue;
        loss.n++;
        if (s->outcome == SAMPLE_LOST) {
            loss.lost++;
            loss.runs += !in_run;
        }
        in_run = s->outcome == SAMPLE_LOST;
    }
    return loss;
}
