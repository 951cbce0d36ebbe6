/* What reads the value of a key into its field. */
#pragma once

#include "engine/control/load_conn_keys.h"

load_parse load_parse_flag;
load_parse load_parse_time;
load_parse load_parse_volume;
load_parse load_parse_count64;
load_parse load_parse_count;
load_parse load_parse_word;
load_parse load_parse_actions;
load_parse load_parse_udp_port;
load_parse load_parse_own_port;
load_parse load_parse_tries;
load_parse load_parse_window;
load_parse load_parse_mtu;
load_parse load_parse_id;
load_parse load_parse_ppk_id;
load_parse load_parse_auth;
load_parse load_parse_ike_proposal;
load_parse load_parse_esp_proposal;
load_parse load_parse_selector;
load_parse load_parse_local_addr;
load_parse load_parse_remote_addr;
load_parse load_parse_inside;
load_parse load_parse_network;
load_parse load_parse_cert;
load_parse load_parse_ca;
