/* What the parts of engine/ike share of the engine: its surroundings, its queue of output, its tables. */
#pragma once

#include "engine/ike/message.h"
#include "engine/ike/sa.h"

/* Surroundings ---------------------------------------------------------------------------------------------------- */
const struct engine_settings *core_settings(const struct engine *e);
const struct path_ops *core_path(const struct engine *e, void **ret_data);
struct creds *core_creds(const struct engine *e);
usec_t core_wall(const struct engine *e);
void core_random(const struct engine *e, void *buf, size_t len);
int core_source(const struct engine *e, const struct addr *peer, struct addr *ret);
void core_event(const struct engine *e, const struct engine_event *ev);
void core_log(const struct engine *e, enum engine_group g, int level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void core_done(struct engine *e, uint32_t ticket, const char *error); /* ticket 0: nothing */
void core_count(struct engine *e, enum engine_counter c);             /* of no connection that is known */

/* Output: copies; retransmissions send the same packets again ------------------------------------------------------ */
void core_send(struct engine *e, const struct addr *local, const struct addr *remote, bool natt,
               const struct packets *ps);

/* Answers to what nobody vouches for are few: whether one more of its kind may go in this second. */
enum core_answer {
    CORE_ANSWER_HINT,    /* to an SPI or a version that is not known */
    CORE_ANSWER_REFUSAL, /* to an IKE_SA_INIT that is none of ours */
    CORE_ANSWER_REPEAT,  /* to a request that was answered, from elsewhere */
    CORE_ANSWERS,
};
bool core_may_answer(struct engine *e, enum core_answer a, usec_t now);

/* Tables ---------------------------------------------------------------------------------------------------------- */
uint32_t core_reqid(struct engine *e, const char *ike, const struct child_conf *conf); /* the same for the same child */
uint32_t core_esp_spi(struct engine *e); /* random, above 255, none of ours in use */
/* The token of an IKE_SA of ours, made of its SPIs and the secret of the settings (RFC 6290 5). False: no QCD. */
#define CORE_QCD_LEN 32
bool core_qcd_token(const struct engine *e, const uint8_t *spi_i, const uint8_t *spi_r,
                    uint8_t ret[static CORE_QCD_LEN]);
struct ike_sa *core_sa_by_unique(const struct engine *e, uint32_t unique);
struct ike_sa *core_sa_by_spi(const struct engine *e, const uint8_t *my_spi);
void core_sa_hash(struct ike_sa *sa); /* enters it by its SPI of ours */
void core_sa_unhash(struct ike_sa *sa);

/* The end of an attempt or of an IKE_SA ---------------------------------------------------------------------------- */

/*
 * SA, which was CONNECTING, cannot be established. It is destroyed; where keyingtries allow it begins anew with the
 * same tasks: at once after SILENCE, after a growing pause otherwise. Tickets are answered with REASON when it is given
 * up, and otherwise than after silence at once.
 */
void core_attempt_failed(struct ike_sa *sa, bool silence, const char *reason, usec_t now);

/* The peer of SA, which was established, does not answer any more, or does not know it (QCD): it is destroyed and the
 * dpd actions of its CHILD_SAs are carried out. */
void core_peer_lost(struct ike_sa *sa, const char *reason, usec_t now);

/* The close action of a CHILD_SA that the peer deleted, ACTION are enum conf_action bits: begun anew on the IKE_SA
 * where that one lives on, on a new one otherwise, with no more than one attempt for a child at a time. */
void core_action(struct engine *e, struct ike_conf *c, const struct child_conf *conf, unsigned action, usec_t now);

/* SA became established: unique ids are enforced (RFC 7296 2.4, `unique`), other attempts of the same connection end.
 */
void core_established(struct ike_sa *sa, bool initial_contact, usec_t now);
