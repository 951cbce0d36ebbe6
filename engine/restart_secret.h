/*
 * The secret that a restart finds again, so that the engine can prove to a peer that it lost an IKE_SA (RFC 6290 5.1):
 * STATE_DIR/engine.secret, readable by its owner only, made where it is missing.
 */
#pragma once

#include "engine/ike/ops.h"

/* -errno, with *RET zeroed. */
int restart_secret(const char *state_dir, uint8_t ret[static ENGINE_SECRET_LEN]);
