/* The reader of echo replies: of a datagram socket, of a raw IPv4 one behind an IP header, and of a raw IPv6 one. */
#include "probes/icmp_socket.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct icmp_batch b;
    struct icmp_packet *p = &b.packets[0];

    b.n = 1;
    for (int kind = 0; kind < 4; kind++) {
        struct icmp_socket s = {.raw = kind & 1, .id = 0x1234, .source = addr_any(kind & 2 ? AF_INET6 : AF_INET)};
        struct icmp_echo e = {0};

        p->from = s.source;
        p->from_len = addr_len(&s.source);
        p->len = size; /* longer than the buffer where the kernel cut it */
        memcpy(p->bytes, data, size < sizeof(p->bytes) ? size : sizeof(p->bytes));
        if (icmp_socket_echo(&s, &b, 0, &e)) {
            assert(size >= 8);
            assert(rd_left(&e.payload) <= size - 8 && e.payload.end <= p->bytes + sizeof(p->bytes));
        }
    }
    return 0;
}
