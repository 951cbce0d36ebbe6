/*
 * The log: one line per event, with journal fields REKINDLE_* where standard error is the journal, and a plain line
 * with the same fields behind the text otherwise. Library code does not log and return an error: one place does.
 * Levels are syslog's: LOG_ERR a person must act; LOG_WARNING something is wrong or refused; LOG_NOTICE a change of
 * state, an action; LOG_INFO life of the process; LOG_DEBUG for us.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <syslog.h>

#define LOG_LINE_MAX   2048
#define LOG_FIELDS_MAX 16

struct log_field {
    const char *name;  /* "TUNNEL": becomes REKINDLE_TUNNEL= in the journal, tunnel= on standard error */
    const char *value; /* never a secret */
};

/* Opens the log. IDENT ("rekindled") must outlive it. MAX_LEVEL is the most talkative level that is written. */
void log_open(const char *ident, int max_level);
void log_set_level(int max_level);

/* Writes a line. MESSAGE_ID is 32 hex digits (packaging: journal catalogue) or NULL. FIELDS may be NULL. */
void log_event(int level, const char *message_id, const struct log_field *fields, size_t n_fields, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

void log_line(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)
