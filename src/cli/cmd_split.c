/* `ursid split`: parts of a data set that do not leak, as a CSV manifest that train and eval read; and the check of any manifest that has parts. */
#include "cli/option.h"

#include "base/day.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "data/dhash.h"
#include "data/split_plan.h"
#include "eval/table.h"
#include "image/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAKS_SHOWN 100
#define LOOK_SIDE 64

extern const urs_command urs_cmd_split;

typedef struct split_arguments {
    urs_arguments data;
    const char *by, *out, *cut_off, *leave, *together;
    double validation, test, fresh;
    int64_t seed;
    int near_bits, threads;
    bool check, near_together;
} split_arguments;

static const char *const plan_names[] = {"closed", "open", "disjoint", "time", "camera", "year", "picture", "place"};
static const char *const leak_names[] = {"nearly the same picture", "one animal on one day", "one event"};
static const char *const side_names[] = {"train", "val", "test", "none"};

/* ---- what the pictures themselves say ---- */

typedef struct look {
    urs_dataset *set;
    uint64_t *hashes;  /* owned [count]; NULL: not wanted */
    uint8_t *unread;   /* owned [count] */
} look;

static urs_status look_at(void *context, size_t item, int worker, urs_error *err)
{
    look *l = context;
    urs_sample *s = &l->set->samples[item];
    urs_photo photo = {0};
    (void)worker;
    (void)err;
    if (!l->hashes && s->has_day)
        return URS_OK;
    if (l->hashes) /* a random word is about 32 bits away from any other */
        l->hashes[item] = urs_random_mix(item ^ 0xA5A5A5A5u);
    if (urs_photo_read(&photo, s->path, &(urs_decode_options){LOOK_SIDE, LOOK_SIDE}, NULL) != URS_OK) {
        l->unread[item] = 1;
        return URS_OK;
    }
    if (!s->has_day)
        s->has_day = photo.has_time && urs_day_parse(photo.time, &s->day);
    if (l->hashes)
        l->unread[item] = urs_image_dhash(&l->hashes[item], &photo.image, NULL) != URS_OK;
    urs_photo_release(&photo);
    return URS_OK;
}

static urs_status look_at_all(look *l, urs_dataset *set, bool hashes, int threads, urs_error *err)
{
    urs_pool *pool = NULL;
    urs_status status = URS_OK;
    size_t unread = 0;
    l->set = set;
    l->hashes = hashes ? urs_array_new(set->count + 1, sizeof *l->hashes) : NULL;
    l->unread = urs_array_new(set->count + 1, 1);
    if ((hashes && !l->hashes) || !l->unread)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", set->count);
    status = urs_pool_new(&pool, threads, err);
    if (status == URS_OK)
        status = urs_pool_run(pool, set->count, look_at, l, err);
    urs_pool_free(pool);
    for (size_t i = 0; i < set->count; i++)
        unread += l->unread[i];
    if (status == URS_OK && unread > 0)
        (void)fprintf(stderr, "ursid split: %zu of %zu pictures could not be read: without dates of their own, and compared with none\n", unread, set->count);
    return status;
}

/* ---- what was made ---- */

static urs_status put_counts(const urs_dataset *set, const urs_part *parts, const char *out, urs_error *err)
{
    static const char *const names[] = {"train", "validation", "test"};
    urs_split_counts c;
    urs_text text = {0};
    urs_table t;
    urs_status status = urs_split_count(&c, set, parts, err);
    if (status != URS_OK)
        return status;
    if (out)
        urs_text_format(&text, "%s\n", out);
    urs_table_start(&t, 3);
    urs_table_add(&t, "part");
    urs_table_add(&t, "pictures");
    urs_table_add(&t, "individuals");
    for (int p = 0; p < 3; p++) {
        urs_table_add(&t, names[p]);
        urs_table_format(&t, "%zu", c.samples[p]);
        urs_table_format(&t, "%zu", c.individuals[p]);
    }
    urs_table_end(&t, &text);
    urs_text_format(&text, "%zu individuals of the test part are known (in train or validation), %zu are new; %zu pictures stand in no part\n", c.known, c.fresh, c.left_out);
    if (!urs_text_ok(&text))
        status = urs_fail(err, URS_ENOMEM, "no memory for a table");
    else if (fputs(urs_text_string(&text), stdout) < 0 || fflush(stdout) != 0)
        status = urs_fail(err, URS_EIO, "the output could not be written");
    urs_text_release(&text);
    return status;
}

/* Lists what leaks; URS_EMISMATCH when anything does. */
static urs_status refuse_leaks(const urs_dataset *set, const urs_part *parts, const uint64_t *hashes, int bits, bool days, urs_error *err)
{
    urs_leak *leaks = NULL;
    size_t n = 0;
    urs_status status = urs_split_leaks(&leaks, &n, set, parts, hashes, bits, days, LEAKS_SHOWN, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0; i < n && i < LEAKS_SHOWN; i++) {
        const urs_leak *l = &leaks[i];
        (void)printf("%s", leak_names[l->kind]);
        if (l->kind == URS_LEAK_NEAR)
            (void)printf(" (%d bits)", (int)l->bits);
        (void)printf(": %s (%s), %s (%s)\n", set->samples[l->a].path, side_names[parts[l->a]], set->samples[l->b].path, side_names[parts[l->b]]);
    }
    if (n > LEAKS_SHOWN)
        (void)printf("... and %zu more\n", n - LEAKS_SHOWN);
    urs_free(leaks);
    if (fflush(stdout) != 0)
        return urs_fail(err, URS_EIO, "the output could not be written");
    return n == 0 ? URS_OK : urs_fail(err, URS_EMISMATCH, "the split leaks: %zu pairs of pictures on different sides belong together (listed above)", n);
}

static urs_status write_manifest(const urs_dataset *set, const urs_part *parts, const char *out, urs_error *err)
{
    urs_text text = {0};
    char *folder = urs_path_folder(out), *real = folder ? realpath(folder, NULL) : NULL;
    urs_status status = !folder ? urs_fail(err, URS_ENOMEM, "no memory for a path") : !real ? urs_fail(err, URS_ENOTFOUND, "there is no folder '%.200s'", folder) : URS_OK;
    if (status == URS_OK)
        status = urs_manifest_text(&text, set, parts, real, err);
    if (status == URS_OK)
        status = urs_file_write(out, urs_text_string(&text), text.length, err);
    urs_text_release(&text);
    free(real);
    urs_free(folder);
    return status;
}

/* Out path with the name of what was left out in place of {}. Owned. */
static char *out_path(const char *pattern, const char *name)
{
    const char *at = strstr(pattern, "{}");
    urs_text text = {0};
    urs_text_append(&text, pattern, (size_t)(at - pattern));
    for (const char *p = name; *p; p++)
        urs_text_append(&text, *p == '/' ? "_" : p, 1);
    urs_text_add(&text, at + 2);
    return urs_text_take(&text);
}

static urs_status make_one(const split_arguments *a, const urs_dataset *set, const urs_split_plan *plan, const uint64_t *hashes, const char *out, urs_error *err)
{
    urs_part *parts = NULL;
    urs_status status = urs_split_plan_make(&parts, set, plan, err);
    if (status == URS_OK && a->check)
        status = refuse_leaks(set, parts, hashes, a->near_bits, plan->kind != URS_PLAN_CAMERA, err);
    if (status == URS_OK)
        status = write_manifest(set, parts, out, err);
    if (status == URS_OK)
        status = put_counts(set, parts, out, err);
    urs_free(parts);
    return status;
}

static int compare_years(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* One manifest for every camera or year that can be left out. */
static urs_status make_each(const split_arguments *a, const urs_dataset *set, urs_split_plan *plan, const uint64_t *hashes, urs_error *err)
{
    const bool by_camera = plan->kind == URS_PLAN_CAMERA;
    int32_t *key = urs_array_new(set->count + 1, sizeof *key);
    size_t n = 0, different = 0;
    urs_status status = key ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", set->count);
    for (size_t i = 0; status == URS_OK && i < set->count; i++) {
        const urs_sample *s = &set->samples[i];
        if (by_camera ? s->camera >= 0 : s->has_day)
            key[n++] = by_camera ? s->camera : urs_day_year(s->day);
    }
    if (status == URS_OK)
        qsort(key, n, sizeof *key, compare_years);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || key[i] != key[i - 1])
            key[different++] = key[i];
    if (status == URS_OK && different < 2)
        status = urs_fail(err, URS_EINVAL, "there are not two %s to leave one out", by_camera ? "cameras" : "years");
    for (size_t i = 0; status == URS_OK && i < different; i++) {
        char year[16], *out;
        (void)snprintf(year, sizeof year, "%d", (int)key[i]);
        out = out_path(a->out, by_camera ? urs_name_table_get(&set->cameras, key[i]) : year);
        *(by_camera ? &plan->camera : &plan->year) = key[i];
        status = out ? make_one(a, set, plan, hashes, out, err) : urs_fail(err, URS_ENOMEM, "no memory for a path");
        urs_free(out);
    }
    urs_free(key);
    return status;
}

static urs_status find_leave(urs_split_plan *plan, const split_arguments *a, const urs_dataset *set, urs_error *err)
{
    long long year;
    if (plan->kind == URS_PLAN_CAMERA) {
        plan->camera = urs_name_table_find(&set->cameras, a->leave);
        if (plan->camera < 0)
            return urs_fail(err, URS_ENOTFOUND, "'%.150s' names no camera '%.60s'; it has %zu cameras%s%.60s", a->data.items[0], a->leave, urs_name_table_count(&set->cameras),
                            urs_name_table_count(&set->cameras) ? ", the first is " : "", urs_name_table_get(&set->cameras, 0));
    } else if (plan->kind == URS_PLAN_YEAR) {
        if (!urs_parse_int(a->leave, 1, 9999, &year))
            return urs_fail(err, URS_EINVAL, "--leave '%.60s' is no year", a->leave);
        plan->year = (int32_t)year;
    }
    return URS_OK;
}

/* Said, not refused: chips often carry no dates. */
static void warn_undated(const urs_dataset *set, const urs_split_plan *plan)
{
    size_t undated = 0;
    for (size_t i = 0; i < set->count; i++)
        undated += set->samples[i].individual >= 0 && !set->samples[i].has_day && set->samples[i].group < 0;
    if (undated > 0 && (plan->kind == URS_PLAN_CLOSED || plan->kind == URS_PLAN_OPEN))
        (void)fprintf(stderr, "ursid split: %zu pictures have neither date nor event, so each stands by itself: pictures of one day may stand on two sides, and known bears will look easier than they are\n", undated);
}

static urs_status make_split(const split_arguments *a, urs_split_plan *plan, urs_error *err)
{
    urs_dataset set = {0};
    look l = {0};
    urs_status status = urs_dataset_read(&set, a->data.items[0], NULL, err);
    if (status == URS_OK)
        status = look_at_all(&l, &set, a->check || a->near_together, a->threads, err);
    if (status == URS_OK)
        warn_undated(&set, plan);
    if (status == URS_OK && a->near_together) {
        plan->hashes = l.hashes;
        plan->hash_bits = a->near_bits;
    }
    if (status == URS_OK && a->leave)
        status = find_leave(plan, a, &set, err);
    if (status == URS_OK && (plan->kind == URS_PLAN_CAMERA || plan->kind == URS_PLAN_YEAR) && !a->leave)
        status = make_each(a, &set, plan, l.hashes, err);
    else if (status == URS_OK)
        status = make_one(a, &set, plan, l.hashes, a->out, err);
    urs_free(l.hashes);
    urs_free(l.unread);
    urs_dataset_release(&set);
    return status;
}

/* The parts that a manifest has. */
static urs_status check_split(const split_arguments *a, urs_error *err)
{
    urs_dataset set = {0};
    look l = {0};
    urs_part *parts = NULL;
    size_t with = 0;
    urs_status status = urs_dataset_read(&set, a->data.items[0], NULL, err);
    if (status == URS_OK) {
        parts = urs_array_new(set.count + 1, sizeof *parts);
        status = parts ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu pictures", set.count);
    }
    for (size_t i = 0; status == URS_OK && i < set.count; i++) {
        parts[i] = set.samples[i].part;
        with += parts[i] != URS_PART_NONE;
    }
    if (status == URS_OK && with == 0)
        status = urs_fail(err, URS_EINVAL, "'%.200s' says of no picture in which part it is (column split); --by makes a split", a->data.items[0]);
    if (status == URS_OK)
        status = look_at_all(&l, &set, true, a->threads, err);
    if (status == URS_OK)
        status = put_counts(&set, parts, NULL, err);
    if (status == URS_OK)
        status = refuse_leaks(&set, parts, l.hashes, a->near_bits, true, err);
    urs_free(l.hashes);
    urs_free(l.unread);
    urs_free(parts);
    urs_dataset_release(&set);
    return status;
}

/* What the table of options cannot say; 0 or an exit code. */
static int check_usage(const split_arguments *a, urs_split_plan *plan)
{
    const bool by_time = plan->kind == URS_PLAN_TIME, leaves = plan->kind == URS_PLAN_CAMERA || plan->kind == URS_PLAN_YEAR;
    const bool pattern = a->out && strstr(a->out, "{}");
    if (!a->by && !a->check)
        return urs_usage_error(&urs_cmd_split, "--by is missing: how to split (or --check, for a manifest that has its parts)");
    if (!a->by)
        return a->out ? urs_usage_error(&urs_cmd_split, "--out needs --by: how to split") : 0;
    if (!a->out)
        return urs_usage_error(&urs_cmd_split, "--out is missing: the manifest to write");
    if (a->validation + a->test >= 1 && !by_time && !leaves)
        return urs_usage_error(&urs_cmd_split, "--validation and --test leave nothing to train on");
    if (by_time != (a->cut_off != NULL))
        return urs_usage_error(&urs_cmd_split, by_time ? "--by time needs --cut-off: the first day of the test part" : "--cut-off goes with --by time");
    if (by_time && !urs_day_parse(a->cut_off, &plan->cut_day))
        return urs_usage_error(&urs_cmd_split, "--cut-off must be a day like 2019-07-01, but got '%.60s'", a->cut_off);
    if (a->leave && !leaves)
        return urs_usage_error(&urs_cmd_split, "--leave goes with --by camera and --by year");
    if (leaves && !a->leave == !pattern)
        return urs_usage_error(&urs_cmd_split, "--by %s needs --leave, or {} in --out for one manifest each", a->by);
    if (!leaves && pattern)
        return urs_usage_error(&urs_cmd_split, "{} in --out goes with --by camera and --by year");
    if (a->together && plan->kind != URS_PLAN_PICTURE && plan->kind != URS_PLAN_PLACE)
        return urs_usage_error(&urs_cmd_split, "--together goes with --by picture and --by place");
    if (a->near_together && (plan->kind == URS_PLAN_PICTURE || plan->kind == URS_PLAN_PLACE || by_time || leaves))
        return urs_usage_error(&urs_cmd_split, "--near-together would move pictures over the border of --by %s; --check tells which there are", a->by);
    return 0;
}

static int run(int argc, char **argv)
{
    split_arguments a = {.validation = 0.2, .test = 0.3, .fresh = 0.1, .seed = 1, .near_bits = 6};
    const urs_option options[] = {
        URS_OPTION_REST("DATA", &a.data, 1, 1, "a folder with one sub-folder an individual, a CSV manifest, or labelled photographs"),
        URS_OPTION_CHOICE("by", "closed|open|disjoint|time|camera|year|picture|place", &a.by, "how to split; see above"),
        URS_OPTION_OUTPUT("out", "F.csv", &a.out, "the manifest to write; with {} in its name: one for each camera or year left out"),
        URS_OPTION_TEXT("cut-off", "DAY", &a.cut_off, "time: the first day of the test part, like 2019-07-01"),
        URS_OPTION_TEXT("leave", "NAME", &a.leave, "camera, year: which one is left out of the training"),
        URS_OPTION_TEXT("together", "GROUPS", &a.together, "picture, place: same-scene pictures, as in the training"),
        URS_OPTION_DOUBLE("validation", "SHARE", &a.validation, 0, 0.9, "share of the validation part"),
        URS_OPTION_DOUBLE("test", "SHARE", &a.test, 0.01, 0.9, "closed, open, disjoint: share of the test part"),
        URS_OPTION_DOUBLE("new", "SHARE", &a.fresh, 0, 0.9, "open: share of the individuals that are in the test part only"),
        URS_OPTION_INT64("seed", "S", &a.seed, 0, 9007199254740991.0, "another split for another number"),
        URS_OPTION_FLAG("check", &a.check, "look for near-duplicates, an animal's day and events on two sides; list them and refuse"),
        URS_OPTION_INT("near-bits", "N", &a.near_bits, 0, 20, "near-duplicates: at most so many of the 64 bits of the hash differ"),
        URS_OPTION_FLAG("near-together", &a.near_together, "closed, open, disjoint: near-duplicates stay on one side"),
        URS_OPTION_INT("threads", "N", &a.threads, 0, 64, "0: all cores"),
    };
    urs_split_plan plan = {0};
    urs_error err = {0};
    int code;
    if (!urs_options_parse(&urs_cmd_split, options, URS_COUNT(options), argc, argv, &code))
        return code;
    for (size_t i = 0; a.by && i < URS_COUNT(plan_names); i++)
        if (strcmp(a.by, plan_names[i]) == 0)
            plan.kind = (urs_split_plan_kind)i;
    code = check_usage(&a, &plan);
    if (code != 0)
        return code;
    plan.validation = (float)a.validation;
    plan.test = (float)a.test;
    plan.fresh = (float)a.fresh;
    plan.seed = (uint64_t)a.seed;
    plan.together = a.together;
    return (a.by ? make_split(&a, &plan, &err) : check_split(&a, &err)) == URS_OK ? URS_EXIT_OK : urs_command_error(&urs_cmd_split, &err);
}

const urs_command urs_cmd_split = {
    .name = "split",
    .summary = "divide pictures into train, validation and test without leaks",
    .help = "Writes a CSV manifest with a column `split` that `ursid train embed|sift` and `ursid eval embed|sift` read.\n"
            "  closed    known bears: other days of the same individuals are tested\n"
            "  open      known and new bears: as closed, and some individuals are in the test part only\n"
            "  disjoint  new bears: other individuals are tested\n"
            "  time      trained before a day, tested from it on\n"
            "  camera    one camera is tested, the others train\n"
            "  year      one year is tested, the others train\n"
            "  picture   other pictures are tested: the parts of `ursid train find`, given its shares\n"
            "  place     other cameras are tested: the parts of `ursid train sift`, given its shares\n"
            "One animal on one day and one event never stand on both sides (of a camera that is left out: events\n"
            "only). Dates that the data do not have are taken from the photographs. --check finds what still belongs\n"
            "together, near-duplicates above all, lists it, and writes nothing; without --by it checks a manifest as\n"
            "it is.\n"
            "\n"
            "Examples:\n"
            "  ursid split known/ --by disjoint --out disjoint.csv --check\n"
            "  ursid split manifest.csv --by time --cut-off 2021-01-01 --out time.csv\n"
            "  ursid split manifest.csv --by camera --out without-{}.csv\n"
            "  ursid split others.csv --check\n",
    .run = run,
};
