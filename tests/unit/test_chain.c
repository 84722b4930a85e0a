/* The chain over generated pictures with small networks of drawn weights: order, broken files, same results whatever the threads, interruption, memory, detail for small heads. */
#include "harness.h"
#include "tiny_models.h"

#include "stages/chain.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#if (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)) && !defined(UNDER_SANITIZER)
#define UNDER_SANITIZER 1
#endif
#ifdef UNDER_SANITIZER /* what is resident is mostly its own memory then; its header is not installed everywhere */
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

static char sift_path[512], find_path[512], embed_path[512]; /* made once in main */

typedef struct setting {
    char *folder;
    urs_names files;
} setting;

static bool set_up(setting *s, const char *name, int32_t frames, int32_t broken_every)
{
    char pictures[512];
    urs_error err = {0};
    memset(s, 0, sizeof *s);
    s->folder = urs_test_folder(name);
    if (!s->folder)
        return false;
    (void)snprintf(pictures, sizeof pictures, "%s/frames", s->folder);
    return urs_folder_create(pictures, &err) == URS_OK && tiny_frames_write(pictures, frames, broken_every) && urs_folder_list(&s->files, pictures, NULL, &err) == URS_OK;
}

static void tear_down(setting *s)
{
    for (size_t i = 0; i < s->files.count; i++)
        (void)unlink(s->files.items[i]);
    urs_names_release(&s->files);
    urs_free(s->folder);
}

/* Drawn weights are sure of nothing: two heads a picture, whatever their score. */
static urs_chain_options options_of(int threads)
{
    return (urs_chain_options){.sift = sift_path, .find = find_path, .embed = embed_path, .threads = threads, .sift_thresholds = {.bear = 1e-6, .animal = 1e-6},
                               .find_options = {.score = 1e-6f, .iou = 0.3f, .max_detections = 2}, .chip_options = {.side = 40}};
}

typedef struct record { /* what was delivered */
    urs_test *t;
    urs_chain_result *items; /* owned */
    size_t count;
    size_t fail_at;          /* deliver fails there; 0: never */
} record;

static urs_status keep(void *context, urs_chain_result *r, urs_error *err)
{
    record *all = context;
    URS_CHECK_INT(all->t, r->index, all->count);
    if (all->fail_at && all->count == all->fail_at)
        return urs_fail(err, URS_EIO, "the disk is full");
    all->items[all->count++] = *r;
    memset(r, 0, sizeof *r); /* taken */
    return URS_OK;
}

static bool record_new(record *all, urs_test *t, size_t n)
{
    *all = (record){.t = t, .items = urs_array_new(n, sizeof(urs_chain_result))};
    return all->items != NULL;
}

static void record_release(record *all)
{
    for (size_t i = 0; i < all->count; i++)
        urs_chain_result_release(&all->items[i]);
    urs_free(all->items);
}

static void run_all(urs_test *t, record *all, const setting *s, const urs_chain_options *o)
{
    const urs_chain_calls calls = {.context = all, .deliver = keep};
    urs_chain *chain = NULL;
    urs_error err = {0};
    URS_REQUIRE(t, record_new(all, t, s->files.count));
    URS_REQUIRE_OK(t, urs_chain_open(&chain, o, &err), err);
    URS_CHECK_INT(t, urs_chain_dim(chain), o->embed ? TINY_EMBEDDING : 0);
    URS_REQUIRE_OK(t, urs_chain_run(chain, (const char *const *)s->files.items, s->files.count, &calls, &err), err);
    URS_CHECK_INT(t, all->count, s->files.count);
    urs_chain_free(chain);
}

static void order_and_broken_files(urs_test *t)
{
    setting s;
    record all;
    urs_chain_options o;
    URS_REQUIRE(t, set_up(&s, "chain-order", 30, 7));
    URS_REQUIRE_OK(t, urs_names_add(&s.files, "/nowhere/there is no such file.jpg", NULL), (urs_error){0});
    o = options_of(3);
    run_all(t, &all, &s, &o);
    for (size_t i = 0; i < all.count; i++) {
        const urs_chain_result *r = &all.items[i];
        const bool broken = i == 30 || i % 7 == 6;
        URS_CHECK_TEXT(t, r->file, s.files.items[i]);
        URS_CHECK_INT(t, r->error.code == URS_OK, !broken);
        URS_CHECK_INT(t, r->decoded, !broken);
        if (broken) {
            URS_CHECK(t, r->error.message[0] && r->head_count == 0 && !r->heads);
            URS_CHECK(t, strstr(r->error.message, urs_path_base(s.files.items[i])) != NULL);
            continue;
        }
        URS_CHECK_INT(t, r->width, 60 + i % 200);
        URS_CHECK_INT(t, r->picture_width, r->width);
        URS_CHECK(t, r->has_sift && r->searched && !r->picture.data);
        URS_CHECK_NEAR(t, r->sift.probability[0] + r->sift.probability[1] + r->sift.probability[2], 1, 1e-5);
        URS_CHECK_INT(t, r->head_count, 2);
        for (size_t k = 0; k < r->head_count; k++) {
            const urs_chain_head *h = &r->heads[k];
            double length = 0;
            URS_CHECK(t, h->found.box.x1 >= 0 && h->found.box.x2 <= (float)r->width && h->found.box.x2 > h->found.box.x1 && h->found.box.y2 <= 48);
            URS_CHECK(t, h->found.mask.data && h->chip.width == 40 && h->chip.height == 40);
            for (size_t d = 0; h->embedding && d < TINY_EMBEDDING; d++)
                length += (double)h->embedding[d] * (double)h->embedding[d];
            URS_CHECK_NEAR(t, length, 1, 1e-4);
        }
    }
    record_release(&all);
    tear_down(&s);
}

static void threads_change_nothing(urs_test *t)
{
    setting s;
    record one, three;
    urs_chain_options o;
    URS_REQUIRE(t, set_up(&s, "chain-threads", 12, 0));
    o = options_of(1);
    run_all(t, &one, &s, &o);
    o.threads = 3;
    run_all(t, &three, &s, &o);
    URS_REQUIRE(t, one.count == three.count);
    for (size_t i = 0; i < one.count; i++) {
        const urs_chain_result *a = &one.items[i], *b = &three.items[i];
        URS_CHECK(t, memcmp(a->sift.probability, b->sift.probability, sizeof a->sift.probability) == 0);
        URS_REQUIRE(t, a->head_count == b->head_count);
        for (size_t k = 0; k < a->head_count; k++) {
            URS_CHECK(t, memcmp(&a->heads[k].found.box, &b->heads[k].found.box, sizeof(urs_box)) == 0);
            URS_CHECK(t, memcmp(a->heads[k].chip.data, b->heads[k].chip.data, 40 * 40 * 3) == 0);
            URS_CHECK(t, memcmp(a->heads[k].embedding, b->heads[k].embedding, TINY_EMBEDDING * sizeof(float)) == 0);
        }
    }
    record_release(&one);
    record_release(&three);
    tear_down(&s);
}

static void sift_keeps_empty_frames_from_find(urs_test *t)
{
    static const float says[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}};
    setting s;
    URS_REQUIRE(t, set_up(&s, "chain-sift", 3, 0));
    for (int c = 0; c < 3; c++)
        for (int only = 0; only < 2; only++) {
            urs_chain_options o = options_of(2);
            record all;
            char own[512];
            URS_REQUIRE(t, tiny_model_write(s.folder, "sift", says[c]));
            (void)snprintf(own, sizeof own, "%s/sift.safetensors", s.folder);
            o.sift = own;
            o.embed = NULL;
            o.sift_thresholds = (urs_sift_thresholds){0};
            o.bears_only = only;
            run_all(t, &all, &s, &o);
            for (size_t i = 0; i < all.count; i++) {
                const bool searched = only ? c == URS_FRAME_BEAR : c != URS_FRAME_EMPTY;
                URS_CHECK_INT(t, all.items[i].sift.verdict, c);
                URS_CHECK_INT(t, all.items[i].searched, searched);
                URS_CHECK_INT(t, all.items[i].head_count, searched ? 2 : 0);
            }
            record_release(&all);
            (void)unlink(own);
        }
    tear_down(&s);
}

static void chips_in(urs_test *t)
{
    setting s;
    record all;
    urs_chain_options o;
    URS_REQUIRE(t, set_up(&s, "chain-chips", 4, 0));
    o = (urs_chain_options){.embed = embed_path, .chips_in = true, .threads = 2, .chip_options = {.side = 32}, .keep_picture = true};
    run_all(t, &all, &s, &o);
    for (size_t i = 0; i < all.count; i++) {
        const urs_chain_result *r = &all.items[i];
        URS_REQUIRE(t, r->head_count == 1 && r->heads[0].embedding && r->picture.data);
        URS_CHECK(t, !r->has_sift && r->searched && r->heads[0].found.score == 1);
        URS_CHECK(t, r->heads[0].found.box.x2 == (float)r->width && r->heads[0].found.box.y2 == 48);
        URS_CHECK_INT(t, r->heads[0].chip.width, 32);
        URS_CHECK_INT(t, r->picture.width, r->width);
    }
    record_release(&all);
    tear_down(&s);
}

static void options_that_make_no_chain(urs_test *t)
{
    urs_chain *chain = NULL;
    urs_error err = {0};
    setting s;
    URS_REQUIRE(t, set_up(&s, "chain-options", 1, 0));
    URS_CHECK_INT(t, urs_chain_open(&chain, &(urs_chain_options){0}, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_chain_open(&chain, &(urs_chain_options){.sift = sift_path, .embed = embed_path}, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_chain_open(&chain, &(urs_chain_options){.find = find_path, .embed = embed_path, .chips_in = true}, &err), URS_EINVAL);
    URS_CHECK_INT(t, urs_chain_open(&chain, &(urs_chain_options){.find = sift_path}, &err), URS_EMISMATCH); /* a model for sift */
    URS_CHECK(t, strstr(err.message, "sift") && strstr(err.message, "find"));
    URS_CHECK_INT(t, urs_chain_open(&chain, &(urs_chain_options){.find = "/nowhere/w.safetensors"}, &err), URS_ENOTFOUND);
    tear_down(&s);
}

/* ---- interruption ---- */

static atomic_int asked_after; /* cancelled() is true from this many questions on; the tests of this program's run one after the other */

static bool patience(void)
{
    return atomic_fetch_sub(&asked_after, 1) <= 0;
}

static void cancelling_leaves_a_beginning(urs_test *t)
{
    setting s;
    URS_REQUIRE(t, set_up(&s, "chain-cancel", 40, 0));
    for (int after = 0; after < 40; after += 13) {
        const urs_chain_options o = {.sift = sift_path, .threads = 3};
        urs_chain *chain = NULL;
        urs_error err = {0};
        record all;
        urs_chain_calls calls = {.deliver = keep, .cancelled = patience};
        URS_REQUIRE(t, record_new(&all, t, s.files.count));
        calls.context = &all;
        atomic_store(&asked_after, after);
        URS_REQUIRE_OK(t, urs_chain_open(&chain, &o, &err), err);
        URS_CHECK_INT(t, urs_chain_run(chain, (const char *const *)s.files.items, s.files.count, &calls, &err), URS_ECANCELLED);
        URS_CHECK_INT(t, all.count, after); /* whatever the timing */
        /* the chain is as new: the rest, in a second run */
        calls.cancelled = NULL;
        record_release(&all);
        URS_REQUIRE(t, record_new(&all, t, s.files.count));
        URS_CHECK_INT(t, urs_chain_run(chain, (const char *const *)s.files.items, s.files.count, &calls, &err), URS_OK);
        URS_CHECK_INT(t, all.count, 40);
        record_release(&all);
        urs_chain_free(chain);
    }
    tear_down(&s);
}

static void failing_delivery_ends_the_run(urs_test *t)
{
    setting s;
    record all;
    urs_chain *chain = NULL;
    urs_error err = {0};
    urs_chain_calls calls = {.deliver = keep};
    URS_REQUIRE(t, set_up(&s, "chain-fail", 30, 0));
    URS_REQUIRE(t, record_new(&all, t, s.files.count));
    calls.context = &all;
    all.fail_at = 5;
    URS_REQUIRE_OK(t, urs_chain_open(&chain, &(urs_chain_options){.sift = sift_path, .threads = 2}, &err), err);
    URS_CHECK_INT(t, urs_chain_run(chain, (const char *const *)s.files.items, s.files.count, &calls, &err), URS_EIO);
    URS_CHECK_TEXT(t, err.message, "the disk is full");
    URS_CHECK_INT(t, all.count, 5);
    urs_chain_free(chain);
    record_release(&all);
    tear_down(&s);
}

/* ---- memory ---- */

static double megabytes_in_use(void)
{
#ifdef UNDER_SANITIZER
    return (double)__sanitizer_get_current_allocated_bytes() / 1e6;
#else
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%*d %ld", &pages) != 1)
            pages = 0;
        (void)fclose(f);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
#endif
}

typedef struct watch {
    size_t count;
    double settled, most;
} watch;

static urs_status measure(void *context, urs_chain_result *r, urs_error *err)
{
    watch *w = context;
    const double now = megabytes_in_use();
    (void)r;
    (void)err;
    w->count++;
    if (w->count == 60)
        w->settled = now;
    w->most = fmax(w->most, now);
    return URS_OK;
}

static void memory_is_flat(urs_test *t)
{
    enum { FRAMES = 300 };
    setting s;
    watch w = {0};
    urs_chain *chain = NULL;
    urs_error err = {0};
    urs_chain_options o;
    const urs_chain_calls calls = {.context = &w, .deliver = measure};
    URS_REQUIRE(t, set_up(&s, "chain-memory", FRAMES, 9));
    o = options_of(2);
    o.keep_picture = true;
    o.chip_options.side = 224; /* 150 kB a head: 300 files would be 90 MB */
    URS_REQUIRE_OK(t, urs_chain_open(&chain, &o, &err), err);
    URS_REQUIRE_OK(t, urs_chain_run(chain, (const char *const *)s.files.items, s.files.count, &calls, &err), err);
    URS_CHECK_INT(t, w.count, FRAMES);
    printf("  %.1f MB after 60 files, at most %.1f MB in %d\n", w.settled, w.most, FRAMES);
    URS_CHECK(t, w.most < w.settled + 8);
    urs_chain_free(chain);
    tear_down(&s);
}

/* ---- detail ---- */

static double roughness(const urs_image *chip)
{
    double sum = 0;
    for (int32_t y = 0; y < chip->height; y++)
        for (int32_t x = 1; x < chip->width; x++)
            sum += abs(urs_image_at(chip, x, y)[1] - urs_image_at(chip, x - 1, y)[1]);
    return sum / ((double)chip->width * chip->height);
}

/* Stripes of three pixels vanish at an eighth of the size; chips must show them all the same. */
static void small_heads_are_cut_from_the_detail(urs_test *t)
{
    setting s;
    record all[2];
    char path[512];
    urs_image stripes = {0};
    urs_error err = {0};
    URS_REQUIRE(t, set_up(&s, "chain-detail", 0, 0));
    (void)snprintf(path, sizeof path, "%s/frames/large.jpg", s.folder);
    URS_REQUIRE_OK(t, urs_image_new(&stripes, 1600, 1200, 3, &err), err);
    for (int32_t y = 0; y < 1200; y++)
        for (int32_t x = 0; x < 1600; x++)
            memset(urs_image_at(&stripes, x, y), x % 6 < 3 ? 40 : 220, 3);
    URS_REQUIRE_OK(t, urs_image_write(path, &stripes, &err), err);
    URS_REQUIRE_OK(t, urs_names_add(&s.files, path, &err), err);
    for (int plain = 0; plain < 2; plain++) {
        const urs_chain_options o = {.find = find_path, .threads = 1, .no_detail = plain, .find_options = {.score = 1e-6f, .max_detections = 1},
                                     .chip_options = {.side = 1024, .no_mask = true}};
        run_all(t, &all[plain], &s, &o);
        URS_REQUIRE(t, all[plain].count == 1 && all[plain].items[0].head_count == 1);
        URS_CHECK_INT(t, all[plain].items[0].width, 1600);
        URS_CHECK_INT(t, all[plain].items[0].picture_width, 200);
    }
    URS_CHECK(t, memcmp(&all[0].items[0].heads[0].found.box, &all[1].items[0].heads[0].found.box, sizeof(urs_box)) == 0);
    URS_CHECK(t, roughness(&all[0].items[0].heads[0].chip) > 4 * roughness(&all[1].items[0].heads[0].chip) + 4);
    record_release(&all[0]);
    record_release(&all[1]);
    urs_image_release(&stripes);
    tear_down(&s);
}

int main(void)
{
    static const urs_case cases[] = {
        {"order and broken files", order_and_broken_files},
        {"threads change nothing", threads_change_nothing},
        {"sift before find", sift_keeps_empty_frames_from_find},
        {"chips in", chips_in},
        {"options that make no chain", options_that_make_no_chain},
        {"cancelling", cancelling_leaves_a_beginning},
        {"failing delivery", failing_delivery_ends_the_run},
        {"memory is flat", memory_is_flat},
        {"detail for small heads", small_heads_are_cut_from_the_detail},
    };
    char *models = urs_test_folder("chain-models");
    int code = 1;
    if (models && tiny_model_write(models, "sift", NULL) && tiny_model_write(models, "find", NULL) && tiny_model_write(models, "embed", NULL)) {
        (void)snprintf(sift_path, sizeof sift_path, "%s/sift.safetensors", models);
        (void)snprintf(find_path, sizeof find_path, "%s/find.safetensors", models);
        (void)snprintf(embed_path, sizeof embed_path, "%s/embed.safetensors", models);
        code = urs_run_cases(cases, sizeof cases / sizeof cases[0]);
        (void)unlink(sift_path);
        (void)unlink(find_path);
        (void)unlink(embed_path);
    }
    urs_free(models);
    return code;
}
