#include "agent/verdict.h"

#include "base/array.h"

#include <assert.h>

static bool list_is_fresh(const struct ike_view *ike, usec_t now)
{
    return ike->configured && ike->daemon == IKE_DAEMON_OK && ike->when != 0 &&
           clock_since(ike->when, now) <= VERDICT_LIST_SPAN;
}

bool verdict_child_missing(const struct ike_view *ike, usec_t now)
{
    return list_is_fresh(ike, now) && ike->n_child_up == 0 && ike->missing_since != 0 &&
           clock_since(ike->missing_since, now) >= VERDICT_LOCAL_SPAN;
}

/* Where losses come often, a long run of them comes by chance too: it takes more to tell the end from it. */
static bool was_lossy(const struct window *w, const struct window_summary *s)
{
    struct window_loss loss = window_loss_since(w, 0);

    return loss.runs > VERDICT_LOSS_RUNS &&
           (double)(loss.lost - s->lost_run) >= VERDICT_LOSS_ENTER * (double)(loss.n - s->lost_run);
}

static bool is_lost(const struct verdict_target *t, const struct window_summary *s, bool child_missing, usec_t now)
{
    if (s->lost_run == 0)
        return false;
    if (t->tcp)
        return s->lost_run >= (child_missing ? 1 : VERDICT_DOWN_CONNECTS);
    if (child_missing && s->lost_run >= VERDICT_LOCAL_ECHOES)
        return true;
    if (s->lost_run < VERDICT_DOWN_ECHOES || clock_since(s->lost_since, now) < VERDICT_DOWN_SPAN)
        return false;
    return s->lost_run >= VERDICT_LOSSY_ECHOES || !was_lossy(t->window, s);
}

static enum verdict_answer answer_of(const struct verdict_target *t, const struct window_summary *s, bool child_missing,
                                     usec_t now)
{
    if (s->failing && clock_since(s->last_ok, now) >= VERDICT_FAILED_SPAN)
        return VERDICT_ANSWER_FAILED;
    if (is_lost(t, s, child_missing, now))
        return VERDICT_ANSWER_LOST;
    return s->ok > 0 ? VERDICT_ANSWER_OK : VERDICT_ANSWER_NONE;
}

static void add_suspect(struct verdict_inner *in, const struct window_summary *s)
{
    if (s->lost_run == 0)
        return;
    in->suspect = true;
    if (in->first_lost == 0 || s->lost_since < in->first_lost)
        in->first_lost = s->lost_since;
}

struct verdict_inner verdict_read_targets(const struct verdict_target *targets, size_t n, bool child_missing,
                                          usec_t now)
{
    struct verdict_inner in = {.n = n};
    struct window_summary sums[CONF_TARGETS_MAX];

    assert(n <= CONF_TARGETS_MAX);
    for (size_t i = 0; i < n; i++) {
        sums[i] = window_summarise(targets[i].window);
        in.answers[i] = answer_of(&targets[i], &sums[i], child_missing, now);
        if (in.answers[i] == VERDICT_ANSWER_FAILED) {
            in.failed++;
        } else if (in.answers[i] == VERDICT_ANSWER_LOST) {
            in.lost++;
            if (sums[i].lost_since > in.lost_since)
                in.lost_since = sums[i].lost_since;
            if (sums[i].last_lost > in.last_lost)
                in.last_lost = sums[i].last_lost;
        } else {
            add_suspect(&in, &sums[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (in.answers[i] != VERDICT_ANSWER_OK || sums[i].last_ok <= in.lost_since)
            continue;
        in.answering++;
        in.clear += sums[i].lost_run == 0;
        in.steady = in.steady || sums[i].ok_run >= (targets[i].tcp ? VERDICT_UP_CONNECTS : VERDICT_UP_ECHOES);
    }
    return in;
}

/* Where no target can be measured: the daemon's word, and AWS's where there is no daemon. */
static enum verdict ask_others(enum verdict old, size_t n, const struct ike_view *ike, const struct aws_view *aws,
                               usec_t now)
{
    if (ike->configured) {
        if (!list_is_fresh(ike, now))
            return VERDICT_UNKNOWN;
        if (ike->n_child_up > 0) /* whether it passes traffic is not known where the targets failed */
            return n == 0 ? VERDICT_UP : VERDICT_UNKNOWN;
        return verdict_child_missing(ike, now) ? VERDICT_DOWN : old;
    }
    if (!aws->configured || !aws->telemetry_known || clock_since(aws->telemetry_read, now) > VERDICT_TELEMETRY_SPAN)
        return VERDICT_UNKNOWN;
    if (aws->telemetry_up)
        return n == 0 ? VERDICT_UP : VERDICT_UNKNOWN;
    return VERDICT_DOWN;
}

/* SYNs are sent again by the kernel, which hides loss: echoes alone tell it. */
static bool is_lossy(const struct verdict_target *targets, const struct verdict_inner *in, struct verdict_state old)
{
    bool degraded = old.verdict == VERDICT_DEGRADED;

    for (size_t i = 0; i < in->n; i++) {
        struct window_loss loss;

        if (targets[i].tcp || in->answers[i] != VERDICT_ANSWER_OK)
            continue;
        loss = window_loss_since(targets[i].window, old.since);
        if (loss.n < VERDICT_LOSS_SAMPLES) {
            if (degraded)
                return true;
            continue;
        }
        if (loss.runs >= VERDICT_LOSS_RUNS &&
            (double)loss.lost >= (degraded ? VERDICT_LOSS_LEAVE : VERDICT_LOSS_ENTER) * (double)loss.n)
            return true;
    }
    return false;
}

static enum verdict judge_usable(const struct verdict_target *targets, const struct verdict_inner *in,
                                 struct verdict_state old, usec_t now)
{
    if (old.verdict == VERDICT_DOWN)
        return VERDICT_UP; /* targets come back one by one: what was lost before is not held against any */
    if (in->lost > 0 && (old.verdict != VERDICT_UP || in->last_lost >= old.since))
        return VERDICT_DEGRADED;
    if (old.verdict == VERDICT_UNKNOWN)
        return VERDICT_UP;
    if (old.verdict == VERDICT_DEGRADED && clock_since(old.since, now) < VERDICT_DEGRADED_MIN)
        return VERDICT_DEGRADED;
    return is_lossy(targets, in, old) ? VERDICT_DEGRADED : VERDICT_UP;
}

static enum verdict judge_inner(const struct verdict_target *targets, const struct verdict_inner *in,
                                struct verdict_state old, usec_t now)
{
    bool usable = old.verdict == VERDICT_UP || old.verdict == VERDICT_DEGRADED;

    if (in->lost > 0 && in->answering == 0)
        return VERDICT_DOWN;
    if (in->answering > 0 && (usable || in->steady))
        return judge_usable(targets, in, old, now);
    return old.verdict;
}

/* Suspicion ends where it is confirmed: what is DOWN is not suspect any more. */
static void note_trouble(struct verdict_state *s, struct verdict_state old, bool suspect, usec_t began, usec_t now)
{
    s->suspect = suspect && s->verdict != VERDICT_DOWN;
    if (s->suspect)
        s->suspect_since = old.suspect ? old.suspect_since : now;
    if (s->verdict == VERDICT_DOWN)
        s->trouble_since = old.trouble_since != 0 ? old.trouble_since : began;
    else if (s->suspect)
        s->trouble_since = old.suspect ? old.trouble_since : began;
    else if (s->verdict != VERDICT_UP)
        s->trouble_since = old.trouble_since;
}

struct verdict_state verdict_judge(struct verdict_state old, const struct verdict_target *targets, size_t n,
                                   const struct ike_view *ike, const struct aws_view *aws, usec_t now)
{
    bool child_missing = verdict_child_missing(ike, now);
    struct verdict_inner in = verdict_read_targets(targets, n, child_missing, now);
    struct verdict_state s = {.verdict = VERDICT_UNKNOWN};
    usec_t began = in.first_lost != 0 ? in.first_lost : in.lost_since;
    bool suspect = in.suspect;

    if (in.failed == n) {
        s.verdict = ask_others(old.verdict, n, ike, aws, now);
        suspect = list_is_fresh(ike, now) && ike->n_child_up == 0;
        began = ike->missing_since;
    } else {
        s.verdict = judge_inner(targets, &in, old, now);
    }
    s.since = s.verdict == old.verdict && old.since != 0 ? old.since : now;
    note_trouble(&s, old, suspect, began != 0 ? began : now, now);
    return s;
}

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {
        [VERDICT_UNKNOWN] = "UNKNOWN",
        [VERDICT_UP] = "UP",
        [VERDICT_DEGRADED] = "DEGRADED",
        [VERDICT_DOWN] = "DOWN",
    };

    assert((size_t)v < ARRAY_LEN(names));
    return names[v];
}

bool verdict_is_bad(enum verdict v)
{
    return v == VERDICT_DEGRADED || v == VERDICT_DOWN;
}
