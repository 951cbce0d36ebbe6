/* The configuration: what is read from good files, and what is said about bad ones. */
#include "conf/conf.h"

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX    (256 * 1024)
#define SECRET_PATH "hooks/T0/B0/do-not-print"

struct load {
    struct conf *conf;
    struct strbuf errors;
    struct strbuf warnings;
    int r;
};

static struct load load(const char *text)
{
    struct load l = {0};

    strbuf_init(&l.errors, TEXT_MAX);
    strbuf_init(&l.warnings, TEXT_MAX);
    l.r = conf_load_text("test.conf", text, strlen(text), &l.conf, &l.errors, &l.warnings);
    return l;
}

static void load_done(struct load *l)
{
    (void)conf_free(l->conf);
    strbuf_done(&l->errors);
    strbuf_done(&l->warnings);
}

static void must_load(struct load *l)
{
    if (l->r != 0)
        fail_msg("not loaded: %s", strbuf_text(&l->errors));
}

/* Creates a file of MODE holding TEXT; PATH ends with XXXXXX. */
static void make_file(char *path, const char *text, mode_t mode)
{
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

#define TUNNEL(name, address) "  tunnel \"" name "\" {\n outside-address = \"" address "\"\n probe = \"10.0.0.1\"\n }\n"

struct bad_file {
    const char *text;
    int line; /* 0: the file as a whole */
    const char *phrase;
};

static const struct bad_file bad_files[] = {
    {"mode = observ\n", 1, "mode: \"observ\" is not known; it must be one of: observe, approve, repair"},
    {"\nmoed = repair\n", 2, "unknown option \"moed\"; here may stand: mode, listen"},
    {"aws {\n region = \"eu-west-1\"\n zone = a\n}\n", 3, "unknown option \"zone\"; here may stand: region"},
    {"mode = repair\nmode", 2, "the file ends too early; a value, quote or bracket is missing"},
    {"mode = \"repair\n", 1, "the file ends too early"},
    {"aws {}\nconnection a {\n tunnel 1 {\n\n", 4, "is not closed in the section that opens on line 3"},
    {"mode = repair\n/* a comment\n", 2, "the file ends too early; a comment is not closed"},
    {"aws {", 1, "is not closed in the section that opens on line 1"},
    {"connection", 1, "the file ends too early"},
    {"mode =\n", 1, "the file ends too early"},
    {"mode repair\n", 1, "missing equal sign after option 'mode'"},
    {"mode = {repair}\n", 1, "\"{\" cannot stand here"},
    {"connection \"a b\" {\n" TUNNEL("1", "203.0.113.1") "}\n", 1, "the name \"a b\" is not usable"},
    {"connection \"a\" {\n}\n", 1, "connection \"a\" has no tunnel"},
    {"connection a {\n tunnel \"1\" {\n\n }\n}\n", 2, "tunnel \"1\" has no outside-address"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.300\"\n }\n}\n", 3,
     "outside-address: \"203.0.113.300\" is not an address"},
    {"connection a {\n tunnel 1 {\n outside-address = \"gw.example.net\"\n }\n}\n", 3, "is not an address"},
    {"connection a {\n tunnel 1 {\n outside-address = \"0.0.0.0\"\n }\n}\n", 3, "is not an address"},
    {"connection a {\n" TUNNEL("1", "203.0.113.1") TUNNEL("1", "203.0.113.2") "}\n", 6,
     "the name \"1\" is taken: tunnel on line 2"},
    {"connection a {\n" TUNNEL("1", "203.0.113.1") "}\nconnection a {\n" TUNNEL("1", "203.0.113.2") "}\n", 7,
     "the name \"a\" is taken: connection on line 1"},
    {"connection a {\n" TUNNEL("1", "203.0.113.1") "}\nconnection b {\n" TUNNEL("1", "203.0.113.1") "}\n", 9,
     "outside-address: \"203.0.113.1\" is given twice: it stands on line 3 already"},
    {"connection a {\n" TUNNEL("1", "2001:db8::1") TUNNEL("2", "2001:0db8::1") "}\n", 7, "it stands on line 3 already"},
    {"connection a {\n" TUNNEL("1", "203.0.113.1") TUNNEL("2", "203.0.113.2") TUNNEL("3", "203.0.113.3") "}\n", 10,
     "at most 2 tunnel sections can be here"},
    {"connection a {\n vpn-connection-id = vpn-01234567\n" TUNNEL(
         "1",
         "203.0.113.1") "}\nconnection b {\n vpn-connection-id = vpn-01234567\n" TUNNEL("1",
                                                                                        "203.0.113.2") "}\naws {}\n",
     9, "vpn-connection-id: \"vpn-01234567\" is given twice: it stands on line 2 already"},
    {"connection a {\n vpn-connection-id = vpn-0123\n" TUNNEL("1", "203.0.113.1") "}\n", 2,
     "\"vpn-0123\" is not the id of a VPN connection"},
    {"connection a {\n ike = charon\n" TUNNEL("1", "203.0.113.1") "}\n", 2, "there is no section ike \"charon\""},
    {"connection a {\n fallback = charon\n" TUNNEL("1", "203.0.113.1") "}\n", 2, "fallback: \"charon\""},
    {"connection a {\n networks = {\"10.0.0.0/16\",\n \"10.0.0.0/33\"}\n" TUNNEL("1", "203.0.113.1") "}\n", 3,
     "networks: \"10.0.0.0/33\" is not a network"},
    {"connection a {\n networks = {\"10.0.1.0/16\"}\n" TUNNEL("1", "203.0.113.1") "}\n", 2,
     "bits set behind its prefix"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n probe = {\"10.0.0.1\",\n \"db.example\"}\n "
     "}\n}\n",
     5, "probe: \"db.example\" is no target"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n probe = {\"tcp:10.0.0.1\"}\n }\n}\n", 4,
     "is not a TCP target; write tcp:HOST:PORT"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n probe = {\"tcp:10.0.0.300:80\"}\n }\n}\n", 4,
     "neither an address nor a host name"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n probe = {\"tcp:2001:db8::1:80\"}\n }\n}\n", 4,
     "is not a TCP target"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n inside-address = \"2001:db8::2\"\n probe = "
     "{\"10.0.0.1\"}\n }\n}\n",
     4, "one is IPv4 and one is IPv6"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n psk-file = \"a.psk\"\n }\n}\n", 4,
     "\"a.psk\" is not an absolute path"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n psk-file = \"/nonexistent/a.psk\"\n }\n}\n", 4,
     "cannot find \"/nonexistent/a.psk\": No such file or directory"},
    {"connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n expected = up\n }\n}\n", 4,
     "expected: \"up\" is not known; it must be down"},
    {"ike x {\n socket = \"/run/charon.vici\"\n}\n", 1, "type is missing; give it as type = vici"},
    {"ike x {\n type = libreswan\n}\n", 2,
     "type: \"libreswan\" is not supported by this version; supported: vici, none"},
    {"ike x {\n type = racoon\n}\n", 2, "\"racoon\" is not known; it must be one of: vici, none"},
    {"ike x {\n type = vici\n socket = \"run/charon.vici\"\n}\n", 3, "is not an absolute path"},
    {"alert x {\n type = slack\n url = \"https://h.example/a\"\n}\n", 2,
     "type: \"slack\" is not supported by this version; supported: webhook"},
    {"alert x {\n}\n", 1, "alert \"x\" goes nowhere"},
    {"alert x {\n url = \"ftp://h.example/" SECRET_PATH "\"\n}\n", 2, "url: this is no URL (not shown"},
    {"alert x {\n url = https://h.example/?t=" SECRET_PATH "\n}\n", 2, "\"=\" cannot stand here"},
    {"alert x {\n url = \"https://h.example/a\" \"" SECRET_PATH "\"\n}\n", 2, "unknown option (not shown"},
    {"alert x {\n url-file = \"/nonexistent/ops.url\"\n}\n", 2,
     "cannot read \"/nonexistent/ops.url\": No such file or directory"},
    {"alert x {\n url = \"https://h.example/a\"\n source = \"no interface\"\n}\n", 3,
     "neither an address nor the name"},
    {"timing {\n ike-ping-interval = 500ms\n}\n", 2, "ike-ping-interval: \"500ms\" is out of range; it may be 1"},
    {"timing {\n settle = soon\n}\n", 2, "settle: \"soon\" is not a duration"},
    {"timing {\n suspect-interval = 600ms\n}\n", 1, "suspect-interval is longer than probe-interval"},
    {"limits {\n actions-per-hour = 0\n}\n", 2, "\"0\" is not a number from 1 to 1000"},
    {"mode = observe\n\nmode = repair\n", 3, "mode is given twice: it stands on line 1 already"},
    {"connection a {\n networks = {\"10.0.0.0/16\"}\n networks = {\"10.1.0.0/16\"}\n" TUNNEL("1", "203.0.113.1") "}\n",
     3, "networks is given twice: it stands on line 2 already"},
    {"limits {\n}\nlimits {\n}\n", 3, "limits is given twice: it stands on line 1 already"},
    {"listen = \"0.0.0.0:9469\"\n", 1, "listen: \"0.0.0.0:9469\" is not a loopback address with a port"},
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_files); i++) {
        const struct bad_file *b = &bad_files[i];
        struct load l cleanup(load_done) = load(b->text);
        const char *said = strbuf_text(&l.errors);
        char head[64];

        (void)str_format(head, sizeof(head), b->line > 0 ? "test.conf:%d: " : "test.conf: ", b->line);
        if (l.r != -EINVAL || l.conf)
            fail_msg("file %zu loads (%d):\n%s", i, l.r, b->text);
        if (!str_starts(said, head) || !strstr(said, b->phrase))
            fail_msg("file %zu:\n%s\nexpected: %s...%s\nsaid: %s", i, b->text, head, b->phrase, said);
        assert_null(strstr(said, "do-not-print"));
        assert_int_equal(said[l.errors.len - 1], '\n');
    }
}

static void test_mistakes_are_collected(void **state)
{
    struct load l cleanup(load_done) =
        load("mode = sometimes\ntiming {\n settle = soon\n}\nlimits {\n actions-per-hour = many\n}\n");

    (void)state;
    assert_int_equal(l.r, -EINVAL);
    assert_non_null(strstr(strbuf_text(&l.errors), "test.conf:1: mode: "));
    assert_non_null(strstr(strbuf_text(&l.errors), "test.conf:3: settle: "));
    assert_non_null(strstr(strbuf_text(&l.errors), "test.conf:6: actions-per-hour: "));
}

/* libconfuse's scanner is one per process: what a broken file left open must not reach into the next one. */
static void test_broken_file_leaves_nothing_behind(void **state)
{
    static const char *const broken[] = {"mode = \"rep", "mode = 'rep", "/* rep", "connection \"a\" {", "mode = {"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct load bad cleanup(load_done) = load(broken[i]);
        struct load good cleanup(load_done) = load("mode = repair\n");

        assert_int_equal(bad.r, -EINVAL);
        must_load(&good);
        assert_int_equal(good.conf->mode, CONF_MODE_REPAIR);
    }
}

static void test_defaults(void **state)
{
    struct load l cleanup(load_done) = load("");

    (void)state;
    must_load(&l);
    assert_int_equal(l.conf->mode, CONF_MODE_OBSERVE);
    assert_false(l.conf->aws);
    assert_null(l.conf->listen);
    assert_int_equal(l.conf->timing.probe_interval, 500 * USEC_PER_MSEC);
    assert_int_equal(l.conf->timing.suspect_interval, 100 * USEC_PER_MSEC);
    assert_int_equal(l.conf->timing.aws_repair_after, 30 * USEC_PER_SEC);
    assert_int_equal(l.conf->timing.hold, USEC_PER_MIN);
    assert_int_equal(l.conf->limits.actions_per_incident, 10);
    assert_int_equal(l.conf->limits.actions_per_hour, 30);
    assert_non_null(strstr(strbuf_text(&l.warnings), "test.conf: there is no connection"));
}

static const char full_file[] = "mode = approve # a comment\n"
                                "listen = \"127.0.0.1:9469\"\n"
                                "/* another */ aws { region = \"eu-west-1\" }\n"
                                "connection \"aurora-backup\" {\n"
                                "  vpn-connection-id = \"vpn-0123456789abcdef0\"\n"
                                "  ike = \"strongswan\"\n"
                                "  fallback = none\n"
                                "  networks = {\"10.0.0.0/16\", \"2001:db8::/32\"}\n"
                                "  tunnel \"1\" {\n"
                                "    outside-address = \"203.0.113.10\"\n"
                                "    inside-address = \"169.254.10.2\"\n"
                                "    probe = {\"169.254.10.1\", \"tcp:10.0.1.25:3306\", \"tcp:db.example.net:5432\"}\n"
                                "    ike-connection = \"aws-1\"\n"
                                "    ike-child = \"aws-1-child\"\n"
                                "  }\n"
                                "  tunnel \"2\" { expected = down }\n"
                                "}\n"
                                "ike \"strongswan\" { type = vici\n socket = \"/run/charon.vici\" }\n"
                                "ike \"other\" { type = none }\n"
                                "alert \"ops\" { url = \"https://ops.example.net/" SECRET_PATH "\"\n source = eth0 }\n"
                                "timing { probe-interval = \"1s\" }\n"
                                "limits { actions-per-incident = 3 }\n";

static void test_full_file(void **state)
{
    struct load l cleanup(load_done) = load(full_file);
    char text[ADDR_TEXT_MAX];

    (void)state;
    must_load(&l);
    assert_string_equal(strbuf_text(&l.warnings), "");

    const struct conf *c = l.conf;
    const struct conf_connection *connection = &c->connections[0];
    const struct conf_tunnel *t = &connection->tunnels[0];

    assert_string_equal(conf_mode_name(c->mode), "approve");
    assert_string_equal(c->listen, "127.0.0.1:9469");
    assert_true(c->aws);
    assert_string_equal(c->aws_region, "eu-west-1");
    assert_int_equal(c->n_connections, 1);
    assert_string_equal(connection->vpn_connection_id, "vpn-0123456789abcdef0");
    assert_ptr_equal(connection->ike, &c->ikes[0]);
    assert_string_equal(c->ikes[0].socket, "/run/charon.vici");
    assert_int_equal(c->ikes[1].type, CONF_IKE_NONE);
    assert_null(c->ikes[1].socket);
    assert_int_equal(connection->n_tunnels, 2);
    assert_string_equal(addr_text(&t->outside, text), "203.0.113.10");
    assert_string_equal(addr_text(&t->inside, text), "169.254.10.2");
    assert_string_equal(t->ike_connection, "aws-1");
    assert_string_equal(t->ike_child, "aws-1-child");
    assert_true(connection->tunnels[1].expected_down);
    assert_false(addr_is_set(&connection->tunnels[1].outside));
    assert_string_equal(secret_text(c->alerts[0].url), "https://ops.example.net/" SECRET_PATH);
    assert_string_equal(c->alerts[0].source, "eth0");
    assert_int_equal(c->timing.probe_interval, USEC_PER_SEC);
    assert_int_equal(c->limits.actions_per_incident, 3);
}

static void test_targets(void **state)
{
    struct load l cleanup(load_done) = load(full_file);
    char text[ADDR_TEXT_MAX];

    (void)state;
    must_load(&l);

    const struct conf_tunnel *t = &l.conf->connections[0].tunnels[0];

    assert_int_equal(t->n_targets, 3);
    assert_int_equal(t->targets[0].kind, CONF_TARGET_ICMP);
    assert_string_equal(addr_text(&t->targets[0].addr, text), "169.254.10.1");
    assert_int_equal(t->targets[1].kind, CONF_TARGET_TCP);
    assert_string_equal(t->targets[1].text, "tcp:10.0.1.25:3306");
    assert_string_equal(addr_port_text(&t->targets[1].addr, text), "10.0.1.25:3306");
    assert_null(t->targets[1].host);
    assert_string_equal(t->targets[2].host, "db.example.net");
    assert_int_equal(t->targets[2].port, 5432);
    assert_false(addr_is_set(&t->targets[2].addr));
}

static void test_ipv6(void **state)
{
    struct load l cleanup(load_done) = load("connection a {\n tunnel 1 {\n outside-address = \"2001:db8::1\"\n"
                                            " probe = {\"2001:db8::25\", \"tcp:[2001:db8::25]:443\"}\n }\n}\n");
    char text[ADDR_TEXT_MAX];

    (void)state;
    must_load(&l);

    const struct conf_tunnel *t = &l.conf->connections[0].tunnels[0];

    assert_string_equal(addr_text(&t->outside, text), "2001:db8::1");
    assert_string_equal(addr_text(&t->targets[0].addr, text), "2001:db8::25");
    assert_string_equal(addr_port_text(&t->targets[1].addr, text), "[2001:db8::25]:443");
}

static void test_warnings(void **state)
{
    struct load l cleanup(load_done) =
        load("mode = repair\nconnection a {\n vpn-connection-id = vpn-01234567\n tunnel 1 {\n"
             " outside-address = \"203.0.113.1\"\n }\n}\n");

    (void)state;
    must_load(&l);
    assert_non_null(
        strstr(strbuf_text(&l.warnings), "test.conf:3: vpn-connection-id has no effect without an aws section"));
    assert_non_null(strstr(strbuf_text(&l.warnings), "test.conf:4: tunnel \"1\" has no probe: it is judged by the IKE "
                                                     "daemon's word alone"));
}

static void test_take_over_is_yet_to_come(void **state)
{
    struct load l cleanup(load_done) = load("connection a {\n fallback = engine\n" TUNNEL("1", "203.0.113.1") "}\n");

    (void)state;
    must_load(&l);
    assert_non_null(strstr(strbuf_text(&l.warnings), "test.conf:2: fallback = engine has no effect: take-over by the "
                                                     "engine is not in this version"));
}

static void test_too_many_targets(void **state)
{
    struct strbuf text cleanup(strbuf_done);

    (void)state;
    strbuf_init(&text, TEXT_MAX);
    strbuf_puts(&text, "connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n probe = {\"10.0.0.1\"");
    for (unsigned i = 0; i < CONF_TARGETS_MAX; i++)
        strbuf_printf(&text, ",\n\"10.0.1.%u\"", i);
    strbuf_puts(&text, "}\n}\n}\n");

    struct load l cleanup(load_done) = load(strbuf_text(&text));

    assert_int_equal(l.r, -EINVAL);
    assert_non_null(strstr(strbuf_text(&l.errors), "test.conf:12: probe: at most 8 values"));
}

static void test_secret_files(void **state)
{
    char url[] = "/tmp/rekindle-url-XXXXXX", psk[] = "/tmp/rekindle-psk-XXXXXX", open[] = "/tmp/rekindle-open-XXXXXX";
    char text[1024];

    (void)state;
    make_file(url, "https://ops.example.net/" SECRET_PATH "\n", 0600);
    make_file(psk, "do-not-print", 0600);
    make_file(open, "https://ops.example.net/" SECRET_PATH "\n", 0644);
    (void)str_format(text, sizeof(text),
                     "connection a {\n tunnel 1 {\n outside-address = \"203.0.113.1\"\n probe = "
                     "\"10.0.0.1\"\n psk-file = \"%s\"\n }\n}\nalert b {\n url-file = \"%s\"\n}\n",
                     psk, url);

    struct load good cleanup(load_done) = load(text);

    must_load(&good);
    assert_string_equal(good.conf->connections[0].tunnels[0].psk_file, psk);
    assert_string_equal(secret_text(good.conf->alerts[0].url), "https://ops.example.net/" SECRET_PATH);

    (void)str_format(text, sizeof(text), "alert b {\n url-file = \"%s\"\n}\nalert c {\n url-file = \"%s\"\n}\n", open,
                     psk);

    struct load bad cleanup(load_done) = load(text);

    assert_int_equal(bad.r, -EINVAL);
    assert_non_null(strstr(strbuf_text(&bad.errors), "test.conf:2: url-file: everybody may read the secret in"));
    assert_non_null(strstr(strbuf_text(&bad.errors), "test.conf:5: url-file: the text in"));
    assert_null(strstr(strbuf_text(&bad.errors), "do-not-print"));
    (void)unlink(url);
    (void)unlink(psk);
    (void)unlink(open);
}

static void test_file_that_cannot_be_opened(void **state)
{
    struct strbuf errors cleanup(strbuf_done);
    struct conf *c = NULL;

    (void)state;
    strbuf_init(&errors, TEXT_MAX);
    assert_int_equal(conf_load("/nonexistent/rekindle.conf", &c, &errors, NULL), -ENOENT);
    assert_string_equal(strbuf_text(&errors),
                        "/nonexistent/rekindle.conf: cannot read it: No such file or directory\n");
    assert_null(c);
}

static void test_zero_byte(void **state)
{
    static const char text[] = "mode = repair\n\0mode = observe\n";
    struct strbuf errors cleanup(strbuf_done);
    struct conf *c = NULL;

    (void)state;
    strbuf_init(&errors, TEXT_MAX);
    assert_int_equal(conf_load_text("test.conf", text, sizeof(text) - 1, &c, &errors, NULL), -EINVAL);
    assert_non_null(strstr(strbuf_text(&errors), "zero byte"));
}

static void test_sample_loads(void **state)
{
    struct strbuf sample cleanup(strbuf_done);

    (void)state;
    strbuf_init(&sample, TEXT_MAX);
    conf_sample(&sample);
    assert_false(sample.bad);

    struct load l cleanup(load_done) = load(strbuf_text(&sample));

    must_load(&l);
    assert_non_null(strstr(strbuf_text(&sample), "# probe-interval = 500ms\n"));
    assert_non_null(strstr(strbuf_text(&sample), "# mode = observe\n"));
}

/* The example with the file that it names put where this test may write. */
static struct load load_example(const char *path)
{
    static const char named[] = "/etc/rekindle/ops.url";
    char url[] = "/tmp/rekindle-url-XXXXXX";
    struct strbuf text cleanup(strbuf_done), moved cleanup(strbuf_done);

    strbuf_init(&text, TEXT_MAX);
    strbuf_init(&moved, TEXT_MAX);
    assert_int_equal(file_read(path, &text), 0);
    make_file(url, "https://ops.example.net/x\n", 0600);

    const char *at = strstr(strbuf_text(&text), named);

    assert_non_null(at);
    strbuf_add(&moved, strbuf_text(&text), (size_t)(at - strbuf_text(&text)));
    strbuf_puts(&moved, url);
    strbuf_puts(&moved, &at[strlen(named)]);

    struct load l = load(strbuf_text(&moved));

    (void)unlink(url);
    return l;
}

static void test_examples(void **state)
{
    struct load gateway cleanup(load_done) = load_example("conf/examples/gateway.conf");
    struct load aws_only cleanup(load_done) = load_example("conf/examples/aws-only.conf");
    struct load gateway_only cleanup(load_done) = load_example("conf/examples/gateway-only.conf");

    (void)state;
    must_load(&gateway);
    must_load(&aws_only);
    must_load(&gateway_only);
    assert_string_equal(strbuf_text(&gateway.warnings), "");
    assert_string_equal(strbuf_text(&aws_only.warnings), "");
    assert_string_equal(strbuf_text(&gateway_only.warnings), "");
    assert_true(gateway.conf->aws);
    assert_int_equal(gateway.conf->connections[0].ike->type, CONF_IKE_VICI);
    assert_int_equal(aws_only.conf->connections[0].ike->type, CONF_IKE_NONE);
    assert_false(gateway_only.conf->aws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_mistakes_are_collected),
        cmocka_unit_test(test_broken_file_leaves_nothing_behind),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_full_file),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_take_over_is_yet_to_come),
        cmocka_unit_test(test_too_many_targets),
        cmocka_unit_test(test_secret_files),
        cmocka_unit_test(test_file_that_cannot_be_opened),
        cmocka_unit_test(test_zero_byte),
        cmocka_unit_test(test_sample_loads),
        cmocka_unit_test(test_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
