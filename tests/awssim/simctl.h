/*
 * The control interface for tests, unsigned, under /sim/. All take a form:
 *   ping
 *   state                                       JSON: state of the connection, options and telemetry of the tunnels
 *   inject    kind= [action=] [times=]          kind: none throttle unavailable apply-then-503 denied hang-up
 *                                               freeze-before freeze-after
 *   clock     skew=SECONDS                      our clock against the host's; may be negative
 *   telemetry tunnel= status=UP|DOWN|auto       auto: what the endpoint says
 *   options   tunnel= [dpd=] [startup=]         what AWS tells from now on; the endpoint is not touched
 *   replace   tunnel= how=delete|silent seconds=
 */
#pragma once

#include "base/strbuf.h"
#include "tests/awssim/form.h"
#include "tests/awssim/sim.h"

#define SIMCTL_PREFIX     "/sim/"
#define SIMCTL_ANSWER_MAX 4096

/* Runs PATH (behind the prefix), appends the answer, returns the HTTP status. */
unsigned simctl_run(struct sim *s, const char *path, const struct form *f, struct strbuf *out);
