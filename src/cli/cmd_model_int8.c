/* int8 networks in `ursid model`: importing a .tflite, and what it is. */
#include "cli/cmd_model.h"

#include "cli/int8_summary.h"
#include "int8/tflite_file.h"

urs_status urs_model_import_int8(const char *source, const char *out, const char *licence, urs_error *err)
{
    urs_int8_graph *g = NULL;
    json_t *summary = NULL;
    urs_status status = urs_tflite_load(&g, source, err);
    if (status == URS_OK && !urs_int8_graph_note(g, "ursid.source"))
        status = urs_int8_graph_set_note(g, "ursid.source", urs_path_base(source), err);
    if (status == URS_OK && licence)
        status = urs_int8_graph_set_note(g, "ursid.licence", licence, err);
    if (status == URS_OK)
        status = urs_tflite_save(g, out, err);
    if (status == URS_OK)
        status = urs_int8_summary_json(&summary, g, err);
    if (status == URS_OK)
        urs_int8_summary_print(summary, out, stdout);
    json_decref(summary);
    urs_int8_graph_free(g);
    return status;
}

urs_status urs_model_info_int8(const char *path, bool json, urs_error *err)
{
    urs_int8_graph *g = NULL;
    json_t *summary = NULL;
    urs_status status = urs_tflite_load(&g, path, err);
    if (status == URS_OK)
        status = urs_int8_summary_json(&summary, g, err);
    if (status == URS_OK && json)
        (void)json_dumpf(summary, stdout, JSON_INDENT(2));
    else if (status == URS_OK)
        urs_int8_summary_print(summary, path, stdout);
    json_decref(summary);
    urs_int8_graph_free(g);
    return status;
}
