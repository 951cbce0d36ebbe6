#include "agent/fix.h"

#include "base/array.h"
#include "base/str.h"

#include <string.h>

/* Names come from the daemon's configuration: what a shell might take for more than a word is not offered for typing.
 */
static bool is_plain(const char *name)
{
    return name && name[0] != '\0' && name[0] != '-' &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@+-")] == '\0';
}

void fix_put(const char *text, const struct fix_names *names, struct strbuf *out)
{
    const struct {
        const char *word;
        const char *name;
    } words[] = {
        {"IKE-NAME", names->ike},
        {"CHILD-NAME", names->child},
        {"OUTSIDE-ADDRESS", names->outside},
        {"VPN-CONNECTION-ID", names->vpn_connection},
    };

    while (*text != '\0') {
        size_t i = 0;

        while (i < ARRAY_LEN(words) && !(str_starts(text, words[i].word) && is_plain(words[i].name)))
            i++;
        if (i < ARRAY_LEN(words)) {
            strbuf_puts(out, words[i].name);
            text += strlen(words[i].word);
        } else {
            strbuf_putc(out, *text++);
        }
    }
}
