#include "tests/awssim/fault.h"

#include "base/array.h"
#include "base/str.h"

static const struct {
    enum fault_kind kind;
    const char *name;
} names[] = {
    {FAULT_NONE, "none"},
    {FAULT_THROTTLE, "throttle"},
    {FAULT_UNAVAILABLE, "unavailable"},
    {FAULT_DENIED, "denied"},
    {FAULT_HANG_UP, "hang-up"},
    {FAULT_APPLY_THEN_503, "apply-then-503"},
    {FAULT_FREEZE_BEFORE, "freeze-before"},
    {FAULT_FREEZE_AFTER, "freeze-after"},
};

const char *fault_name(enum fault_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].kind == kind)
            return names[i].name;
    return "?";
}

bool fault_from_name(const char *name, enum fault_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(names[i].name, name)) {
            *ret = names[i].kind;
            return true;
        }
    return false;
}

void fault_set(struct fault *f, enum fault_kind kind, const char *action, unsigned times)
{
    *f = (struct fault){.kind = kind, .times = times};
    (void)str_copy(f->action, sizeof f->action, action);
}

enum fault_kind fault_take(struct fault *f, const char *action)
{
    enum fault_kind kind = f->kind;

    if (kind == FAULT_NONE || (f->action[0] && !str_eq(f->action, action)))
        return FAULT_NONE;
    if (f->times > 0 && --f->times == 0)
        f->kind = FAULT_NONE;
    return kind;
}
