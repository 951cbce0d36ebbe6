/* The commands, each in the file of its noun. */
#pragma once

struct call;

void version_run(struct call *c);
void stats_run(struct call *c);

void conns_load(struct call *c);
void conns_unload(struct call *c);
void conns_get(struct call *c);
void list_conns_run(struct call *c);

void list_sas_run(struct call *c);
void initiate_run(struct call *c);
void terminate_run(struct call *c);
void rekey_run(struct call *c);

void shared_load(struct call *c);
void shared_unload(struct call *c);
void shared_get(struct call *c);

void certs_load(struct call *c);
void certs_clear(struct call *c);
void certs_flush(struct call *c);
void list_certs_run(struct call *c);

void keys_load(struct call *c);
void keys_unload(struct call *c);
void keys_get(struct call *c);

void policies_install(struct call *c);
void policies_uninstall(struct call *c);
void list_policies_run(struct call *c);

void counts_get(struct call *c);
void counts_reset(struct call *c);
void algorithms_run(struct call *c);

/* What the engine lacks, and what there is nothing of. */
void none_pools(struct call *c);
void none_authorities(struct call *c);
void none_list_authorities(struct call *c);
void none_load_pool(struct call *c);
void none_load_authority(struct call *c);
void none_unload_pool(struct call *c);
void none_unload_authority(struct call *c);
void none_load_token(struct call *c);
void none_redirect(struct call *c);
void none_reload(struct call *c);
