#include "engine/ike/window.h"

#include <assert.h>

enum window_meaning window_of_request(const struct window *w, uint32_t id)
{
    if (id == w->expected)
        return id == UINT32_MAX ? WINDOW_EXHAUSTED : WINDOW_NEW;
    if (w->expected > 0 && id == w->expected - 1 && w->response.n > 0)
        return WINDOW_REPEATED;
    return WINDOW_OUTSIDE;
}

enum window_meaning window_of_response(const struct window *w, uint32_t id)
{
    return w->pending && id == w->next - 1 ? WINDOW_NEW : WINDOW_OUTSIDE;
}

void window_request_in(struct window *w, struct packets *response)
{
    assert(w->expected != UINT32_MAX);
    w->expected++;
    packets_move(&w->response, response);
}

bool window_idle(const struct window *w)
{
    return !w->pending && !window_exhausted(w);
}

bool window_exhausted(const struct window *w)
{
    return w->next == UINT32_MAX || w->expected == UINT32_MAX;
}

void window_request_out(struct window *w, struct packets *request)
{
    assert(window_idle(w));
    assert(request->n > 0);
    packets_move(&w->request, request);
    w->next++;
    w->pending = true;
}

void window_response_in(struct window *w)
{
    assert(w->pending);
    packets_clear(&w->request);
    w->pending = false;
}

void window_restart(struct window *w)
{
    assert(w->next <= 1);
    packets_clear(&w->request);
    w->pending = false;
    w->next = 0;
}

void window_done(struct window *w)
{
    packets_clear(&w->request);
    packets_clear(&w->response);
    *w = (struct window){0};
}
