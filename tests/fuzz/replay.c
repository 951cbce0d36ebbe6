/* Feeds files and directories of them to a fuzz target without libFuzzer, so that any compiler can replay a corpus. */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    cleanup(strbuf_done) struct strbuf b;
    int r;

    strbuf_init(&b, INPUT_MAX);
    r = file_read(path, &b);
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(-r));
        return r;
    }
    printf("%s\n", path);
    (void)fflush(stdout); /* names the culprit of a crash */
    (void)LLVMFuzzerTestOneInput((const uint8_t *)strbuf_text(&b), b.len);
    return 1;
}

/* The number of files that were fed, or -errno. */
static int replay_dir(DIR *dir, const char *path)
{
    const struct dirent *entry;
    char name[PATH_MAX];
    int n = 0;

    while ((entry = readdir(dir))) {
        int r;

        if (entry->d_name[0] == '.' || !str_format(name, sizeof(name), "%s/%s", path, entry->d_name))
            continue;
        r = replay_file(name);
        if (r < 0)
            return r;
        n += r;
    }
    return n;
}

int main(int argc, char **argv)
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        int r = dir ? replay_dir(dir, argv[i]) : replay_file(argv[i]);

        if (dir)
            (void)closedir(dir);
        if (r < 0)
            return 1;
        n += r;
    }
    printf("%d inputs\n", n);
    return n > 0 ? 0 : 1; /* a corpus that is not there has tested nothing */
}
