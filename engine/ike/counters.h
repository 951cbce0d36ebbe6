/* What get-counters tells: messages and rekeyings since the start. */
#pragma once

#include <stdint.h>

enum engine_counter { /* as get-counters names them; engine_counter_name() */
                      ENGINE_IKE_REKEY_INIT,
                      ENGINE_IKE_REKEY_RESP,
                      ENGINE_CHILD_REKEY,
                      ENGINE_IN_INVALID,
                      ENGINE_IN_INVALID_SPI,
                      ENGINE_IN_INIT_REQ,
                      ENGINE_IN_INIT_RSP,
                      ENGINE_OUT_INIT_REQ,
                      ENGINE_OUT_INIT_RSP,
                      ENGINE_IN_AUTH_REQ,
                      ENGINE_IN_AUTH_RSP,
                      ENGINE_OUT_AUTH_REQ,
                      ENGINE_OUT_AUTH_RSP,
                      ENGINE_IN_CHILD_REQ,
                      ENGINE_IN_CHILD_RSP,
                      ENGINE_OUT_CHILD_REQ,
                      ENGINE_OUT_CHILD_RSP,
                      ENGINE_IN_INFO_REQ,
                      ENGINE_IN_INFO_RSP,
                      ENGINE_OUT_INFO_REQ,
                      ENGINE_OUT_INFO_RSP,
                      ENGINE_COUNTERS,
};
const char *engine_counter_name(enum engine_counter c); /* "ike-rekey-init", "in-invalid" */
