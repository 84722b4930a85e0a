/* Average precision of boxes and masks; see detection_ap.h.
 *
 *      images ──add──> per guess: label, score, for each of 10 thresholds: true / false / not counted ──finish──> sorted per class, curves, means */
#include "eval/detection_ap.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DETECTIONS 100
#define CLASSES_MAX 10000

typedef struct scored_guess {
    float score;
    int32_t label;
    uint16_t hit;     /* bit t: a true one at threshold t */
    uint16_t ignored; /* bit t: took an ignored truth, not counted */
    size_t order;     /* of adding: settles ties, as a stable sort does */
} scored_guess;

struct urs_ap {
    urs_ap_options o;
    scored_guess *guess; /* owned [guesses] */
    size_t guesses, capacity, images;
    size_t *truths; /* owned [classes]: without the ignored ones */
};

static double threshold_at(int t)
{
    return 0.5 + 0.05 * t;
}

/* ---- overlap ---- */

double urs_box_iou(urs_box a, urs_box b)
{
    const double w = fmin((double)a.x2, (double)b.x2) - fmax((double)a.x1, (double)b.x1);
    const double h = fmin((double)a.y2, (double)b.y2) - fmax((double)a.y1, (double)b.y1);
    const double inter = w > 0 && h > 0 ? w * h : 0;
    const double both = ((double)a.x2 - (double)a.x1) * ((double)a.y2 - (double)a.y1) + ((double)b.x2 - (double)b.x1) * ((double)b.y2 - (double)b.y1) - inter;
    return both > 0 ? inter / both : 0;
}

double urs_mask_iou(const urs_image *a, const urs_image *b)
{
    const size_t n = (size_t)a->width * (size_t)a->height;
    size_t inter = 0, either = 0;
    for (size_t i = 0; i < n; i++) {
        inter += (a->data[i] != 0) & (b->data[i] != 0);
        either += (a->data[i] != 0) | (b->data[i] != 0);
    }
    return either ? (double)inter / (double)either : 0;
}

static double overlap(const urs_ap *ap, const urs_ap_object *guess, const urs_ap_object *truth)
{
    if (ap->o.kind == URS_AP_BOX)
        return urs_box_iou(guess->box, truth->box);
    return guess->mask && truth->mask ? urs_mask_iou(guess->mask, truth->mask) : 0;
}

/* ---- life ---- */

urs_status urs_ap_new(urs_ap **out, const urs_ap_options *options, urs_error *err)
{
    urs_ap *ap = urs_array_new(1, sizeof *ap);
    if (!ap)
        return urs_fail(err, URS_ENOMEM, "no memory to measure detections");
    if (options)
        ap->o = *options;
    if (ap->o.classes == 0)
        ap->o.classes = 1;
    if (ap->o.max_detections == 0)
        ap->o.max_detections = MAX_DETECTIONS;
    if (ap->o.classes < 1 || ap->o.classes > CLASSES_MAX || ap->o.max_detections < 1) {
        urs_free(ap);
        return urs_fail(err, URS_EINVAL, "detections of 1 to %d classes can be measured", CLASSES_MAX);
    }
    ap->truths = urs_array_new((size_t)ap->o.classes, sizeof *ap->truths);
    if (!ap->truths) {
        urs_free(ap);
        return urs_fail(err, URS_ENOMEM, "no memory to measure detections");
    }
    *out = ap;
    return URS_OK;
}

void urs_ap_free(urs_ap *ap)
{
    if (!ap)
        return;
    urs_free(ap->guess);
    urs_free(ap->truths);
    urs_free(ap);
}

/* ---- matching of one class in one image ---- */

typedef struct matching {
    const urs_ap_object **guess, **truth; /* [guesses] best first, [truths] counted ones first */
    scored_guess *result;                 /* [guesses] */
    double *iou;                          /* [guesses][truths] */
    bool *taken;                          /* [truths] */
    size_t guesses, truths;
} matching;

static void match_coco(matching *m, int t)
{
    memset(m->taken, 0, m->truths * sizeof *m->taken);
    for (size_t g = 0; g < m->guesses; g++) {
        double best = fmin(threshold_at(t), 1 - 1e-10);
        size_t match = m->truths;
        for (size_t k = 0; k < m->truths; k++) {
            if (m->taken[k])
                continue; /* an ignored truth is also taken once: we have no crowds */
            if (match < m->truths && !m->truth[match]->ignore && m->truth[k]->ignore)
                break; /* counted truths stand first: one of them is found */
            if (m->iou[g * m->truths + k] < best)
                continue;
            best = m->iou[g * m->truths + k];
            match = k;
        }
        if (match == m->truths)
            continue;
        m->taken[match] = true;
        if (m->truth[match]->ignore)
            m->result[g].ignored |= (uint16_t)(1u << t);
        else
            m->result[g].hit |= (uint16_t)(1u << t);
    }
}

/* Repeatedly the best pair that is left; O(pairs * matches), images have few heads. Counted truths go before ignored ones. */
static void match_iou(matching *m, int t)
{
    memset(m->taken, 0, m->truths * sizeof *m->taken);
    for (int ignored = 0; ignored < 2; ignored++) {
        for (;;) {
            double best = -1;
            size_t guess = 0, truth = 0;
            for (size_t g = 0; g < m->guesses; g++) {
                if ((m->result[g].hit | m->result[g].ignored) >> t & 1)
                    continue;
                for (size_t k = 0; k < m->truths; k++) {
                    const double iou = m->iou[g * m->truths + k];
                    if (!m->taken[k] && m->truth[k]->ignore == (ignored == 1) && iou >= threshold_at(t) && iou > best) {
                        best = iou;
                        guess = g;
                        truth = k;
                    }
                }
            }
            if (best < 0)
                break;
            m->taken[truth] = true;
            if (ignored)
                m->result[guess].ignored |= (uint16_t)(1u << t);
            else
                m->result[guess].hit |= (uint16_t)(1u << t);
        }
    }
}

static int compare_objects(const void *pa, const void *pb)
{
    const urs_ap_object *a = *(const urs_ap_object *const *)pa, *b = *(const urs_ap_object *const *)pb;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a > b) - (a < b); /* one array: the order in which they were given */
}

static urs_status match_class(urs_ap *ap, int32_t label, const urs_ap_object *truth, size_t truths, const urs_ap_object *guess, size_t guesses, urs_error *err)
{
    matching m = {0};
    size_t pairs = 0;
    urs_status status = URS_OK;
    m.guess = urs_array_new(guesses, sizeof *m.guess);
    m.truth = urs_array_new(truths, sizeof *m.truth);
    m.taken = urs_array_new(truths, sizeof *m.taken);
    m.result = urs_array_new(guesses, sizeof *m.result);
    if (!urs_mul_size(&pairs, guesses, truths) || !(m.iou = urs_array_new(pairs, sizeof *m.iou)) || !m.guess || !m.truth || !m.taken || !m.result) {
        status = urs_fail(err, URS_ENOMEM, "no memory to match %zu detections", guesses);
        goto done;
    }
    for (int ignored = 0; ignored < 2; ignored++)
        for (size_t i = 0; i < truths; i++)
            if (truth[i].label == label && truth[i].ignore == (ignored == 1))
                m.truth[m.truths++] = &truth[i];
    for (size_t i = 0; i < guesses; i++)
        if (guess[i].label == label)
            m.guess[m.guesses++] = &guess[i];
    if (m.guesses)
        qsort(m.guess, m.guesses, sizeof *m.guess, compare_objects);
    if (m.guesses > (size_t)ap->o.max_detections)
        m.guesses = (size_t)ap->o.max_detections;
    for (size_t g = 0; g < m.guesses; g++)
        for (size_t k = 0; k < m.truths; k++)
            m.iou[g * m.truths + k] = overlap(ap, m.guess[g], m.truth[k]);
    for (int t = 0; t < URS_AP_THRESHOLDS; t++) {
        if (ap->o.matching == URS_MATCH_IOU)
            match_iou(&m, t);
        else
            match_coco(&m, t);
    }
    for (size_t g = 0; g < m.guesses; g++) {
        if (!urs_array_reserve((void **)&ap->guess, &ap->capacity, ap->guesses, sizeof *ap->guess)) {
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu detections", ap->guesses);
            goto done;
        }
        m.result[g].score = m.guess[g]->score;
        m.result[g].label = label;
        m.result[g].order = ap->guesses;
        ap->guess[ap->guesses++] = m.result[g];
    }
    for (size_t k = 0; k < m.truths; k++)
        ap->truths[label] += !m.truth[k]->ignore;
done:
    urs_free(m.guess);
    urs_free(m.truth);
    urs_free(m.taken);
    urs_free(m.result);
    urs_free(m.iou);
    return status;
}

static urs_status check_objects(const urs_ap *ap, const urs_ap_object *list, size_t n, bool guesses, const urs_image **size, urs_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].label < 0 || list[i].label >= ap->o.classes)
            return urs_fail(err, URS_EINVAL, "a detection has class %d of %d", list[i].label, ap->o.classes);
        if (guesses && !isfinite(list[i].score))
            return urs_fail(err, URS_EINVAL, "a detection has no finite score");
        if (ap->o.kind == URS_AP_MASK && list[i].mask) {
            if (list[i].mask->channels != 1 || (*size && ((*size)->width != list[i].mask->width || (*size)->height != list[i].mask->height)))
                return urs_fail(err, URS_EINVAL, "masks of one image must have one channel and one size");
            *size = list[i].mask;
        }
    }
    return URS_OK;
}

urs_status urs_ap_add_image(urs_ap *ap, const urs_ap_object *truth, size_t truths, const urs_ap_object *guess, size_t guesses, urs_error *err)
{
    const urs_image *size = NULL;
    urs_status status = check_objects(ap, truth, truths, false, &size, err);
    if (status == URS_OK)
        status = check_objects(ap, guess, guesses, true, &size, err);
    for (int32_t label = 0; status == URS_OK && label < ap->o.classes; label++) {
        bool occurs = false;
        for (size_t i = 0; i < truths && !occurs; i++)
            occurs = truth[i].label == label;
        for (size_t i = 0; i < guesses && !occurs; i++)
            occurs = guess[i].label == label;
        if (occurs)
            status = match_class(ap, label, truth, truths, guess, guesses, err);
    }
    if (status == URS_OK)
        ap->images++;
    return status;
}

/* ---- curves ---- */

static int compare_guesses(const void *pa, const void *pb)
{
    const scored_guess *a = pa, *b = pb;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* Envelope of the precision at the 101 recalls, for the guesses of one class at one threshold; returns the highest recall. */
static double class_curve(const scored_guess *guess, size_t n, size_t truths, int t, double *precision, double *recall, double out[URS_AP_RECALLS])
{
    size_t hits = 0, counted = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        if (guess[i].ignored >> t & 1)
            continue;
        hits += guess[i].hit >> t & 1;
        recall[counted] = (double)hits / (double)truths;
        precision[counted] = (double)hits / (double)(counted + 1);
        counted++;
    }
    for (size_t i = counted; i-- > 1;)
        if (precision[i - 1] < precision[i])
            precision[i - 1] = precision[i];
    for (int r = 0; r < URS_AP_RECALLS; r++) {
        const double wanted = r * 0.01; /* rounds as NumPy's linspace(0, 1, 101) does */
        while (at < counted && recall[at] < wanted)
            at++;
        out[r] = at < counted ? precision[at] : 0;
    }
    return counted ? (double)hits / (double)truths : 0;
}

static int compare_scores(const void *pa, const void *pb)
{
    const scored_guess *a = *(const scored_guess *const *)pa, *b = *(const scored_guess *const *)pb;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* The score threshold that gives the highest F1 at IoU .50, all classes together. */
static urs_status find_best_f1(const scored_guess *guess, size_t n, size_t truths, urs_ap_result *r, urs_error *err)
{
    const scored_guess **order = urs_array_new(n, sizeof *order);
    size_t hits = 0, counted = 0;
    if (!order)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu detections", n);
    for (size_t i = 0; i < n; i++)
        order[i] = &guess[i];
    qsort(order, n, sizeof *order, compare_scores);
    for (size_t i = 0; i < n; i++) {
        counted += !(order[i]->ignored & 1);
        hits += order[i]->hit & 1;
        if (i + 1 < n && order[i + 1]->score == order[i]->score)
            continue;
        const double f1 = counted + truths ? 2 * (double)hits / (double)(counted + truths) : 0;
        if (f1 > r->best_f1) {
            r->best_f1 = f1;
            r->best_f1_score = (double)order[i]->score;
            r->best_f1_recall = (double)hits / (double)truths;
            r->best_f1_precision = (double)hits / (double)counted;
        }
    }
    urs_free(order);
    return URS_OK;
}

urs_status urs_ap_finish(const urs_ap *ap, urs_ap_result *out, urs_error *err)
{
    urs_ap_result r = {.map = NAN, .ap50 = NAN, .ap75 = NAN, .average_recall = NAN, .images = ap->images, .guesses = ap->guesses};
    scored_guess *sorted = urs_array_new(ap->guesses, sizeof *sorted);
    double *precision = urs_array_new(ap->guesses, sizeof *precision), *recall = urs_array_new(ap->guesses, sizeof *recall);
    double curve[URS_AP_RECALLS];
    size_t at = 0, classes = 0;
    urs_status status = URS_OK;
    if (!sorted || !precision || !recall) {
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu detections", ap->guesses);
        goto done;
    }
    if (ap->guesses) {
        memcpy(sorted, ap->guess, ap->guesses * sizeof *sorted);
        qsort(sorted, ap->guesses, sizeof *sorted, compare_guesses);
    }
    for (int32_t label = 0; label < ap->o.classes; label++) {
        const size_t begin = at;
        while (at < ap->guesses && sorted[at].label == label)
            at++;
        if (ap->truths[label] == 0)
            continue;
        classes++;
        r.truths += ap->truths[label];
        for (int t = 0; t < URS_AP_THRESHOLDS; t++) {
            double sum = 0;
            r.recall[t] += class_curve(sorted + begin, at - begin, ap->truths[label], t, precision, recall, curve);
            for (int i = 0; i < URS_AP_RECALLS; i++) {
                sum += curve[i];
                if (t == 0)
                    r.precision50[i] += curve[i];
            }
            r.ap[t] += sum / URS_AP_RECALLS;
        }
    }
    for (int t = 0; t < URS_AP_THRESHOLDS; t++) {
        r.ap[t] = classes ? r.ap[t] / (double)classes : NAN;
        r.recall[t] = classes ? r.recall[t] / (double)classes : NAN;
    }
    for (int i = 0; i < URS_AP_RECALLS; i++)
        r.precision50[i] = classes ? r.precision50[i] / (double)classes : NAN;
    if (classes) {
        r.map = r.average_recall = 0;
        for (int t = 0; t < URS_AP_THRESHOLDS; t++) {
            r.map += r.ap[t] / URS_AP_THRESHOLDS;
            r.average_recall += r.recall[t] / URS_AP_THRESHOLDS;
        }
        r.ap50 = r.ap[0];
        r.ap75 = r.ap[5];
        status = find_best_f1(sorted, ap->guesses, r.truths, &r, err);
    }
    if (status == URS_OK)
        *out = r;
done:
    urs_free(sorted);
    urs_free(precision);
    urs_free(recall);
    return status;
}

static json_t *real_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *urs_ap_json(const urs_ap_result *r)
{
    json_t *by_threshold = json_array();
    for (int t = 0; by_threshold && t < URS_AP_THRESHOLDS; t++)
        (void)json_array_append_new(by_threshold,
                                    json_pack("{s:f, s:o, s:o}", "iou", threshold_at(t), "ap", real_or_null(r->ap[t]), "recall", real_or_null(r->recall[t])));
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:o}", "images", (json_int_t)r->images, "truths", (json_int_t)r->truths,
                     "detections", (json_int_t)r->guesses, "map50_95", real_or_null(r->map), "map50", real_or_null(r->ap50), "map75", real_or_null(r->ap75),
                     "average_recall", real_or_null(r->average_recall), "best_f1", r->best_f1, "best_f1_score", r->best_f1_score, "best_f1_recall",
                     r->best_f1_recall, "best_f1_precision", r->best_f1_precision, "thresholds", by_threshold);
}
