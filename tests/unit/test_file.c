/* Whole files and directories. */
#include "base/file.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/test-file-XXXXXX";
static char path[64], fifo[64];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)str_format(path, sizeof(path), "%s/file", dir);
    (void)str_format(fifo, sizeof(fifo), "%s/fifo", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(fifo);
    return rmdir(dir);
}

static void write_file(size_t len)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    for (size_t i = 0; i < len; i++)
        assert_int_not_equal(fputc('a' + (int)(i % 26), f), EOF);
    assert_int_equal(fclose(f), 0);
}

static void test_reads_all(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 10000);
    write_file(10000);
    assert_int_equal(file_read(path, &b), 0);
    assert_int_equal(b.len, 10000);
    assert_int_equal(b.data[9999], 'a' + 9999 % 26);
    strbuf_reset(&b);
    write_file(0);
    assert_int_equal(file_read(path, &b), 0);
    assert_string_equal(strbuf_text(&b), "");
    strbuf_done(&b);
}

static void test_too_long(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 9999);
    write_file(10000);
    assert_int_equal(file_read(path, &b), -EFBIG);
    strbuf_done(&b);
}

static void test_what_is_no_file(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 100);
    assert_int_equal(file_read("/nonexistent/x", &b), -ENOENT);
    assert_int_equal(file_read(dir, &b), -EISDIR);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(file_read(fifo, &b), 0); /* does not wait for somebody to write */
    assert_int_equal(b.len, 0);
    strbuf_done(&b);
}

static void test_directories(void **state)
{
    char deep[128], middle[128];
    struct stat st;

    (void)state;
    (void)str_format(middle, sizeof(middle), "%s/a", dir);
    (void)str_format(deep, sizeof(deep), "%s/a/b/", dir);
    assert_int_equal(file_mkdirs(deep, 0700), 0);
    assert_int_equal(file_mkdirs(deep, 0700), 0);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(middle), 0);
    write_file(1);
    (void)str_format(deep, sizeof(deep), "%s/x", path);
    assert_int_equal(file_mkdirs(deep, 0700), -ENOTDIR);
    assert_int_equal(file_mkdirs(path, 0700), -ENOTDIR); /* there, but no directory */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_what_is_no_file),
        cmocka_unit_test(test_directories),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
