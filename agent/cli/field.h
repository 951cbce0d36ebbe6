/* Members of the daemon's documents. What is missing or of another type reads as the value given for that. */
#pragma once

#include "base/clock.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>

#define FIELD_MAX 1024 /* bytes of a text that is shown */

/* Texts are made printable: names and evidence may come from far away, and end on a terminal. */
const char *field_text(struct json_object *o, const char *key, const char *otherwise, char buf[static FIELD_MAX]);

/* "2026-11-24 08:25:00 UTC" of an RFC 3339 text; "" where there is none. */
const char *field_time(struct json_object *o, const char *key, char buf[static FIELD_MAX]);

/* The same as time; 0 where there is none. */
usec_t field_wall(struct json_object *o, const char *key);

/* "<1 s", "8 s", "3 min 20 s" of a number of whole seconds; "-" where it makes no sense. */
const char *field_span(double seconds, char buf[static FIELD_MAX]);

bool field_flag(struct json_object *o, const char *key, bool otherwise);
double field_number(struct json_object *o, const char *key, double otherwise);
struct json_object *field_object(struct json_object *o, const char *key); /* borrowed; NULL where there is none */
struct json_object *field_array(struct json_object *o, const char *key);  /* likewise */

/* The number of elements; 0 for NULL. */
size_t field_count(struct json_object *array);
