/* Every algorithm against python3-cryptography and Python's own arithmetic (oracle.py), with random input. */
#include "engine/crypto/dh.h"
#include "engine/crypto/prf.h"
#include "engine/crypto/seal.h"

#include "base/array.h"
#include "base/random.h"
#include "tests/unit/hex.h"

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ANSWER_MAX 8192
#define TEXT_MAX   1504
#define TIMES      20

extern char **environ;

static FILE *to_oracle, *from_oracle;
static pid_t oracle;

/* Starts the oracle; where it does not say that it is ready, the tests are skipped. */
static int start(void **state)
{
    char *const argv[] = {(char[]){"/usr/bin/python3"}, (char[]){"tests/unit/oracle.py"}, NULL};
    posix_spawn_file_actions_t actions;
    char line[16] = "";
    int in[2], out[2];

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    if (pipe(in) < 0 || pipe(out) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    if (posix_spawnp(&oracle, argv[0], &actions, NULL, argv, environ) != 0)
        oracle = 0;
    posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    to_oracle = fdopen(in[1], "w");
    from_oracle = fdopen(out[0], "r");
    if (oracle && !fgets(line, sizeof(line), from_oracle)) {
        (void)waitpid(oracle, NULL, 0);
        oracle = 0;
    }
    if (!oracle)
        print_message("/usr/bin/python3 with python3-cryptography does not start from here: not compared\n");
    return 0;
}

static int stop(void **state)
{
    int status = 0;

    (void)state;
    (void)fclose(to_oracle);
    (void)fclose(from_oracle);
    if (oracle && waitpid(oracle, &status, 0) != oracle)
        return -1;
    return status == 0 ? 0 : -1;
}

static void say(const uint8_t *data, size_t len)
{
    if (len == 0)
        (void)fputs(" -", to_oracle);
    else
        (void)fputc(' ', to_oracle);
    for (size_t i = 0; i < len; i++)
        (void)fprintf(to_oracle, "%02x", data[i]);
}

static size_t answer(uint8_t ret[ANSWER_MAX])
{
    static char line[2 * ANSWER_MAX + 2];

    (void)fputc('\n', to_oracle);
    (void)fflush(to_oracle);
    assert_non_null(fgets(line, sizeof(line), from_oracle));
    return unhex(line, ret, ANSWER_MAX);
}

static void fill(uint8_t *to, size_t len)
{
    random_bytes(to, len);
}

static void check_seal(const struct alg *encr, const struct alg *integ, size_t len)
{
    uint8_t key[ALG_KEY_MAX + ALG_SALT_MAX], key_integ[ALG_KEY_MAX], aad[12], iv[ALG_IV_MAX], tail[4];
    uint8_t plain[TEXT_MAX], text[TEXT_MAX], icv[ALG_ICV_MAX], wanted[ANSWER_MAX];
    const struct seal_text t = {.aad = aad,
                                .aad_len = sizeof(aad),
                                .iv = iv,
                                .text = text,
                                .text_len = len,
                                .tail = tail,
                                .tail_len = integ ? sizeof(tail) : 0,
                                .icv = icv};
    const size_t key_len = (size_t)encr->key_len + encr->salt_len;
    cleanup(seal_freep) struct seal *s = NULL;

    fill(key, sizeof(key));
    fill(key_integ, sizeof(key_integ));
    fill(aad, sizeof(aad));
    fill(tail, sizeof(tail));
    fill(plain, sizeof(plain));
    memcpy(text, plain, len);
    assert_int_equal(seal_new(encr, key, integ, integ ? key_integ : NULL, &s), 0);
    seal_encrypt(s, len, &t);
    (void)fprintf(to_oracle, "seal %d", encr->id);
    say(key, key_len);
    (void)fprintf(to_oracle, " %d", integ ? integ->id : 0);
    say(key_integ, integ ? integ->key_len : 0);
    say(iv, seal_iv_len(s));
    say(aad, sizeof(aad));
    say(tail, t.tail_len);
    say(plain, len);
    assert_int_equal(answer(wanted), len + seal_icv_len(s));
    assert_memory_equal(text, wanted, len);
    assert_memory_equal(icv, wanted + len, seal_icv_len(s));
    /* What the oracle made opens again. */
    memcpy(text, wanted, len);
    assert_int_equal(seal_decrypt(s, &t), 0);
    assert_memory_equal(text, plain, len);
}

static void test_seal(void **state)
{
    const struct alg *encr, *integ;
    size_t i = 0;

    (void)state;
    if (!oracle)
        skip();
    while ((encr = alg_next(&i))) {
        size_t k = 0;

        for (size_t n = 0; encr->type == ALG_ENCR && encr->aead && n < TIMES; n++)
            check_seal(encr, NULL, n * 79);
        while (encr->type == ALG_ENCR && !encr->aead && (integ = alg_next(&k)))
            for (size_t n = 0; integ->type == ALG_INTEG && n < TIMES; n++)
                check_seal(encr, integ, n * 64);
    }
}

static void check_prf_plus(const struct alg *alg, size_t n)
{
    uint8_t key[200], seed[64], got[600], wanted[ANSWER_MAX];
    const size_t key_len = 1 + n * 9, seed_len = 1 + n * 3, len = 1 + n * 31;
    const struct prf_part parts[] = {{seed, seed_len / 2}, {seed + seed_len / 2, seed_len - seed_len / 2}};

    fill(key, sizeof(key));
    fill(seed, sizeof(seed));
    assert_int_equal(prf_plus(alg, key, key_len, parts, ARRAY_LEN(parts), got, len), 0);
    (void)fprintf(to_oracle, "prf+ %d", alg->id);
    say(key, key_len);
    say(seed, seed_len);
    (void)fprintf(to_oracle, " %zu", len);
    assert_int_equal(answer(wanted), len);
    assert_memory_equal(got, wanted, len);
}

static void test_prf_plus(void **state)
{
    const struct alg *alg;
    size_t i = 0;

    (void)state;
    if (!oracle)
        skip();
    while ((alg = alg_next(&i)))
        for (size_t n = 0; alg->type == ALG_PRF && n < TIMES; n++)
            check_prf_plus(alg, n);
}

static void check_dh(const struct alg *alg)
{
    uint8_t wanted[ANSWER_MAX], secret[DH_SECRET_MAX];
    cleanup(dh_freep) struct dh *d = NULL;
    const size_t public_len = dh_public_len(alg);
    size_t len = 0, n;

    assert_int_equal(dh_new(alg, &d), 0);
    (void)fprintf(to_oracle, "dh %d", alg->id);
    say(dh_public(d), public_len);
    n = answer(wanted);
    assert_int_equal(dh_secret(d, wanted, public_len, secret, &len), 0);
    assert_int_equal(n, public_len + len);
    assert_memory_equal(secret, wanted + public_len, len);
}

/* The groups of RFC 5114 have no rule that makes their primes: for them there are vectors in test_dh. */
static void test_dh(void **state)
{
    const struct alg *alg;
    size_t i = 0;

    (void)state;
    if (!oracle)
        skip();
    while ((alg = alg_next(&i)))
        for (size_t n = 0; alg->type == ALG_DH && (alg->id < 22 || alg->id > 24) && n < 3; n++)
            check_dh(alg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_prf_plus),
        cmocka_unit_test(test_dh),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
