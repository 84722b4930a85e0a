/* `ursid catalogue`: every action, what it prints, exit codes. */
#include "base/file.h"
#include "base/memory.h"
#include "catalogue/catalogue.h"
#include "cli/command.h"
#include "harness.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define WORDS_MAX 16

extern const urs_command urs_cmd_catalogue;

typedef struct outcome {
    int code;
    urs_bytes out, complaint;
} outcome;

/* Runs the command with words up to NULL and gathers what it writes. */
static outcome run_words(const char *folder, const char *const *words)
{
    outcome o = {.code = -1};
    char *argv[WORDS_MAX + 1] = {0}, *owned[WORDS_MAX] = {0}, paths[2][512];
    int saved[2], argc = 0;
    urs_error err = {0};
    for (; words[argc] && argc < WORDS_MAX; argc++)
        argv[argc] = owned[argc] = urs_strdup(words[argc]);
    (void)snprintf(paths[0], sizeof paths[0], "%s/stdout", folder);
    (void)snprintf(paths[1], sizeof paths[1], "%s/stderr", folder);
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(paths[i], "wb");
        saved[i] = dup(i + 1);
        (void)dup2(fileno(f), i + 1);
        (void)fclose(f);
    }
    o.code = urs_cmd_catalogue.run(argc, argv);
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) {
        (void)dup2(saved[i], i + 1);
        (void)close(saved[i]);
    }
    for (int i = 0; i < argc; i++)
        urs_free(owned[i]);
    if (urs_file_read(&o.out, paths[0], 0, &err) != URS_OK || urs_file_read(&o.complaint, paths[1], 0, &err) != URS_OK)
        o.code = -1;
    return o;
}

#define RUN(p, ...) run_words((p)->folder, (const char *const[]){"catalogue", "--catalogue", (p)->db, __VA_ARGS__, NULL})

typedef struct place {
    char *folder, *db;
} place;

static void release(outcome *o)
{
    urs_bytes_release(&o->out);
    urs_bytes_release(&o->complaint);
}

/* Three chips of Otis, two of Grazer; a file name with a line break and a camera. */
static bool make_place(urs_test *t, place *p, const char *name)
{
    static const char *const bears[] = {"Otis", "Otis", "Otis", "Grazer", "Grazer"};
    const urs_catalogue_options o = {.create = true};
    const urs_catalogue_model model = {"fp", "tiny", 2};
    urs_catalogue *c = NULL;
    urs_error err = {0};
    p->folder = urs_test_folder(name);
    p->db = urs_path_join(p->folder, "c.db");
    (void)unlink(p->db);
    urs_status status = urs_catalogue_open(&c, p->db, &o, &err);
    for (int i = 0; status == URS_OK && i < 5; i++) {
        const float e[2] = {(float)i, 1};
        char path[32];
        (void)snprintf(path, sizeof path, "a\n%d.jpg", i);
        const urs_chip_entry chip = {.path = path, .content_hash = "00", .box = {1, 2, 31, 42}, .camera = "ca01", .confidence = 1, .embedding = e};
        status = urs_catalogue_enrol(c, &model, bears[i], &chip, 1, 0, NULL, &err);
    }
    urs_catalogue_close(c);
    if (status != URS_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return status == URS_OK;
}

static void free_place(place *p)
{
    urs_free(p->folder);
    urs_free(p->db);
}

static void expect(urs_test *t, outcome o, int code, const char *out, const char *complaint, int line)
{
    if (o.code != code || (out && strcmp((const char *)o.out.data, out) != 0) || (complaint && !strstr((const char *)o.complaint.data, complaint)))
        urs_test_fail(t, __FILE__, line, "code %d, stdout \"%s\", stderr \"%s\"", o.code, (const char *)o.out.data, (const char *)o.complaint.data);
    release(&o);
}
#define EXPECT(t, o, code, out, complaint) expect(t, o, code, out, complaint, __LINE__)

static void changes_and_undo(urs_test *t)
{
    place p;
    if (!make_place(t, &p, "cmd_catalogue"))
        return;
    EXPECT(t, RUN(&p, "rename", "Grazer", "Holly"), 0, "renamed Grazer to Holly\n", NULL);
    EXPECT(t, RUN(&p, "split", "Otis", "Bj\xc3\xb6rn", "1", "3"), 0, "split 2 chips of Otis off as Bj\xc3\xb6rn\n", NULL);
    EXPECT(t, RUN(&p, "merge", "Otis", "Holly"), 0, "merged Otis (1 chip) into Holly\n", NULL);
    EXPECT(t, RUN(&p, "remove", "--chip", "3"), 0, "removed chip 3\n", NULL);
    EXPECT(t, RUN(&p, "verdict", "2", "new", "Walker"), 0, "chip 2 is new: Walker\n", NULL);
    EXPECT(t, RUN(&p, "verdict", "2", "unsure"), 0, "chip 2 is unsure\n", NULL);
    EXPECT(t, RUN(&p, "remove", "Walker"), 0, "removed Walker with 0 chips\n", NULL);
    EXPECT(t, RUN(&p, "check"), 0, "the catalogue is in order\n", NULL);
    EXPECT(t, RUN(&p, "list"), 0,
           "bear   chips  sightings  first seen  last seen\n"
           "-----  -----  ---------  ----------  ---------\n"
           "Bj\xc3\xb6rn      1          1           -          -\n"
           "Holly      2          2           -          -\n\n2 bears, 3 chips\n",
           NULL);
    for (int i = 0; i < 6; i++)
        EXPECT(t, RUN(&p, "undo"), 0, NULL, NULL);
    EXPECT(t, RUN(&p, "undo"), 0, "undone: renamed Grazer to Holly\n", NULL);
    EXPECT(t, RUN(&p, "export", "--bears"), 0, "bear,chips,sightings,first_time,last_time\r\nGrazer,2,2,,\r\nOtis,3,3,,\r\n", NULL);
    free_place(&p);
}

static void looks(urs_test *t)
{
    place p;
    json_error_t why;
    urs_error err = {0};
    urs_bytes csv = {0};
    if (!make_place(t, &p, "cmd_catalogue_looks"))
        return;
    char *file = urs_path_join(p.folder, "chips.csv");
    outcome o = RUN(&p, "list", "--json");
    json_t *root = json_loadb((const char *)o.out.data, o.out.size, 0, &why);
    URS_CHECK_INT(t, json_array_size(json_object_get(root, "bears")), 2);
    URS_CHECK_TEXT(t, json_string_value(json_object_get(json_object_get(root, "model"), "fingerprint")), "fp");
    json_decref(root);
    release(&o);
    o = RUN(&p, "show", "Otis", "--json");
    root = json_loadb((const char *)o.out.data, o.out.size, 0, &why);
    URS_CHECK_INT(t, json_array_size(root), 3);
    URS_CHECK_TEXT(t, json_string_value(json_object_get(json_array_get(root, 0), "file")), "a\n0.jpg");
    json_decref(root);
    release(&o);
    o = RUN(&p, "history", "--json");
    root = json_loadb((const char *)o.out.data, o.out.size, 0, &why);
    URS_CHECK_INT(t, json_array_size(root), 5);
    json_decref(root);
    release(&o);
    EXPECT(t, RUN(&p, "show", "--chip", "4"), 0,
           "chip  bear    x  y  width  height  time  camera  file\n"
           "----  ------  -  -  -----  ------  ----  ------  -------\n"
           "   4  Grazer  1  2     30      40     -  ca01    a 3.jpg\n",
           NULL);
    EXPECT(t, RUN(&p, "export", "--out", file), 0, "", NULL);
    URS_REQUIRE_OK(t, urs_file_read(&csv, file, 0, &err), err);
    URS_CHECK(t, strstr((const char *)csv.data, "4,Grazer,\"a\n3.jpg\",1.0,2.0,31.0,42.0,1.0000,ca01,,,00\r\n") != NULL);
    urs_bytes_release(&csv);
    urs_free(file);
    free_place(&p);
}

static void wrong_use(urs_test *t)
{
    place p;
    if (!make_place(t, &p, "cmd_catalogue_wrong"))
        return;
    EXPECT(t, RUN(&p, "frobnicate"), 2, "", "there is no action 'frobnicate'");
    EXPECT(t, RUN(&p, "rename", "Otis"), 2, "", "rename takes BEAR NEW-NAME");
    EXPECT(t, RUN(&p, "rename", "Otis", " "), 2, "", "must not be empty");
    EXPECT(t, RUN(&p, "rename", "Otis", "Grazer"), 2, "", "already");
    EXPECT(t, RUN(&p, "rename", "Nobody", "Somebody"), 1, "", "there is no bear called \"Nobody\"");
    EXPECT(t, RUN(&p, "split", "Otis", "New", "1x"), 2, "", "'1x' is not the number of a chip");
    EXPECT(t, RUN(&p, "remove"), 2, "", "remove takes BEAR or --chip N");
    EXPECT(t, RUN(&p, "remove", "Otis", "--chip", "1"), 2, "", "remove takes");
    EXPECT(t, RUN(&p, "remove", "--chip", "77"), 1, "", "there is no chip 77");
    EXPECT(t, RUN(&p, "undo", "--chip", "1"), 2, "", "--chip goes with");
    EXPECT(t, RUN(&p, "undo", "--json"), 2, "", "--json goes with");
    EXPECT(t, RUN(&p, "list", "--bears"), 2, "", "--bears goes with");
    EXPECT(t, RUN(&p, "undo", "--out", "x"), 2, "", "--out does not go with undo");
    EXPECT(t, RUN(&p, "verdict", "1", "perhaps", "Otis"), 2, "", "known, new or unsure");
    EXPECT(t, run_words(p.folder, (const char *const[]){"catalogue", "list", NULL}), 2, "", "--catalogue");
    EXPECT(t, run_words(p.folder, (const char *const[]){"catalogue", "--catalogue", "/no/such/file.db", "list", NULL}), 1, "", "there is no such catalogue");
    free_place(&p);
}

int main(void)
{
    static const urs_case cases[] = {
        {"changes, and undoing them", changes_and_undo},
        {"list, show, history, export", looks},
        {"wrong use", wrong_use},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
