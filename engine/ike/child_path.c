#include "engine/ike/child_path.h"

#include "engine/ike/life.h"

int child_path_install(struct child_sa *c, bool initiator, const struct child_keys *keys, usec_t now)
{
    struct path_child p;
    const struct path_ops *path;
    void *data;
    int r;

    child_sa_become(c, CHILD_INSTALLING, "the peers agreed", now);
    path = core_path(c->ike->engine, &data);
    c->encap = c->ike->encap;
    p = (struct path_child){
        .unique = c->unique,
        .ike = c->ike_conf,
        .conf = c->conf,
        .spi_in = c->spi_in,
        .spi_out = c->spi_out,
        .suite = c->suite,
        .initiator = initiator,
        .keys = keys,
        .local = c->ike->local,
        .remote = c->ike->remote,
        .encap = c->encap,
        .local_ts = &c->local_ts,
        .remote_ts = &c->remote_ts,
    };
    r = path->child_install(data, &p);
    if (r < 0)
        return r;
    c->in_path = true;
    c->installed_at = now;
    life_of_child(c, now);
    child_sa_become(c, CHILD_INSTALLED, "in the data path", now);
    return 0;
}

void child_path_use(struct child_sa *c)
{
    void *data;
    const struct path_ops *path = core_path(c->ike->engine, &data);

    if (c->in_path)
        path->child_use(data, c->unique);
}

void child_path_update(struct child_sa *c)
{
    void *data;
    const struct path_ops *path = core_path(c->ike->engine, &data);

    c->encap = c->ike->encap;
    if (c->in_path)
        path->child_update(data, c->unique, &c->ike->local, &c->ike->remote, c->encap);
}

bool child_path_usage(const struct child_sa *c, struct path_usage *ret)
{
    void *data;
    const struct path_ops *path = core_path(c->ike->engine, &data);

    *ret = (struct path_usage){0};
    return c->in_path && path->child_usage(data, c->unique, ret);
}
