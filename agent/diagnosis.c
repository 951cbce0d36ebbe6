#include "agent/diagnosis.h"

static bool holds(const struct cause_row *row, const struct facts *facts)
{
    for (size_t i = 0; i < CAUSE_FACTS_MAX && row->proves[i].fact != FACT_NONE; i++)
        if (facts->is[row->proves[i].fact] != row->proves[i].truth)
            return false;
    for (size_t i = 0; i < CAUSE_FACTS_MAX && row->excludes[i].fact != FACT_NONE; i++)
        if (facts->is[row->excludes[i].fact] == row->excludes[i].truth)
            return false;
    return true;
}

static void add_alternative(struct diagnosis *d, enum cause c)
{
    if (c == d->cause || d->n_alternatives == DIAGNOSIS_ALTERNATIVES_MAX)
        return;
    for (size_t i = 0; i < d->n_alternatives; i++)
        if (d->alternatives[i] == c)
            return;
    d->alternatives[d->n_alternatives++] = c;
}

/* While a tunnel is up and lost nothing, there may be something to warn of, and nothing that keeps it down. */
static bool is_moot(const struct cause_row *row, const struct verdict_state *v)
{
    return v->verdict == VERDICT_UP && !v->suspect && row->severity == CAUSE_CRITICAL;
}

struct diagnosis diagnosis_make(const struct fact_input *in, usec_t now)
{
    struct diagnosis d = {.cause = CAUSE_NONE, .facts = fact_read(in, now)};
    size_t n;
    const struct cause_row *rows = cause_rows(&n);

    for (size_t i = 0; i < n; i++) {
        if (!holds(&rows[i], &d.facts) || is_moot(&rows[i], &in->verdict))
            continue;
        if (d.row) {
            add_alternative(&d, rows[i].cause);
        } else {
            d.row = &rows[i];
            d.cause = rows[i].cause;
        }
    }
    if (!d.row && verdict_is_bad(in->verdict.verdict))
        d.cause = CAUSE_UNDETERMINED;
    return d;
}

/* What can be said without a cause. */
static const char *undetermined_text(const struct facts *f)
{
    if (f->is[FACT_INNER_ANSWERS] == TRUTH_YES)
        return "The tunnel passes traffic but loses some of it, and nothing tells where.";
    if (f->is[FACT_CONNECTING] == TRUTH_YES)
        return "The IKE daemon is initiating; how that ends is not known yet.";
    if (f->is[FACT_CHILD_SA] == TRUTH_YES)
        return "The SAs are up, but nothing passes through the tunnel, and nothing tells why yet.";
    return "Nothing passes through the tunnel, and the evidence fits no known cause yet.";
}

const char *diagnosis_text(const struct diagnosis *d)
{
    if (d->row)
        return d->row->text;
    return d->cause == CAUSE_NONE ? "Nothing is wrong." : undetermined_text(&d->facts);
}
