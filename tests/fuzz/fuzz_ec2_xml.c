/* The readers of EC2's answers: whatever comes, they end with an error or with connections within their maxima. */
#include "clients/aws/ec2_xml.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ec2_connections c = {0};
    struct aws_failure f;

    if (ec2_xml_read((const char *)data, size, &c) == 0) {
        assert(c.n <= EC2_CONNECTIONS_MAX);
        for (size_t i = 0; i < c.n; i++) {
            assert(c.connections[i].n_tunnels <= EC2_TUNNELS_MAX);
            assert(strnlen(c.connections[i].id, EC2_ID_MAX) < EC2_ID_MAX);
        }
        ec2_xml_done(&c);
    }
    aws_failure_read((const char *)data, size, 400, "ec2:Fuzz", &f);
    assert(strnlen(f.text, AWS_TEXT_MAX) < AWS_TEXT_MAX);
    return 0;
}
