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
