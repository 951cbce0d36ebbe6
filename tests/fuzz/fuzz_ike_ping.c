/* The reader of answers to IKE pings: an answer has a header that says so, whatever comes after it. */
#include "probes/ike_ping.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ike_ping_answer a = {0};

    if (ike_ping_parse(data, size, &a) == 0) {
        assert(size >= 28);
        assert(data[18] == 34 && (data[19] & 0x20) != 0);
        assert(a.notify == 0 || size >= 28 + 8);
    }
    return 0;
}
