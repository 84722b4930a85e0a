/* docs/formats says what the program writes: every table and column, metadata key and result field is looked up in its page. */
#include "harness.h"
#include "tiny_models.h"

#include "catalogue/catalogue.h"
#include "catalogue/head_store.h"
#include "catalogue/schema.h"
#include "interchange/journal.h"
#include "interchange/megadetector.h"
#include "nn/weights.h"
#include "train/checkpoint_private.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>

static bool read_page(urs_bytes *out, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, URS_SOURCE_DIR "/docs/formats/%s", name);
    return urs_file_read(out, path, 0, NULL) == URS_OK;
}

/* `word` stands in the page, marked as code. */
static void require_word(urs_test *t, const urs_bytes *page, const char *page_name, const char *word)
{
    char marked[256];
    (void)snprintf(marked, sizeof marked, "`%s`", word);
    if (!strstr((const char *)page->data, marked))
        urs_test_fail(t, __FILE__, __LINE__, "docs/formats/%s does not say what `%s` is", page_name, word);
}

static void check_tables(urs_test *t, const char *db, const char *page_name)
{
    urs_bytes page = {0};
    sqlite3 *handle = NULL;
    sqlite3_stmt *st = NULL;
    int columns = 0;
    URS_REQUIRE(t, read_page(&page, page_name));
    URS_REQUIRE(t, sqlite3_open_v2(db, &handle, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    URS_REQUIRE(t, sqlite3_prepare_v2(handle, "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'", -1, &st, NULL) == SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        require_word(t, &page, page_name, (const char *)sqlite3_column_text(st, 0));
        require_word(t, &page, page_name, (const char *)sqlite3_column_text(st, 1));
        columns++;
    }
    URS_CHECK(t, columns > 5);
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(handle);
    urs_bytes_release(&page);
}

static void catalogue_page(urs_test *t)
{
    char *folder = urs_test_folder("formats-catalogue"), *db = urs_path_join(folder, "c.db"), *heads = urs_path_join(folder, "f.heads");
    char number[64];
    urs_bytes page = {0};
    urs_catalogue *c = NULL;
    urs_head_store *store = NULL;
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_catalogue_open(&c, db, &(urs_catalogue_options){.create = true}, &err), err);
    check_tables(t, db, "catalogue.md");
    urs_catalogue_close(c);
    URS_REQUIRE(t, read_page(&page, "catalogue.md"));
    (void)snprintf(number, sizeof number, "0x%x", URS_CATALOGUE_ID);
    URS_CHECK(t, strstr((const char *)page.data, number) != NULL);
    (void)snprintf(number, sizeof number, "version of the schema, now %d.", URS_CATALOGUE_VERSION);
    URS_CHECK(t, strstr((const char *)page.data, number) != NULL);
    urs_bytes_release(&page);
    URS_REQUIRE_OK(t, urs_head_store_open(&store, heads, 4, true, &err), err);
    check_tables(t, heads, "journal.md");
    urs_head_store_close(store, true);
    urs_free(heads);
    urs_free(db);
    urs_free(folder);
}

/* Keys of an object and of what is in it; numbers as keys are categories, and what stands below frame_probabilities are classes. */
static void require_keys(urs_test *t, const urs_bytes *page, const json_t *value)
{
    const char *key;
    json_t *inside;
    size_t i;
    json_object_foreach((json_t *)value, key, inside)
    {
        if (key[0] >= '0' && key[0] <= '9')
            continue;
        require_word(t, page, "results.md", key);
        if (strcmp(key, "frame_probabilities") != 0)
            require_keys(t, page, inside);
    }
    json_array_foreach((json_t *)value, i, inside)
        require_keys(t, page, inside);
}

static void results_page(urs_test *t)
{
    urs_result_score individual = {(char *)"Otis", 0.8}, frame[] = {{(char *)"empty", 0.1}, {(char *)"bear", 0.9}};
    urs_result_class class = {0, 0.9};
    urs_result_detection head = {.conf = 0.5, .width = 0.5, .height = 0.5, .mask = (char *)"04", .mask_width = 2, .mask_height = 2, .classes = {&class, 1, 1},
                                 .points = {true, true, true, {0.1, 0.1}, {0.2, 0.2}, {0.3, 0.3}}, .individuals = {&individual, 1, 1}, .verdict = (char *)"known"};
    urs_result_image images[] = {{.file = (char *)"a\xff.jpg", .warning = (char *)"w", .width = 2, .height = 2, .datetime = "2024:07:03 18:22:05", .frame_classes = {frame, 2, 2},
                                  .frame_class = (char *)"bear", .detections = &head, .count = 1, .capacity = 1},
                                 {.file = (char *)"b.jpg", .failure = (char *)URS_FAILURE_ACCESS}};
    urs_result_info info = {.detector = (char *)"find", .classifier = (char *)"embed", .typical_threshold = 0.3, .conservative_threshold = 0.3};
    urs_text text = {0};
    urs_bytes page = {0};
    json_t *all;
    URS_REQUIRE(t, read_page(&page, "results.md"));
    URS_REQUIRE(t, urs_names_add(&info.detection_categories, "bear head", NULL) == URS_OK && urs_names_add(&info.classification_categories, "bear", NULL) == URS_OK);
    urs_results_format_head(&text, &info);
    urs_results_format_image(&text, &images[0]);
    urs_text_add(&text, ",\n");
    urs_results_format_image(&text, &images[1]);
    urs_results_format_tail(&text);
    all = json_loads(urs_text_string(&text), 0, NULL);
    URS_REQUIRE(t, json_is_object(all) && json_array_size(json_object_get(all, "images")) == 2);
    require_keys(t, &page, all);
    require_word(t, &page, "results.md", URS_FAILURE_ACCESS);
    require_word(t, &page, "results.md", URS_FAILURE_INFERENCE);
    json_decref(all);
    urs_text_release(&text);
    urs_names_release(&info.detection_categories);
    urs_names_release(&info.classification_categories);
    urs_bytes_release(&page);
}

static void journal_page(urs_test *t)
{
    char *folder = urs_test_folder("formats-journal"), *result = urs_path_join(folder, "f.json"), *path = urs_path_join(folder, "f.json.journal");
    urs_journal *j = NULL;
    urs_bytes page = {0}, written = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_journal_open(&j, result, "...", true, &err), err);
    urs_journal_close(j);
    URS_REQUIRE(t, read_page(&page, "journal.md") && urs_file_read(&written, path, 0, NULL) == URS_OK && written.size > 10);
    written.data[written.size - 1] = '\0'; /* the newline */
    URS_CHECK(t, strstr((const char *)page.data, (const char *)written.data) != NULL);
    urs_bytes_release(&page);
    urs_bytes_release(&written);
    urs_free(path);
    urs_free(result);
    urs_free(folder);
}

/* Keys of a JSON object in a note. */
static void require_fields(urs_test *t, const urs_bytes *page, const char *json)
{
    json_t *o = json_loads(json, 0, NULL);
    const char *key;
    json_t *value;
    URS_CHECK(t, json_is_object(o));
    json_object_foreach(o, key, value)
    {
        (void)value;
        require_word(t, page, "weights.md", key);
    }
    json_decref(o);
}

static void weights_page(urs_test *t)
{
    static const char *const stages[] = {"sift", "find", "embed"};
    urs_bytes page = {0};
    URS_REQUIRE(t, read_page(&page, "weights.md"));
    for (size_t s = 0; s < 3; s++) { /* the shipped weights, which have every key that training writes */
        char path[512];
        urs_weights *w = NULL;
        urs_error err = {0};
        (void)snprintf(path, sizeof path, URS_SOURCE_DIR "/models/%s.safetensors", stages[s]);
        URS_REQUIRE_OK(t, urs_weights_read(&w, path, &err), err);
        URS_CHECK(t, urs_weights_metadata_count(w) > 4);
        for (size_t i = 0; i < urs_weights_metadata_count(w); i++) {
            const char *key, *value;
            urs_weights_metadata_at(w, i, &key, &value);
            require_word(t, &page, "weights.md", key);
            if (strcmp(key, "ursid.model") == 0 || strcmp(key, "ursid.input") == 0 || strcmp(key, "ursid.thresholds") == 0)
                require_fields(t, &page, value);
        }
        urs_weights_free(w);
    }
    urs_bytes_release(&page);
}

static void checkpoint_page(urs_test *t)
{
    float data[1] = {0};
    const urs_checkpoint_block blocks[] = {{"params", data}, {"optimiser.0", data}, {"optimiser.1", data}, {"average", data}};
    const urs_checkpoint_header header = {.optimiser = "adamw", .options = "o", .elements = 1, .n_blocks = 4};
    urs_bytes page = {0};
    urs_error err = {0};
    char *text = NULL;
    const char *key;
    size_t length = 0;
    json_t *o, *value;
    URS_REQUIRE(t, read_page(&page, "checkpoint.md"));
    URS_REQUIRE_OK(t, urs_checkpoint_header_write(&text, &length, &header, blocks, 4, &err), err);
    o = json_loadb(text, length, 0, NULL);
    URS_REQUIRE(t, json_object_size(o) == 5);
    json_object_foreach(o, key, value)
        if (strcmp(key, "__metadata__") != 0)
            require_word(t, &page, "checkpoint.md", key);
    json_object_foreach(json_object_get(o, "__metadata__"), key, value)
        require_word(t, &page, "checkpoint.md", key);
    json_decref(o);
    urs_free(text);
    urs_bytes_release(&page);
}

int main(void)
{
    static const urs_case cases[] = {
        {"catalogue", catalogue_page}, {"results", results_page}, {"journal", journal_page}, {"weights", weights_page}, {"checkpoint", checkpoint_page},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
