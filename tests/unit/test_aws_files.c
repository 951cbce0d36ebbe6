/* What the environment and the shared files say: keys, region, endpoint. */
#include "clients/aws/credentials.h"
#include "clients/aws/endpoint.h"
#include "clients/aws/ini.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char directory[] = "/tmp/rekindle-aws-XXXXXX";
static char credentials_path[64], config_path[64];

static const char *const variables[] = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",          "AWS_PROFILE",
    "AWS_REGION",        "AWS_DEFAULT_REGION",    "AWS_ENDPOINT_URL",           "AWS_ENDPOINT_URL_EC2",
    "AWS_CA_BUNDLE",     "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
};

static const struct aws_service ec2 = {"AWS_ENDPOINT_URL_EC2", "ec2", "ec2", "ec2", "2016-11-15"};

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    (void)remove(credentials_path);
    (void)remove(config_path);
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
    setenv("AWS_CONFIG_FILE", config_path, 1);
    return 0;
}

static int set_up_all(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_true(str_format(credentials_path, sizeof credentials_path, "%s/credentials", directory));
    assert_true(str_format(config_path, sizeof config_path, "%s/config", directory));
    return 0;
}

static int tear_down_all(void **state)
{
    (void)set_up(state);
    return rmdir(directory);
}

static const char *find(const char *text, const char *section, const char *above, const char *key)
{
    static char value[256];
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, sizeof value - 1);
    if (ini_find(text, strlen(text), &(struct ini_key){section, above, key}, &b) < 0)
        return NULL;
    (void)str_copy(value, sizeof value, strbuf_text(&b));
    return value;
}

static void test_ini_finds_what_is_there(void **state)
{
    static const char text[] = "junk = before any section\n"
                               "[default]\r\n"
                               "; key = comment\n"
                               "key = a = b \t\r\n"
                               "EMPTY =\n"
                               "twice=1\n"
                               "twice = 2\n"
                               "no equals sign\n"
                               "[ profile   \"my own\" ]\n"
                               "key=of mine\n"
                               "[broken\n"
                               "key=lost\n"
                               "[services s]\n"
                               "s3 =\n"
                               "  endpoint_url = http://s3\n"
                               "ec2 =\n"
                               "\tendpoint_url = http://ec2\n"
                               "endpoint_url = not beneath";

    (void)state;
    assert_string_equal(find(text, "default", NULL, "key"), "a = b");
    assert_string_equal(find(text, "default", NULL, "EMPTY"), "");
    assert_string_equal(find(text, "default", NULL, "twice"), "2");
    assert_string_equal(find(text, "profile my own", NULL, "key"), "of mine");
    assert_string_equal(find(text, "services s", "ec2", "endpoint_url"), "http://ec2");
    assert_string_equal(find(text, "services s", "s3", "endpoint_url"), "http://s3");
    assert_string_equal(find(text, "services s", NULL, "endpoint_url"), "not beneath");
    assert_null(find(text, "default", NULL, "junk"));
    assert_null(find(text, "default", NULL, "endpoint_url"));
    assert_null(find(text, "services s", "sts", "endpoint_url"));
    assert_null(find("", "default", NULL, "key"));
}

static void test_environment_comes_first(void **state)
{
    struct aws_credentials c;
    char why[256];

    (void)state;
    write_file(credentials_path, "[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n");
    setenv("AWS_ACCESS_KEY_ID", "ENVKEY", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token/+=", 1);
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), 0);
    assert_string_equal(c.access_key_id, "ENVKEY");
    assert_string_equal(secret_text(c.secret_key), "secret");
    assert_string_equal(secret_text(c.session_token), "token/+=");
    aws_credentials_done(&c);
}

static void test_profile_in_the_credentials_file_and_its_change(void **state)
{
    struct aws_credentials c;
    char why[256];

    (void)state;
    write_file(credentials_path, "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"
                                 "[ops]\naws_access_key_id = B\naws_secret_access_key = s2\n");
    setenv("AWS_PROFILE", "ops", 1);
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), 0);
    assert_string_equal(c.access_key_id, "B");
    assert_null(c.session_token);
    aws_credentials_done(&c);
    write_file(credentials_path, "[ops]\naws_access_key_id = ROTATED\naws_secret_access_key = s3\n");
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), 0);
    assert_string_equal(c.access_key_id, "ROTATED");
    aws_credentials_done(&c);
}

static void test_config_file_comes_last(void **state)
{
    struct aws_credentials c;
    char why[256];

    (void)state;
    write_file(config_path, "[profile ops]\naws_access_key_id = C\naws_secret_access_key = s\n");
    setenv("AWS_PROFILE", "ops", 1);
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), 0);
    assert_string_equal(c.access_key_id, "C");
    aws_credentials_done(&c);
}

static void test_no_credentials_tells_what_was_looked_at(void **state)
{
    struct aws_credentials c;
    char why[256];

    (void)state;
    setenv("AWS_PROFILE", "ops", 1);
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, "AWS_ACCESS_KEY_ID in the environment"));
    assert_non_null(strstr(why, credentials_path));
    assert_non_null(strstr(why, config_path));
    assert_non_null(strstr(why, "profile ops"));
}

static void test_half_a_pair_is_an_error_and_not_shown(void **state)
{
    struct aws_credentials c;
    char why[256];

    (void)state;
    write_file(credentials_path, "[default]\naws_access_key_id = A\naws_secret_access_key = s\n");
    setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "environment"));
    assert_null(strstr(why, "hush"));
    unsetenv("AWS_SECRET_ACCESS_KEY");
    write_file(credentials_path, "[default]\naws_access_key_id = A B\naws_secret_access_key = s\n");
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), -EINVAL);
    write_file(credentials_path, "[default]\naws_access_key_id = A\n");
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), -EINVAL);
    write_file(credentials_path, "[default]\naws_secret_access_key = s\n");
    assert_int_equal(aws_credentials_find(&c, why, sizeof why), -EINVAL);
}

static void test_region_in_its_order(void **state)
{
    char region[AWS_REGION_MAX];

    (void)state;
    assert_int_equal(aws_region_find(NULL, region), -ENOENT);
    write_file(config_path, "[default]\nregion = eu-west-3\n");
    assert_int_equal(aws_region_find(NULL, region), 0);
    assert_string_equal(region, "eu-west-3");
    write_file(config_path, "[default]\nregion = eu-west-3\n[profile default]\nregion = eu-west-4\n");
    assert_int_equal(aws_region_find(NULL, region), 0);
    assert_string_equal(region, "eu-west-4"); /* the tools take it so */
    setenv("AWS_DEFAULT_REGION", "eu-west-2", 1);
    assert_int_equal(aws_region_find(NULL, region), 0);
    assert_string_equal(region, "eu-west-2");
    setenv("AWS_REGION", "eu-west-1", 1);
    assert_int_equal(aws_region_find(NULL, region), 0);
    assert_string_equal(region, "eu-west-1");
    assert_int_equal(aws_region_find("us-east-1", region), 0);
    assert_string_equal(region, "us-east-1");
    assert_int_equal(aws_region_find("eu-west-1.evil.example/", region), -EINVAL);
}

static const char *host_of(const char *region)
{
    static struct aws_endpoint e;
    char why[256];

    assert_int_equal(aws_endpoint_find(&ec2, region, &e, why, sizeof why), 0);
    assert_string_equal(e.path, "/");
    return e.host;
}

static void test_endpoints_built_from_the_region(void **state)
{
    (void)state;
    assert_string_equal(host_of("eu-west-1"), "ec2.eu-west-1.amazonaws.com");
    assert_string_equal(host_of("cn-north-1"), "ec2.cn-north-1.amazonaws.com.cn");
    assert_string_equal(host_of("us-iso-east-1"), "ec2.us-iso-east-1.c2s.ic.gov");
    assert_string_equal(host_of("us-isob-east-1"), "ec2.us-isob-east-1.sc2s.sgov.gov");
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    assert_string_equal(host_of("us-east-1"), "ec2-fips.us-east-1.amazonaws.com");
    assert_string_equal(host_of("us-gov-west-1"), "ec2.us-gov-west-1.amazonaws.com");
    unsetenv("AWS_USE_FIPS_ENDPOINT");
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
    assert_string_equal(host_of("us-east-1"), "ec2.us-east-1.api.aws");
    unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
    write_file(config_path, "[default]\nuse_fips_endpoint = true\n");
    assert_string_equal(host_of("us-east-1"), "ec2-fips.us-east-1.amazonaws.com");
}

static void test_configured_endpoints_in_their_order(void **state)
{
    struct aws_endpoint e;
    char why[256];

    (void)state;
    write_file(config_path, "[default]\nendpoint_url = http://third.example\n");
    assert_string_equal(host_of("eu-west-1"), "third.example");
    write_file(config_path, "[default]\nendpoint_url = http://third.example\nservices = mine\n"
                            "[services mine]\nec2 =\n  endpoint_url = http://second.example:80/\n");
    assert_string_equal(host_of("eu-west-1"), "second.example");
    setenv("AWS_ENDPOINT_URL", "https://first.example:443", 1);
    assert_string_equal(host_of("eu-west-1"), "first.example");
    setenv("AWS_ENDPOINT_URL_EC2", "http://[::1]:4566/ec2/", 1);
    setenv("AWS_CA_BUNDLE", "/etc/ca.pem", 1);
    assert_int_equal(aws_endpoint_find(&ec2, "eu-west-1", &e, why, sizeof why), 0);
    assert_string_equal(e.url, "http://[::1]:4566/ec2/");
    assert_string_equal(e.host, "[::1]:4566");
    assert_string_equal(e.path, "/ec2/");
    assert_string_equal(e.ca_file, "/etc/ca.pem");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    assert_string_equal(host_of("eu-west-1"), "ec2.eu-west-1.amazonaws.com");
}

static void test_bad_endpoint_is_refused_and_not_shown(void **state)
{
    const char *const bad[] = {"ftp://x", "http://", "http://user:hush@x/", "http://x/?hush", "http://x\nhush", "hush"};
    struct aws_endpoint e;
    char why[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        setenv("AWS_ENDPOINT_URL_EC2", bad[i], 1);
        assert_int_equal(aws_endpoint_find(&ec2, "eu-west-1", &e, why, sizeof why), -EINVAL);
        assert_non_null(strstr(why, "AWS_ENDPOINT_URL_EC2"));
        assert_null(strstr(why, "hush"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ini_finds_what_is_there),
        cmocka_unit_test_setup(test_environment_comes_first, set_up),
        cmocka_unit_test_setup(test_profile_in_the_credentials_file_and_its_change, set_up),
        cmocka_unit_test_setup(test_config_file_comes_last, set_up),
        cmocka_unit_test_setup(test_no_credentials_tells_what_was_looked_at, set_up),
        cmocka_unit_test_setup(test_half_a_pair_is_an_error_and_not_shown, set_up),
        cmocka_unit_test_setup(test_region_in_its_order, set_up),
        cmocka_unit_test_setup(test_endpoints_built_from_the_region, set_up),
        cmocka_unit_test_setup(test_configured_endpoints_in_their_order, set_up),
        cmocka_unit_test_setup(test_bad_endpoint_is_refused_and_not_shown, set_up),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
