/*
 * Why an IKE negotiation failed, out of what charon says of it: one line of its log (control-log) or the error message
 * of its answer. The wording is that of strongSwan 5.9.8, level 1. Pure.
 */
#pragma once

#include "remediation/outcome.h"

enum outcome_ike ike_reason(const char *line); /* OUTCOME_IKE_NONE where the line does not tell */
