/* The configuration file, through the same path as the daemon's. */
#include "base/strbuf.h"
#include "conf/conf.h"

#include <stdint.h>
#include <string.h>

#define TEXT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf text cleanup(strbuf_done), errors cleanup(strbuf_done), warnings cleanup(strbuf_done);
    struct conf *c cleanup(conf_freep) = NULL;

    strbuf_init(&text, CONF_FILE_MAX);
    strbuf_init(&errors, TEXT_MAX);
    strbuf_init(&warnings, TEXT_MAX);
    strbuf_add(&text, data, size);
    if (text.bad)
        return 0;

    int r = conf_load_text("fuzz.conf", strbuf_text(&text), text.len, &c, &errors, &warnings);

    if ((r == 0) != (c != NULL) || (r == 0) != (errors.len == 0)) /* loaded, or a sentence says why not */
        __builtin_trap();
    return 0;
}
