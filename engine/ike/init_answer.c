/*
 * What answers IKE_SA_INIT as a peer would that goes on. Nobody vouches for it, and one that is forged may come first:
 * further ones are kept, and tried in turn while IKE_AUTH gets no answer or one that fails (RFC 7296 2.4).
 */
#include "base/str.h"
#include "engine/crypto/dh.h"
#include "engine/ike/engine_state.h"
#include "engine/ike/first_state.h"
#include "engine/ike/task.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define ANSWER_PAUSE USEC_PER_SEC /* for another one, where IKE_AUTH failed with the first */

struct answer {
    struct suite suite;
    struct proposal chosen;
    struct ke_payload ke;
    struct wire_bytes nonce;
};

/* NULL, or why it cannot be. */
static const char *read_answer(const struct ike_sa *sa, const struct message *in, struct answer *ret)
{
    static const uint8_t no_spi[IKE_SPI_LEN];
    const struct chain *c = &in->chain;
    struct notify_payload n;
    struct proposals ps;

    if (memcmp(in->h.spi_r, no_spi, IKE_SPI_LEN) == 0)
        return "it has no SPI";
    if (payload_read_sa(chain_find(c, PAYLOAD_SA, NULL), &ps) < 0 ||
        payload_read_ke(chain_find(c, PAYLOAD_KE, NULL), &ret->ke) < 0 ||
        payload_read_nonce(chain_find(c, PAYLOAD_NONCE, NULL), &ret->nonce) < 0)
        return "a payload is malformed";
    if (!proposals_accept(&ps, &sa->conf->proposals, &ret->suite) || !ret->suite.dh)
        return "its proposal is none of ours";
    if (ret->ke.group != sa->first->group->id || ret->suite.dh->id != ret->ke.group)
        return "its key exchange is of another group than ours";
    if (sa->conf->ppk_required && !chain_notify(c, NOTIFY_USE_PPK, &n))
        return "the peer does not know PPKs, but one is required";
    if (in->raw_len > FIRST_INIT_MAX)
        return "it is too long";
    ret->chosen = ps.p[0];
    return NULL;
}

/* RFC 7296 2.23: the ports change where a NAT is between, or shall seem to be. */
static void take_natd(struct ike_sa *sa, const struct message *in)
{
    uint16_t port = core_settings(sa->engine)->port, natt_port = core_settings(sa->engine)->natt_port;
    bool forced = first_forces_encap(sa->engine, sa->conf);

    sa->nat_local = sa->nat_remote = sa->encap = false;
    if (!natd_read(in, &sa->nat_local, &sa->nat_remote)) {
        if (forced)
            ike_sa_log(sa, ENGINE_LOG_IKE, 0, "the peer does not know NAT traversal: no UDP encapsulation");
        return;
    }
    if (sa->nat_local)
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "local host is behind NAT, sending keep alives");
    if (sa->nat_remote)
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "remote host is behind NAT");
    if (forced)
        ike_sa_log(sa, ENGINE_LOG_IKE, 2, "faking NAT situation to enforce UDP encapsulation");
    sa->encap = sa->nat_local || sa->nat_remote || forced;
    if (!sa->encap || sa->natt)
        return;
    if (addr_port(&sa->local) == port)
        addr_set_port(&sa->local, natt_port);
    if (addr_port(&sa->remote) == IKE_PORT)
        addr_set_port(&sa->remote, IKE_PORT_NATT);
    sa->natt = true;
}

/* Keeping --------------------------------------------------------------------------------------------------------- */

static bool is_kept(const struct first *f, const struct message *in)
{
    for (size_t i = 0; i < f->n_answers; i++)
        if (f->answers[i].len == in->raw_len && memcmp(f->answers[i].raw, in->raw, in->raw_len) == 0)
            return true;
    return false;
}

/* Where there are too many: the peer's may be among the first as well as among those that a flood of forged ones was
 * faster than. One of the late ones that is not in use goes, by chance, so that no flood can reckon with it. */
static struct first_answer *place_of_late(const struct ike_sa *sa)
{
    struct first_answer *a = &sa->first->answers[1];
    uint8_t chance;
    size_t n = 0;

    for (size_t i = 1; i < FIRST_ANSWERS_MAX; i++)
        n += sa->first->answers[i].late;
    assert(n > 0); /* FIRST_ANSWERS_OLD are not late, one is in use */
    core_random(sa->engine, &chance, sizeof(chance));
    for (size_t skip = chance % n; !a->late || skip-- > 0; a++)
        ;
    return a;
}

/* Behind the others, or instead of one. -ENOMEM */
static int keep(struct ike_sa *sa, const struct message *in)
{
    struct first *f = sa->first;
    bool full = f->n_answers == FIRST_ANSWERS_MAX;
    struct first_answer *a = full ? place_of_late(sa) : &f->answers[f->n_answers];
    int r = first_keep(&a->raw, &a->len, in->raw, in->raw_len);

    if (r < 0)
        return r;
    a->local = in->local;
    a->remote = in->remote;
    a->late = f->n_answers >= FIRST_ANSWERS_OLD;
    f->n_answers += !full;
    return 0;
}

static void drop(struct first *f, size_t i)
{
    free(f->answers[i].raw);
    memmove(&f->answers[i], &f->answers[i + 1], (--f->n_answers - i) * sizeof(f->answers[0]));
    f->answers[f->n_answers] = (struct first_answer){0};
}

/* Using ----------------------------------------------------------------------------------------------------------- */

/* Nonce, SPI and keys; SA is as it was where that fails. -EBADMSG, -ENOMEM */
static int take_keys(struct ike_sa *sa, const struct message *in, const struct answer *a)
{
    struct first *f = sa->first;
    uint8_t nonce[NONCE_MAX], spi[IKE_SPI_LEN];
    size_t nonce_len = f->peer_nonce_len;
    int r;

    memcpy(nonce, f->peer_nonce, sizeof(nonce));
    memcpy(spi, sa->spi_r, sizeof(spi));
    memcpy(f->peer_nonce, a->nonce.data, a->nonce.len);
    f->peer_nonce_len = a->nonce.len;
    memcpy(sa->spi_r, in->h.spi_r, IKE_SPI_LEN);
    r = first_keys(sa, &a->suite, f->dh, &a->ke.value, &sa->keys);
    if (r < 0) {
        memcpy(f->peer_nonce, nonce, sizeof(nonce));
        f->peer_nonce_len = nonce_len;
        memcpy(sa->spi_r, spi, sizeof(spi));
    }
    return r;
}

static void take_rest(struct ike_sa *sa, const struct message *in, const struct answer *a)
{
    char text[PROPOSALS_TEXT_MAX];
    struct notify_payload n;

    sa->suite = a->suite;
    sa->first->chosen = a->chosen;
    sa->first->refused[0] = '\0';
    sa->first->certreq = chain_find(&in->chain, PAYLOAD_CERTREQ, NULL) != NULL;
    sa->childless = chain_notify(&in->chain, NOTIFY_CHILDLESS_IKEV2_SUPPORTED, &n);
    first_read_abilities(sa, &in->chain);
    take_natd(sa, in);
    ike_sa_log(sa, ENGINE_LOG_CFG, 1, "selected proposal: %s", proposal_text(&a->chosen, text));
}

static int use(struct ike_sa *sa, const struct message *in, const struct answer *a)
{
    struct first *f = sa->first;
    int r = take_keys(sa, in, a);

    if (r < 0)
        return r;
    take_rest(sa, in, a);
    r = first_keep(&f->peer_init, &f->peer_init_len, in->raw, in->raw_len);
    return r == 0 ? ike_sa_keyed(sa) : r;
}

int init_take_answer(struct ike_sa *sa, const struct message *in, usec_t now, const char **ret_wrong)
{
    struct first *f = sa->first;
    const struct packet *mine = &sa->ids.request.p[0];
    struct answer a;
    const char *wrong = read_answer(sa, in, &a);
    int r;

    if (wrong) {
        *ret_wrong = wrong;
        return -EBADMSG;
    }
    f->local = sa->local;
    f->remote = sa->remote;
    f->natt = sa->natt;
    f->answered_at = now;
    r = first_keep(&f->my_init, &f->my_init_len, mine->data, mine->len);
    if (r == 0)
        r = use(sa, in, &a);
    if (r == -EBADMSG)
        *ret_wrong = "its public value is none of its group";
    return r == 0 ? keep(sa, in) : r;
}

/* Further ones ---------------------------------------------------------------------------------------------------- */

/* Answer I of those that are kept, from the ports that IKE_SA_INIT began with. */
static int use_kept(struct ike_sa *sa, size_t i)
{
    const struct first *f = sa->first;
    const struct first_answer *kept = &f->answers[i];
    struct message in = {.local = kept->local, .remote = kept->remote, .raw = kept->raw, .raw_len = kept->len};
    const char *wrong;
    struct answer a;
    int r = header_read(kept->raw, kept->len, &in.h);

    if (r == 0)
        r = chain_read(in.h.next_payload, kept->raw + IKE_HEADER_LEN, kept->len - IKE_HEADER_LEN, &in.chain);
    wrong = r == 0 ? read_answer(sa, &in, &a) : "it cannot be read";
    assert(!wrong); /* or else it would not have been kept */
    sa->local = f->local;
    sa->remote = f->remote;
    sa->natt = f->natt;
    return use(sa, &in, &a);
}

/* Answer I is in use: it goes to the front, and the one that was there goes away. */
static void replace_first(struct first *f, size_t i)
{
    struct first_answer used = f->answers[i], before = f->answers[0];

    f->answers[0] = used;
    f->answers[i] = before;
    drop(f, i);
}

bool init_next_version(struct ike_sa *sa)
{
    struct first *f = sa->first;

    for (size_t i = 1; i < f->n_answers; i++)
        if (memcmp(f->answers[i].raw + IKE_SPI_LEN, sa->spi_r, IKE_SPI_LEN) == 0 && use_kept(sa, i) == 0) {
            replace_first(f, i);
            return true;
        }
    return false;
}

static bool next_answer(struct ike_sa *sa, bool failed)
{
    struct first *f = sa->first;
    struct first_answer before;

    while (f && f->n_answers > 1) {
        struct addr local = sa->local, remote = sa->remote;
        bool natt = sa->natt;

        if (use_kept(sa, 1) < 0) {
            sa->local = local;
            sa->remote = remote;
            sa->natt = natt;
            drop(f, 1);
            continue;
        }
        before = f->answers[0];
        memmove(&f->answers[0], &f->answers[1], (f->n_answers - 1) * sizeof(before));
        f->answers[f->n_answers - 1] = before;
        f->turns++;
        if (failed)
            drop(f, f->n_answers - 1);
        message_ids_repeat(&sa->ids);
        ike_sa_log(sa, ENGINE_LOG_IKE, 1, "trying another response to IKE_SA_INIT");
        return true;
    }
    return false;
}

bool init_next_answer(struct ike_sa *sa, bool *ret_round)
{
    struct first *f = sa->first;

    if (!next_answer(sa, false))
        return false;
    *ret_round = f->turns >= f->n_answers;
    if (*ret_round)
        f->turns = 0;
    return true;
}

bool init_answer_failed(struct ike_sa *sa, const char *reason, usec_t now)
{
    struct first *f = sa->first;

    if (next_answer(sa, true))
        return true;
    if (!f || clock_since(f->answered_at, now) >= ANSWER_PAUSE)
        return false;
    (void)str_copy(f->refused, sizeof(f->refused), reason);
    sa->tasks->not_before = clock_add(f->answered_at, ANSWER_PAUSE);
    engine_wake(sa->engine, sa->tasks->not_before);
    return true;
}

/* Whether IKE_AUTH failed with the only answer there was. */
static bool waits_for_another(const struct ike_sa *sa)
{
    return !sa->ids.pending && sa->first->refused[0] != '\0';
}

void init_late_answer(struct ike_sa *sa, const struct message *in)
{
    struct answer a;

    if (!sa->first || !sa->first->dh || is_kept(sa->first, in) || read_answer(sa, in, &a) || keep(sa, in) < 0)
        return;
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "another response to IKE_SA_INIT came: one of them is not the peer's");
    if (waits_for_another(sa) && next_answer(sa, true))
        sa->tasks->not_before = 0;
}
