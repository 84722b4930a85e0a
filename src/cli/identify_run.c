/* Opening, working and ending of a run; see identify_run.h. */
#include "cli/identify_run.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "cli/cancel.h"
#include "cli/photo_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CANDIDATES_KEPT 8
#define PREVIEW_SIDE 720
#define PREVIEW_QUALITY 72

/* ---- opening ---- */

static int compare_ids(const void *a, const void *b)
{
    const urs_bear *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

const char *urs_identify_bear_name(const urs_identify_run *run, int64_t bear)
{
    const urs_bear key = {.id = bear};
    const urs_bear *found = run->bears.count ? bsearch(&key, run->bears.items, run->bears.count, sizeof key, compare_ids) : NULL;
    return found ? found->name : "?";
}

/* Everything that the results depend on: a journal of another run must not be gone on with. */
static urs_status make_key(urs_text *key, urs_identify_run *run, urs_error *err)
{
    const urs_identify_arguments *a = run->arguments;
    urs_decisions decisions = {0};
    size_t undone = 0;
    urs_sha256 sha;
    char paths[65];
    const urs_status status = urs_catalogue_decisions(run->catalogue, 0, &decisions, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0; i < decisions.count; i++)
        undone += decisions.items[i].undone;
    urs_sha256_init(&sha);
    for (int i = 0; i < a->paths.count; i++)
        urs_sha256_update(&sha, a->paths.items[i], strlen(a->paths.items[i]) + 1);
    urs_sha256_hex(&sha, paths);
    urs_text_format(key, "identify %s, score %g, top %d, catalogue of %zu decisions (%zu undone), pictures %d, event gap %g, paths %.16s", urs_text_string(&run->models_text), a->heads.score, a->top,
                    decisions.count, undone, a->report != NULL, a->no_events ? -1 : a->event_gap, paths);
    if (run->boxes) {
        urs_text_add(key, ", ");
        urs_given_boxes_describe(run->boxes, key);
    }
    urs_decisions_release(&decisions);
    return urs_text_ok(key) ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory");
}

static urs_status open_records(urs_identify_run *run, urs_error *err)
{
    const urs_identify_arguments *a = run->arguments;
    urs_text key = {0}, path = {0};
    urs_status status = make_key(&key, run, err);
    if (status == URS_OK && !a->out) {
        const char *tmp = getenv("TMPDIR");
        urs_text_format(&path, "%s/ursid-XXXXXX", tmp && *tmp ? tmp : "/tmp");
        run->private_folder = urs_text_take(&path);
        if (!run->private_folder || !mkdtemp(run->private_folder))
            status = urs_fail(err, URS_EIO, "no folder for temporary files can be made below %s", tmp && *tmp ? tmp : "/tmp");
        urs_text_format(&path, "%s/results", run->private_folder ? run->private_folder : "");
    } else {
        urs_text_add(&path, a->out ? a->out : "");
    }
    if (status == URS_OK)
        status = urs_journal_open(&run->journal, urs_text_string(&path), urs_text_string(&key), a->fresh, err);
    urs_text_add(&path, ".heads");
    if (status == URS_OK) /* a journal without entries is a new run, whatever stands in the store */
        status = urs_head_store_open(&run->store, a->out ? urs_text_string(&path) : NULL, run->models.model.dim, a->fresh || urs_journal_count(run->journal) == 0, err);
    urs_text_release(&key);
    urs_text_release(&path);
    return status;
}

urs_status urs_identify_open(urs_identify_run *run, const urs_identify_arguments *a, urs_error *err)
{
    urs_chain_options chain = {.threads = a->threads, .keep_picture = a->report != NULL};
    urs_status status = urs_photo_list(&run->files, &run->skipped, &run->root, &a->paths, err);
    size_t given = 0;
    run->arguments = a;
    if (status == URS_OK && a->boxes)
        status = urs_given_boxes_open(&run->boxes, a->boxes, &a->paths, a->box_score, err);
    if (status == URS_OK && run->boxes) {
        chain.regions = urs_given_boxes_regions;
        chain.regions_context = run->boxes;
        status = urs_given_boxes_check(run->boxes, &run->files, &given, err);
        if (status == URS_OK && given < run->files.count && !a->quiet)
            (void)fprintf(stderr, "ursid identify: '%s' says nothing about %zu of %zu photographs; they are searched as a whole\n", a->boxes, run->files.count - given, run->files.count);
    }
    if (status == URS_OK && a->backend)
        status = urs_backend_find(&chain.backend, a->backend, err);
    if (status == URS_OK)
        status = urs_catalogue_open(&run->catalogue, a->catalogue, &(urs_catalogue_options){.create = a->create, .read_only = !a->create && !a->enroll_new}, err);
    if (status == URS_OK)
        status = urs_head_models_open(&run->models, &a->heads, &chain, err);
    if (status == URS_OK)
        status = urs_search_load(&run->search, run->catalogue, &run->models.model, err);
    if (status == URS_OK)
        status = urs_catalogue_bears(run->catalogue, &run->bears, err);
    if (status != URS_OK)
        return status;
    if (run->bears.count)
        qsort(run->bears.items, run->bears.count, sizeof *run->bears.items, compare_ids);
    run->how = (urs_identify_options){.calibration = &run->models.calibration, .verdict = run->models.verdict};
    urs_head_models_describe(&run->models, &run->models_text);
    return open_records(run, err);
}

/* ---- working ---- */

static urs_status make_preview(urs_kept_picture *out, const urs_image *picture, urs_error *err)
{
    const int32_t longer = picture->width > picture->height ? picture->width : picture->height;
    urs_image small = {0};
    urs_kept_picture preview = {.width = picture->width, .height = picture->height};
    urs_status status = URS_OK;
    if (longer > PREVIEW_SIDE) {
        preview.width = (int32_t)(((int64_t)picture->width * PREVIEW_SIDE + longer / 2) / longer);
        preview.height = (int32_t)(((int64_t)picture->height * PREVIEW_SIDE + longer / 2) / longer);
        preview.width = preview.width > 0 ? preview.width : 1;
        preview.height = preview.height > 0 ? preview.height : 1;
        status = urs_image_resize(&small, picture, preview.width, preview.height, URS_FILTER_BILINEAR, err);
    }
    if (status == URS_OK)
        status = urs_jpeg_encode(&preview.jpeg, longer > PREVIEW_SIDE ? &small : picture, PREVIEW_QUALITY, err);
    urs_image_release(&small);
    if (status == URS_OK)
        *out = preview;
    return status;
}

size_t urs_identify_candidates(const urs_identify_run *run)
{
    return (size_t)run->arguments->top > CANDIDATES_KEPT ? (size_t)run->arguments->top : CANDIDATES_KEPT;
}

urs_status urs_identify_fill(const urs_identify_run *run, urs_result_detection *d, const urs_identification *answer, urs_error *err)
{
    const size_t top = (size_t)run->arguments->top;
    urs_result_scores_release(&d->individuals);
    urs_status status = urs_result_set_text(&d->verdict, urs_verdict_name(answer->verdict), err);
    for (size_t i = 0; status == URS_OK && i < answer->count && i < top; i++)
        status = urs_result_scores_add(&d->individuals, urs_identify_bear_name(run, answer->candidate[i].bear), answer->candidate[i].probability, err);
    return status;
}

/* Heads of one file: who could it be, and what is kept of them. */
static urs_status keep_heads(urs_identify_run *run, urs_chain_result *r, urs_result_image *image, urs_error *err)
{
    const size_t n = r->head_count;
    urs_kept_head *kept = urs_array_new(n, sizeof *kept);
    urs_identification *answers = urs_array_new(n, sizeof *answers);
    urs_kept_picture preview = {0};
    urs_status status = kept && answers ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for %zu heads", n);
    for (size_t i = 0; status == URS_OK && i < n; i++) {
        status = urs_identify(&answers[i], run->search, r->heads[i].embedding, urs_identify_candidates(run), &run->how, err);
        if (status == URS_OK)
            status = urs_identify_fill(run, &image->detections[i], &answers[i], err);
        if (status == URS_OK)
            status = urs_head_thumbnail(&kept[i].chip, &r->heads[i].chip, err);
        kept[i].embedding = r->heads[i].embedding;
        kept[i].answer = &answers[i];
    }
    if (status == URS_OK && n > 0 && r->picture.data)
        status = make_preview(&preview, &r->picture, err);
    if (status == URS_OK && n > 0)
        status = urs_head_store_add(run->store, image->file, kept, n, &preview, err);
    for (size_t i = 0; kept && i < n; i++)
        urs_bytes_release(&kept[i].chip);
    urs_bytes_release(&preview.jpeg);
    urs_free(kept);
    urs_free(answers);
    return status;
}

static urs_status deliver(void *context, urs_chain_result *r, urs_error *err)
{
    urs_identify_run *run = context;
    urs_result_image image = {0};
    urs_status status = urs_photo_image(&image, r, r->file + run->root, err);
    if (status == URS_OK && r->error.code == URS_OK)
        status = keep_heads(run, r, &image, err);
    if (status == URS_OK)
        status = urs_journal_add(run->journal, &image, err);
    urs_result_image_release(&image);
    urs_progress_step(&run->progress, ++run->done);
    return status;
}

urs_status urs_identify_files(urs_identify_run *run, urs_error *err)
{
    const urs_identify_arguments *a = run->arguments;
    const urs_chain_calls calls = {.context = run, .deliver = deliver, .cancelled = urs_cancel_asked};
    const char **todo = urs_array_new(run->files.count, sizeof *todo);
    size_t n = 0;
    urs_status status;
    if (!todo)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu files", run->files.count);
    for (size_t i = 0; i < run->files.count; i++)
        if (!urs_journal_has(run->journal, run->files.items[i] + run->root))
            todo[n++] = run->files.items[i];
    if (n < run->files.count && !a->quiet)
        (void)fprintf(stderr, "ursid identify: %zu of %zu files were done before; going on with the others\n", run->files.count - n, run->files.count);
    urs_progress_start(&run->progress, a->quiet ? URS_PROGRESS_NONE : a->json_progress ? URS_PROGRESS_JSON : URS_PROGRESS_AUTO, "identifying", "files", n);
    status = urs_chain_run(run->models.chain, todo, n, &calls, err);
    urs_progress_end(&run->progress);
    urs_free((void *)todo);
    return status;
}

/* ---- ending ---- */

urs_status urs_identify_finish(urs_identify_run *run, urs_error *err)
{
    const urs_head_models *m = &run->models;
    const urs_find_options *find = urs_chain_find_settings(m->chain);
    urs_result_info info = {.typical_threshold = find ? (double)find->score : 0, .conservative_threshold = find ? (double)find->score : 0};
    urs_status status = URS_OK;
    if (!run->arguments->out)
        return URS_OK;
    if (m->find)
        status = urs_result_set_text(&info.detector, urs_path_base(m->find), err);
    if (status == URS_OK)
        status = urs_result_set_text(&info.classifier, urs_path_base(m->embed), err);
    if (status == URS_OK)
        status = urs_photo_classes(&info.detection_categories, urs_chain_network(m->chain, "find"), "bear head", err);
    if (status == URS_OK)
        status = urs_journal_finish(run->journal, &info, err);
    urs_result_info_release(&info);
    run->complete = status == URS_OK;
    return status;
}

void urs_identify_close(urs_identify_run *run)
{
    urs_journal_close(run->journal);
    urs_head_store_close(run->store, run->complete);
    if (run->private_folder) {
        urs_text path = {0};
        urs_text_format(&path, "%s/results.journal", run->private_folder);
        (void)unlink(urs_text_string(&path));
        (void)rmdir(run->private_folder);
        urs_text_release(&path);
        urs_free(run->private_folder);
    }
    urs_search_free(run->search);
    urs_catalogue_close(run->catalogue);
    urs_head_models_close(&run->models);
    urs_given_boxes_free(run->boxes);
    urs_bears_release(&run->bears);
    urs_names_release(&run->files);
    urs_names_release(&run->skipped);
    urs_text_release(&run->models_text);
    for (size_t i = 0; i < run->new_count; i++)
        urs_free(run->new_heads[i].file);
    for (size_t i = 0; i < run->group_count; i++)
        urs_free(run->groups[i].name);
    urs_free(run->new_heads);
    urs_free(run->embeddings);
    urs_free(run->asked);
    urs_free(run->group_heads);
    urs_free(run->groups);
    *run = (urs_identify_run){0};
}
