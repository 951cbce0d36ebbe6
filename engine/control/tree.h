/* What VICI's messages have in common: SAs and selectors as charon's list-sas writes them, with keys of ours beside. */
#pragma once

#include "base/clock.h"
#include "clients/vici/message.h"
#include "engine/ike/selectors.h"

struct ike_sa;
struct child_sa;

void tree_put_ike(struct strbuf *b, const struct ike_sa *sa, usec_t now);    /* the keys, no section */
void tree_put_child(struct strbuf *b, const struct child_sa *c, usec_t now); /* a section of its name and id */
void tree_put_child_rekeyed(struct strbuf *b, const struct child_sa *old, const struct child_sa *new, usec_t now);
void tree_put_selectors(struct strbuf *b, const char *key, const struct selectors *ss);
void tree_put_selectors_conf(struct strbuf *b, const char *key, const struct selectors_conf *ss);
