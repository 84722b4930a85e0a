/* The chain's numbers as tables and JSON; see chain_score.h. */
#include "eval/chain_score.h"

#include "eval/table.h"

#include <math.h>
#include <stdio.h>

enum { NEW, KNOWN };

const char *urs_fate_name(urs_fate fate)
{
    switch (fate) {
    case URS_FATE_RIGHT: return "right";
    case URS_FATE_UNREADABLE: return "lost: file not readable";
    case URS_FATE_SIFTED_AWAY: return "lost in sift: frame called empty";
    case URS_FATE_NOT_FOUND: return "lost in find: head not found";
    case URS_FATE_NOT_ENROLLED: return "lost before: its bear could not be enrolled";
    case URS_FATE_WRONG_NAME: return "wrong: named as another bear";
    case URS_FATE_CALLED_NEW: return "wrong: known bear called new";
    case URS_FATE_UNSURE_FIRST: return "unsure: right bear is first";
    case URS_FATE_UNSURE_LISTED: return "unsure: right bear is second to fifth";
    case URS_FATE_UNSURE_OTHER: return "unsure: right bear is not among five";
    case URS_FATES: break;
    }
    return "?";
}

/* Keys of the JSON. */
static const char *fate_key(urs_fate fate)
{
    static const char *const keys[URS_FATES] = {"right", "unreadable", "sifted_away", "not_found", "not_enrolled", "wrong_name", "called_new", "unsure_first", "unsure_listed", "unsure_other"};
    return keys[fate];
}

/* ---- JSON ---- */

static json_t *side_json(const urs_chain_side *s)
{
    json_t *fates = json_object();
    for (int f = 0; fates && f < URS_FATES; f++)
        (void)json_object_set_new(fates, fate_key((urs_fate)f), json_integer((json_int_t)s->fate[f]));
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "individuals", (json_int_t)s->individuals, "heads", (json_int_t)s->heads, "fates", fates, "reached_match",
                     urs_interval_json(s->reached), "right", urs_interval_json(s->right), "right_of_matched", urs_interval_json(s->verdict_right), "right_of_decided",
                     urs_interval_json(s->decided_right));
}

static json_t *hits_json(const urs_interval hit[URS_HIT_KS])
{
    json_t *o = json_object();
    for (int k = 0; o && k < URS_HIT_KS; k++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", urs_hit_k[k]);
        (void)json_object_set_new(o, name, urs_interval_json(hit[k]));
    }
    return o;
}

static json_t *frames_json(const urs_chain_score *s)
{
    json_t *confusion = json_array();
    for (int t = 0; confusion && t < 3; t++)
        (void)json_array_append_new(confusion, json_pack("[I, I, I]", (json_int_t)s->confusion[t][0], (json_int_t)s->confusion[t][1], (json_int_t)s->confusion[t][2]));
    return json_pack("{s:I, s:I, s:b, s:o, s:I, s:I, s:o, s:I, s:I, s:o}", "frames", (json_int_t)s->frames, "unreadable", (json_int_t)s->unreadable, "sifted", (int)s->sifted, "confusion",
                     confusion, "bear_frames", (json_int_t)s->bear_frames, "bear_frames_kept", (json_int_t)s->bear_frames_kept, "bear_kept", urs_interval_json(s->bear_kept), "empty_frames",
                     (json_int_t)s->empty_frames, "empty_frames_dropped", (json_int_t)s->empty_frames_dropped, "empty_dropped", urs_interval_json(s->empty_dropped));
}

json_t *urs_chain_score_json(const urs_chain_score *s)
{
    json_t *find = json_pack("{s:I, s:I, s:I, s:o, s:I, s:I}", "frames", (json_int_t)s->boxed_frames, "heads", (json_int_t)s->boxed_heads, "found", (json_int_t)s->boxed_found, "found_share",
                             urs_interval_json(s->found), "false_heads", (json_int_t)s->false_heads, "false_heads_called_known", (json_int_t)s->false_known);
    json_t *match = json_pack("{s:I, s:I, s:I, s:o, s:o}", "gallery_bears", (json_int_t)s->gallery_bears, "gallery_chips", (json_int_t)s->gallery_chips, "ranked", (json_int_t)s->ranked,
                              "hit", hits_json(s->hit), "hit_of_all", hits_json(s->hit_all));
    json_t *open = json_pack("{s:o, s:o}", "auroc", urs_interval_json(s->auroc), "balanced_accuracy", urs_interval_json(s->balanced_accuracy));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "sift", frames_json(s), "find", find, "match", match, "new_bears", open, "known", side_json(&s->side[KNOWN]), "new",
                     side_json(&s->side[NEW]), "end_to_end", urs_interval_json(s->end_to_end));
}

/* ---- tables ---- */

static void heading(urs_table *t, const char *const *names, size_t n)
{
    urs_table_start(t, n);
    for (size_t i = 0; i < n; i++)
        urs_table_add(t, names[i]);
}

static void put_share(urs_table *t, size_t part, size_t whole)
{
    if (whole)
        urs_table_format(t, "%.1f", 100.0 * (double)part / (double)whole);
    else
        urs_table_add(t, "-");
}

static void put_fates(const urs_chain_score *s, urs_text *out)
{
    static const char *const names[] = {"what became of the heads", "known", "%", "new", "%", "all", "%"};
    const urs_chain_side *known = &s->side[KNOWN], *fresh = &s->side[NEW];
    const size_t all = known->heads + fresh->heads;
    urs_table t;
    heading(&t, names, sizeof names / sizeof names[0]);
    for (int f = 0; f < URS_FATES; f++) {
        const size_t sum = known->fate[f] + fresh->fate[f];
        if (sum == 0 && f != URS_FATE_RIGHT)
            continue;
        urs_table_add(&t, f == URS_FATE_RIGHT ? "right: named, or called new" : urs_fate_name((urs_fate)f));
        urs_table_format(&t, "%zu", known->fate[f]);
        put_share(&t, known->fate[f], known->heads);
        urs_table_format(&t, "%zu", fresh->fate[f]);
        put_share(&t, fresh->fate[f], fresh->heads);
        urs_table_format(&t, "%zu", sum);
        put_share(&t, sum, all);
    }
    urs_table_add(&t, "heads asked about");
    urs_table_format(&t, "%zu", known->heads);
    put_share(&t, known->heads, known->heads);
    urs_table_format(&t, "%zu", fresh->heads);
    put_share(&t, fresh->heads, fresh->heads);
    urs_table_format(&t, "%zu", all);
    put_share(&t, all, all);
    urs_table_end(&t, out);
}

static void measure(urs_table *t, const char *name, size_t n, urs_interval v)
{
    urs_table_add(t, name);
    urs_table_format(t, "%zu", n);
    urs_table_number(t, v.value, 3);
    urs_table_number(t, v.low, 3);
    urs_table_number(t, v.high, 3);
}

static size_t matched(const urs_chain_side *s)
{
    return s->heads - s->fate[URS_FATE_UNREADABLE] - s->fate[URS_FATE_SIFTED_AWAY] - s->fate[URS_FATE_NOT_FOUND] - s->fate[URS_FATE_NOT_ENROLLED];
}

static size_t decided(const urs_chain_side *s)
{
    return s->fate[URS_FATE_RIGHT] + s->fate[URS_FATE_WRONG_NAME] + s->fate[URS_FATE_CALLED_NEW];
}

static void put_measures(const urs_chain_score *s, urs_text *out)
{
    static const char *const names[] = {"measure", "of", "share", "95% from", "to"};
    const urs_chain_side *known = &s->side[KNOWN], *fresh = &s->side[NEW];
    char name[80];
    urs_table t;
    heading(&t, names, sizeof names / sizeof names[0]);
    if (s->bear_frames)
        measure(&t, "sift: frames with bears kept", s->bear_frames, s->bear_kept);
    if (s->empty_frames)
        measure(&t, "sift: empty frames thrown away", s->empty_frames, s->empty_dropped);
    if (s->boxed_heads)
        measure(&t, "find: heads found (overlap 0.5)", s->boxed_heads, s->found);
    for (int k = 0; k < URS_HIT_KS; k++) {
        (void)snprintf(name, sizeof name, "match: right bear among the first %d", urs_hit_k[k]);
        measure(&t, name, s->ranked, s->hit[k]);
    }
    measure(&t, "match: verdict right, known bears", matched(known), known->verdict_right);
    measure(&t, "match: verdict right, new bears", matched(fresh), fresh->verdict_right);
    measure(&t, "match: right where not unsure, known bears", decided(known), known->decided_right);
    measure(&t, "match: right where not unsure, new bears", decided(fresh), fresh->decided_right);
    if (s->open_set) {
        measure(&t, "new against known: AUROC", s->ranked + matched(fresh), s->auroc);
        measure(&t, "new against known: balanced accuracy", s->ranked + matched(fresh), s->balanced_accuracy);
    }
    for (int k = 0; k < URS_HIT_KS; k++) {
        (void)snprintf(name, sizeof name, "whole chain: right bear among the first %d", urs_hit_k[k]);
        measure(&t, name, known->heads, s->hit_all[k]);
    }
    measure(&t, "whole chain: right verdict, known bears", known->heads, known->right);
    measure(&t, "whole chain: right verdict, new bears", fresh->heads, fresh->right);
    measure(&t, "whole chain: right verdict", known->heads + fresh->heads, s->end_to_end);
    urs_table_end(&t, out);
}

void urs_chain_score_text(const urs_chain_score *s, urs_text *out)
{
    put_fates(s, out);
    if (s->boxed_frames)
        urs_text_format(out, "\nIn the %zu frames with labelled heads that were searched, %zu more %s found where no label is; %zu of them got a name.\n", s->boxed_frames, s->false_heads,
                        s->false_heads == 1 ? "head was" : "heads were", s->false_known);
    urs_text_add(out, "\n");
    put_measures(s, out);
    urs_text_format(out, "\nA right name by chance: 1 in %zu. Intervals: individuals drawn (frames without a named bear: each by itself or by event).\n", s->gallery_bears ? s->gallery_bears : 1);
}
