#include "agent/event.h"

#include "base/array.h"

#include <assert.h>

/* The ids were drawn once and never change: people and the journal's catalogue know the kinds of events by them. */
static const struct {
    const char *name;
    const char *message_id;
} kinds[] = {
    [EVENT_VERDICT] = {"verdict", "36e2205380814aa895720d87fbf1d1f6"},
    [EVENT_CAUSE] = {"cause", "602f3c62ab964de5b20e4269c0a312be"},
    [EVENT_DECISION] = {"decision", "ed86e714d4b24b3ea530757347b99a92"},
    [EVENT_ACTION] = {"action", "2412ba071f144115903869e27c9aed68"},
    [EVENT_OUTCOME] = {"outcome", "c4fef46c65cb48ae92bba088cda5e6b3"},
    [EVENT_UPLINK] = {"uplink", "7e1a15b29d4a4131937415338d9d4d8c"},
    [EVENT_TEST] = {"test", "8b55047de13847b19ce6b342e1fbdc98"},
};

_Static_assert(ARRAY_LEN(kinds) == EVENT_KIND_MAX_, "every kind of event has a name and an id");

const char *event_kind_name(enum event_kind k)
{
    assert((size_t)k < ARRAY_LEN(kinds));
    return kinds[k].name;
}

const char *event_message_id(enum event_kind k)
{
    assert((size_t)k < ARRAY_LEN(kinds));
    return kinds[k].message_id;
}
