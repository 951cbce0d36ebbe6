/* Names of the numbers of IKEv2 for logs, as in the RFCs: "IKE_AUTH", "NO_PROPOSAL_CHOSEN", "TSi". NULL where unknown.
 */
#pragma once

#include <stdint.h>

const char *name_exchange(uint8_t exchange);
const char *name_payload(uint8_t payload);
const char *name_notify(uint16_t notify);
const char *name_auth_method(uint8_t method);
