/* The store: what was acknowledged is there, whatever happens to the process, the disk or the file. */
#include "agent/store.h"

#include "agent/store_db.h"
#include "base/array.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/random.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PATIENCE (30 * USEC_PER_SEC)
#define ROWS     40

static struct loop *loop;
static struct store *store;
static char dir[64], path[96];

static int set_up(void **state)
{
    (void)state;
    log_open("test_store", LOG_EMERG);
    (void)str_copy(dir, sizeof(dir), "/tmp/test-store-XXXXXX");
    if (!mkdtemp(dir) || loop_new(&loop) < 0)
        return -1;
    (void)str_format(path, sizeof(path), "%s/%s", dir, STORE_FILE);
    return store_open(loop, dir, &store);
}

static void remove_dir(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char name[512];

    while (d && (e = readdir(d)))
        if (str_format(name, sizeof(name), "%s/%s", dir, e->d_name))
            (void)unlink(name);
    if (d)
        (void)closedir(d);
    (void)rmdir(dir);
}

static int tear_down(void **state)
{
    (void)state;
    store = store_close(store);
    loop = loop_free(loop);
    remove_dir();
    return 0;
}

static void reopen(void)
{
    store = store_close(store);
    assert_int_equal(store_open(loop, dir, &store), 0);
}

struct result {
    int n, error;
};

static void on_done(void *data, int error)
{
    struct result *r = data;

    r->n++;
    r->error = error;
}

static void turn_until(const int *n, int wanted)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (*n < wanted) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, PATIENCE) >= 0);
    }
}

static void turn_until_works(bool wanted)
{
    usec_t end = clock_now(clock_system()) + PATIENCE;

    while (store_works(store) != wanted) {
        assert_true(clock_now(clock_system()) < end);
        assert_true(loop_turn(loop, USEC_PER_SEC) >= 0);
    }
}

static struct store_entry entry(const char *text)
{
    return (struct store_entry){.wall = 1764144000 * USEC_PER_SEC,
                                .kind = "verdict",
                                .incident = "i-1",
                                .connection = "aurora-backup",
                                .tunnel = "1",
                                .text = text,
                                .detail = "{\"a\": 1}"};
}

static int append(const char *text)
{
    struct store_entry e = entry(text);
    struct result r = {0};

    assert_int_equal(store_append(store, &e, on_done, &r), 0);
    assert_int_equal(r.n, 0); /* never from within the call */
    turn_until(&r.n, 1);
    return r.error;
}

static void append_rows(unsigned n)
{
    struct result r = {0};

    for (unsigned i = 1; i <= n; i++) {
        char text[32];
        struct store_entry e = entry(text);

        (void)str_format(text, sizeof(text), "row %u", i);
        assert_int_equal(store_append(store, &e, on_done, &r), 0);
    }
    turn_until(&r.n, (int)n);
    assert_int_equal(r.error, 0);
}

struct history {
    int n, error;
    size_t rows;
    char first[64], last[64], detail[64];
    usec_t wall;
};

static void on_history(void *data, int error, const struct store_entry *entries, size_t n)
{
    struct history *h = data;

    h->n++;
    h->error = error;
    h->rows = n;
    if (n == 0)
        return;
    (void)str_copy(h->first, sizeof(h->first), entries[0].text);
    (void)str_copy(h->last, sizeof(h->last), entries[n - 1].text);
    (void)str_copy(h->detail, sizeof(h->detail), entries[0].detail);
    h->wall = entries[0].wall;
}

static struct history history(size_t limit)
{
    struct history h = {0};

    assert_int_equal(store_history(store, limit, on_history, &h), 0);
    assert_int_equal(h.n, 0);
    turn_until(&h.n, 1);
    assert_int_equal(h.error, 0);
    return h;
}

/* Changes the file behind the store's back. */
static void sql(const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static void assert_bad_row(uint64_t wanted)
{
    uint64_t row = 0;

    assert_int_equal(store_verify(dir, &row), -EBADMSG);
    assert_int_equal(row, wanted);
}

static void assert_chain_good(void)
{
    uint64_t row = 4711;

    assert_int_equal(store_verify(dir, &row), 0);
    assert_int_equal(row, 4711);
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(stat(name, &st), 0);
    return st.st_mode & 07777;
}

static void test_files_are_ours_alone(void **state)
{
    char deeper[96], file[128];
    struct store *other;
    mode_t mask = umask(0);

    (void)state;
    (void)str_format(deeper, sizeof(deeper), "%s/a", dir);
    assert_int_equal(store_open(loop, deeper, &other), 0);
    assert_int_equal(mode_of(deeper), 0700);
    for (const char *const *s = (const char *const[]){"", "-wal", "-shm", NULL}; *s; s++) {
        (void)str_format(file, sizeof(file), "%s/%s%s", deeper, STORE_FILE, *s);
        assert_int_equal(mode_of(file), 0600);
    }
    (void)store_close(other);
    (void)umask(mask);
    (void)str_format(file, sizeof(file), "%s/%s", deeper, STORE_FILE);
    (void)unlink(file);
    (void)rmdir(deeper);
}

static void test_history_is_newest_first(void **state)
{
    struct history h;

    (void)state;
    assert_int_equal(history(10).rows, 0);
    append_rows(ROWS);
    h = history(10);
    assert_int_equal(h.rows, 10);
    assert_string_equal(h.first, "row 40");
    assert_string_equal(h.last, "row 31");
    assert_string_equal(h.detail, "{\"a\": 1}");
    assert_true(h.wall == 1764144000 * USEC_PER_SEC);
    assert_int_equal(history(0).rows, 0);
    reopen();
    h = history(SIZE_MAX);
    assert_int_equal(h.rows, ROWS);
    assert_string_equal(h.last, "row 1");
    assert_chain_good();
}

static void test_history_sees_what_was_appended_before(void **state)
{
    struct store_entry e = entry("just now");
    struct history h = {0};

    (void)state;
    assert_int_equal(store_append(store, &e, NULL, NULL), 0);
    assert_int_equal(store_history(store, 1, on_history, &h), 0);
    turn_until(&h.n, 1);
    assert_string_equal(h.first, "just now");
}

static void test_missing_texts_are_empty(void **state)
{
    struct store_entry e = {.kind = "test"};

    (void)state;
    assert_int_equal(store_append(store, &e, NULL, NULL), 0);
    assert_string_equal(history(1).first, "");
    assert_chain_good();
}

static void test_changed_row_breaks_the_chain(void **state)
{
    (void)state;
    append_rows(ROWS);
    sql("UPDATE history SET text = 'row 999' WHERE id = 7");
    assert_bad_row(7);
    sql("UPDATE history SET text = 'row 7' WHERE id = 7");
    assert_chain_good();
    sql("UPDATE history SET wall = wall + 1 WHERE id = 40");
    assert_bad_row(40);
}

static void test_moved_text_breaks_the_chain(void **state)
{
    (void)state;
    append_rows(3);
    sql("UPDATE history SET connection = 'aurora-backup1', tunnel = '' WHERE id = 2"); /* the same bytes in a row */
    assert_bad_row(2);
}

static void test_missing_row_breaks_the_chain(void **state)
{
    (void)state;
    append_rows(ROWS);
    sql("DELETE FROM history WHERE id = 7");
    assert_bad_row(8);
}

static void test_missing_beginning_breaks_the_chain(void **state)
{
    (void)state;
    append_rows(ROWS);
    sql("DELETE FROM history WHERE id <= 5");
    assert_bad_row(6);
}

static void test_old_rows_are_dropped_and_the_rest_verifies(void **state)
{
    struct result r = {0};
    const unsigned more = 700;

    (void)state;
    append_rows(10);
    /* A history that has long been full: the numbers go on where an earlier chain ended. */
    sql("UPDATE chain SET id = 200000; DELETE FROM history");
    append_rows(10);
    assert_chain_good();
    sql("WITH RECURSIVE n(i) AS (SELECT 200011 UNION ALL SELECT i + 1 FROM n WHERE i < 250005) "
        "INSERT INTO history SELECT i, 0, '', '', '', '', '', '', zeroblob(32) FROM n");
    for (unsigned i = 0; i < more; i++) {
        struct store_entry e = entry("new");

        assert_int_equal(store_append(store, &e, on_done, &r), 0);
    }
    turn_until(&r.n, (int)more);
    assert_int_equal(r.error, 0);
    sql("CREATE TABLE t (n CHECK (n BETWEEN 50000 AND 50255)); INSERT INTO t SELECT count(*) FROM history; DROP TABLE "
        "t");
    sql("CREATE TABLE t (n CHECK (n = 250705)); INSERT INTO t SELECT max(id) FROM history; DROP TABLE t");
    /* The rows put in above are no chain; what follows them is. */
    sql("UPDATE chain SET (id, hash) = (SELECT id, hash FROM history WHERE id = 250005); "
        "DELETE FROM history WHERE id <= 250005");
    assert_chain_good();
}

static void test_verify_without_a_file(void **state)
{
    uint64_t row = 1;

    (void)state;
    assert_int_equal(store_verify("/nonexistent", &row), -ENOENT);
    assert_int_equal(row, 1);
}

static struct store_intent intent(const char *id)
{
    struct store_intent i = {.wall = 17};

    (void)str_copy(i.id, sizeof(i.id), id);
    (void)str_copy(i.connection, sizeof(i.connection), "vpn-1");
    (void)addr_parse("203.0.113.10", &i.outside);
    (void)str_copy(i.action, sizeof(i.action), "tunnel-options");
    (void)str_copy(i.incident, sizeof(i.incident), "i-1");
    (void)str_copy(i.detail, sizeof(i.detail), "DPDTimeoutAction clear -> restart");
    return i;
}

struct intents {
    size_t n;
    struct store_intent last;
    bool close;
};

static void on_intent(void *data, const struct store_intent *i)
{
    struct intents *all = data;

    all->n++;
    all->last = *i;
    if (all->close)
        assert_int_equal(store_intent_close(store, i->id, "done"), 0);
}

static struct intents intents(bool close)
{
    struct intents all = {.close = close};

    assert_int_equal(store_each_intent(store, on_intent, &all), 0);
    return all;
}

static int intend(const char *id)
{
    struct store_intent i = intent(id);
    struct result r = {0};

    assert_int_equal(store_intend(store, &i, on_done, &r), 0);
    assert_int_equal(r.n, 0);
    turn_until(&r.n, 1);
    return r.error;
}

static void test_open_intention_survives(void **state)
{
    struct intents all;
    struct store_intent wanted = intent("a");

    (void)state;
    assert_int_equal(intend("a"), 0);
    assert_int_equal(intend("b"), 0);
    assert_int_equal(store_intent_close(store, "b", "done"), 0);
    reopen();
    all = intents(false);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.last.id, "a");
    assert_string_equal(all.last.connection, "vpn-1");
    assert_true(addr_equal(&all.last.outside, &wanted.outside));
    assert_string_equal(all.last.action, "tunnel-options");
    assert_string_equal(all.last.incident, "i-1");
    assert_string_equal(all.last.detail, wanted.detail);
    assert_true(all.last.wall == 17);
    assert_int_equal(intents(true).n, 1);
    reopen();
    assert_int_equal(intents(false).n, 0);
}

static void test_intentions_are_known_at_once(void **state)
{
    struct store_intent i = intent("a"), j = intent("b");
    struct result r = {0};

    (void)state;
    assert_int_equal(store_intend(store, &i, on_done, &r), 0);
    assert_int_equal(store_intend(store, &j, on_done, &r), 0);
    assert_int_equal(intents(false).n, 2); /* nothing was written yet, as far as the loop knows */
    assert_int_equal(store_intent_close(store, "a", "done"), 0);
    assert_int_equal(intents(false).n, 1);
    assert_int_equal(intents(true).n, 1);
    assert_int_equal(intents(false).n, 0);
    turn_until(&r.n, 2); /* closed ones are answered too */
}

struct value {
    size_t n;
    char key[64], value[64];
};

static void on_value(void *data, const char *key, const char *value)
{
    struct value *v = data;

    v->n++;
    (void)str_copy(v->key, sizeof(v->key), key);
    (void)str_copy(v->value, sizeof(v->value), value);
}

static struct value values(const char *prefix)
{
    struct value v = {0};

    assert_int_equal(store_each_value(store, prefix, on_value, &v), 0);
    return v;
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(store_set(store, "notified/a/1", "UP"), 0);
    assert_int_equal(store_set(store, "notified/a/1", "DOWN"), 0);
    assert_int_equal(store_set(store, "notified/a/2", "UP"), 0);
    assert_int_equal(store_set(store, "notified%", "wild"), 0);
    assert_int_equal(store_set(store, "pause", "1"), 0);
    assert_int_equal(store_set(store, "pause", NULL), 0);
    reopen();
    assert_int_equal(values("").n, 3);
    assert_int_equal(values("notified/").n, 2);
    assert_string_equal(values("notified/a/1").value, "DOWN");
    assert_int_equal(values("notified%").n, 1);
    assert_int_equal(values("pause").n, 0);
}

struct spool {
    size_t n;
    char ids[512];
    unsigned attempts;
    usec_t wall;
};

static void on_alert(void *data, const struct store_alert *a)
{
    struct spool *s = data;
    size_t len = strlen(s->ids);

    s->n++;
    (void)str_format(s->ids + len, sizeof(s->ids) - len, "%s@%s=%s ", a->id, a->target, a->body);
    s->attempts = a->attempts;
    s->wall = a->wall;
}

static struct spool spool(void)
{
    struct spool s = {0};

    assert_int_equal(store_each_alert(store, on_alert, &s), 0);
    return s;
}

static int spool_add(const char *id, const char *target, const char *body)
{
    struct store_alert a = {.body = body, .wall = 5};
    struct result r = {0};

    (void)str_copy(a.id, sizeof(a.id), id);
    (void)str_copy(a.target, sizeof(a.target), target);
    assert_int_equal(store_spool_add(store, &a, on_done, &r), 0);
    turn_until(&r.n, 1);
    return r.error;
}

static void test_spool_keeps_the_order(void **state)
{
    (void)state;
    assert_int_equal(spool_add("2", "ops", "first"), 0);
    assert_int_equal(spool_add("1", "ops", "second"), 0);
    assert_int_equal(spool_add("1", "chat", "second"), 0);
    assert_int_equal(store_spool_attempted(store, "1", "chat", 3), 0);
    reopen();
    assert_string_equal(spool().ids, "2@ops=first 1@ops=second 1@chat=second ");
    assert_int_equal(spool().attempts, 3);
    assert_true(spool().wall == 5);
    assert_int_equal(store_spool_remove(store, "1", "ops"), 0);
    reopen();
    assert_string_equal(spool().ids, "2@ops=first 1@chat=second ");
}

static void test_what_is_too_long_is_refused(void **state)
{
    static char body[STORE_BODY_MAX + 1];
    struct store_alert a = {.id = "1", .target = "ops", .body = body};

    (void)state;
    memset(body, 'x', sizeof(body) - 1);
    assert_int_equal(store_spool_add(store, &a, NULL, NULL), -E2BIG);
    body[STORE_BODY_MAX - 16] = '\0';
    assert_int_equal(store_spool_add(store, &a, NULL, NULL), 0);
}

/* Holds the file's write lock, as a slow disk would hold up the writer. */
static sqlite3 *hold(void)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void test_queue_has_an_end_and_history_gives_way(void **state)
{
    struct store_entry e = entry("x");
    struct result r = {0};
    int appended = 0, set = 0, error;
    sqlite3 *lock = hold();
    usec_t from = clock_now(clock_system());

    (void)state;
    while ((error = store_append(store, &e, on_done, &r)) == 0)
        appended++;
    assert_int_equal(error, -ENOBUFS);
    assert_in_range(appended, STORE_QUEUE_HISTORY - 1, STORE_QUEUE_HISTORY + 1);
    while ((error = store_set(store, "k", "v")) == 0)
        set++;
    assert_int_equal(error, -ENOBUFS);
    assert_in_range(appended + set, STORE_QUEUE_MAX - 1, STORE_QUEUE_MAX + 1);
    assert_true(clock_now(clock_system()) - from < 4 * USEC_PER_SEC); /* the loop never waited */
    (void)sqlite3_close(lock);
    turn_until(&r.n, appended);
    assert_int_equal(r.error, 0);
    assert_int_equal(append("again"), 0);
}

static void test_forgotten_callback_does_not_come(void **state)
{
    struct store_entry e = entry("x");
    struct result gone = {0}, here = {0};
    sqlite3 *lock = hold();

    (void)state;
    assert_int_equal(store_append(store, &e, on_done, &gone), 0);
    assert_int_equal(store_append(store, &e, on_done, &here), 0);
    store_forget(store, &gone);
    (void)sqlite3_close(lock);
    turn_until(&here.n, 1);
    assert_int_equal(gone.n, 0);
    assert_int_equal(history(10).rows, 2); /* written all the same */
}

static void test_close_writes_what_is_queued(void **state)
{
    struct store_entry e = entry("last words");
    struct result r = {0};

    (void)state;
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(store_append(store, &e, on_done, &r), 0);
    reopen();
    assert_int_equal(r.n, 0); /* no callback once it is being closed */
    assert_int_equal(history(SIZE_MAX).rows, ROWS);
}

static unsigned count_files(const char *part)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    unsigned n = 0;

    assert_non_null(d);
    while ((e = readdir(d)))
        n += strstr(e->d_name, part) != NULL;
    (void)closedir(d);
    return n;
}

static void overwrite(off_t at, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    char junk[4096];

    random_bytes(junk, sizeof(junk));
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, junk, len, at), (ssize_t)len);
    (void)close(fd);
}

static void assert_begun_anew(void)
{
    assert_int_equal(store_open(loop, dir, &store), 0);
    assert_true(store_works(store));
    assert_int_equal(count_files(".damaged-"), 1);
    assert_int_equal(history(1).rows, 0);
    assert_int_equal(append("new"), 0);
    assert_chain_good();
}

static void test_file_without_a_head_is_set_aside(void **state)
{
    (void)state;
    append_rows(ROWS);
    store = store_close(store);
    overwrite(0, 100);
    assert_begun_anew();
}

static void test_damage_within_is_set_aside(void **state)
{
    (void)state;
    append_rows(10 * ROWS);
    store = store_close(store);
    overwrite(6 * 4096, 4096);
    assert_begun_anew();
}

static void test_truncated_file_is_set_aside(void **state)
{
    (void)state;
    append_rows(10 * ROWS);
    store = store_close(store);
    assert_int_equal(truncate(path, 3 * 4096 + 100), 0);
    assert_begun_anew();
}

static void test_missing_table_is_set_aside(void **state)
{
    (void)state;
    store = store_close(store);
    sql("DROP TABLE spool");
    assert_begun_anew();
}

static void test_damage_while_running_ends_by_itself(void **state)
{
    (void)state;
    append_rows(10 * ROWS);
    sql("PRAGMA wal_checkpoint(TRUNCATE)");
    for (off_t page = 1; page < 7; page++)
        overwrite(page * 4096, 4096);
    assert_int_equal(append("x"), -EIO);
    assert_false(store_works(store));
    turn_until_works(true);
    assert_int_equal(count_files(".damaged-"), 1);
    assert_int_equal(append("y"), 0);
    assert_chain_good();
}

static void test_file_of_a_later_version_is_left_alone(void **state)
{
    struct store *s = NULL;

    (void)state;
    append_rows(3);
    store = store_close(store);
    sql("PRAGMA user_version = 99");
    assert_int_equal(store_open(loop, dir, &s), -ENOTSUP);
    assert_null(s);
    assert_int_equal(count_files(".damaged-"), 0);
    sql("PRAGMA user_version = 1");
    assert_int_equal(store_open(loop, dir, &store), 0);
    assert_int_equal(history(10).rows, 3);
}

static void test_directory_that_cannot_be(void **state)
{
    struct store *s = NULL;

    (void)state;
    assert_int_equal(store_open(loop, "/proc/rekindle", &s), -ENOENT);
    assert_int_equal(store_open(loop, path, &s), -ENOTDIR);
    assert_null(s);
}

/* ----------------------------------------------------------------------------------------- the process is killed */

struct child {
    int fd;
    unsigned n;
    struct store *store;
};

struct acked {
    char what;
    unsigned number;
};

static void child_acked(void *data, int error)
{
    struct child *c = data;
    char text[32];
    struct acked a = {'h', ++c->n};
    struct store_entry e = entry(text);

    if (error < 0 || write(c->fd, &a, sizeof(a)) != (ssize_t)sizeof(a))
        _exit(1);
    (void)str_format(text, sizeof(text), "row %u", c->n + 1);
    if (store_append(c->store, &e, child_acked, c) < 0)
        _exit(1);
}

static void child_spooled(void *data, int error)
{
    struct child *c = data;
    struct acked a = {'s', 0};

    if (error < 0 || write(c->fd, &a, sizeof(a)) != (ssize_t)sizeof(a))
        _exit(1);
}

/* Writes row after row and tells the parent of each acknowledgement, until it is killed. */
static void run_child(int fd)
{
    struct child c = {.fd = fd};
    struct store_alert a = {.id = "1", .target = "ops", .body = "{}"};
    struct store_entry e = entry("row 1");
    struct store_intent i = intent("a");
    struct loop *l;

    if (loop_new(&l) < 0 || store_open(l, dir, &c.store) < 0 || store_intend(c.store, &i, NULL, NULL) < 0 ||
        store_spool_add(c.store, &a, child_spooled, &c) < 0 || store_append(c.store, &e, child_acked, &c) < 0)
        _exit(1);
    (void)loop_run(l);
    _exit(1);
}

static unsigned kill_at_random(bool *ret_spooled)
{
    int fds[2], status;
    unsigned rows = 0;
    uint64_t stop = random_below(200);
    struct acked a;
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_child(fds[1]);
    (void)close(fds[1]);
    for (uint64_t i = 0; read(fds[0], &a, sizeof(a)) == (ssize_t)sizeof(a); i++) {
        if (i == stop)
            assert_int_equal(kill(pid, SIGKILL), 0); /* what is in the pipe was acknowledged before */
        if (a.what == 's')
            *ret_spooled = true;
        else
            rows = a.number;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(fds[0]);
    return rows;
}

static void test_killed_at_any_moment(void **state)
{
    (void)state;
    store = store_close(store);
    for (int round = 0; round < 15; round++) {
        bool spooled = false;
        unsigned rows = kill_at_random(&spooled);

        assert_int_equal(store_open(loop, dir, &store), 0);
        assert_chain_good();
        assert_int_equal(count_files(".damaged-"), 0);
        assert_true(history(SIZE_MAX).rows >= rows);
        if (spooled) {
            assert_int_equal(spool().n, 1);
            assert_int_equal(intents(false).n, 1); /* it was queued before */
        }
        store = store_close(store);
        assert_int_equal(unlink(path), 0);
    }
}

/* ----------------------------------------------------------------------------------------------- the disk is full */

static bool own_mounts;

static void fill(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char zeros[4096];

    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    (void)close(fd);
}

static bool mount_small(void)
{
    if (own_mounts && mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700") == 0)
        return true;
    print_message("a small file system can only be mounted by root, in a mount namespace of its own\n");
    return false;
}

static void test_full_disk_stops_history_only(void **state)
{
    char filler[96];
    int error = 0;

    (void)state;
    store = store_close(store);
    remove_dir();
    assert_int_equal(mkdir(dir, 0700), 0);
    if (!mount_small())
        skip();
    (void)str_format(filler, sizeof(filler), "%s/filler", dir);
    assert_int_equal(store_open(loop, dir, &store), 0);
    append_rows(ROWS);
    fill(filler);
    for (int i = 0; i < 10000 && error == 0; i++) /* what the log has room for is still taken */
        error = append("a row that is a little longer than those of before, so that the disk is full sooner");
    assert_int_equal(error, -ENOSPC);
    assert_false(store_works(store));
    assert_int_equal(intend("a"), -ENOSPC);
    assert_int_equal(intents(false).n, 0); /* it will not be done */
    assert_int_equal(spool_add("1", "ops", "x"), -ENOSPC);
    assert_int_equal(store_set(store, "notified/a/1", "UP"), 0);
    assert_int_equal(store_set(store, "notified/a/1", "DOWN"), 0);
    assert_int_equal(append("x"), -ENOSPC);
    assert_true(history(SIZE_MAX).rows >= ROWS); /* reading goes on */
    (void)unlink(filler);
    turn_until_works(true); /* by itself */
    assert_int_equal(append("again"), 0);
    assert_chain_good();
    reopen();
    assert_string_equal(values("notified/").value, "DOWN");
    store = store_close(store);
    assert_int_equal(umount(dir), 0);
}

static void test_start_on_a_full_disk(void **state)
{
    char filler[96];

    (void)state;
    store = store_close(store);
    remove_dir();
    assert_int_equal(mkdir(dir, 0700), 0);
    if (!mount_small())
        skip();
    (void)str_format(filler, sizeof(filler), "%s/filler", dir);
    fill(filler);
    assert_int_equal(store_open(loop, dir, &store), 0);
    assert_false(store_works(store));
    assert_int_equal(append("x"), -ENOSPC);
    assert_int_equal(store_set(store, "pause", "1"), 0);
    (void)unlink(filler);
    turn_until_works(true);
    assert_int_equal(append("again"), 0);
    assert_chain_good();
    reopen();
    assert_int_equal(values("pause").n, 1);
    store = store_close(store);
    assert_int_equal(umount(dir), 0);
}

static void test_close_on_a_full_disk_ends(void **state)
{
    char filler[96];

    (void)state;
    store = store_close(store);
    remove_dir();
    assert_int_equal(mkdir(dir, 0700), 0);
    if (!mount_small())
        skip();
    (void)str_format(filler, sizeof(filler), "%s/filler", dir);
    fill(filler);
    assert_int_equal(store_open(loop, dir, &store), 0);
    assert_int_equal(store_set(store, "pause", "1"), 0);
    store = store_close(store);
    assert_int_equal(umount(dir), 0);
}

/* ------------------------------------------------------------------------------------------------------- signals */

static int signals;

static void on_signal(void *data, int signo)
{
    (void)data;
    (void)signo;
    signals++;
}

static void test_signals_are_the_loops(void **state)
{
    struct loop_signal *s;

    (void)state;
    assert_int_equal(append("the thread runs"), 0);
    assert_int_equal(loop_signal_new(loop, SIGUSR1, on_signal, NULL, &s), 0);
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(kill(getpid(), SIGUSR1), 0); /* would end the process in a thread that does not block it */
        turn_until(&signals, i);
    }
    loop_signal_free(s);
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_files_are_ours_alone),
        store_test(test_history_is_newest_first),
        store_test(test_history_sees_what_was_appended_before),
        store_test(test_missing_texts_are_empty),
        store_test(test_changed_row_breaks_the_chain),
        store_test(test_moved_text_breaks_the_chain),
        store_test(test_missing_row_breaks_the_chain),
        store_test(test_missing_beginning_breaks_the_chain),
        store_test(test_old_rows_are_dropped_and_the_rest_verifies),
        store_test(test_verify_without_a_file),
        store_test(test_open_intention_survives),
        store_test(test_intentions_are_known_at_once),
        store_test(test_values),
        store_test(test_spool_keeps_the_order),
        store_test(test_what_is_too_long_is_refused),
        store_test(test_queue_has_an_end_and_history_gives_way),
        store_test(test_forgotten_callback_does_not_come),
        store_test(test_close_writes_what_is_queued),
        store_test(test_file_without_a_head_is_set_aside),
        store_test(test_damage_within_is_set_aside),
        store_test(test_truncated_file_is_set_aside),
        store_test(test_missing_table_is_set_aside),
        store_test(test_damage_while_running_ends_by_itself),
        store_test(test_file_of_a_later_version_is_left_alone),
        store_test(test_directory_that_cannot_be),
        store_test(test_killed_at_any_moment),
        store_test(test_full_disk_stops_history_only),
        store_test(test_start_on_a_full_disk),
        store_test(test_close_on_a_full_disk_ends),
        store_test(test_signals_are_the_loops),
    };

    own_mounts = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
