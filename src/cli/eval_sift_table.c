/* Table 1: one column a set of weights, one row a measure; see eval_sift.h. */
#include "cli/eval_sift.h"

#include "base/file.h"
#include "base/memory.h"
#include "eval/class_measure.h"
#include "eval/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EMPTY (1u << URS_FRAME_EMPTY)
#define ANIMAL (1u << URS_FRAME_ANIMAL)
#define BEAR (1u << URS_FRAME_BEAR)
#define ALL (EMPTY | ANIMAL | BEAR)

typedef enum light { LIGHT_ANY, LIGHT_DAY, LIGHT_INFRARED } light;

typedef struct row {
    const char *label, *key; /* of the text; of the JSON */
    urs_class_measure measure;
    light light;
    float size_from, size_to; /* of the bear's head; 0, 0: any frame */
    bool three;               /* means nothing for a filter that knows only bears */
    bool differs;             /* stands in the table of differences too */
} row;

#define RECALL(t, a) {URS_MEASURE_RECALL, t, a}
static const row rows[] = {
    {"right, of three classes", "accuracy", {URS_MEASURE_ACCURACY, 0, 0}, .three = true, .differs = true},
    {"right, bear or not", "bear_accuracy", {URS_MEASURE_ACCURACY, BEAR, BEAR}, .differs = true},
    {"empty: recall", "empty_recall", RECALL(EMPTY, EMPTY), .differs = true},
    {"empty: precision", "empty_precision", {URS_MEASURE_PRECISION, EMPTY, EMPTY}, .three = true},
    {"empty: F1", "empty_f1", {URS_MEASURE_F1, EMPTY, EMPTY}, .three = true},
    {"animal: recall", "animal_recall", RECALL(ANIMAL, ANIMAL), .three = true, .differs = true},
    {"animal: precision", "animal_precision", {URS_MEASURE_PRECISION, ANIMAL, ANIMAL}, .three = true},
    {"animal: F1", "animal_f1", {URS_MEASURE_F1, ANIMAL, ANIMAL}, .three = true},
    {"bear: recall", "bear_recall", RECALL(BEAR, BEAR), .differs = true},
    {"bear: precision", "bear_precision", {URS_MEASURE_PRECISION, BEAR, BEAR}, .differs = true},
    {"bear: F1", "bear_f1", {URS_MEASURE_F1, BEAR, BEAR}, .differs = true},
    {"false alarms: empties called bear", "empty_called_bear", RECALL(EMPTY, BEAR), .differs = true},
    {"false alarms: animals called bear", "animal_called_bear", RECALL(ANIMAL, BEAR), .differs = true},
    {"let through to find: empties", "empty_let_through", RECALL(EMPTY, ANIMAL | BEAR), .differs = true},
    {"let through to find: all", "let_through", RECALL(ALL, ANIMAL | BEAR), .differs = true},
    {"bears lost: called empty", "bear_lost", RECALL(BEAR, EMPTY), .differs = true},
    {"by day: empty recall", "day_empty_recall", RECALL(EMPTY, EMPTY), .light = LIGHT_DAY},
    {"by day: animal recall", "day_animal_recall", RECALL(ANIMAL, ANIMAL), .light = LIGHT_DAY, .three = true},
    {"by day: bear recall", "day_bear_recall", RECALL(BEAR, BEAR), .light = LIGHT_DAY},
    {"by day: others called bear", "day_false_alarms", RECALL(EMPTY | ANIMAL, BEAR), .light = LIGHT_DAY},
    {"infra-red: empty recall", "infrared_empty_recall", RECALL(EMPTY, EMPTY), .light = LIGHT_INFRARED},
    {"infra-red: animal recall", "infrared_animal_recall", RECALL(ANIMAL, ANIMAL), .light = LIGHT_INFRARED, .three = true},
    {"infra-red: bear recall", "infrared_bear_recall", RECALL(BEAR, BEAR), .light = LIGHT_INFRARED},
    {"infra-red: others called bear", "infrared_false_alarms", RECALL(EMPTY | ANIMAL, BEAR), .light = LIGHT_INFRARED},
    {"head below 32 pixels: bear recall", "head_0_32_bear_recall", RECALL(BEAR, BEAR), .size_from = 0, .size_to = 32},
    {"head of 32 to 64: bear recall", "head_32_64_bear_recall", RECALL(BEAR, BEAR), .size_from = 32, .size_to = 64},
    {"head of 64 to 128: bear recall", "head_64_128_bear_recall", RECALL(BEAR, BEAR), .size_from = 64, .size_to = 128},
    {"head of 128 and more: bear recall", "head_128_bear_recall", RECALL(BEAR, BEAR), .size_from = 128, .size_to = 1e9f},
};
#undef RECALL

/* Which frames a row looks at. */
static void choose_frames(bool *use, const urs_sift_study *s, const row *r)
{
    for (size_t i = 0; i < s->frames.count; i++) {
        const int32_t sample = s->frames.items[i].sample;
        const int infrared = sample >= 0 ? s->frames.dataset.samples[sample].infrared : -1;
        use[i] = r->light == LIGHT_ANY || infrared == (r->light == LIGHT_INFRARED);
        if (r->size_to > 0)
            use[i] = use[i] && s->size[i] >= r->size_from && s->size[i] < r->size_to; /* NaN: no */
    }
}

static void put_interval(urs_table *t, urs_interval v, bool sign)
{
    if (isnan(v.value))
        urs_table_add(t, "-");
    else
        urs_table_format(t, sign ? "%+.3f (%+.3f to %+.3f)" : "%.3f (%.3f to %.3f)", v.value, v.low, v.high);
}

static void put_headings(urs_table *t, const urs_sift_study *s, const char *first, size_t from)
{
    urs_table_start(t, 2 + s->count - from);
    urs_table_add(t, first);
    urs_table_add(t, "of");
    for (size_t m = from; m < s->count; m++)
        urs_table_add(t, s->columns[m].name);
}

typedef struct drawing { /* average precision of drawn frames */
    const float *score;
    const uint8_t *positive;
    float *drawn_score;
    uint8_t *drawn_positive;
} drawing;

static double drawn_precision(void *context, const size_t *item, size_t n)
{
    drawing *d = context;
    for (size_t i = 0; i < n; i++) {
        d->drawn_score[i] = d->score[item[i]];
        d->drawn_positive[i] = d->positive[item[i]];
    }
    return urs_average_precision(d->drawn_score, d->drawn_positive, n);
}

/* The longest draw: the largest camera every time. */
static size_t longest_draw(const urs_sift_study *s)
{
    size_t largest = 0;
    for (size_t i = 0; i < s->frames.count; i++) {
        size_t n = 0;
        for (size_t k = 0; k < s->frames.count; k++)
            n += s->camera[k] == s->camera[i];
        largest = n > largest ? n : largest;
    }
    return largest * s->cameras;
}

static urs_status average_precision(urs_interval *out, const urs_sift_study *s, const urs_sift_column *c, urs_error *err)
{
    const size_t n = s->frames.count, room = longest_draw(s);
    float *score = urs_array_new(n + room, sizeof *score);
    uint8_t *positive = urs_array_new(n + room, 1);
    urs_status status = score && positive ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu frames", n);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        score[i] = c->p[i * URS_FRAME_CLASSES + URS_FRAME_BEAR];
        positive[i] = s->frames.labels[i] == URS_FRAME_BEAR;
    }
    if (status == URS_OK) {
        drawing d = {score, positive, score + n, positive + n};
        status = urs_interval_bootstrap(out, drawn_precision, &d, s->camera, n, s->arguments->rounds, 1, err);
    }
    urs_free(score);
    urs_free(positive);
    return status;
}

static json_t *number_json(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* Rows that are measures; those without frames are left out. */
static urs_status put_measures(urs_table *t, json_t **objects, const urs_sift_study *s, bool *use, urs_error *err)
{
    urs_status status = URS_OK;
    for (size_t r = 0; status == URS_OK && r < URS_COUNT(rows); r++) {
        urs_interval cell[URS_EVAL_SIFT_MODELS_MAX];
        size_t of = 0, most = 0;
        bool any = false;
        choose_frames(use, s, &rows[r]);
        for (size_t m = 0; status == URS_OK && m < s->count; m++) {
            const urs_class_answers x = {.truth = s->frames.labels, .answer = s->columns[m].answer, .cluster = s->camera, .use = use, .count = s->frames.count};
            cell[m] = (urs_interval){NAN, NAN, NAN};
            if (rows[r].three && s->columns[m].approach == URS_SIFT_DETECTOR)
                continue;
            status = urs_class_measure_take(&cell[m], &of, &rows[r].measure, &x, s->arguments->rounds, 1, err);
            any = any || !isnan(cell[m].value);
            most = of > most ? of : most;
            (void)json_object_set_new(objects[m], rows[r].key, urs_interval_json(cell[m]));
        }
        if (status != URS_OK || !any)
            continue;
        urs_table_add(t, rows[r].label);
        if (rows[r].measure.kind == URS_MEASURE_PRECISION) /* its denominator is each column's own */
            urs_table_add(t, "");
        else
            urs_table_format(t, "%zu", most);
        for (size_t m = 0; m < s->count; m++)
            put_interval(t, cell[m], false);
    }
    return status;
}

static void put_numbers(urs_table *t, const urs_sift_study *s, const char *label, const double *value, int decimals)
{
    urs_table_add(t, label);
    urs_table_add(t, "");
    for (size_t m = 0; m < s->count; m++)
        urs_table_number(t, value[m], decimals);
}

static void put_costs(urs_table *t, json_t **objects, const urs_sift_study *s)
{
    double bear[URS_EVAL_SIFT_MODELS_MAX], animal[URS_EVAL_SIFT_MODELS_MAX], first[URS_EVAL_SIFT_MODELS_MAX], second[URS_EVAL_SIFT_MODELS_MAX], both[URS_EVAL_SIFT_MODELS_MAX];
    for (size_t m = 0; m < s->count; m++) {
        const urs_sift_column *c = &s->columns[m];
        const double share = s->frames.count ? (double)c->through / (double)s->frames.count : NAN;
        bear[m] = c->thresholds.bear;
        animal[m] = c->approach == URS_SIFT_DETECTOR ? NAN : c->thresholds.animal;
        first[m] = 1000 * c->sift_seconds;
        second[m] = c->through ? 1000 * share * c->find_seconds : 0;
        both[m] = first[m] + second[m];
        (void)json_object_set_new(objects[m], "cost", json_pack("{s:o, s:o, s:o}", "sift_seconds_per_1000", number_json(first[m]), "find_seconds_per_1000", number_json(second[m]),
                                                                  "seconds_per_1000", number_json(both[m])));
    }
    put_numbers(t, s, "bear from", bear, 3);
    put_numbers(t, s, "animal from", animal, 3);
    put_numbers(t, s, "seconds per 1,000 frames: sift", first, 2);
    put_numbers(t, s, "  and find on those let through", second, 2);
    put_numbers(t, s, "  both", both, 2);
}

/* Each column less the first, on the same draws. */
static urs_status put_differences(urs_text *text, json_t **objects, const urs_sift_study *s, urs_error *err)
{
    urs_table t;
    urs_status status = URS_OK;
    urs_text_format(text, "\ndifference to %s, with 95 %% interval of the paired difference\n\n", s->columns[0].name);
    put_headings(&t, s, "", 1);
    for (size_t r = 0; status == URS_OK && r < URS_COUNT(rows); r++) {
        size_t of = 0;
        urs_interval cell[URS_EVAL_SIFT_MODELS_MAX];
        bool any = false;
        if (!rows[r].differs)
            continue;
        for (size_t m = 1; status == URS_OK && m < s->count; m++) {
            const urs_class_answers x = {.truth = s->frames.labels, .answer = s->columns[m].answer, .less = s->columns[0].answer, .cluster = s->camera, .count = s->frames.count};
            char key[64];
            cell[m] = (urs_interval){NAN, NAN, NAN};
            if (rows[r].three && (s->columns[m].approach == URS_SIFT_DETECTOR || s->columns[0].approach == URS_SIFT_DETECTOR))
                continue;
            status = urs_class_measure_take(&cell[m], &of, &rows[r].measure, &x, s->arguments->rounds, 1, err);
            any = any || !isnan(cell[m].value);
            (void)snprintf(key, sizeof key, "%s_less_first", rows[r].key);
            (void)json_object_set_new(objects[m], key, urs_interval_json(cell[m]));
        }
        if (status != URS_OK || !any)
            continue;
        urs_table_add(&t, rows[r].label);
        if (rows[r].measure.kind == URS_MEASURE_PRECISION)
            urs_table_add(&t, "");
        else
            urs_table_format(&t, "%zu", of);
        for (size_t m = 1; m < s->count; m++)
            put_interval(&t, cell[m], true);
    }
    urs_table_end(&t, text);
    return status;
}

/* ---- what a wished recall of bears costs ---- */

typedef struct price {
    urs_sift_thresholds thresholds;
    size_t all[URS_FRAME_CLASSES], bear[URS_FRAME_CLASSES], kept; /* frames of a class, those of them that are called bear, frames that are let through */
} price;

static void count_price(price *out, const urs_sift_study *s, const urs_sift_column *c)
{
    for (size_t i = 0; i < s->frames.count; i++) {
        const int32_t truth = s->frames.labels[i];
        float p[URS_FRAME_CLASSES];
        int32_t answer;
        memcpy(p, c->p + i * URS_FRAME_CLASSES, sizeof p);
        urs_sift_gate(p, c->approach, &out->thresholds);
        answer = urs_sift_decide(p, &out->thresholds);
        out->all[truth]++;
        out->bear[truth] += answer == URS_FRAME_BEAR;
        out->kept += answer != URS_FRAME_EMPTY;
    }
}

static double part(size_t n, size_t of)
{
    return of ? (double)n / (double)of : NAN;
}

static urs_status put_prices(urs_text *text, json_t **objects, const urs_sift_study *s, urs_error *err)
{
    static const char *const headings[] = {"", "wished", "bear from", "animal from", "recall here", "called bear", "of empties", "of animals", "let through"};
    const double asked = s->options->min_bear_recall, wished[] = {asked, 0.9, 0.95, 0.97, 0.98, 0.99, 1};
    const bool same = urs_eval_part(s->arguments) == URS_PART_VALIDATION;
    urs_table t;
    urs_status status = URS_OK;
    urs_text_format(text, "\nwhat a wished recall of bears costs in frames kept; thresholds chosen on the %zu frames of the validation part%s\n\n", s->columns[0].validation_count,
                    same ? ", which are the frames measured here: recall is what was asked for, and the price may be higher elsewhere" : "");
    urs_table_start(&t, URS_COUNT(headings));
    for (size_t i = 0; i < URS_COUNT(headings); i++)
        urs_table_add(&t, headings[i]);
    for (size_t m = 0; status == URS_OK && m < s->count; m++) {
        const urs_sift_column *c = &s->columns[m];
        json_t *list = json_array();
        for (size_t w = 0; status == URS_OK && w < URS_COUNT(wished); w++) {
            price x = {0};
            if (w > 0 && fabs(wished[w] - asked) < 1e-9)
                continue;
            status = urs_sift_choose_thresholds(&x.thresholds, c->approach, c->validation_p, c->validation_labels, c->validation_count, wished[w], err);
            if (status != URS_OK)
                break;
            count_price(&x, s, c);
            urs_table_add(&t, c->name);
            urs_table_number(&t, wished[w], 3);
            urs_table_number(&t, x.thresholds.bear, 3);
            urs_table_number(&t, c->approach == URS_SIFT_DETECTOR ? NAN : x.thresholds.animal, 3);
            urs_table_number(&t, part(x.bear[URS_FRAME_BEAR], x.all[URS_FRAME_BEAR]), 3);
            urs_table_number(&t, part(x.bear[0] + x.bear[1] + x.bear[2], s->frames.count), 3);
            urs_table_number(&t, part(x.bear[URS_FRAME_EMPTY], x.all[URS_FRAME_EMPTY]), 3);
            urs_table_number(&t, part(x.bear[URS_FRAME_ANIMAL], x.all[URS_FRAME_ANIMAL]), 3);
            urs_table_number(&t, part(x.kept, s->frames.count), 3);
            (void)json_array_append_new(list, json_pack("{s:f, s:f, s:f, s:o, s:o, s:o}", "wished", wished[w], "bear", x.thresholds.bear, "animal", x.thresholds.animal, "recall",
                                                        number_json(part(x.bear[URS_FRAME_BEAR], x.all[URS_FRAME_BEAR])), "called_bear",
                                                        number_json(part(x.bear[0] + x.bear[1] + x.bear[2], s->frames.count)), "let_through", number_json(part(x.kept, s->frames.count))));
        }
        (void)json_object_set_new(objects[m], "min_bear_recall", list);
    }
    urs_table_end(&t, text);
    return status;
}

/* ---- the whole ---- */

urs_status urs_sift_confusion(urs_confusion *out, const char *const **names, const urs_sift_study *s, const urs_sift_column *column, urs_error *err)
{
    static const char *const two[] = {"no bear", "bear"};
    const bool detector = column->approach == URS_SIFT_DETECTOR;
    urs_confusion c = {0};
    urs_status status = urs_confusion_new(&c, detector ? 2 : URS_FRAME_CLASSES, err);
    for (size_t i = 0; status == URS_OK && i < s->frames.count; i++) {
        const int32_t truth = s->frames.labels[i], answer = column->answer[i];
        status = detector ? urs_confusion_add(&c, truth == URS_FRAME_BEAR, answer == URS_FRAME_BEAR, err) : urs_confusion_add(&c, (size_t)truth, (size_t)answer, err);
    }
    if (status != URS_OK) {
        urs_confusion_release(&c);
        return status;
    }
    *names = detector ? two : urs_sift_class_names;
    *out = c;
    return URS_OK;
}

static urs_status put_table(urs_text *text, json_t **objects, const urs_sift_study *s, urs_error *err)
{
    bool *use = urs_array_new(s->frames.count, sizeof *use);
    urs_interval ap;
    urs_table t;
    urs_status status;
    put_headings(&t, s, "", 0);
    status = use ? put_measures(&t, objects, s, use, err) : urs_fail(err, URS_ENOMEM, "no memory for the table");
    urs_table_add(&t, "bear: average precision");
    urs_table_add(&t, "");
    for (size_t m = 0; status == URS_OK && m < s->count; m++) {
        status = average_precision(&ap, s, &s->columns[m], err);
        if (status == URS_OK) {
            put_interval(&t, ap, false);
            (void)json_object_set_new(objects[m], "bear_average_precision", urs_interval_json(ap));
        }
    }
    if (status == URS_OK)
        put_costs(&t, objects, s);
    urs_table_end(&t, text);
    urs_free(use);
    return status;
}

urs_status urs_sift_table(urs_text *text, json_t **out, const urs_sift_study *s, urs_error *err)
{
    json_t *list = json_array(), *objects[URS_EVAL_SIFT_MODELS_MAX] = {0};
    size_t count[URS_FRAME_CLASSES] = {0};
    bool sized = false;
    urs_status status;
    for (size_t i = 0; i < s->frames.count; i++) {
        count[s->frames.labels[i]]++;
        sized = sized || !isnan(s->size[i]);
    }
    for (size_t m = 0; m < s->count; m++) {
        const urs_sift_column *c = &s->columns[m];
        objects[m] = json_pack("{s:s, s:s, s:s, s:{s:f, s:f}}", "model", urs_path_base(c->path), "fingerprint", c->network->fingerprint, "approach", urs_sift_approach_name(c->approach),
                               "thresholds", "bear", c->thresholds.bear, "animal", c->thresholds.animal);
        (void)json_array_append_new(list, objects[m]);
    }
    urs_text_format(text, "%s part of %s: %zu frames (%zu empty, %zu animal, %zu bear) of %zu cameras, a photograph counting as one; 95 %% intervals, cameras drawn\n\n", s->arguments->part,
                    s->arguments->data.items[0], s->frames.count, count[URS_FRAME_EMPTY], count[URS_FRAME_ANIMAL], count[URS_FRAME_BEAR], s->cameras);
    status = put_table(text, objects, s, err);
    urs_text_format(text, "\n%sseconds are processor time of all threads, without reading and decoding\n",
                    sized ? "sizes are the side of the largest labelled head, in a frame scaled to 320 pixels; " : "");
    if (status == URS_OK && s->count > 1)
        status = put_differences(text, objects, s, err);
    if (status == URS_OK && s->options->min_bear_recall > 0)
        status = put_prices(text, objects, s, err);
    if (status == URS_OK)
        *out = list;
    else
        json_decref(list);
    return status;
}
