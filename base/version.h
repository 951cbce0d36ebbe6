/* The version of all our programs. */
#pragma once

#define REKINDLE_VERSION "0.1.0"
