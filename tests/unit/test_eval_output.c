/* Tables are aligned; plots are well-formed XML whatever goes in. */
#include "eval/plots.h"
#include "eval/table.h"
#include "harness.h"

#include <expat.h>

static void table_is_aligned(urs_test *t)
{
    urs_table table;
    urs_text out = {0};
    urs_table_start(&table, 3);
    urs_table_add(&table, "bear");
    urs_table_add(&table, "chips");
    urs_table_add(&table, "note");
    urs_table_add(&table, "Ötis");
    urs_table_format(&table, "%d", 1234);
    urs_table_add(&table, "a\nb");
    urs_table_add(&table, "Grazer");
    urs_table_number(&table, NAN, 2);
    urs_table_end(&table, &out); /* the last cell is missing */
    URS_CHECK_TEXT(t, urs_text_string(&out), "bear    chips  note\n------  -----  ----\nÖtis     1234  a b\nGrazer      -  \n");
    urs_text_release(&out);
}

static bool well_formed(const urs_text *text)
{
    XML_Parser parser = XML_ParserCreate("UTF-8");
    const bool ok = XML_Parse(parser, urs_text_string(text), (int)text->length, 1) == XML_STATUS_OK;
    XML_ParserFree(parser);
    return ok;
}

static void plots_are_well_formed(urs_test *t)
{
    static const double x[5] = {0, 0.25, NAN, 0.75, 1}, y[5] = {0, 0.8, 0.9, INFINITY, 1}, same[3] = {1e17, 1e17, 1e17};
    static const double huge[2] = {-1e308, 1e308};
    static const char *const names[3] = {"empty", "<animal> & \"co\"", "bear"};
    static const uint64_t matrix[9] = {90, 5, 5, 3, 80, 7, 0, 0, 0};
    const urs_plot_axes axes = {.title = "ROC <known & new>", .x_label = "false positives", .y_label = "true positives", .diagonal = true, .points = true}, bare = {0};
    const urs_plot_series series[2] = {{"ours", x, y, 5}, {"floor", y, x, 5}}, point = {NULL, same, same, 3}, wide = {"wide", huge, huge, 2};
    static const size_t group[5] = {0, 8, 15, 21, 3};
    static const char *const labels[5] = {"bear <1>", "b & c", "d", "e", "f"};
    urs_text out = {0};
    for (int kind = 0; kind < 11; kind++) {
        switch (kind) {
        case 0: urs_plot_curves(&out, &axes, series, 2); break;
        case 1: urs_plot_curves(&out, &bare, NULL, 0); break;
        case 2: urs_plot_curves(&out, &bare, &point, 1); break;
        case 3: urs_plot_histogram(&out, &axes, series, 2, 0); break;
        case 4: urs_plot_histogram(&out, &bare, &point, 1, 10000); break;
        case 5: urs_plot_confusion(&out, "sift", matrix, names, 3); break;
        case 6: urs_plot_bars(&out, &axes, names, x, y, y, 3); break;
        case 7: urs_plot_bars(&out, &bare, names, x, NULL, NULL, 0); break;
        case 9: urs_plot_scatter(&out, &axes, &(urs_plot_points){.x = x, .y = y, .group = group, .name = labels, .count = 5}); break;
        case 10: urs_plot_scatter(&out, &bare, &(urs_plot_points){.x = same, .y = same, .group = group, .count = 0}); break;
        default: urs_plot_curves(&out, &bare, &wide, 1);
        }
        URS_CHECK(t, urs_text_ok(&out) && out.length > 100 && out.length < 100000);
        if (!well_formed(&out))
            urs_test_fail(t, __FILE__, __LINE__, "plot %d is not well-formed", kind);
        if (kind != 8)
            URS_CHECK(t, !strstr(urs_text_string(&out), "nan") && !strstr(urs_text_string(&out), "inf"));
        urs_text_release(&out);
    }
}

int main(void)
{
    static const urs_case cases[] = {
        {"a table is aligned by characters", table_is_aligned},
        {"plots are well-formed", plots_are_well_formed},
    };
    return urs_run_cases(cases, sizeof cases / sizeof *cases);
}
