#include "engine/ike/message_ids.h"

#include <assert.h>

enum message_id_meaning message_ids_of_request(const struct message_ids *m, uint32_t id)
{
    if (id == m->expected)
        return id == UINT32_MAX ? MESSAGE_ID_EXHAUSTED : MESSAGE_ID_NEW;
    if (m->expected > 0 && id == m->expected - 1 && m->response.n > 0)
        return MESSAGE_ID_REPEATED;
    return MESSAGE_ID_OUTSIDE;
}

enum message_id_meaning message_ids_of_response(const struct message_ids *m, uint32_t id)
{
    return m->pending && id == m->next - 1 ? MESSAGE_ID_NEW : MESSAGE_ID_OUTSIDE;
}

void message_ids_request_in(struct message_ids *m, struct packets *response)
{
    assert(m->expected != UINT32_MAX);
    m->expected++;
    packets_move(&m->response, response);
}

bool message_ids_idle(const struct message_ids *m)
{
    return !m->pending && !message_ids_exhausted(m);
}

bool message_ids_exhausted(const struct message_ids *m)
{
    return m->next == UINT32_MAX || m->expected == UINT32_MAX;
}

void message_ids_request_out(struct message_ids *m, struct packets *request)
{
    assert(message_ids_idle(m));
    assert(request->n > 0);
    packets_move(&m->request, request);
    m->next++;
    m->pending = true;
}

void message_ids_response_in(struct message_ids *m)
{
    assert(m->pending);
    packets_clear(&m->request);
    m->pending = false;
}

void message_ids_restart(struct message_ids *m)
{
    assert(m->next <= 1);
    packets_clear(&m->request);
    m->pending = false;
    m->next = 0;
}

void message_ids_repeat(struct message_ids *m)
{
    assert(m->next > 0);
    packets_clear(&m->request);
    m->pending = false;
    m->next--;
}

void message_ids_done(struct message_ids *m)
{
    packets_clear(&m->request);
    packets_clear(&m->response);
    *m = (struct message_ids){0};
}
