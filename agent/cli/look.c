#include "agent/cli/look.h"

#include "agent/cli/field.h"
#include "base/array.h"
#include "base/str.h"

static const struct look looks[] = {
    {"UP", "✓", "+", TONE_GOOD, true, true, CLI_FINE},
    {"DOWN", "✗", "x", TONE_BAD, false, true, CLI_FAILED},
    {"DEGRADED", "!", "!", TONE_WARN, false, true, CLI_WARNING},
};

static const struct look unknown = {"UNKNOWN", "?", "?", TONE_WARN, false, true, CLI_WARNING};
static const struct look expected_down = {"expected down", "–", "-", TONE_DIM, true, false, CLI_FINE};

const struct look *look_of(struct json_object *tunnel)
{
    char verdict[FIELD_MAX];

    field_text(tunnel, "verdict", "", verdict);
    if (field_flag(tunnel, "expected_down", false) && !str_eq(verdict, "UP"))
        return &expected_down;
    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        if (str_eq(looks[i].word, verdict))
            return &looks[i];
    return &unknown;
}
