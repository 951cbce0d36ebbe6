#include "engine/control/load_conn_keys.h"

#include "base/array.h"
#include "engine/control/load_conn_parse.h"

#include <string.h>
#include <strings.h>

static const struct load_word fragmentation_words[] = {
    {"yes", CONF_FRAGMENTATION_YES},
    {"accept", CONF_FRAGMENTATION_ACCEPT},
    {"no", CONF_FRAGMENTATION_NO},
    {"force", CONF_FRAGMENTATION_FORCE},
    {NULL, 0},
};
static const struct load_word childless_words[] = {
    {"allow", CONF_CHILDLESS_ALLOW},
    {"prefer", CONF_CHILDLESS_PREFER},
    {"force", CONF_CHILDLESS_FORCE},
    {"never", CONF_CHILDLESS_NEVER},
    {NULL, 0},
};
static const struct load_word unique_words[] = {
    {"no", CONF_UNIQUE_NO},
    {"never", CONF_UNIQUE_NEVER},
    {"keep", CONF_UNIQUE_KEEP},
    {"replace", CONF_UNIQUE_REPLACE},
    {NULL, 0},
};
static const struct load_word send_cert_words[] = {
    {"ifasked", CONF_SEND_CERT_IFASKED},
    {"always", CONF_SEND_CERT_ALWAYS},
    {"never", CONF_SEND_CERT_NEVER},
    {NULL, 0},
};
static const struct load_word revocation_words[] = {
    {"relaxed", TRUST_REVOCATION_RELAXED},
    {"ifuri", TRUST_REVOCATION_IFURI},
    {"strict", TRUST_REVOCATION_STRICT},
    {NULL, 0},
};

#define CONN(NAME, PARSE, FIELD)                                                                                       \
    {                                                                                                                  \
        .name = (NAME), .sections = LOAD_CONN, .parse = (PARSE), .offset = offsetof(struct ike_conf, FIELD)            \
    }
#define CONN_WORD(NAME, FIELD, WORDS)                                                                                  \
    {                                                                                                                  \
        .name = (NAME), .sections = LOAD_CONN, .parse = load_parse_word, .offset = offsetof(struct ike_conf, FIELD),   \
        .words = (WORDS)                                                                                               \
    }
#define CONN_LIST(NAME, PARSE, FIELD)                                                                                  \
    {                                                                                                                  \
        .name = (NAME), .sections = LOAD_CONN, .list = true, .parse = (PARSE),                                         \
        .offset = offsetof(struct ike_conf, FIELD)                                                                     \
    }
#define SIDE(NAME, SECTIONS, PARSE, FIELD)                                                                             \
    {                                                                                                                  \
        .name = (NAME), .sections = (SECTIONS), .parse = (PARSE), .offset = offsetof(struct conf_side, FIELD)          \
    }
#define CHILD(NAME, PARSE, FIELD)                                                                                      \
    {                                                                                                                  \
        .name = (NAME), .sections = LOAD_CHILD, .parse = (PARSE), .offset = offsetof(struct child_conf, FIELD)         \
    }
#define CHILD_LIST(NAME, PARSE, FIELD)                                                                                 \
    {                                                                                                                  \
        .name = (NAME), .sections = LOAD_CHILD, .list = true, .parse = (PARSE),                                        \
        .offset = offsetof(struct child_conf, FIELD)                                                                   \
    }
#define CERTS(NAME, SECTIONS, PARSE)                                                                                   \
    {                                                                                                                  \
        .name = (NAME), .sections = (SECTIONS), .list = true, .binary = true, .parse = (PARSE)                         \
    }
#define LACKS(NAME, SECTIONS, HARMLESS)                                                                                \
    {                                                                                                                  \
        .name = (NAME), .sections = (SECTIONS), .harmless = (HARMLESS)                                                 \
    }
#define LACKS_LIST(NAME, SECTIONS)                                                                                     \
    {                                                                                                                  \
        .name = (NAME), .sections = (SECTIONS), .list = true, .harmless = ""                                           \
    }

#define SIDES    (LOAD_LOCAL | LOAD_REMOTE)
#define NO       "no|false|disabled|0"
#define YES      "yes|true|enabled|1"
#define ANY_FLAG YES "|" NO

static const struct load_key keys[] = {
    /* connections.<conn> */
    LACKS("version", LOAD_CONN, "0|2"), /* IKEv2 only */
    CONN_LIST("local_addrs", load_parse_local_addr, local_addrs),
    CONN_LIST("remote_addrs", load_parse_remote_addr, remote_addrs),
    CONN("local_port", load_parse_own_port, local_port),
    CONN("remote_port", load_parse_udp_port, remote_port),
    CONN_LIST("proposals", load_parse_ike_proposal, proposals),
    LACKS_LIST("vips", LOAD_CONN),
    LACKS("aggressive", LOAD_CONN, NO), /* of IKEv1 */
    LACKS("pull", LOAD_CONN, ANY_FLAG), /* of IKEv1 */
    LACKS("dscp", LOAD_CONN, "000000|0"),
    CONN("encap", load_parse_flag, encap),
    CONN("mobike", load_parse_flag, mobike),
    CONN("dpd_delay", load_parse_time, dpd_delay),
    CONN("dpd_timeout", load_parse_time, dpd_timeout),
    CONN_WORD("fragmentation", fragmentation, fragmentation_words),
    CONN_WORD("childless", childless, childless_words),
    CONN("send_certreq", load_parse_flag, send_certreq),
    CONN_WORD("send_cert", send_cert, send_cert_words),
    CONN("ppk_id", load_parse_ppk_id, ppk_id),
    CONN("ppk_required", load_parse_flag, ppk_required),
    CONN("keyingtries", load_parse_tries, keyingtries),
    CONN_WORD("unique", unique, unique_words),
    CONN("reauth_time", load_parse_time, reauth_time),
    CONN("rekey_time", load_parse_time, rekey_time),
    CONN("over_time", load_parse_time, over_time),
    CONN("rand_time", load_parse_time, rand_time),
    LACKS_LIST("pools", LOAD_CONN),
    LACKS("if_id_in", LOAD_CONN | LOAD_CHILD, "0"), /* of XFRM */
    LACKS("if_id_out", LOAD_CONN | LOAD_CHILD, "0"),
    LACKS("mediation", LOAD_CONN, NO),
    LACKS("mediated_by", LOAD_CONN, ""),
    LACKS("mediation_peer", LOAD_CONN, ""),

    /* connections.<conn>.local and remote */
    LACKS("round", SIDES, NULL), /* of one */
    CERTS("certs", SIDES, load_parse_cert),
    CERTS("cacerts", LOAD_REMOTE, load_parse_ca),
    SIDE("auth", SIDES, load_parse_auth, auth),
    SIDE("id", SIDES, load_parse_id, id),
    {
        .name = "revocation",
        .sections = LOAD_REMOTE,
        .parse = load_parse_word,
        .offset = offsetof(struct conf_side, revocation),
        .words = revocation_words,
    },
    LACKS_LIST("pubkeys", SIDES),
    LACKS("eap_id", SIDES, ""),
    LACKS("aaa_id", LOAD_LOCAL, ""),
    LACKS("xauth_id", LOAD_LOCAL, ""),
    LACKS_LIST("groups", LOAD_REMOTE),
    LACKS_LIST("cert_policy", LOAD_REMOTE),
    LACKS("ca_id", LOAD_REMOTE, ""),

    /* connections.<conn>.children.<child> */
    LACKS_LIST("ah_proposals", LOAD_CHILD),
    CHILD_LIST("esp_proposals", load_parse_esp_proposal, proposals),
    LACKS("sha256_96", LOAD_CHILD, NO),
    CHILD_LIST("local_ts", load_parse_selector, local_ts),
    CHILD_LIST("remote_ts", load_parse_selector, remote_ts),
    CHILD("rekey_time", load_parse_time, time.rekey),
    CHILD("life_time", load_parse_time, time.life),
    CHILD("rand_time", load_parse_time, time.random),
    CHILD("rekey_bytes", load_parse_volume, bytes.rekey),
    CHILD("life_bytes", load_parse_volume, bytes.life),
    CHILD("rand_bytes", load_parse_volume, bytes.random),
    CHILD("rekey_packets", load_parse_count64, packets.rekey),
    CHILD("life_packets", load_parse_count64, packets.life),
    CHILD("rand_packets", load_parse_count64, packets.random),
    LACKS("updown", LOAD_CHILD, ""),           /* no process is ever started */
    LACKS("hostaccess", LOAD_CHILD, ANY_FLAG), /* of updown */
    LACKS("mode", LOAD_CHILD, "tunnel"),
    LACKS("policies", LOAD_CHILD, YES),
    LACKS("policies_fwd_out", LOAD_CHILD, ANY_FLAG), /* of XFRM; what goes into the TUN device is forwarded anyway */
    CHILD("dpd_action", load_parse_actions, dpd_action),
    LACKS("ipcomp", LOAD_CHILD, NO),
    CHILD("inactivity", load_parse_time, inactivity),
    CHILD("reqid", load_parse_count, reqid),
    LACKS("priority", LOAD_CHILD, "0"),
    LACKS("interface", LOAD_CHILD, ""),
    LACKS("mark_in", LOAD_CHILD, "0|0/0|0/0x0|0/0x00000000|0x0|0x00000000"),
    LACKS("mark_in_sa", LOAD_CHILD, NO),
    LACKS("mark_out", LOAD_CHILD, "0|0/0|0/0x0|0/0x00000000|0x0|0x00000000"),
    LACKS("set_mark_in", LOAD_CHILD, "0|0/0|0/0x0|0/0x00000000|0x0|0x00000000"),
    LACKS("set_mark_out", LOAD_CHILD, "0|0/0|0/0x0|0/0x00000000|0x0|0x00000000"),
    LACKS("label", LOAD_CHILD, ""),
    LACKS("label_mode", LOAD_CHILD, "system|simple|selinux"), /* of a label */
    LACKS("tfc_padding", LOAD_CHILD, "0"),
    CHILD("replay_window", load_parse_window, replay_window),
    LACKS("hw_offload", LOAD_CHILD, "no|auto"),
    LACKS("copy_df", LOAD_CHILD, YES),
    CHILD("copy_ecn", load_parse_flag, copy_ecn),
    LACKS("copy_dscp", LOAD_CHILD, "out|no"), /* none is copied */
    CHILD("start_action", load_parse_actions, start_action),
    CHILD("close_action", load_parse_actions, close_action),
    /* ours: the host's side of a tunnel */
    CHILD_LIST("inside_addrs", load_parse_inside, inside),
    CHILD_LIST("networks", load_parse_network, networks),
    CHILD("mtu", load_parse_mtu, mtu),
};

_Static_assert(ARRAY_LEN(keys) <= LOAD_KEYS_MAX, "raise LOAD_KEYS_MAX");

const struct load_key *load_key_find(enum load_section section, const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if ((keys[i].sections & section) != 0 && strcmp(keys[i].name, name) == 0) {
            *ret_index = i;
            return &keys[i];
        }
    return NULL;
}

const struct load_key *load_key_at(size_t i)
{
    return i < ARRAY_LEN(keys) ? &keys[i] : NULL;
}

bool load_key_harmless(const struct load_key *key, const char *text)
{
    const char *word = key->harmless;
    size_t len = strlen(text);

    while (word) {
        const char *end = strchrnul(word, '|');

        if ((size_t)(end - word) == len && strncasecmp(word, text, len) == 0)
            return true;
        word = *end == '\0' ? NULL : end + 1;
    }
    return !key->harmless;
}
