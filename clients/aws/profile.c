#include "clients/aws/profile.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "clients/aws/ini.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static const struct {
    const char *variable;
    const char *in_home;
} files[] = {
    [PROFILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"},
    [PROFILE_CONFIG] = {"AWS_CONFIG_FILE", ".aws/config"},
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

const char *profile_name(void)
{
    return str_or(variable("AWS_PROFILE"), "default");
}

int profile_path(enum profile_file file, char ret[static PROFILE_PATH_MAX])
{
    const char *given = variable(files[file].variable), *home = variable("HOME");
    const char *below_home = given && str_starts(given, "~/") ? &given[2] : NULL;
    bool fits;

    if (given && !below_home) {
        fits = str_copy(ret, PROFILE_PATH_MAX, given);
    } else {
        if (!home)
            return -ENOENT;
        fits = str_format(ret, PROFILE_PATH_MAX, "%s/%s", home, str_or(below_home, files[file].in_home));
    }
    return fits ? 0 : -ENAMETOOLONG;
}

static int read_file(enum profile_file file, struct strbuf *text)
{
    char path[PROFILE_PATH_MAX];
    int r = profile_path(file, path);

    return r < 0 ? r : file_read(path, text);
}

static int get(enum profile_file file, const struct ini_key *k, struct strbuf *ret)
{
    cleanup(strbuf_done) struct strbuf text;
    int r;

    strbuf_init_secret(&text, PROFILE_FILE_MAX);
    r = read_file(file, &text);
    return r < 0 ? r : ini_find(strbuf_text(&text), text.len, k, ret);
}

int profile_get(enum profile_file file, const char *key, struct strbuf *ret)
{
    struct ini_key k = {.section = profile_name(), .key = key};
    char section[INI_NAME_MAX];
    int r = -ENOENT;

    if (file == PROFILE_CREDENTIALS)
        return get(file, &k, ret);
    /* In the config file a profile's section is "profile x"; the default one may stand as "default" too. */
    if (str_format(section, sizeof section, "profile %s", k.section))
        r = get(file, &(struct ini_key){.section = section, .key = key}, ret);
    return r == -ENOENT && str_eq(k.section, "default") ? get(file, &k, ret) : r;
}

int profile_get_service(const char *service, const char *key, struct strbuf *ret)
{
    cleanup(strbuf_done) struct strbuf services;
    char section[INI_NAME_MAX];
    int r;

    strbuf_init(&services, INI_NAME_MAX);
    r = profile_get(PROFILE_CONFIG, "services", &services);
    if (r < 0)
        return r;
    if (!str_format(section, sizeof section, "services %s", strbuf_text(&services)))
        return -ENOENT;
    return get(PROFILE_CONFIG, &(struct ini_key){.section = section, .above = service, .key = key}, ret);
}
