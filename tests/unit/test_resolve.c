/* Names, in a network namespace where no name server answers and a mount namespace with a hosts file of the test's own.
 */
#include "base/resolve.h"

#include "base/str.h"
#include "tests/unit/netns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#define PATIENCE (20 * USEC_PER_SEC) /* for what must happen */

static struct loop *loop;
static int name_server = -1;
static const char *not_here; /* why the namespaces could not be made */

struct heard {
    size_t n;
    int error;
    struct addr addr;
};

static void on_resolved(void *data, int error, const struct addr *a)
{
    struct heard *h = data;

    h->n++;
    h->error = error;
    h->addr = *a;
}

static int set_up(void **state)
{
    (void)state;
    return loop_new(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    loop = loop_free(loop);
    return 0;
}

static void need_namespaces(void)
{
    if (not_here) {
        print_message("%s\n", not_here);
        skip();
    }
}

static void turn_until(const struct heard *h, size_t n)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (h->n < n) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
}

static struct resolve *start(const char *host, int family, struct heard *h)
{
    struct resolve *r = NULL;

    assert_int_equal(resolve_start(loop, host, family, on_resolved, h, &r), 0);
    assert_non_null(r);
    return r;
}

/* From now on questions come to a name server that is silent. */
static void silence_name_server(void)
{
    struct addr a = {.in = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};

    name_server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(name_server >= 0);
    assert_int_equal(bind(name_server, &a.sa, addr_len(&a)), 0);
}

/* Turns the loop, which must not be held up, until a question came. */
static void await_question(void)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;
    char question[512];

    while (recv(name_server, question, sizeof(question), MSG_DONTWAIT) < 0) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, USEC_PER_MSEC) >= 0);
    }
}

static void test_name_of_the_hosts_file(void **state)
{
    char text[ADDR_TEXT_MAX];
    struct heard h = {0};

    (void)state;
    need_namespaces();
    (void)start("db.test", AF_UNSPEC, &h);
    assert_int_equal(h.n, 0);
    turn_until(&h, 1);
    assert_int_equal(h.error, 0);
    assert_string_equal(addr_text(&h.addr, text), "192.0.2.7");
    assert_int_equal(addr_port(&h.addr), 0);
    (void)start("db6.test", AF_INET6, &h);
    turn_until(&h, 2);
    assert_int_equal(h.error, 0);
    assert_string_equal(addr_text(&h.addr, text), "2001:db8::7");
    assert_int_equal(loop_turn(loop, 0), 0);
    assert_int_equal(h.n, 2);
}

static void test_name_that_is_not_found(void **state)
{
    struct heard h = {0};

    (void)state;
    need_namespaces();
    (void)start("nowhere.test", AF_UNSPEC, &h);
    (void)start("db6.test", AF_INET, &h);
    turn_until(&h, 2);
    assert_int_equal(h.error, -EHOSTUNREACH);
}

static void test_silent_name_server_and_cancelled_lookups(void **state)
{
    struct resolve *waiting[RESOLVE_MAX], *one_more = NULL;
    struct heard h = {0}, found = {0};
    usec_t end;

    (void)state;
    need_namespaces();
    assert_null(resolve_cancel(NULL));
    silence_name_server();
    for (size_t k = 0; k < RESOLVE_MAX; k++)
        waiting[k] = start("silent.test", AF_INET, &h);
    assert_int_equal(resolve_start(loop, "db.test", AF_INET, on_resolved, &h, &one_more), -EBUSY);
    for (size_t k = 0; k < RESOLVE_MAX; k++)
        await_question();
    assert_int_equal(h.n, 0);
    for (size_t k = 0; k < RESOLVE_MAX; k++)
        waiting[k] = resolve_cancel(waiting[k]);
    assert_int_equal(resolve_start(loop, "db.test", AF_INET, on_resolved, &h, &one_more), -EBUSY);

    /* They count until glibc has given up on them, and nobody hears of them. */
    end = clock_now(clock_system()) + PATIENCE;
    while (resolve_start(loop, "db.test", AF_INET, on_resolved, &found, &one_more) == -EBUSY) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, 5 * USEC_PER_MSEC) >= 0);
    }
    turn_until(&found, 1);
    assert_int_equal(found.error, 0);
    assert_int_equal(h.n, 0);
    assert_int_equal(close(name_server), 0);
}

static const char *enter_namespaces(void)
{
    if (netns_enter() < 0)
        return "no network namespace can be made here";
    if (netns_file("/etc/hosts", "192.0.2.7 db.test\n2001:db8::7 db6.test\n") < 0 ||
        netns_file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n") < 0)
        return "no mount namespace can be made here";
    return NULL;
}

#define resolve_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        resolve_test(test_name_of_the_hosts_file),
        resolve_test(test_name_that_is_not_found),
        resolve_test(test_silent_name_server_and_cancelled_lookups),
    };

    not_here = enter_namespaces();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
