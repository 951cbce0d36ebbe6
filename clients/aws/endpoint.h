/*
 * Where a service answers: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the config file (`services` section, then
 * endpoint_url), or else built from the region. AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, AWS_USE_FIPS_ENDPOINT and
 * AWS_USE_DUALSTACK_ENDPOINT are honoured, and AWS_CA_BUNDLE, each with its key of the config file.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
#pragma once

#include <stddef.h>

#define AWS_REGION_MAX 64
#define AWS_URL_MAX    512
#define AWS_PATH_MAX   4096

struct aws_service {
    const char *variable; /* "AWS_ENDPOINT_URL_EC2" */
    const char *section;  /* "ec2": in the config file's services section */
    const char *host;     /* "ec2": first label of its host name */
    const char *signing;  /* "ec2": name in the scope of a signature */
    const char *version;  /* "2016-11-15" */
};

struct aws_endpoint {
    char url[AWS_URL_MAX];      /* "https://ec2.eu-west-1.amazonaws.com/" */
    char host[AWS_URL_MAX];     /* value of the Host header: with the port where it is not the scheme's */
    char path[AWS_URL_MAX];     /* "/" */
    char ca_file[AWS_PATH_MAX]; /* "" for the system's */
};

/* The region: WANTED, AWS_REGION, AWS_DEFAULT_REGION, the profile. -ENOENT where there is none, -EINVAL where it is no
 * name. */
int aws_region_find(const char *wanted, char ret[static AWS_REGION_MAX]);

/*
 * -EINVAL where a configured URL is no http or https URL (or has a user, a query or a fragment). On failure WHY (of
 * size LEN) holds a sentence that names where the URL came from, not the URL.
 */
int aws_endpoint_find(const struct aws_service *s, const char *region, struct aws_endpoint *ret, char *why, size_t len);
