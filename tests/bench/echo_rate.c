/*
 * How many echoes a second of CPU time pays for: probes/icmp.c against addresses of 127.0.0.0/8, as fast as the answers
 * come. The kernel's work is counted too, on loopback also that of answering.
 *
 *   echo_rate [TARGETS [ROUNDS [OUTSTANDING]]]
 */
#include "base/parse.h"
#include "probes/icmp.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PATIENCE USEC_PER_SEC /* what is not answered then is lost */

struct count {
    uint64_t sent, answered, refused;
};

static void on_reply(void *data, usec_t sent, usec_t rtt)
{
    struct count *c = data;

    (void)sent;
    (void)rtt;
    c->answered++;
}

static uint64_t argument(int argc, char **argv, int k, uint64_t max, uint64_t otherwise)
{
    uint64_t n = otherwise;

    if (k < argc && (parse_u64(argv[k], max, &n) < 0 || n == 0)) {
        fprintf(stderr, "usage: %s [TARGETS [ROUNDS [OUTSTANDING]]]\n", argv[0]);
        exit(64);
    }
    return n;
}

static double cpu_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Sends TOTAL echoes to the targets in turn with at most OUTSTANDING on their way. */
static int run(struct loop *l, struct icmp_target **targets, uint64_t n, uint64_t total, uint64_t outstanding,
               struct count *c)
{
    int r = 0;

    while (c->answered + c->refused < total && r >= 0) {
        uint64_t before = c->answered;

        while (c->sent < total && c->sent - c->answered - c->refused < outstanding)
            if (icmp_send(targets[c->sent++ % n], loop_now(l)) < 0)
                c->refused++;
        r = loop_turn(l, PATIENCE);
        if (c->answered == before && r == 0)
            break;
    }
    return r;
}

int main(int argc, char **argv)
{
    uint64_t n = argument(argc, argv, 1, ICMP_TARGETS_MAX, 1000), rounds = argument(argc, argv, 2, 1000000, 200);
    uint64_t outstanding = argument(argc, argv, 3, 256, 64);
    cleanup(freep) struct icmp_target **targets = calloc(n, sizeof(struct icmp_target *));
    cleanup(loop_freep) struct loop *l = NULL;
    cleanup(icmp_freep) struct icmp *i = NULL;
    struct addr none = {0}, to = addr_any(AF_INET);
    struct count c = {0};
    double cpu;
    int r = targets ? loop_new(&l) : -1;

    if (r >= 0)
        r = icmp_new(l, &i);
    for (uint64_t k = 0; k < n && r >= 0; k++) {
        to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)k);
        r = icmp_target_new(i, &to, &none, on_reply, &c, &targets[k]);
    }
    if (r >= 0)
        r = run(l, targets, n, n * rounds, outstanding, &c);
    if (r < 0) {
        fprintf(stderr, "echo_rate: %s\n", strerror(-r));
        return 1;
    }
    cpu = cpu_seconds();
    printf("{\"echoes\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"cpu_seconds\": %.3f, \"echoes_per_cpu_second\": %.0f}\n",
           c.answered, n * rounds - c.answered, cpu, cpu > 0 ? (double)c.answered / cpu : 0);
    return 0;
}
