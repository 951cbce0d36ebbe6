/* docs/engine.md has the engine's tables as they stand in the code. With --write they are printed into it. */
#include "base/array.h"
#include "base/file.h"
#include "engine/control/control.h"
#include "engine/control/load_conn_keys.h"
#include "engine/control/session.h"
#include "engine/crypto/cert.h"
#include "engine/crypto/trust.h"
#include "engine/esp/replay.h"
#include "engine/ike/auth.h"
#include "engine/ike/engine.h"
#include "engine/ike/first_state.h"
#include "engine/ike/fragments.h"
#include "engine/ike/proposals.h"
#include "engine/ike/state.h"
#include "engine/ike/task.h"
#include "engine/io/path.h"
#include "engine/io/tun.h"
#include "engine/wire/ikev2.h"
#include "engine/wire/names.h"
#include "engine/wire/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE     "docs/engine.md"
#define PAGE_MAX 262144
#define END      "<!-- end -->\n"

/* The diagram has the changes, the table below it their reasons. */
static void put_states(struct strbuf *b, bool (*row_at)(size_t, struct state_row *))
{
    struct state_row row;

    strbuf_puts(b, "```mermaid\nstateDiagram-v2\n    [*] --> CREATED\n");
    for (size_t i = 0; row_at(i, &row); i++)
        strbuf_printf(b, "    %s --> %s\n", row.from, row.to);
    strbuf_puts(b, "    DESTROYING --> [*]\n```\n\n| from | to | when |\n|---|---|---|\n");
    for (size_t i = 0; row_at(i, &row); i++)
        strbuf_printf(b, "| %s | %s | %s |\n", row.from, row.to, row.when);
}

static void put_ike_states(struct strbuf *b)
{
    put_states(b, ike_state_row);
}

static void put_child_states(struct strbuf *b)
{
    put_states(b, child_state_row);
}

static void put_count(struct strbuf *b, const struct rules_row *row)
{
    if (row->max == CHAIN_PAYLOADS_MAX)
        strbuf_puts(b, row->min == 0 ? "any" : "1 or more");
    else if (row->min == row->max)
        strbuf_printf(b, "%u", row->min);
    else
        strbuf_printf(b, "%u or %u", row->min, row->max);
}

/* A line for each message; its rows stand together. */
static void put_messages(struct strbuf *b)
{
    const char *before = "";
    struct rules_row row;

    strbuf_puts(b, "| message | payloads |\n|---|---|\n");
    for (size_t i = 0; rules_row(i, &row); i++) {
        if (strcmp(row.message, before) == 0)
            strbuf_puts(b, ", ");
        else
            strbuf_printf(b, "%s| %s | ", i == 0 ? "" : " |\n", row.message);
        strbuf_printf(b, "%s: ", row.payload);
        put_count(b, &row);
        before = row.message;
    }
    strbuf_puts(b, " |\n");
}

static void put_tasks(struct strbuf *b)
{
    strbuf_puts(b, "| task | exchange |\n|---|---|\n");
    for (unsigned k = 0; k < TASK_KINDS; k++) {
        const struct task_ops *ops = task_ops((enum task_kind)k);

        strbuf_printf(b, "| %s | %s |\n", ops->name, name_exchange(ops->exchange));
    }
}

static void put_algorithms(struct strbuf *b)
{
    static const char *const types[] = {[ALG_ENCR] = "encryption",
                                        [ALG_PRF] = "PRF",
                                        [ALG_INTEG] = "integrity",
                                        [ALG_DH] = "key exchange",
                                        [ALG_ESN] = "sequence numbers of ESP"};

    strbuf_puts(b, "| | in a proposal, and IANA's number |\n|---|---|\n");
    for (size_t t = ALG_ENCR; t < ARRAY_LEN(types); t++) {
        const char *between = "";
        const struct alg *a;
        size_t pos = 0;

        strbuf_printf(b, "| %s | ", types[t]);
        while ((a = alg_next(&pos))) {
            if (a->type != t)
                continue;
            strbuf_printf(b, "%s`%s` %u%s", between, a->keyword, a->id, a->legacy ? " (`--allow-legacy`)" : "");
            between = ", ";
        }
        strbuf_puts(b, " |\n");
    }
}

static void put_defaults(struct strbuf *b)
{
    static const uint8_t protocols[] = {PROTO_IKE, PROTO_ESP};

    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        struct proposals ps;

        proposals_default(protocols[i], &ps);
        for (size_t k = 0; k < ps.n; k++) {
            char text[PROPOSALS_TEXT_MAX];

            strbuf_printf(b, "- `%s`\n", proposal_text(&ps.p[k], text));
        }
    }
}

static void put_sections(struct strbuf *b, unsigned sections)
{
    static const struct {
        unsigned section;
        const char *name;
    } names[] = {{LOAD_CONN, "connection"}, {LOAD_LOCAL, "local"}, {LOAD_REMOTE, "remote"}, {LOAD_CHILD, "child"}};
    const char *between = "";

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (sections & names[i].section) {
            strbuf_printf(b, "%s%s", between, names[i].name);
            between = ", ";
        }
}

/* The other words for yes and no say nothing new. */
static bool is_synonym(const char *word, size_t len)
{
    static const char *const synonyms[] = {"true", "enabled", "1", "false", "disabled", "0"};

    for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
        if (strlen(synonyms[i]) == len && memcmp(synonyms[i], word, len) == 0)
            return true;
    return false;
}

static void put_harmless(struct strbuf *b, const char *words)
{
    const char *between = "";

    strbuf_puts(b, "refused, but for ");
    while (*words != '\0') {
        size_t len = strcspn(words, "|");

        if (*between == '\0' || !is_synonym(words, len)) {
            strbuf_printf(b, "%s`%.*s`", between, (int)len, words);
            between = ", ";
        }
        words += len + (words[len] != '\0');
    }
}

static void put_taken(struct strbuf *b, const struct load_key *key)
{
    const char *between = ": ";

    strbuf_puts(b, "taken");
    for (const struct load_word *w = key->words; w && w->word; w++) {
        strbuf_printf(b, "%s`%s`", between, w->word);
        between = ", ";
    }
}

static void put_options(struct strbuf *b)
{
    const struct load_key *key;

    strbuf_puts(b, "| setting | of | |\n|---|---|---|\n");
    for (size_t i = 0; (key = load_key_at(i)); i++) {
        strbuf_printf(b, "| `%s` | ", key->name);
        put_sections(b, key->sections);
        strbuf_puts(b, " | ");
        if (key->parse)
            put_taken(b, key);
        else if (!key->harmless)
            strbuf_puts(b, "without effect");
        else if (*key->harmless == '\0')
            strbuf_puts(b, "refused");
        else
            put_harmless(b, key->harmless);
        strbuf_puts(b, " |\n");
    }
}

#define LIMIT(name, what)                                                                                              \
    {                                                                                                                  \
#name, (unsigned long)(name), what                                                                             \
    }
static const struct {
    const char *name;
    unsigned long value;
    const char *what;
} limits[] = {
    LIMIT(ENGINE_CONFS_MAX, "connections"),
    LIMIT(CONF_CHILDREN_MAX, "children of a connection"),
    LIMIT(CONF_ADDRS_MAX, "addresses in a list of a connection"),
    LIMIT(CONF_CERTS_MAX, "certificates in a list of a connection"),
    LIMIT(CONF_NETWORKS_MAX, "networks in a list of a child"),
    LIMIT(ENGINE_SAS_MAX, "IKE_SAs, half-open ones among them"),
    LIMIT(ENGINE_HALF_OPEN_MAX, "half-open IKE_SAs as responder"),
    LIMIT(SA_CHILDREN_MAX, "CHILD_SAs of an IKE_SA"),
    LIMIT(SA_TASKS_MAX, "tasks of an IKE_SA that wait"),
    LIMIT(ENGINE_OUTPUT_MAX, "datagrams that wait to be sent; the oldest goes"),
    LIMIT(FIRST_INIT_MAX, "bytes of an IKE_SA_INIT message"),
    LIMIT(FIRST_COOKIE_MAX, "bytes of a COOKIE"),
    LIMIT(FIRST_RETRIES_MAX, "COOKIE and INVALID_KE_PAYLOAD of one attempt"),
    LIMIT(FIRST_ANSWERS_MAX, "answers to one IKE_SA_INIT that are kept"),
    LIMIT(FRAGMENTS_MAX, "fragments of a message"),
    LIMIT(FRAGMENTS_BYTES_MAX, "bytes of a message put together from fragments"),
    LIMIT(CHAIN_PAYLOADS_MAX, "payloads of a message"),
    LIMIT(PROPOSALS_MAX, "proposals of an SA payload"),
    LIMIT(TRANSFORMS_MAX, "transforms of a proposal"),
    LIMIT(TS_MAX, "selectors of a TS payload"),
    LIMIT(AUTH_CANDIDATES_MAX, "connections that are tried for one IKE_AUTH request"),
    LIMIT(CREDS_SHARED_MAX, "shared secrets"),
    LIMIT(CREDS_OWNERS_MAX, "owners of a secret"),
    LIMIT(CREDS_CERTS_MAX, "certificates"),
    LIMIT(CREDS_KEYS_MAX, "private keys"),
    LIMIT(CERT_FILE_MAX, "bytes of a certificate"),
    LIMIT(TRUST_CAS_MAX, "CAs that are trusted"),
    LIMIT(TRUST_CRLS_MAX, "CRLs"),
    LIMIT(TRUST_CRL_MAX, "bytes of a CRL"),
    LIMIT(TRUST_CHAIN_MAX, "certificates of the peer besides its own that are looked at"),
    LIMIT(TRUST_DEPTH_MAX, "intermediate CAs of a chain"),
    LIMIT(PATH_TUNNELS_MAX, "TUN devices"),
    LIMIT(PATH_SAS_MAX, "ESP SAs in the data path"),
    LIMIT(REPLAY_WINDOW_MAX, "packets of a replay window"),
    LIMIT(TUN_PACKET_MAX, "bytes of an inner packet"),
    LIMIT(CONTROL_SESSIONS_MAX, "VICI clients at a time"),
    LIMIT(SESSION_OUT_MAX, "bytes that wait for a VICI client"),
};

static void put_limits(struct strbuf *b)
{
    strbuf_puts(b, "| limit | value | of what |\n|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        strbuf_printf(b, "| `%s` | %lu | %s |\n", limits[i].name, limits[i].value, limits[i].what);
}

static const struct {
    const char *mark; /* the line before it; END is the line behind */
    void (*put)(struct strbuf *b);
} sections[] = {
    {"<!-- options -->\n", put_options},
    {"<!-- algorithms -->\n", put_algorithms},
    {"<!-- defaults -->\n", put_defaults},
    {"<!-- ike-states -->\n", put_ike_states},
    {"<!-- child-states -->\n", put_child_states},
    {"<!-- messages -->\n", put_messages},
    {"<!-- tasks -->\n", put_tasks},
    {"<!-- limits -->\n", put_limits},
};

/* PAGE with what the code says between the marks. Marks stand once, and in the order of sections[]. */
static void renew(const char *page, struct strbuf *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const char *start = strstr(page, sections[i].mark), *end = start ? strstr(start, END) : NULL;

        assert_non_null(start);
        assert_non_null(end);
        start += strlen(sections[i].mark);
        strbuf_add(ret, page, (size_t)(start - page));
        sections[i].put(ret);
        page = end;
    }
    strbuf_puts(ret, page);
    assert_false(ret->bad);
}

static void read_pages(struct strbuf *ret_page, struct strbuf *ret_wanted)
{
    strbuf_init(ret_page, PAGE_MAX);
    strbuf_init(ret_wanted, PAGE_MAX);
    assert_int_equal(file_read(PAGE, ret_page), 0);
    renew(strbuf_text(ret_page), ret_wanted);
}

static void test_tables_are_current(void **state)
{
    struct strbuf page, wanted;

    (void)state;
    read_pages(&page, &wanted);
    if (strcmp(strbuf_text(&page), strbuf_text(&wanted)) != 0)
        fail_msg("%s is older than the tables of the engine: make docs", PAGE);
    strbuf_done(&page);
    strbuf_done(&wanted);
}

static void test_write(void **state)
{
    struct strbuf page, wanted;
    FILE *f;

    (void)state;
    read_pages(&page, &wanted);
    f = fopen(PAGE, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(wanted.data, 1, wanted.len, f), wanted.len);
    assert_int_equal(fclose(f), 0);
    strbuf_done(&page);
    strbuf_done(&wanted);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_current),
    };
    const struct CMUnitTest writing[] = {
        cmocka_unit_test(test_write),
    };

    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return cmocka_run_group_tests(writing, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
