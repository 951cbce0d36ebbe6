/* From AWS's answer to the views of the tunnels. */
#pragma once

#include "agent/state.h"

/* Fills the AWS view of every tunnel from what the probe knows. */
void aws_view_update(struct agent *a);
