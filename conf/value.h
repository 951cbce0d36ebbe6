/* One parser for each type of value. Each takes the whole text or says in one sentence what is wrong with it. */
#pragma once

#include "base/strbuf.h"
#include "conf/conf.h"

#include <stdbool.h>

struct conf_option;

/*
 * Reads TEXT and stores the value in the field of OBJECT that O names. -EINVAL with a sentence in WHY, or -ENOMEM; the
 * field is untouched then. The sentence follows "KEY: " and quotes the value unless it is a secret.
 */
typedef int conf_value_fn(const struct conf_option *o, const char *text, void *object, struct strbuf *why);

conf_value_fn conf_value_mode;       /* enum conf_mode */
conf_value_fn conf_value_ike_type;   /* enum conf_ike_type */
conf_value_fn conf_value_expected;   /* bool: "down" */
conf_value_fn conf_value_fallback;   /* checked only */
conf_value_fn conf_value_alert_type; /* checked only */
conf_value_fn conf_value_name;       /* char *: a name in the IKE daemon */
conf_value_fn conf_value_path;       /* char *: absolute, need not be there */
conf_value_fn conf_value_psk_file;   /* char *: absolute, there, not readable by others */
conf_value_fn conf_value_url;        /* struct secret * */
conf_value_fn conf_value_url_file;   /* struct secret *, read from the file */
conf_value_fn conf_value_address;    /* struct addr */
conf_value_fn conf_value_listen;     /* char *: loopback address and port */
conf_value_fn conf_value_source;     /* char *: address or interface */
conf_value_fn conf_value_vpn_id;     /* char * */
conf_value_fn conf_value_region;     /* char * */
conf_value_fn conf_value_target;     /* appends to the targets of a struct conf_tunnel */
conf_value_fn conf_value_network;    /* checked only */
conf_value_fn conf_value_duration;   /* usec_t */
conf_value_fn conf_value_number;     /* unsigned */

/* Whether TEXT may be the title of a section: it is shown, and names a tunnel as "connection/tunnel". */
bool conf_value_title_ok(const char *text);

/* For the parsers: the field of OBJECT that O names, and a copy of TEXT in a char * field (nothing where O has none).
 */
void *conf_value_field(const struct conf_option *o, void *object);
int conf_value_keep_text(const struct conf_option *o, const char *text, void *object);
