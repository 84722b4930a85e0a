/* The catalogue: every operation and its undo, what is refused, damaged and foreign files. */
#include "base/file.h"
#include "base/memory.h"
#include "catalogue/catalogue.h"
#include "catalogue/schema.h"
#include "catalogue/search.h"
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const urs_catalogue_model model = {"fp-one", "tiny", 4};

typedef struct place {
    char *folder, *path;
    urs_catalogue *c;
} place;

/* A fresh, empty catalogue; a name that is easy to get wrong. */
static bool open_place(urs_test *t, place *p)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    const urs_catalogue_options o = {.create = true};
    urs_error err = {0};
    p->folder = urs_test_folder("catalogue");
    p->path = p->folder ? urs_path_join(p->folder, "bears of Brooks 'Falls'.db") : NULL;
    p->c = NULL;
    for (int i = 0; p->path && i < 3; i++) {
        urs_text old = {0};
        urs_text_format(&old, "%s%s", p->path, parts[i]);
        (void)unlink(urs_text_string(&old));
        urs_text_release(&old);
    }
    if (!p->path || urs_catalogue_open(&p->c, p->path, &o, &err) != URS_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        return false;
    }
    return true;
}

static void close_place(urs_test *t, place *p)
{
    urs_error err = {0};
    if (p->c && urs_catalogue_check(p->c, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    urs_catalogue_close(p->c);
    urs_free(p->path);
    urs_free(p->folder);
}

/* Chip number k: an embedding of its own, on file f<k/2>, as second or first head. */
static urs_chip_entry entry(int k, char path[32], float e[4])
{
    (void)snprintf(path, 32, "trap/f%d.jpg", k / 2);
    e[0] = (float)(k + 1);
    e[1] = 1;
    e[2] = (float)(k % 3);
    e[3] = -2;
    return (urs_chip_entry){.path = path,
                            .content_hash = "00ff",
                            .box = {(float)(10 * (k % 2)), 0.4f, 20, 30},
                            .camera = "ca01",
                            .time = k % 2 ? "2024-07-02T10:00:00" : "2024-07-01T10:00:00",
                            .confidence = 0.5,
                            .embedding = e};
}

static urs_status enrol(urs_catalogue *c, const char *name, int first, int n, int64_t run, size_t *added, urs_error *err)
{
    char path[16][32];
    float e[16][4];
    urs_chip_entry chips[16];
    for (int i = 0; i < n; i++)
        chips[i] = entry(first + i, path[i], e[i]);
    return urs_catalogue_enrol(c, &model, name, chips, (size_t)n, run, added, err);
}

/* "name:chips,name:chips" of the live bears: the whole state in a line. */
static char *state_of(urs_test *t, urs_catalogue *c)
{
    urs_bears bears = {0};
    urs_error err = {0};
    urs_text text = {0};
    if (urs_catalogue_bears(c, &bears, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    for (size_t i = 0; i < bears.count; i++)
        urs_text_format(&text, "%s%s:%zu", i ? "," : "", bears.items[i].name, bears.items[i].chips);
    urs_bears_release(&bears);
    return urs_text_take(&text);
}

static void expect(urs_test *t, urs_catalogue *c, const char *want)
{
    char *state = state_of(t, c);
    URS_CHECK_TEXT(t, state, want);
    urs_free(state);
}

static void enrol_is_idempotent(urs_test *t)
{
    place p;
    urs_error err = {0};
    size_t added = 9, known = 0;
    urs_stored_chips chips = {0};
    urs_decisions d = {0};
    urs_bears bears = {0};
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, enrol(p.c, "  Otis\t", 0, 3, 0, &added, &err), err);
    URS_CHECK_INT(t, added, 3);
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 5, 0, &added, &err), err);
    URS_CHECK_INT(t, added, 2);
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 5, 0, &added, &err), err);
    URS_CHECK_INT(t, added, 0);
    expect(t, p.c, "Otis:5");
    URS_REQUIRE_OK(t, urs_catalogue_decisions(p.c, 0, &d, &err), err);
    URS_CHECK_INT(t, d.count, 2); /* the third changed nothing */
    URS_CHECK_TEXT(t, d.items[1].summary, "enrolled 3 chips of trap/f0.jpg as Otis");
    urs_decisions_release(&d);
    URS_REQUIRE_OK(t, urs_catalogue_has_file(p.c, "trap/f0.jpg", "00ff", "Otis", &known, &err), err);
    URS_CHECK_INT(t, known, 2);
    URS_REQUIRE_OK(t, urs_catalogue_has_file(p.c, "trap/f0.jpg", "other content", NULL, &known, &err), err);
    URS_CHECK_INT(t, known, 0);
    URS_REQUIRE_OK(t, urs_catalogue_bears(p.c, &bears, &err), err);
    URS_CHECK_INT(t, bears.items[0].sightings, 3);
    URS_CHECK_TEXT(t, bears.items[0].first_time, "2024-07-01T10:00:00");
    urs_bears_release(&bears);
    URS_REQUIRE_OK(t, urs_catalogue_chips(p.c, "Otis", &chips, &err), err);
    URS_CHECK_INT(t, chips.count, 5);
    URS_CHECK_TEXT(t, chips.items[1].path, "trap/f0.jpg");
    URS_CHECK_NEAR(t, chips.items[1].box.x1, 10, 0);
    urs_stored_chips_release(&chips);
    close_place(t, &p);
}

static void enrol_refuses_another_bears_chip(urs_test *t)
{
    place p;
    urs_error err = {0};
    size_t added = 9;
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 3, 0, NULL, &err), err);
    URS_CHECK_INT(t, enrol(p.c, "Grazer", 2, 3, 0, &added, &err), URS_EMISMATCH);
    URS_CHECK(t, strstr(err.message, "trap/f1.jpg is enrolled as \"Otis\" already, not as \"Grazer\"") != NULL);
    expect(t, p.c, "Otis:3"); /* nothing of it stays */
    URS_REQUIRE_OK(t, enrol(p.c, NULL, 2, 3, 0, &added, &err), err);
    URS_CHECK_INT(t, added, 2); /* without a bear; chip 2 has one and keeps it */
    URS_REQUIRE_OK(t, enrol(p.c, "Grazer", 3, 2, 0, &added, &err), err);
    expect(t, p.c, "Grazer:2,Otis:3");
    close_place(t, &p);
}

static void models_do_not_mix(urs_test *t)
{
    place p;
    urs_error err = {0};
    char path[32], *fingerprint = NULL, *name = NULL;
    float e[5] = {0};
    int32_t dim = 0;
    const urs_catalogue_model other = {"fp-two", "large", 4}, longer = {"fp-one", "tiny", 5}, none = {"", NULL, 4};
    urs_search *s = NULL;
    if (!open_place(t, &p))
        return;
    urs_chip_entry chip = entry(0, path, e);
    URS_REQUIRE_OK(t, urs_catalogue_model_check(p.c, &other, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_enrol(p.c, &model, "Otis", &chip, 1, 0, NULL, &err), err);
    URS_CHECK_INT(t, urs_catalogue_enrol(p.c, &other, "Otis", &chip, 1, 0, NULL, &err), URS_EMISMATCH);
    URS_CHECK(t, strstr(err.message, "tiny (fp-one, 4 numbers), not with large (fp-two, 4 numbers)") != NULL);
    URS_CHECK_INT(t, urs_catalogue_enrol(p.c, &longer, "Otis", &chip, 1, 0, NULL, &err), URS_EMISMATCH);
    URS_CHECK_INT(t, urs_catalogue_enrol(p.c, &none, "Otis", &chip, 1, 0, NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_search_load(&s, p.c, &other, &err), URS_EMISMATCH);
    URS_REQUIRE_OK(t, urs_catalogue_model_get(p.c, &fingerprint, &name, &dim, &err), err);
    URS_CHECK_TEXT(t, fingerprint, "fp-one");
    URS_CHECK_TEXT(t, name, "tiny");
    URS_CHECK_INT(t, dim, 4);
    urs_free(fingerprint);
    urs_free(name);
    close_place(t, &p);
}

static void bad_chips_and_names_are_refused(urs_test *t)
{
    static const char *const names[] = {"", " \t\n", "\xff", "\xc0\xaf", "\xed\xa0\x80", "a\xe2\x82"};
    place p;
    urs_error err = {0};
    char path[32], longest[URS_BEAR_NAME_MAX + 2];
    float e[4];
    if (!open_place(t, &p))
        return;
    urs_chip_entry good = entry(0, path, e), bad[4] = {good, good, good, good};
    const float zero[4] = {0}, nan[4] = {NAN, 0, 0, 0};
    bad[0].embedding = zero;
    bad[1].embedding = nan;
    bad[2].box.x1 = NAN;
    bad[3].path = "";
    for (int i = 0; i < 4; i++)
        URS_CHECK_INT(t, urs_catalogue_enrol(p.c, &model, "Otis", &bad[i], 1, 0, NULL, &err), URS_EINVAL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        URS_CHECK_INT(t, urs_catalogue_enrol(p.c, &model, names[i], &good, 1, 0, NULL, &err), URS_EINVAL);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    URS_CHECK_INT(t, urs_catalogue_enrol(p.c, &model, longest, &good, 1, 0, NULL, &err), URS_EINVAL);
    expect(t, p.c, "");
    URS_REQUIRE_OK(t, urs_catalogue_enrol(p.c, &model, longest + 1, &good, 1, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_rename(p.c, longest + 1, "\xe3\x80\x80 Bj\xc3\xb6rn, \xf0\x9f\x90\xbb \"II\"\xc2\xa0", &err), err);
    expect(t, p.c, "Bj\xc3\xb6rn, \xf0\x9f\x90\xbb \"II\":1");
    close_place(t, &p);
}

static void undo_once(urs_test *t, urs_catalogue *c, const char *want_state, const char *want_summary)
{
    char *summary = NULL;
    urs_error err = {0};
    if (urs_catalogue_undo(c, &summary, NULL, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    URS_CHECK_TEXT(t, summary, want_summary);
    urs_free(summary);
    expect(t, c, want_state);
    if (urs_catalogue_check(c, &err) != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
}

static void every_decision_is_undone(urs_test *t)
{
    place p;
    urs_error err = {0};
    urs_stored_chips chips = {0};
    int64_t two[2];
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 4, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, "Grazer", 4, 2, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_rename(p.c, "Grazer", "Holly", &err), err);
    expect(t, p.c, "Holly:2,Otis:4");
    URS_REQUIRE_OK(t, urs_catalogue_chips(p.c, "Otis", &chips, &err), err);
    two[0] = chips.items[1].id;
    two[1] = chips.items[3].id;
    urs_stored_chips_release(&chips);
    URS_REQUIRE_OK(t, urs_catalogue_split(p.c, "Otis", "Grazer", two, 2, &err), err);
    expect(t, p.c, "Grazer:2,Holly:2,Otis:2");
    URS_REQUIRE_OK(t, urs_catalogue_merge(p.c, "Grazer", "Holly", &err), err);
    expect(t, p.c, "Holly:4,Otis:2");
    URS_REQUIRE_OK(t, urs_catalogue_remove_chip(p.c, two[0], &err), err);
    expect(t, p.c, "Holly:3,Otis:2");
    URS_REQUIRE_OK(t, urs_catalogue_remove_bear(p.c, "Otis", &err), err);
    expect(t, p.c, "Holly:3");
    URS_REQUIRE_OK(t, urs_catalogue_verdict(p.c, two[1], "new", "Otis", &err), err); /* the name is free again */
    expect(t, p.c, "Holly:2,Otis:1");
    URS_REQUIRE_OK(t, urs_catalogue_verdict(p.c, two[1], "unsure", NULL, &err), err);
    expect(t, p.c, "Holly:2,Otis:0");
    URS_REQUIRE_OK(t, urs_catalogue_verdict(p.c, two[1], "known", "Holly", &err), err);
    expect(t, p.c, "Holly:3,Otis:0");

    undo_once(t, p.c, "Holly:2,Otis:0", "chip 4 is known: Holly");
    undo_once(t, p.c, "Holly:2,Otis:1", "chip 4 is unsure");
    undo_once(t, p.c, "Holly:3", "chip 4 is new: Otis");
    undo_once(t, p.c, "Holly:3,Otis:2", "removed Otis with 2 chips");
    undo_once(t, p.c, "Holly:4,Otis:2", "removed chip 2");
    undo_once(t, p.c, "Grazer:2,Holly:2,Otis:2", "merged Grazer (2 chips) into Holly");
    /* A new decision after an undo is the next to be undone. */
    URS_REQUIRE_OK(t, urs_catalogue_rename(p.c, "Otis", "Walker", &err), err);
    undo_once(t, p.c, "Grazer:2,Holly:2,Otis:2", "renamed Otis to Walker");
    undo_once(t, p.c, "Holly:2,Otis:4", "split 2 chips of Otis off as Grazer");
    undo_once(t, p.c, "Grazer:2,Otis:4", "renamed Grazer to Holly");
    undo_once(t, p.c, "Otis:4", "enrolled 2 chips of trap/f2.jpg as Grazer");
    undo_once(t, p.c, "", "enrolled 4 chips of trap/f0.jpg as Otis");
    URS_CHECK_INT(t, urs_catalogue_undo(p.c, NULL, NULL, &err), URS_ENOTFOUND);
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 6, 0, NULL, &err), err); /* chips that were undone come back */
    expect(t, p.c, "Otis:6");
    close_place(t, &p);
}

static void a_run_is_undone_as_one(urs_test *t)
{
    place p;
    urs_error err = {0};
    int64_t run = 0, later = 0;
    char *summary = NULL;
    size_t decisions = 0;
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, enrol(p.c, "Walker", 14, 1, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_run_new(p.c, &run, &err), err);
    for (int k = 0; k < 10; k += 2)
        URS_REQUIRE_OK(t, enrol(p.c, k < 5 ? "Otis" : "Grazer", k, 2, run, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_run_new(p.c, &later, &err), err);
    URS_CHECK(t, later != run && run > 0);
    expect(t, p.c, "Grazer:4,Otis:6,Walker:1");
    URS_REQUIRE_OK(t, urs_catalogue_undo(p.c, &summary, &decisions, &err), err);
    URS_CHECK_INT(t, decisions, 5);
    URS_CHECK_TEXT(t, summary, "enrolled 2 chips of trap/f4.jpg as Grazer, and 4 earlier steps of the same run");
    urs_free(summary);
    expect(t, p.c, "Walker:1");
    /* Another decision in between: each part by itself. */
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 2, later, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_rename(p.c, "Otis", "Grazer", &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 2, 2, later, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_undo(p.c, NULL, &decisions, &err), err);
    URS_CHECK_INT(t, decisions, 1);
    expect(t, p.c, "Grazer:2,Walker:1");
    close_place(t, &p);
}

static void wrong_decisions_change_nothing(urs_test *t)
{
    place p;
    urs_error err = {0};
    const int64_t own[2] = {1, 1}, others[1] = {3}, absent[1] = {99};
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 2, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, "Grazer", 2, 2, 0, NULL, &err), err);
    URS_CHECK_INT(t, urs_catalogue_rename(p.c, "Nobody", "X", &err), URS_ENOTFOUND);
    URS_CHECK(t, strstr(err.message, "there is no bear called \"Nobody\"") != NULL);
    URS_CHECK_INT(t, urs_catalogue_rename(p.c, "Otis", "Grazer", &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_rename(p.c, "Otis", " Otis ", &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_rename(p.c, "Otis", "  ", &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_merge(p.c, "Otis", "Otis", &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_merge(p.c, "Otis", "Nobody", &err), URS_ENOTFOUND);
    URS_CHECK_INT(t, urs_catalogue_split(p.c, "Otis", "New", own, 0, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_split(p.c, "Otis", "New", own, 2, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_split(p.c, "Otis", "New", others, 1, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_split(p.c, "Otis", "New", absent, 1, &err), URS_ENOTFOUND);
    URS_CHECK_INT(t, urs_catalogue_split(p.c, "Otis", "Grazer", own, 1, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_remove_bear(p.c, "otis", &err), URS_ENOTFOUND); /* case counts */
    URS_CHECK_INT(t, urs_catalogue_remove_chip(p.c, 99, &err), URS_ENOTFOUND);
    URS_CHECK_INT(t, urs_catalogue_verdict(p.c, 1, "maybe", "Otis", &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_verdict(p.c, 1, "known", NULL, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_verdict(p.c, 1, "known", "Nobody", &err), URS_ENOTFOUND);
    URS_CHECK_INT(t, urs_catalogue_verdict(p.c, 1, "unsure", "Otis", &err), URS_EINVAL);
    expect(t, p.c, "Grazer:2,Otis:2");
    URS_REQUIRE_OK(t, urs_catalogue_remove_chip(p.c, 1, &err), err);
    URS_CHECK_INT(t, urs_catalogue_remove_chip(p.c, 1, &err), URS_ENOTFOUND);
    close_place(t, &p);
}

static void search_sees_live_chips(urs_test *t)
{
    place p;
    urs_error err = {0};
    urs_search *s = NULL;
    urs_search_hit hit[4];
    size_t count = 0, size = 9;
    char path[32], *name = NULL;
    float e[4];
    uint8_t *jpeg = NULL;
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, urs_search_load(&s, p.c, &model, &err), err);
    URS_CHECK_INT(t, urs_search_count(s), 0);
    urs_search_free(s);
    urs_chip_entry chip = entry(7, path, e);
    chip.thumbnail = "\xff\xd8thumb";
    chip.thumbnail_size = 7;
    URS_REQUIRE_OK(t, urs_catalogue_enrol(p.c, &model, "Walker", &chip, 1, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 4, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, NULL, 10, 2, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_remove_chip(p.c, 2, &err), err);
    URS_REQUIRE_OK(t, urs_search_load(&s, p.c, &model, &err), err);
    URS_CHECK_INT(t, urs_search_count(s), 4);
    URS_CHECK_INT(t, urs_search_bear_count(s), 2);
    URS_REQUIRE_OK(t, urs_search_bears(s, e, 4, NULL, hit, &count, &err), err);
    URS_CHECK_INT(t, count, 2);
    URS_CHECK_NEAR(t, hit[0].score, 1, 1e-6);
    URS_REQUIRE_OK(t, urs_catalogue_bear_name(p.c, hit[0].bear, &name, &err), err);
    URS_CHECK_TEXT(t, name, "Walker");
    urs_free(name);
    URS_REQUIRE_OK(t, urs_catalogue_thumbnail(p.c, hit[0].chip, &jpeg, &size, &err), err);
    URS_CHECK(t, size == 7 && jpeg && !memcmp(jpeg, "\xff\xd8thumb", 7));
    urs_free(jpeg);
    URS_REQUIRE_OK(t, urs_catalogue_thumbnail(p.c, 3, &jpeg, &size, &err), err);
    URS_CHECK(t, size == 0 && !jpeg);
    urs_search_free(s);
    close_place(t, &p);
}

static void exports_csv(urs_test *t)
{
    place p;
    urs_error err = {0};
    urs_text out = {0};
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, enrol(p.c, "Otis, \"Big\"", 0, 1, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, NULL, 1, 1, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, urs_catalogue_export_chips(p.c, &out, &err), err);
    URS_CHECK_TEXT(t, urs_text_string(&out),
                   "chip,bear,file,x1,y1,x2,y2,confidence,camera,time,verdict,content_hash\r\n"
                   "1,\"Otis, \"\"Big\"\"\",trap/f0.jpg,0.0,0.4,20.0,30.0,0.5000,ca01,2024-07-01T10:00:00,,00ff\r\n"
                   "2,,trap/f0.jpg,10.0,0.4,20.0,30.0,0.5000,ca01,2024-07-01T10:00:00,,00ff\r\n");
    urs_text_release(&out);
    URS_REQUIRE_OK(t, urs_catalogue_export_bears(p.c, &out, &err), err);
    URS_CHECK_TEXT(t, urs_text_string(&out), "bear,chips,sightings,first_time,last_time\r\n\"Otis, \"\"Big\"\"\",1,1,2024-07-01T10:00:00,2024-07-01T10:00:00\r\n");
    urs_text_release(&out);
    close_place(t, &p);
}

static void run_sql(urs_test *t, const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s: %s", sql, why ? why : "cannot open");
    sqlite3_free(why);
    sqlite3_close(db);
}

static void foreign_files_are_left_alone(urs_test *t)
{
    const urs_catalogue_options create = {.create = true}, reader = {.read_only = true};
    urs_catalogue *c = NULL;
    urs_error err = {0};
    urs_bytes before = {0}, after = {0};
    char *folder = urs_test_folder("foreign");
    char *text = urs_path_join(folder, "text.db"), *other = urs_path_join(folder, "other.db"), *newer = urs_path_join(folder, "newer.db"), *empty = urs_path_join(folder, "empty.db");
    char *wal = urs_path_join(folder, "empty.db-wal"), *shm = urs_path_join(folder, "empty.db-shm");
    URS_CHECK_INT(t, urs_catalogue_open(&c, text, NULL, &err), URS_ENOTFOUND);
    URS_CHECK_INT(t, urs_catalogue_open(&c, "", &create, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_catalogue_open(&c, "/no such folder/x.db", &create, &err), URS_EIO);
    URS_REQUIRE_OK(t, urs_file_write(text, "this is not a database, but a letter of some length", 51, &err), err);
    URS_CHECK_INT(t, urs_catalogue_open(&c, text, &create, &err), URS_EFORMAT);
    URS_CHECK(t, strstr(err.message, "not a catalogue") != NULL);
    URS_REQUIRE_OK(t, urs_file_write(empty, "", 0, &err), err);
    URS_CHECK_INT(t, urs_catalogue_open(&c, empty, NULL, &err), URS_EFORMAT);
    URS_REQUIRE_OK(t, urs_catalogue_open(&c, empty, &create, &err), err); /* what a crash right after creating leaves */
    urs_catalogue_close(c);
    URS_REQUIRE_OK(t, urs_catalogue_open(&c, empty, &reader, &err), err);
    URS_CHECK_INT(t, enrol(c, "Otis", 0, 1, 0, NULL, &err), URS_EINVAL);
    urs_catalogue_close(c);
    URS_CHECK(t, !urs_file_exists(wal) && !urs_file_exists(shm)); /* a reader leaves nothing behind */
    run_sql(t, other, "CREATE TABLE bears (id, name); INSERT INTO bears VALUES (1, 'mine')");
    URS_REQUIRE_OK(t, urs_file_read(&before, other, 0, &err), err);
    URS_CHECK_INT(t, urs_catalogue_open(&c, other, &create, &err), URS_EFORMAT);
    URS_REQUIRE_OK(t, urs_file_read(&after, other, 0, &err), err);
    URS_CHECK(t, before.size == after.size && !memcmp(before.data, after.data, before.size));
    run_sql(t, newer, "PRAGMA application_id = 1431458609; PRAGMA user_version = 1000; CREATE TABLE x (y)");
    URS_CHECK_INT(t, urs_catalogue_open(&c, newer, &create, &err), URS_EUNSUPPORTED);
    URS_CHECK(t, strstr(err.message, "newer ursid") != NULL);
    urs_bytes_release(&before);
    urs_bytes_release(&after);
    urs_free(wal);
    urs_free(shm);
    urs_free(text);
    urs_free(other);
    urs_free(newer);
    urs_free(empty);
    urs_free(folder);
}

/* What a reader without the right to write says of a catalogue: in a child, which gives up being root if that is what the tests run as. */
typedef enum reader_answer { READER_OTIS = 10, READER_NONE, READER_BUSY, READER_FAILED } reader_answer;

static reader_answer ask_reader(const char *path, const char *name, bool wait)
{
    const urs_catalogue_options reader = {.read_only = true};
    urs_catalogue *c = NULL;
    urs_stored_chips chips = {0};
    urs_error err = {0};
    urs_status status = urs_catalogue_open(&c, path, &reader, &err);
    if (status == URS_OK && wait)
        (void)raise(SIGSTOP);
    if (status == URS_OK)
        status = urs_catalogue_chips(c, name, &chips, &err);
    if (status != URS_OK && status != URS_ENOTFOUND && status != URS_EBUSY)
        printf("  reader: %s\n", err.message);
    urs_stored_chips_release(&chips);
    urs_catalogue_close(c);
    return status == URS_OK ? READER_OTIS : status == URS_ENOTFOUND ? READER_NONE : status == URS_EBUSY ? READER_BUSY : READER_FAILED;
}

static pid_t start_reader(const char *path, const char *name, bool wait)
{
    pid_t pid;
    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(1);
        _exit((int)ask_reader(path, name, wait));
    }
    return pid;
}

static int end_reader(pid_t pid)
{
    int status = 0;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t files_in(const char *folder)
{
    urs_names names = {0};
    size_t n = SIZE_MAX;
    if (urs_folder_list(&names, folder, NULL, NULL) == URS_OK)
        n = names.count;
    urs_names_release(&names);
    return n;
}

static void protected_files_are_read_as_they_stand(urs_test *t)
{
    place p;
    urs_error err = {0};
    pid_t pid;
    int status = 0;
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 2, 0, NULL, &err), err);
    urs_catalogue_close(p.c);
    URS_REQUIRE(t, chmod(p.folder, 0777) == 0 && chmod(p.path, 0444) == 0);
    URS_CHECK_INT(t, end_reader(start_reader(p.path, "Otis", false)), READER_OTIS);
    URS_CHECK_INT(t, files_in(p.folder), 1); /* no -wal, no -shm */
    URS_REQUIRE(t, chmod(p.folder, 0555) == 0);
    URS_CHECK_INT(t, end_reader(start_reader(p.path, "Otis", false)), READER_OTIS); /* as on a card that is locked */
    URS_REQUIRE(t, chmod(p.folder, 0777) == 0 && chmod(p.path, 0644) == 0);
    /* What a writer has decided stands in its log, and is seen; what it is in the middle of is its own. */
    URS_REQUIRE_OK(t, urs_catalogue_open(&p.c, p.path, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, "Grazer", 4, 2, 0, NULL, &err), err);
    URS_CHECK_INT(t, end_reader(start_reader(p.path, "Grazer", false)), READER_OTIS);
    URS_CHECK_INT(t, files_in(p.folder), 3);
    urs_catalogue_close(p.c);
    URS_CHECK_INT(t, files_in(p.folder), 1);
    /* A writer that comes while the file is read as it stands: no mixture of two states. (Another user's file: the reader has no right to write to it.) */
    pid = start_reader(p.path, "Walker", true);
    URS_REQUIRE(t, waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    URS_REQUIRE_OK(t, urs_catalogue_open(&p.c, p.path, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, "Walker", 8, 2, 0, NULL, &err), err);
    urs_catalogue_close(p.c);
    (void)kill(pid, SIGCONT);
    if (geteuid() == 0)
        URS_CHECK_INT(t, end_reader(pid), READER_BUSY);
    else
        URS_CHECK_INT(t, end_reader(pid), READER_OTIS); /* one's own file is not protected */
    p.c = NULL;
    close_place(t, &p);
}

/* Rules that a hostile or damaged file breaks: a clear error from check, and none of them a crash in reading, undoing or searching. */
static void contradictions_are_found(urs_test *t)
{
    static const char *const harm[] = {
        "UPDATE bears SET removed = 1",
        "DELETE FROM embeddings WHERE chip = 1",
        "UPDATE embeddings SET data = x'00'",
        "UPDATE embeddings SET data = 'text' WHERE chip = 2",
        "UPDATE models SET dim = 16384",
        "PRAGMA foreign_keys = OFF; UPDATE chips SET bear = 77",
        "PRAGMA foreign_keys = OFF; DELETE FROM sightings",
        "UPDATE changes SET entity = 'sqlite_master'",
        "UPDATE changes SET row = 4711",
        "UPDATE changes SET old = x'ff', new = NULL",
        "DROP TABLE embeddings",
        "DROP TABLE changes",
        "CREATE TRIGGER evil AFTER UPDATE ON chips BEGIN DELETE FROM bears; END",
        "DROP TABLE chips; CREATE VIEW chips AS SELECT 1 AS id, 1 AS bear, 1 AS sighting, 0 AS removed",
    };
    for (size_t i = 0; i < sizeof harm / sizeof *harm; i++) {
        place p;
        urs_error err = {0};
        urs_search *s = NULL;
        urs_stored_chips chips = {0};
        urs_bears bears = {0};
        if (!open_place(t, &p))
            return;
        URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 3, 0, NULL, &err), err);
        URS_REQUIRE_OK(t, urs_catalogue_rename(p.c, "Otis", "Holly", &err), err);
        urs_catalogue_close(p.c);
        p.c = NULL;
        run_sql(t, p.path, harm[i]);
        URS_REQUIRE_OK(t, urs_catalogue_open(&p.c, p.path, NULL, &err), err);
        const urs_status check = urs_catalogue_check(p.c, &err);
        const bool only_undo = i >= 7 && i <= 9;
        if (check != URS_EFORMAT && !only_undo && i != 12)
            urs_test_fail(t, __FILE__, __LINE__, "not found (%d): %s", (int)check, harm[i]);
        if (urs_search_load(&s, p.c, &model, &err) == URS_OK)
            urs_search_free(s);
        if (urs_catalogue_chips(p.c, NULL, &chips, &err) == URS_OK)
            urs_stored_chips_release(&chips);
        const urs_status undone = urs_catalogue_undo(p.c, NULL, NULL, &err);
        if (only_undo && undone != URS_EFORMAT)
            urs_test_fail(t, __FILE__, __LINE__, "undone (%d): %s", (int)undone, harm[i]);
        if (urs_catalogue_undo(p.c, NULL, NULL, &err) == URS_OK)
            URS_CHECK(t, undone == URS_OK);
        if (urs_catalogue_bears(p.c, &bears, &err) == URS_OK) {
            URS_CHECK(t, i != 12 || bears.count == 0); /* both undone; the trigger did not run, or the row would be gone for good */
            urs_bears_release(&bears);
        }
        urs_catalogue_close(p.c);
        urs_free(p.path);
        urs_free(p.folder);
    }
}

static void damaged_pages_are_an_error(urs_test *t)
{
    place p;
    urs_error err = {0};
    urs_bytes bytes = {0};
    size_t found = 0;
    if (!open_place(t, &p))
        return;
    for (int k = 0; k < 48; k += 16)
        URS_REQUIRE_OK(t, enrol(p.c, "Otis", k, 16, 0, NULL, &err), err);
    urs_catalogue_close(p.c); /* checkpoints the log into the file */
    p.c = NULL;
    URS_REQUIRE_OK(t, urs_file_read(&bytes, p.path, 0, &err), err);
    for (size_t page = 1; page * 4096 < bytes.size; page++) {
        urs_catalogue *c = NULL;
        uint8_t keep[64];
        memcpy(keep, bytes.data + page * 4096, sizeof keep);
        for (size_t i = 0; i < sizeof keep; i++)
            bytes.data[page * 4096 + i] = (uint8_t)(0xa5 ^ (i * 37));
        URS_REQUIRE_OK(t, urs_file_write(p.path, bytes.data, bytes.size, &err), err);
        urs_status status = urs_catalogue_open(&c, p.path, NULL, &err);
        if (status == URS_OK)
            status = urs_catalogue_check(c, &err);
        found += status == URS_EFORMAT;
        if (c) {
            urs_stored_chips chips = {0};
            if (enrol(c, "Otis", 60, 3, 0, NULL, &err) == URS_OK && urs_catalogue_undo(c, NULL, NULL, &err) != URS_OK)
                URS_CHECK_INT(t, err.code, URS_EFORMAT);
            if (urs_catalogue_chips(c, NULL, &chips, &err) == URS_OK)
                urs_stored_chips_release(&chips);
        }
        urs_catalogue_close(c);
        memcpy(bytes.data + page * 4096, keep, sizeof keep);
    }
    URS_CHECK(t, bytes.size / 4096 > 10);
    URS_CHECK_INT(t, found, bytes.size / 4096 - 1);
    urs_bytes_release(&bytes);
    urs_free(p.path);
    urs_free(p.folder);
}

static void two_writers_wait_or_say_so(urs_test *t)
{
    place p;
    urs_error err = {0};
    const urs_catalogue_options impatient = {.busy_ms = 1};
    urs_catalogue *second = NULL;
    sqlite3 *blocker = NULL;
    if (!open_place(t, &p))
        return;
    URS_REQUIRE_OK(t, urs_catalogue_open(&second, p.path, &impatient, &err), err);
    URS_REQUIRE_OK(t, enrol(p.c, "Otis", 0, 2, 0, NULL, &err), err);
    URS_REQUIRE_OK(t, enrol(second, "Otis", 0, 3, 0, NULL, &err), err);
    expect(t, p.c, "Otis:3");
    URS_CHECK_INT(t, sqlite3_open(p.path, &blocker), SQLITE_OK);
    URS_CHECK_INT(t, sqlite3_exec(blocker, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    URS_CHECK_INT(t, enrol(second, "Otis", 0, 6, 0, NULL, &err), URS_EBUSY);
    expect(t, second, "Otis:3"); /* reading goes on */
    sqlite3_close(blocker);
    URS_REQUIRE_OK(t, enrol(second, "Otis", 0, 6, 0, NULL, &err), err);
    urs_catalogue_close(second);
    close_place(t, &p);
}

int main(void)
{
    static const urs_case cases[] = {
        {"enrolling twice adds once", enrol_is_idempotent},
        {"a chip of another bear is refused", enrol_refuses_another_bears_chip},
        {"models do not mix", models_do_not_mix},
        {"bad chips and names are refused", bad_chips_and_names_are_refused},
        {"every decision is undone", every_decision_is_undone},
        {"a run is undone as one", a_run_is_undone_as_one},
        {"wrong decisions change nothing", wrong_decisions_change_nothing},
        {"search sees live chips", search_sees_live_chips},
        {"export as CSV", exports_csv},
        {"foreign files are left alone", foreign_files_are_left_alone},
        {"protected files are read as they stand", protected_files_are_read_as_they_stand},
        {"contradictions are found", contradictions_are_found},
        {"damaged pages are an error", damaged_pages_are_an_error},
        {"two writers wait or say so", two_writers_wait_or_say_so},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
