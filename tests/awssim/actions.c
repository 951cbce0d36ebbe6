#include "tests/awssim/actions.h"

#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "tests/awssim/connection_xml.h"

#include <signal.h>
#include <string.h>

#define DPD_SECONDS_MIN 30
#define DPD_SECONDS_MAX 3600

struct action {
    const char *name;
    void (*run)(struct sim *s, const struct form *f, usec_t now, struct answer *a);
    const char *const *params; /* NULL-ended; "X.N" is a list */
};

/* NAME against "Filter.N.Value.N": each N is any number. */
static bool matches(const char *name, const char *pattern)
{
    while (*pattern) {
        size_t digits = strspn(name, "0123456789");
        if (*pattern == 'N' && digits > 0)
            name += digits;
        else if (*name == *pattern)
            name++;
        else
            return false;
        pattern++;
    }
    return *name == '\0';
}

static const char *unknown_param(const struct form *f, const char *const *known)
{
    for (size_t i = 0; i < f->n; i++) {
        const char *name = f->params[i].name;
        bool found = str_eq(name, "Action") || str_eq(name, "Version") || str_eq(name, "DryRun");
        for (size_t k = 0; known[k] && !found; k++)
            found = matches(name, known[k]);
        if (!found)
            return name;
    }
    return NULL;
}

static bool id_is_well_formed(const char *id)
{
    size_t len = strlen(id);

    return str_starts(id, "vpn-") && (len == 12 || len == 21) && strspn(&id[4], "0123456789abcdef") == len - 4;
}

/* Answers the error where ID is not our connection. */
static bool check_id(const struct sim *s, const char *id, struct answer *a)
{
    if (!id_is_well_formed(id)) {
        answer_error(a, "InvalidVpnConnectionID.Malformed", "Invalid id (expecting \"vpn-...\")");
        return false;
    }
    if (!str_eq(id, s->vpn.id)) {
        answer_error(a, "InvalidVpnConnectionID.NotFound", "The vpnConnection ID does not exist");
        return false;
    }
    return true;
}

static bool is_dry_run(const struct form *f, struct answer *a)
{
    if (!str_eq(form_get(f, "DryRun"), "true"))
        return false;
    answer_error(a, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    return true;
}

static void describe(struct sim *s, const struct form *f, usec_t now, struct answer *a)
{
    struct vpn told = vpn_told(&s->vpn, now);

    for (size_t i = 0; i < f->n; i++)
        if (form_is_item(f->params[i].name, "VpnConnectionId") && !check_id(s, f->params[i].value, a))
            return;
    if (is_dry_run(f, a))
        return;
    answer_open(a, "DescribeVpnConnections");
    strbuf_puts(&a->body, "<vpnConnectionSet>\n<item>\n");
    connection_xml_add(&a->body, &told);
    strbuf_puts(&a->body, "</item>\n</vpnConnectionSet>\n");
    answer_close(a, "DescribeVpnConnections");
}

/* Answers the error where an option is none; what is not given keeps its value. */
static bool read_options(const struct form *f, struct vpn_options *options, struct answer *a)
{
    const char *dpd = form_get(f, "TunnelOptions.DPDTimeoutAction");
    const char *startup = form_get(f, "TunnelOptions.StartupAction");
    const char *seconds = form_get(f, "TunnelOptions.DPDTimeoutSeconds");

    if (!dpd && !startup && !seconds) {
        answer_error(a, "MissingParameter", "The request must contain the parameter TunnelOptions");
        return false;
    }
    if (dpd && !vpn_dpd_is_legal(dpd)) {
        answer_error(a, "InvalidParameterValue", "DPDTimeoutAction must be clear, none or restart");
        return false;
    }
    if (startup && !vpn_startup_is_legal(startup)) {
        answer_error(a, "InvalidParameterValue", "StartupAction must be add or start");
        return false;
    }
    if (seconds &&
        (parse_u32(seconds, DPD_SECONDS_MAX, &options->dpd_seconds) < 0 || options->dpd_seconds < DPD_SECONDS_MIN)) {
        answer_error(a, "InvalidParameterValue", "DPDTimeoutSeconds must be 30 or more");
        return false;
    }
    (void)str_copy(options->dpd, sizeof options->dpd, str_or(dpd, options->dpd));
    (void)str_copy(options->startup, sizeof options->startup, str_or(startup, options->startup));
    return true;
}

static void modify(struct sim *s, const struct form *f, usec_t now, struct answer *a)
{
    const char *id = form_get(f, "VpnConnectionId"), *outside = form_get(f, "VpnTunnelOutsideIpAddress");
    struct vpn_options options;
    struct vpn_tunnel *t;

    if (!id || !outside) {
        answer_error(a, "MissingParameter",
                     "The request must contain the parameters VpnConnectionId and VpnTunnelOutsideIpAddress");
        return;
    }
    if (!check_id(s, id, a))
        return;
    t = vpn_tunnel(&s->vpn, outside);
    if (!t) {
        answer_error(a, "InvalidParameterValue", "The tunnel outside IP address is not one of this VPN connection");
        return;
    }
    options = t->options;
    if (!read_options(f, &options, a) || is_dry_run(f, a))
        return;
    if (s->vpn.modifying) {
        answer_error(a, "IncorrectState", "The VPN connection is not in the available state");
        return;
    }
    if (vpn_modify(&s->vpn, t, &options, now) < 0) {
        answer_error(a, "InternalError", "An internal error has occurred");
        return;
    }
    a->applied = true;
    answer_open(a, "ModifyVpnTunnelOptions");
    strbuf_puts(&a->body, "<vpnConnection>\n");
    connection_xml_add(&a->body, &s->vpn);
    strbuf_puts(&a->body, "</vpnConnection>\n");
    answer_close(a, "ModifyVpnTunnelOptions");
}

static const char *const describe_params[] = {"VpnConnectionId.N", NULL};
static const char *const modify_params[] = {
    "VpnConnectionId",
    "VpnTunnelOutsideIpAddress",
    "TunnelOptions.DPDTimeoutAction",
    "TunnelOptions.DPDTimeoutSeconds",
    "TunnelOptions.StartupAction",
    NULL,
};

static const struct action actions[] = {
    {"DescribeVpnConnections", describe, describe_params},
    {"ModifyVpnTunnelOptions", modify, modify_params},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (str_eq(actions[i].name, name))
            return &actions[i];
    return NULL;
}

static void run(struct sim *s, const struct action *action, const struct form *f, usec_t now, struct answer *a)
{
    const char *unknown = unknown_param(f, action->params);

    if (unknown)
        answer_error(a, "UnknownParameter", "The request has a parameter that is not known");
    else
        action->run(s, f, now, a);
}

void actions_run(struct sim *s, const struct form *f, usec_t now, struct answer *a)
{
    const char *name = str_or(form_get(f, "Action"), "");
    const struct action *action = find_action(name);

    if (!action || !str_eq(form_get(f, "Version"), EC2_VERSION)) {
        answer_error(a, "InvalidAction", "The action is not valid for this web service.");
        return;
    }
    switch (fault_take(&s->fault, name)) {
    case FAULT_NONE:
        run(s, action, f, now, a);
        break;
    case FAULT_THROTTLE:
        answer_error(a, "RequestLimitExceeded", "Request limit exceeded.");
        break;
    case FAULT_UNAVAILABLE:
        answer_error(a, "Unavailable", "The service is unavailable. Please try again shortly.");
        break;
    case FAULT_APPLY_THEN_503:
        run(s, action, f, now, a);
        answer_error(a, "Unavailable", "The service is unavailable. Please try again shortly.");
        break;
    case FAULT_DENIED:
        answer_error(a, "UnauthorizedOperation", "You are not authorized to perform this operation.");
        break;
    case FAULT_HANG_UP:
        run(s, action, f, now, a);
        a->hang_up = true;
        break;
    case FAULT_FREEZE_BEFORE:
        (void)raise(SIGSTOP);
        run(s, action, f, now, a);
        break;
    case FAULT_FREEZE_AFTER:
        run(s, action, f, now, a);
        (void)raise(SIGSTOP);
        break;
    }
}
