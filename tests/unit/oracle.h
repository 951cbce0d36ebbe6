/* Python programs that compute what ours does with other code: a line of words goes in, hexadecimal digits come out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_ANSWER_MAX 8192 /* bytes */

/* Starts SCRIPT with Debian's python3. Where it does not say that it is ready, the reason is printed and there is none.
 * -1 where the test itself is broken, as cmocka wants it. */
int oracle_start(const char *script);
int oracle_stop(void); /* -1 where it failed on the way */
bool oracle_is_there(void);

/* The words of an order, then its answer. */
void oracle_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void oracle_say_bytes(const uint8_t *data, size_t len);
size_t oracle_answer(uint8_t ret[ORACLE_ANSWER_MAX]);
