/*
 * Exchanges that we begin, as tasks of an IKE_SA: one is out at a time (our window is one), the others wait in order.
 * Each kind is a row: how its request is built and what its response does. What the peer begins has a handler for each
 * exchange instead. Both get messages that were verified and whose contents are legal (engine/wire/rules.h).
 */
#pragma once

#include "engine/ike/message.h"
#include "engine/ike/sa.h"

enum task_kind {
    TASK_INIT,        /* IKE_SA_INIT */
    TASK_AUTH,        /* IKE_AUTH; with the first CHILD_SA of ->conf unless childless */
    TASK_CHILD,       /* CREATE_CHILD_SA of ->conf */
    TASK_REKEY_CHILD, /* of ->child */
    TASK_REKEY_IKE,
    TASK_DELETE_CHILD, /* of ->child */
    TASK_DELETE_IKE,
    TASK_DPD, /* an empty INFORMATIONAL */
};
#define TASK_KINDS 8

enum task_result {
    TASK_DONE,  /* freed; its ticket is answered with ->error or success */
    TASK_AGAIN, /* build() once more: another COOKIE, another group; or after ->not_before */
    TASK_WAIT,  /* IKE_SA_INIT: this answer does not count, the real one may still come */
};

struct create; /* engine/ike/create.h: nonce, key exchange and CHILD_SA of a CREATE_CHILD_SA (or IKE_AUTH) under way */

struct task {
    struct task *next;
    enum task_kind kind;
    uint32_t ticket; /* 0: nobody waits */
    usec_t not_before;
    unsigned tries;            /* of build() after TEMPORARY_FAILURE and the like */
    struct ike_conf *ike_conf; /* owned reference, of CONF; NULL */
    const struct child_conf *conf;
    uint32_t child;        /* unique id of the CHILD_SA it is about; 0 */
    struct create *create; /* owned */
    char error[128];       /* why it failed; "" */
};

struct task_ops {
    const char *name;
    uint8_t exchange;
    /*
     * Writes the payloads of the request. 0; -ECANCELED where there is nothing to do any more (the task is then done);
     * -EAGAIN where it has to wait, until ->not_before; other errors end the task with ->error, the IKE_SA stays.
     */
    int (*build)(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now);
    enum task_result (*process)(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now);
};

extern const struct task_ops task_init_ops, task_auth_ops, task_child_ops, task_rekey_child_ops, task_rekey_ike_ops,
    task_delete_child_ops, task_delete_ike_ops, task_dpd_ops;

/*
 * Queues a task of KIND; it goes out when its turn comes (task_run()). Of DPD, REKEY_IKE and DELETE_IKE one only, of a
 * CHILD_SA one REKEY and one DELETE: then the one that is there already is returned. NULL: no memory or SA_TASKS_MAX.
 */
struct task *task_add(struct ike_sa *sa, enum task_kind kind, struct ike_conf *ike_conf, const struct child_conf *conf,
                      uint32_t child, uint32_t ticket);
void task_free(struct ike_sa *sa, struct task *t, const char *error); /* unlinked; answers its ticket */
void task_end(struct ike_sa *sa, struct task *t, const char *reason); /* its IKE_SA ends, as a DELETE wanted */
bool task_is_out(const struct ike_sa *sa, const struct task *t);      /* its request waits for the response */
const struct task *task_find(const struct ike_sa *sa, enum task_kind kind, uint32_t child); /* 0: any; NULL */

/* Hands a task that waits to the IKE_SA that replaces SA. */
void task_move(struct ike_sa *sa, struct task *t, struct ike_sa *to);

const struct task_ops *task_ops(enum task_kind kind);

/* What the peer's request that is being answered asks for, and whether IKE_AUTH asks for a CHILD_SA. False: none is. */
bool task_asked(const struct ike_sa *sa, enum task_kind *ret, bool *ret_child);

/* Sends the next request where the window is free and one is due. Called by engine.c after every input and tick. */
void task_run(struct ike_sa *sa, usec_t now);

/* Responder: writes the payloads of the response. The IKE_SA may be IKE_DESTROYING afterwards: the response still goes.
 */
void respond_auth(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now);
void respond_create_child(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now);
void respond_informational(struct ike_sa *sa, const struct message *in, struct chain_writer *cw, usec_t now);
