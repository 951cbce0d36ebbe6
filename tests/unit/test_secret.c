/* Secrets: what a file must be like, and that they neither leak nor compare early. */
#include "base/secret.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char dir[] = "/tmp/test-secret-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)str_format(path, sizeof(path), "%s/file", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void write_file(const void *data, size_t len, mode_t mode)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_file_without_its_newline(void **state)
{
    static const char *const texts[] = {"hunter2", "hunter2\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cleanup(secret_freep) struct secret *s = NULL;

        write_file(texts[i], strlen(texts[i]), 0600);
        assert_int_equal(secret_from_file(path, &s), 0);
        assert_string_equal(secret_text(s), "hunter2");
        assert_int_equal(secret_len(s), 7);
    }
}

static void test_only_one_newline_goes(void **state)
{
    cleanup(secret_freep) struct secret *s = NULL;

    (void)state;
    write_file("a\n\n", 3, 0440);
    assert_int_equal(secret_from_file(path, &s), 0);
    assert_string_equal(secret_text(s), "a\n");
}

static void test_others_must_not_read_it(void **state)
{
    struct secret *s = NULL;

    (void)state;
    write_file("x", 1, 0604);
    assert_int_equal(secret_from_file(path, &s), -EPERM);
    write_file("x", 1, 0602);
    assert_int_equal(secret_from_file(path, &s), -EPERM);
    assert_null(s);
    write_file("x", 1, 0640);
    assert_int_equal(secret_from_file(path, &s), 0);
    s = secret_free(s);
    assert_null(s);
}

static void test_empty_missing_long(void **state)
{
    static char longest[SECRET_MAX + 2];
    struct secret *s = NULL;

    (void)state;
    memset(longest, 'k', sizeof(longest));
    write_file("", 0, 0600);
    assert_int_equal(secret_from_file(path, &s), -ENODATA);
    write_file("\n", 1, 0600);
    assert_int_equal(secret_from_file(path, &s), -ENODATA);
    write_file(longest, SECRET_MAX + 1, 0600);
    assert_int_equal(secret_from_file(path, &s), -EFBIG);
    write_file(longest, SECRET_MAX + 2, 0600);
    assert_int_equal(secret_from_file(path, &s), -EFBIG);
    assert_int_equal(secret_from_file("/nonexistent/x", &s), -ENOENT);
    assert_int_equal(secret_from_file(dir, &s), -EISDIR);
    assert_null(s);
    longest[SECRET_MAX] = '\n';
    write_file(longest, SECRET_MAX + 1, 0600);
    assert_int_equal(secret_from_file(path, &s), 0);
    assert_int_equal(secret_len(s), SECRET_MAX);
    (void)secret_free(s);
    assert_null(secret_new(longest, SECRET_MAX + 1));
}

static void test_equality(void **state)
{
    cleanup(secret_freep) struct secret *a = secret_new("abc", 3);
    cleanup(secret_freep) struct secret *b = secret_new("abc", 3);
    cleanup(secret_freep) struct secret *c = secret_new("abd", 3);
    cleanup(secret_freep) struct secret *d = secret_new("abcd", 4);
    cleanup(secret_freep) struct secret *none = secret_new("", 0);

    (void)state;
    assert_true(secret_equal(a, b));
    assert_false(secret_equal(a, c));
    assert_false(secret_equal(a, d));
    assert_true(secret_equal(none, NULL));
    assert_string_equal(secret_text(NULL), "");
    assert_int_equal(secret_len(NULL), 0);
    assert_null(secret_free(NULL));
}

/* The page of the secret is one mapping with the flag "dd" (do not dump) in the kernel's own list. */
static void test_is_kept_from_core_dumps(void **state)
{
    cleanup(secret_freep) struct secret *s = secret_new("hunter2", 7);
    uintptr_t page = (uintptr_t)secret_text(s) & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
    FILE *maps = fopen("/proc/self/smaps", "re");
    bool in_it = false, kept = false;
    char line[512], start[32];

    (void)state;
    if (!maps)
        skip();
    (void)str_format(start, sizeof(start), "%" PRIxPTR "-", page);
    while (fgets(line, sizeof(line), maps)) {
        in_it = in_it || str_starts(line, start);
        if (in_it && str_starts(line, "VmFlags:")) {
            kept = strstr(line, " dd") != NULL;
            break;
        }
    }
    (void)fclose(maps);
    assert_true(kept);
}

static void test_wipe(void **state)
{
    char text[] = "hunter2";

    (void)state;
    secret_wipe(text, sizeof(text));
    for (size_t i = 0; i < sizeof(text); i++)
        assert_int_equal(text[i], 0);
    secret_wipe(NULL, 5);
}

static void test_no_dumps(void **state)
{
    struct rlimit limit;

    (void)state;
    secret_no_dumps();
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    (void)prctl(PR_SET_DUMPABLE, 1); /* for the leak checker */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_without_its_newline),
        cmocka_unit_test(test_only_one_newline_goes),
        cmocka_unit_test(test_others_must_not_read_it),
        cmocka_unit_test(test_empty_missing_long),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_is_kept_from_core_dumps),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_no_dumps),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
