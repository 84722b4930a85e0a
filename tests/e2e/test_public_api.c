/* The public API from outside: linked against the shared library, with small networks of drawn weights. Only the pictures and weights are made with our own functions. */
#include "harness.h"
#include "tiny_models.h"

#include <ursid.h>

#include <pthread.h>
#include <stdlib.h>

#define API_REQUIRE(t, call, err)                                                        \
    do {                                                                                 \
        if ((call) != URSID_OK) {                                                        \
            urs_test_fail(t, __FILE__, __LINE__, "%s failed: %s", #call, (err).message); \
            return;                                                                      \
        }                                                                                \
    } while (0)

static char models_path[512], other_path[512]; /* folders of weights, made once in main; other_path: another embed */

static ursid_chain_options small_chain(void)
{
    return (ursid_chain_options){.models = models_path, .no_sift = true, .score = 1e-6f, .chip_side = 40, .threads = 1};
}

static ursid_chain *open_small(urs_test *t)
{
    const ursid_chain_options o = small_chain();
    ursid_chain *chain = NULL;
    ursid_error err = {URSID_OK, ""};
    if (ursid_chain_open(&chain, &o, &err) != URSID_OK)
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return chain;
}

/* FOLDER/pN.png of 60 + n x 48 pixels; owned path. */
static char *picture(urs_test *t, const char *folder, int n)
{
    char name[32], *path;
    (void)snprintf(name, sizeof name, "p%d.png", n);
    path = urs_path_join(folder, name);
    if (!path || !tiny_picture_write(path, n, 60 + n, 48))
        urs_test_fail(t, __FILE__, __LINE__, "no picture");
    return path;
}

static void same_heads(urs_test *t, const ursid_frame *a, const ursid_frame *b)
{
    URS_CHECK_INT(t, a->width, b->width);
    URS_CHECK_INT(t, a->height, b->height);
    URS_REQUIRE(t, a->head_count == b->head_count && a->head_count > 0);
    for (size_t i = 0; i < a->head_count; i++) {
        const ursid_head *x = &a->heads[i], *y = &b->heads[i];
        URS_CHECK(t, memcmp(&x->box, &y->box, sizeof x->box) == 0);
        URS_CHECK(t, x->mask.data && x->mask.width == y->mask.width && memcmp(x->mask.data, y->mask.data, (size_t)x->mask.width * (size_t)x->mask.height) == 0);
        URS_CHECK(t, x->mask_box.x1 <= x->box.x1 && x->mask_box.x2 >= x->box.x2);
        URS_CHECK(t, x->chip.width == 40 && x->chip.channels == 3 && memcmp(x->chip.data, y->chip.data, 40 * 40 * 3) == 0);
        URS_CHECK(t, memcmp(x->embedding, y->embedding, TINY_EMBEDDING * sizeof(float)) == 0);
    }
}

static void file_bytes_and_pixels_agree(urs_test *t)
{
    char *folder = urs_test_folder("api-same"), *path = picture(t, folder, 5);
    ursid_chain *chain = open_small(t);
    ursid_frame *from_file = NULL, *from_bytes = NULL, *from_pixels = NULL;
    ursid_error err = {URSID_OK, ""};
    urs_bytes bytes = {0};
    urs_photo photo = {0};
    uint8_t *wide;
    size_t row;
    URS_REQUIRE(t, chain && urs_file_read(&bytes, path, 0, NULL) == URS_OK && urs_photo_read(&photo, path, NULL, NULL) == URS_OK);
    URS_CHECK_INT(t, ursid_chain_dim(chain), TINY_EMBEDDING);
    URS_CHECK(t, strlen(ursid_chain_fingerprint(chain)) >= 8);
    row = (size_t)photo.image.width * 3 + 7; /* rows with a gap */
    wide = urs_array_new((size_t)photo.image.height, row);
    URS_REQUIRE(t, wide != NULL);
    for (int32_t y = 0; y < photo.image.height; y++)
        memcpy(wide + (size_t)y * row, urs_image_at(&photo.image, 0, y), (size_t)photo.image.width * 3);
    const ursid_picture pixels = {.width = photo.image.width, .height = photo.image.height, .channels = 3, .row_bytes = row, .data = wide};
    URS_CHECK_INT(t, ursid_chain_file(&from_file, chain, path, &err), URSID_OK);
    URS_CHECK_INT(t, ursid_chain_bytes(&from_bytes, chain, bytes.data, bytes.size, "mine", &err), URSID_OK);
    URS_CHECK_INT(t, ursid_chain_pixels(&from_pixels, chain, &pixels, NULL, &err), URSID_OK);
    URS_REQUIRE(t, from_file && from_bytes && from_pixels);
    URS_CHECK_TEXT(t, from_file->name, path);
    URS_CHECK_TEXT(t, from_bytes->name, "mine");
    URS_CHECK(t, !from_file->in_memory && from_bytes->in_memory && from_pixels->in_memory && from_file->searched && !from_file->has_class);
    URS_CHECK_INT(t, from_file->width, 65);
    same_heads(t, from_file, from_bytes);
    same_heads(t, from_file, from_pixels);
    ursid_chain_free(chain); /* frames outlive their chain */
    URS_CHECK_INT(t, from_file->heads[0].chip.data[0] >= 0, 1);
    ursid_frame_free(from_file);
    ursid_frame_free(from_bytes);
    ursid_frame_free(from_pixels);
    urs_free(wide);
    urs_photo_release(&photo);
    urs_bytes_release(&bytes);
    urs_free(path);
    urs_free(folder);
}

static void sift_classes_and_grey(urs_test *t)
{
    static const uint8_t grey[48 * 48] = {7};
    const ursid_picture pixels = {.width = 48, .height = 48, .channels = 1, .data = grey};
    ursid_chain *chain = NULL;
    ursid_frame *frame = NULL;
    ursid_error err = {URSID_OK, ""};
    API_REQUIRE(t, ursid_chain_open(&chain, &(ursid_chain_options){.models = models_path, .sift_only = true, .threads = 1}, &err), err);
    URS_CHECK_INT(t, ursid_chain_dim(chain), 0);
    URS_CHECK_TEXT(t, ursid_chain_fingerprint(chain), "");
    API_REQUIRE(t, ursid_chain_pixels(&frame, chain, &pixels, "grey", &err), err);
    URS_CHECK(t, frame->has_class && frame->head_count == 0 && !frame->searched);
    URS_CHECK_NEAR(t, frame->probability[0] + frame->probability[1] + frame->probability[2], 1, 1e-5);
    ursid_frame_free(frame);
    ursid_chain_free(chain);
}

static void wrong_use_is_refused(urs_test *t)
{
    static const uint8_t grey[4] = {0};
    char *folder = urs_test_folder("api-wrong");
    ursid_chain *chain = NULL;
    ursid_catalogue *c = NULL;
    ursid_frame *frame = NULL;
    ursid_error err = {URSID_OK, ""};
    URS_CHECK_INT(t, ursid_chain_open(NULL, NULL, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_open(&chain, &(ursid_chain_options){.models = "/nowhere"}, &err), URSID_ENOTFOUND);
    URS_CHECK(t, strstr(err.message, "/nowhere/sift.safetensors") != NULL && err.code == URSID_ENOTFOUND);
    URS_CHECK_INT(t, ursid_chain_open(&chain, &(ursid_chain_options){.models = models_path, .score = 2}, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_open(&chain, &(ursid_chain_options){.models = models_path, .no_chips = true}, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_open(&chain, &(ursid_chain_options){.models = models_path, .sift_only = true, .chips_in = true}, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_open(&chain, &(ursid_chain_options){.models = models_path, .backend = "abacus"}, NULL) != URSID_OK, 1);
    URS_CHECK(t, chain == NULL);
    chain = open_small(t);
    URS_REQUIRE(t, chain != NULL);
    URS_CHECK_INT(t, ursid_chain_file(&frame, chain, "/nowhere/x.jpg", &err), URSID_ENOTFOUND);
    URS_CHECK(t, strstr(err.message, "/nowhere/x.jpg") != NULL);
    URS_CHECK_INT(t, ursid_chain_file(&frame, chain, NULL, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_bytes(&frame, chain, "no picture", 10, "junk", &err), URSID_EUNSUPPORTED);
    URS_CHECK(t, strstr(err.message, "junk") != NULL);
    URS_CHECK_INT(t, ursid_chain_bytes(&frame, chain, NULL, 0, NULL, &err), URSID_EFORMAT);
    URS_CHECK_INT(t, ursid_chain_pixels(&frame, chain, &(ursid_picture){.width = 2, .height = 2, .channels = 2, .data = grey}, NULL, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_pixels(&frame, chain, &(ursid_picture){.width = 2, .height = 2, .channels = 1, .row_bytes = 1, .data = grey}, NULL, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_pixels(&frame, chain, &(ursid_picture){.width = 2000000000, .height = 2, .channels = 1, .data = grey}, NULL, &err), URSID_ELIMIT);
    URS_CHECK_INT(t, ursid_chain_pixels(&frame, chain, &(ursid_picture){.width = 2, .height = -2, .channels = 1, .data = grey}, NULL, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_chain_files(chain, (const char *const[]){"a", NULL}, 2, NULL, NULL, &err), URSID_EINVAL);
    URS_CHECK(t, frame == NULL);
    URS_CHECK_INT(t, ursid_catalogue_open(&c, "/nowhere/c.db", NULL, &err), URSID_ENOTFOUND);
    URS_CHECK_INT(t, ursid_catalogue_open(&c, NULL, NULL, &err), URSID_EINVAL);
    ursid_chain_free(chain);
    ursid_chain_free(NULL);
    ursid_frame_free(NULL);
    ursid_catalogue_close(NULL);
    ursid_identification_free(NULL);
    ursid_matches_free(NULL);
    ursid_bears_free(NULL);
    URS_CHECK_TEXT(t, ursid_version(), URSID_VERSION);
    URS_CHECK_TEXT(t, ursid_status_name(URSID_EBUSY), "busy");
    URS_CHECK_TEXT(t, ursid_verdict_name(URSID_VERDICT_NEW), "new");
    urs_free(folder);
}

/* ---- many files ---- */

typedef struct count {
    urs_test *t;
    size_t seen, broken, stop_at;
} count;

static bool count_frame(void *context, const ursid_frame *frame)
{
    count *c = context;
    URS_CHECK_INT(c->t, frame->index, c->seen);
    c->seen++;
    if (frame->status != URSID_OK) {
        c->broken++;
        URS_CHECK(c->t, frame->message[0] && frame->head_count == 0);
    }
    return c->seen != c->stop_at;
}

static void many_files(urs_test *t)
{
    enum { FILES = 20 };
    char *folder = urs_test_folder("api-many"), *paths[FILES];
    ursid_chain_options o = small_chain();
    ursid_chain *chain = NULL;
    ursid_error err = {URSID_OK, ""};
    count c = {.t = t};
    for (int i = 0; i < FILES; i++)
        paths[i] = picture(t, folder, i);
    paths[7][strlen(paths[7]) - 1] = 'X'; /* not there */
    o.threads = 3;
    API_REQUIRE(t, ursid_chain_open(&chain, &o, &err), err);
    URS_CHECK_INT(t, ursid_chain_files(chain, (const char *const *)paths, FILES, count_frame, &c, &err), URSID_OK);
    URS_CHECK_INT(t, c.seen, FILES);
    URS_CHECK_INT(t, c.broken, 1);
    c = (count){.t = t, .stop_at = 5};
    URS_CHECK_INT(t, ursid_chain_files(chain, (const char *const *)paths, FILES, count_frame, &c, &err), URSID_ECANCELLED);
    URS_CHECK_INT(t, c.seen, 5);
    URS_CHECK_INT(t, ursid_chain_files(chain, NULL, 0, count_frame, &c, &err), URSID_OK);
    ursid_chain_free(chain);
    for (int i = 0; i < FILES; i++)
        urs_free(paths[i]);
    urs_free(folder);
}

/* ---- catalogue ---- */

/* Enrols head 0 of picture n as a bear. */
static void enrol(urs_test *t, ursid_catalogue *c, ursid_chain *chain, const char *folder, int n, const char *bear, bool fresh)
{
    char *path = picture(t, folder, n);
    ursid_frame *frame = NULL;
    ursid_error err = {URSID_OK, ""};
    bool added = !fresh;
    API_REQUIRE(t, ursid_chain_file(&frame, chain, path, &err), err);
    API_REQUIRE(t, ursid_catalogue_enrol(c, chain, bear, frame, 0, &added, &err), err);
    URS_CHECK_INT(t, added, fresh);
    ursid_frame_free(frame);
    urs_free(path);
}

static size_t bears_in(urs_test *t, ursid_catalogue *c, const char *first)
{
    ursid_bears *bears = NULL;
    ursid_error err = {URSID_OK, ""};
    size_t n = 0;
    if (ursid_catalogue_bears(&bears, c, &err) != URSID_OK) {
        urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
        return 0;
    }
    n = bears->count;
    if (first && n > 0)
        URS_CHECK_TEXT(t, bears->items[0].name, first);
    ursid_bears_free(bears);
    return n;
}

static void catalogue_from_enrolling_to_undoing(urs_test *t)
{
    char *folder = urs_test_folder("api-catalogue"), *db = urs_path_join(folder, "c.db"), *path = NULL;
    ursid_chain *chain = open_small(t), *foreign = NULL;
    ursid_catalogue *c = NULL, *second = NULL;
    ursid_identification *who = NULL;
    ursid_matches *alike = NULL;
    ursid_frame *frame = NULL;
    ursid_error err = {URSID_OK, ""};
    ursid_chain_options other = small_chain();
    URS_REQUIRE(t, chain != NULL);
    API_REQUIRE(t, ursid_catalogue_open(&c, db, &(ursid_catalogue_options){.create = true}, &err), err);
    path = picture(t, folder, 1);
    API_REQUIRE(t, ursid_chain_file(&frame, chain, path, &err), err);

    API_REQUIRE(t, ursid_catalogue_identify(&who, c, chain, frame->heads[0].embedding, 3, &err), err);
    URS_CHECK(t, who->count == 0 && who->verdict == URSID_VERDICT_NEW);
    ursid_identification_free(who);

    enrol(t, c, chain, folder, 1, "Otis", true);
    enrol(t, c, chain, folder, 1, "Otis", false);
    enrol(t, c, chain, folder, 2, "Grazer", true);
    URS_CHECK_INT(t, bears_in(t, c, "Grazer"), 2);
    API_REQUIRE(t, ursid_catalogue_identify(&who, c, chain, frame->heads[0].embedding, 3, &err), err);
    URS_REQUIRE(t, who->count == 2);
    URS_CHECK_TEXT(t, who->candidates[0].bear, "Otis");
    URS_CHECK_NEAR(t, who->candidates[0].cosine, 1, 1e-5);
    URS_CHECK(t, who->verdict == URSID_VERDICT_KNOWN && who->candidates[0].probability > 0.7 && who->new_probability < 0.3);
    ursid_identification_free(who);

    /* another handle writes; this one sees it */
    API_REQUIRE(t, ursid_catalogue_open(&second, db, NULL, &err), err);
    enrol(t, second, chain, folder, 3, "Chunk", true);
    API_REQUIRE(t, ursid_catalogue_identify(&who, c, chain, frame->heads[0].embedding, 10, &err), err);
    URS_CHECK_INT(t, who->count, 3);
    ursid_identification_free(who);
    API_REQUIRE(t, ursid_catalogue_search(&alike, c, chain, frame->heads[0].embedding, 2, &err), err);
    URS_REQUIRE(t, alike->count == 2);
    URS_CHECK_TEXT(t, alike->items[0].bear, "Otis");
    URS_CHECK_TEXT(t, alike->items[0].name, path);
    URS_CHECK(t, alike->items[0].cosine > alike->items[1].cosine && alike->items[0].chip > 0);
    ursid_matches_free(alike);

    URS_CHECK_INT(t, ursid_catalogue_rename(c, "Otis", "Grazer", &err) != URSID_OK, 1);
    URS_CHECK_INT(t, ursid_catalogue_rename(c, "Nobody", "X", &err), URSID_ENOTFOUND);
    API_REQUIRE(t, ursid_catalogue_rename(c, "Otis", "480 Otis", &err), err);
    API_REQUIRE(t, ursid_catalogue_merge(c, "Chunk", "480 Otis", &err), err);
    API_REQUIRE(t, ursid_catalogue_remove(c, "Grazer", &err), err);
    URS_CHECK_INT(t, bears_in(t, c, "480 Otis"), 1);
    for (int i = 0; i < 3; i++)
        API_REQUIRE(t, ursid_catalogue_undo(c, &err), err);
    URS_CHECK_INT(t, bears_in(t, c, "Chunk"), 3);

    URS_CHECK_INT(t, ursid_catalogue_enrol(c, chain, "Otis", frame, 99, NULL, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_catalogue_enrol(c, chain, "Grazer", frame, 0, NULL, &err), URSID_EMISMATCH); /* it is Otis */
    URS_CHECK_INT(t, ursid_catalogue_identify(&who, c, chain, frame->heads[0].embedding, 0, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_catalogue_identify(&who, c, chain, frame->heads[0].embedding, 257, &err), URSID_EINVAL);
    URS_CHECK_INT(t, ursid_catalogue_search(&alike, c, chain, NULL, 1, &err), URSID_EINVAL);
    other.models = other_path;
    API_REQUIRE(t, ursid_chain_open(&foreign, &other, &err), err);
    URS_CHECK(t, strcmp(ursid_chain_fingerprint(foreign), ursid_chain_fingerprint(chain)) != 0);
    URS_CHECK_INT(t, ursid_catalogue_identify(&who, c, foreign, frame->heads[0].embedding, 3, &err), URSID_EMISMATCH);
    API_REQUIRE(t, ursid_catalogue_identify(&who, c, chain, frame->heads[0].embedding, 3, &err), err); /* and goes on */
    ursid_identification_free(who);
    ursid_frame_free(frame);
    ursid_catalogue_close(second);
    ursid_catalogue_close(c);
    ursid_chain_free(foreign);
    ursid_chain_free(chain);
    urs_free(path);
    urs_free(db);
    urs_free(folder);
}

/* Frames from memory have no file to be hashed: their heads say whether they are the same. */
static void frames_in_memory_are_enrolled_once(urs_test *t)
{
    char *folder = urs_test_folder("api-memory"), *db = urs_path_join(folder, "c.db"), *path = picture(t, folder, 4);
    ursid_chain *chain = open_small(t);
    ursid_catalogue *c = NULL;
    ursid_error err = {URSID_OK, ""};
    urs_bytes bytes = {0};
    URS_REQUIRE(t, chain && urs_file_read(&bytes, path, 0, NULL) == URS_OK);
    API_REQUIRE(t, ursid_catalogue_open(&c, db, &(ursid_catalogue_options){.create = true}, &err), err);
    for (int i = 0; i < 2; i++) {
        ursid_frame *frame = NULL;
        bool added = i;
        API_REQUIRE(t, ursid_chain_bytes(&frame, chain, bytes.data, bytes.size, "camera 3, frame 9", &err), err);
        API_REQUIRE(t, ursid_catalogue_enrol(c, chain, "Otis", frame, 0, &added, &err), err);
        URS_CHECK_INT(t, added, !i);
        ursid_frame_free(frame);
    }
    ursid_catalogue_close(c);
    ursid_chain_free(chain);
    urs_bytes_release(&bytes);
    urs_free(path);
    urs_free(db);
    urs_free(folder);
}

/* ---- threads: a chain each, the same answers ---- */

typedef struct part {
    const char *path;
    float embedding[TINY_EMBEDDING];
    bool ok;
} part;

static void *work(void *argument)
{
    part *p = argument;
    const ursid_chain_options o = small_chain();
    ursid_chain *chain = NULL;
    ursid_frame *frame = NULL;
    p->ok = ursid_chain_open(&chain, &o, NULL) == URSID_OK && ursid_chain_file(&frame, chain, p->path, NULL) == URSID_OK && frame->head_count > 0;
    if (p->ok)
        memcpy(p->embedding, frame->heads[0].embedding, sizeof p->embedding);
    ursid_frame_free(frame);
    ursid_chain_free(chain);
    return NULL;
}

static void chains_in_threads(urs_test *t)
{
    char *folder = urs_test_folder("api-threads"), *path = picture(t, folder, 6);
    part parts[3] = {{.path = path}, {.path = path}, {.path = path}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        URS_REQUIRE(t, pthread_create(&threads[i], NULL, work, &parts[i]) == 0);
    for (int i = 0; i < 3; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        URS_CHECK(t, parts[i].ok && memcmp(parts[i].embedding, parts[0].embedding, sizeof parts[i].embedding) == 0);
    urs_free(path);
    urs_free(folder);
}

int main(void)
{
    static const urs_case cases[] = {
        {"file, bytes and pixels agree", file_bytes_and_pixels_agree},
        {"frame classes, grey pixels", sift_classes_and_grey},
        {"wrong use", wrong_use_is_refused},
        {"many files", many_files},
        {"catalogue", catalogue_from_enrolling_to_undoing},
        {"frames in memory", frames_in_memory_are_enrolled_once},
        {"chains in threads", chains_in_threads},
    };
    char *folder = urs_test_folder("api-models"), *other = urs_test_folder("api-other");
    bool ok = folder && other && tiny_model_write(folder, "sift", NULL) && tiny_model_write(folder, "find", NULL) && tiny_model_write(folder, "embed", NULL) && tiny_model_calibrate(folder) &&
              tiny_model_write(other, "find", NULL) && tiny_model_write_seeded(other, "embed", NULL, 8);
    int code = 1;
    if (ok) {
        (void)snprintf(models_path, sizeof models_path, "%s", folder);
        (void)snprintf(other_path, sizeof other_path, "%s", other);
        code = urs_run_cases(cases, sizeof cases / sizeof cases[0]);
    }
    urs_free(folder);
    urs_free(other);
    return code;
}
