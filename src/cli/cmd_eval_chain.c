/* `ursid eval chain`: the whole chain on photographs of known individuals: enrol one side, ask about the other, and say where the losses happen. The parts are in eval_chain.h. */
#include "cli/cancel.h"
#include "cli/eval_chain.h"

#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const urs_command command = {
    .name = "eval chain",
    .summary = "the whole chain: who is named rightly, and where the others are lost",
    .help = "Splits the photographs so that no bear stands on both sides with pictures of one day or event, enrols\n"
            "one side, asks about the other, and tells what became of every head: thrown away by sift, missed by\n"
            "find, named rightly or wrongly, called new, or left open. A share of the bears is never enrolled: they\n"
            "must come out as new.\n"
            "\n"
            "--data is any labelled set: a folder known/BEAR/photograph (a folder named 'empty' or 'animal' holds\n"
            "frames without bears), a manifest.csv with columns path, individual and, if known, label, date and\n"
            "event, imglab XML, or a folder of labelled heads such as `ursid synth` draws. Days come from the labels or\n"
            "from the photographs; pictures without a day are kept apart by how alike they look, and counted.\n"
            "Where boxes are labelled, a head is found when a detection overlaps it by half (IoU 0.5); where only\n"
            "names are, the surest detection is the head. Photographs that the networks were trained on flatter them.\n"
            "\n"
            "Examples:\n"
            "  ursid eval chain --data known/ --report chain.html\n"
            "  ursid synth --out world --frames 400 --bears 12 && ursid eval chain --data world\n"
            "  ursid eval chain --data chips/ --chips-in --part test --json chain.json\n",
};

/* ---- what the numbers are about ---- */

static void put_setting(urs_text *out, const urs_chain_world *w, const urs_chain_trial *t)
{
    const urs_enrol_split *s = &w->split;
    const urs_enrol_counts *n = &t->enrolment;
    urs_text_format(out, "%s\n\n%zu photographs: %zu to enrol, %zu to ask about", urs_text_string(&t->models), w->set.count, s->enrol, s->ask);
    if (s->left_out)
        urs_text_format(out, ", %zu left out (several heads on a day that is enrolled)", s->left_out);
    urs_text_format(out, "\n%zu individuals: %zu known, %zu new, %zu only enrolled (pictures of one day)\n", s->known + s->fresh + s->gallery_only, s->known, s->fresh, s->gallery_only);
    urs_text_format(out, "enrolled: %zu heads of %zu bears from %zu photographs", n->enrolled, t->gallery_bears, n->photographs);
    if (n->headless + n->misplaced + n->unreadable)
        urs_text_format(out, " (%zu without a found head, %zu with one in the wrong place, %zu not readable)", n->headless, n->misplaced, n->unreadable);
    urs_text_add(out, "\n");
    if (s->undated)
        urs_text_format(out, "%zu photographs carry no day: pictures of one bear from one day may stand on both sides, so expect better numbers than in the field.\n", s->undated);
    if (t->judged_together)
        urs_text_format(out, "%zu heads were judged together with others of their event, %zu of them wrongly with heads of another bear (--no-events: each alone)\n", t->judged_together,
                        t->judged_mixed);
    if (!t->calibrated)
        urs_text_add(out, "These weights carry no calibration: nothing is called known or new.\n");
    urs_text_add(out, "\n");
}

static json_t *facts(const urs_chain_arguments *a, const urs_chain_world *w, const urs_chain_trial *t)
{
    const urs_enrol_split *s = &w->split;
    const urs_enrol_counts *n = &t->enrolment;
    json_t *data = json_array();
    for (size_t i = 0; i < a->eval.data.count; i++)
        (void)json_array_append_new(data, json_string(a->eval.data.items[i]));
    json_t *split = json_pack("{s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "new_share", a->fresh, "enrol_share", a->enrol, "seed", (json_int_t)a->eval.split_seed, "enrol",
                              (json_int_t)s->enrol, "ask", (json_int_t)s->ask, "left_out", (json_int_t)s->left_out, "undated", (json_int_t)s->undated, "known", (json_int_t)s->known, "new",
                              (json_int_t)s->fresh, "gallery_only", (json_int_t)s->gallery_only);
    json_t *enrolment = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "photographs", (json_int_t)n->photographs, "enrolled", (json_int_t)n->enrolled, "no_head", (json_int_t)n->headless,
                                  "several_heads", (json_int_t)n->several, "wrong_place", (json_int_t)n->misplaced, "unreadable", (json_int_t)n->unreadable);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:I, s:I, s:o, s:o}", "ursid_eval", "chain", "version", URS_VERSION, "models", urs_text_string(&t->models), "part", a->eval.part, "data", data,
                     "chips_in", (int)a->heads.chips_in, "calibrated", (int)t->calibrated, "judged_together", (json_int_t)t->judged_together, "judged_mixed", (json_int_t)t->judged_mixed, "split", split, "enrolment", enrolment);
}

static const char *verdict_word(const urs_chain_case *c)
{
    return c->stop == URS_STOP_NONE ? urs_verdict_name((urs_verdict)c->verdict) : "none";
}

/* One object a head, so that every number can be counted again. */
static json_t *heads_json(const urs_chain_world *w, const urs_chain_trial *t)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < t->case_count; i++) {
        const urs_chain_case *c = &t->cases[i];
        const urs_chain_answer *a = &t->answers[i];
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I, s:s, s:b, s:s, s:s, s:s*, s:I, s:o, s:o, s:o}", "file", w->set.samples[a->frame].path, "head", (json_int_t)a->head,
                            "individual", urs_chain_world_name(w, c->individual), "known", (int)c->known, "fate", urs_fate_name(urs_chain_fate(c)), "verdict", verdict_word(c), "first",
                            c->first >= 0 ? urs_chain_world_name(w, c->first) : NULL, "rank", (json_int_t)c->rank, "cosine", c->first >= 0 ? json_real((double)c->cosine) : json_null(),
                            "probability", c->first >= 0 ? json_real(a->probability) : json_null(), "p_new", c->stop == URS_STOP_NONE ? json_real(c->p_new) : json_null()));
    }
    return list;
}

static urs_status deliver(const urs_chain_arguments *a, const urs_chain_world *w, const urs_chain_trial *t, urs_error *err)
{
    urs_chain_score score = {0};
    urs_text text = {0}, plots = {0};
    json_t *numbers = NULL, *heads = NULL;
    urs_status status = urs_chain_score_make(&score, t->cases, t->case_count, t->frame_cases, t->frame_count, t->sifted, t->gallery_bears, t->gallery_count, a->eval.rounds, 1, err);
    if (status == URS_OK && a->eval.report)
        status = urs_chain_page(&plots, t, &score, err);
    if (status == URS_OK) {
        put_setting(&text, w, t);
        urs_chain_score_text(&score, &text);
        numbers = facts(a, w, t);
        heads = heads_json(w, t);
        if (!numbers || !heads || json_object_update_new(numbers, urs_chain_score_json(&score)) != 0 || json_object_set(numbers, "heads", heads) != 0)
            status = urs_fail(err, URS_ENOMEM, "no memory for the numbers");
    }
    if (status == URS_OK)
        status = urs_eval_deliver(&a->eval, "The whole chain: who is it, and where are heads lost?", &text, json_incref(numbers), &plots, err);
    json_decref(numbers);
    json_decref(heads);
    urs_text_release(&text);
    urs_text_release(&plots);
    return status;
}

/* ---- the command ---- */

/* --model DIR: the stages' weights by their usual names, where the folder has them. */
static urs_status models_of_folder(urs_head_arguments *heads, char *path[3], const char *folder, urs_error *err)
{
    static const char *const names[] = {"sift.safetensors", "find.safetensors", "embed.safetensors"};
    const char **const given[] = {&heads->sift, &heads->find, &heads->embed};
    size_t there = 0;
    for (size_t i = 0; i < URS_COUNT(names); i++) {
        path[i] = urs_path_join(folder, names[i]);
        if (!path[i])
            return urs_fail(err, URS_ENOMEM, "no memory for a path");
        if (!urs_file_exists(path[i]))
            continue;
        there++;
        if (!*given[i])
            *given[i] = path[i];
    }
    return there ? URS_OK : urs_fail(err, URS_ENOTFOUND, "%s holds none of sift.safetensors, find.safetensors, embed.safetensors", folder);
}

static urs_status evaluate(urs_chain_arguments *a, urs_error *err)
{
    urs_chain_world world = {0};
    urs_chain_trial trial = {0};
    char *path[3] = {0};
    urs_status status = a->folder ? models_of_folder(&a->heads, path, a->folder, err) : URS_OK;
    if (status == URS_OK)
        status = urs_chain_world_read(&world, a, err);
    if (status == URS_OK)
        status = urs_chain_trial_run(&trial, &world, a, err);
    if (status == URS_OK)
        status = deliver(a, &world, &trial, err);
    urs_chain_trial_release(&trial);
    urs_chain_world_release(&world);
    for (size_t i = 0; i < URS_COUNT(path); i++)
        urs_free(path[i]);
    return status;
}

int urs_eval_chain_main(int argc, char **argv)
{
    urs_chain_arguments a = {.eval = {.part = "all", .validation = 0.2, .test = 0.3, .split_seed = 1, .rounds = 1000}, .fresh = 0.3, .enrol = 0.5};
    const urs_option options[] = {
        URS_OPTION_LIST("data", "PATH", &a.eval.data, "photographs of known bears; may be repeated"),
        URS_OPTION_DOUBLE("new", "SHARE", &a.fresh, 0, 1, "share of the bears that is never enrolled"),
        URS_OPTION_DOUBLE("enrol", "SHARE", &a.enrol, 0, 1, "share of a known bear's days that is enrolled"),
        URS_OPTION_INT64("split-seed", "S", &a.eval.split_seed, 1, 9007199254740992.0, "draws who is new and which days are enrolled"),
        URS_OPTION_CHOICE("part", "all|test|validation|train", &a.eval.part, "only bears of this part of embed's split (with --validation, --test, --split-seed as in its training)"),
        URS_OPTION_DOUBLE("validation", "SHARE", &a.eval.validation, 0.01, 0.9, "with --part: as in the training of embed"),
        URS_OPTION_DOUBLE("test", "SHARE", &a.eval.test, 0.01, 0.9, "with --part: as in the training of embed"),
        URS_OPTION_TEXT("model", "DIR", &a.folder, "a folder with sift, find and embed .safetensors; what it lacks comes with ursid"),
        URS_HEAD_OPTIONS(&a.heads),
        URS_OPTION_TEXT("model-sift", "W", &a.heads.sift, "weights that sort frames; default: those that come with ursid"),
        URS_OPTION_FLAG("no-sift", &a.heads.no_sift, "look for heads in every frame"),
        URS_OPTION_OUTPUT("json", "F.json", &a.eval.json, "write all numbers, and what became of every head"),
        URS_OPTION_OUTPUT("report", "F.html", &a.eval.report, "write a page with tables, plots and the worst mistakes"),
        URS_OPTION_INT("rounds", "N", &a.eval.rounds, 10, 100000, "draws for the 95 % intervals"),
        URS_OPTION_INT("threads", "N", &a.eval.threads, 0, 64, "0: all cores"),
        URS_OPTION_FLAG("no-events", &a.no_events, "judge every head alone, not all heads of an animal in an event together"),
        URS_OPTION_FLAG("json-progress", &a.json_progress, "progress on stderr as JSON, one object a line"),
        URS_OPTION_FLAG("quiet", &a.quiet, "no progress"),
    };
    urs_error err = {0};
    urs_status status;
    int code;
    if (!urs_options_parse(&command, options, URS_COUNT(options), argc, argv, &code)) {
        urs_names_release(&a.eval.data);
        return code;
    }
    if (a.eval.data.count == 0) {
        code = urs_usage_error(&command, "--data is missing: photographs of known bears");
    } else {
        urs_cancel_install();
        status = evaluate(&a, &err);
        code = status == URS_OK ? URS_EXIT_OK : urs_command_error(&command, &err);
    }
    urs_names_release(&a.eval.data);
    return code;
}
