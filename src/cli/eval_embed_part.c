/* The chips of one part as vectors, seen whole or in part; see eval_embed.h. */
#include "cli/eval_embed.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/vector.h"
#include "interchange/npy.h"
#include "stages/embed.h"

#include <math.h>
#include <string.h>

enum { HUES = 16, SATURATIONS = 4, VALUES = 4, COLOURS = HUES * SATURATIONS * VALUES };

void urs_embedded_part_release(urs_embedded_part *p)
{
    urs_free(p->embedding);
    urs_free(p->identity);
    urs_free(p->item);
    *p = (urs_embedded_part){0};
}

/* Square roots of shares of colours, so that the cosine is the Bhattacharyya coefficient. Black, which masks leave, is not counted. */
static void colour_histogram(float *out, const urs_image *image)
{
    memset(out, 0, COLOURS * sizeof *out);
    out[0] = 1e-6f; /* a picture that is all black */
    for (int32_t y = 0; y < image->height; y++) {
        for (int32_t x = 0; x < image->width; x++) {
            const uint8_t *p = urs_image_at(image, x, y);
            const int r = p[0], g = p[1], b = p[2];
            const int high = r > g ? (r > b ? r : b) : (g > b ? g : b), low = r < g ? (r < b ? r : b) : (g < b ? g : b), chroma = high - low;
            float hue = 0; /* 0 .. 6 */
            if (high < 8)
                continue;
            if (chroma > 0)
                hue = high == r ? (float)(g - b) / (float)chroma : high == g ? 2 + (float)(b - r) / (float)chroma : 4 + (float)(r - g) / (float)chroma;
            hue = hue < 0 ? hue + 6 : hue;
            const int h = (int)(hue * HUES / 6) % HUES, s = chroma * SATURATIONS / (high + 1), v = high * VALUES / 256;
            out[(h * SATURATIONS + s) * VALUES + v] += 1;
        }
    }
    for (int i = 0; i < COLOURS; i++)
        out[i] = sqrtf(out[i]);
    (void)urs_normalise(out, COLOURS);
}

/* The oval that touches all four sides: of a chip with the head in its middle only the corners lie outside. */
static bool in_oval(const urs_image *image, int32_t x, int32_t y)
{
    const double dx = (2 * x + 1.0) / image->width - 1, dy = (2 * y + 1.0) / image->height - 1;
    return dx * dx + dy * dy < 1;
}

static void black_inside(urs_image *image)
{
    for (int32_t y = 0; y < image->height; y++)
        for (int32_t x = 0; x < image->width; x++)
            if (in_oval(image, x, y))
                memset(urs_image_at(image, x, y), 0, 3);
}

bool urs_chip_is_black_around(const urs_image *image)
{
    size_t bright = 0, outside = 0;
    for (int32_t y = 0; y < image->height; y++)
        for (int32_t x = 0; x < image->width; x++) {
            const uint8_t *p = urs_image_at(image, x, y);
            if (in_oval(image, x, y))
                continue;
            outside++;
            bright += p[0] > 16 || p[1] > 16 || p[2] > 16;
        }
    return bright * 20 < outside;
}

/* Copies as the view has them; the same oval for the same place in the list. */
static urs_status change_pictures(urs_image *changed, const urs_image **pictures, size_t n, const urs_chip_view *view, urs_error *err)
{
    urs_random random;
    for (size_t i = 0; i < n; i++) {
        const urs_image *p = pictures[i];
        const urs_status status = urs_image_crop(&changed[i], p, 0, 0, p->width, p->height, 0, err);
        if (status != URS_OK)
            return status;
        urs_random_init(&random, i);
        if (view->shows == URS_SHOWS_HEAD)
            urs_chip_black_outside(&changed[i], &random);
        else if (view->shows == URS_SHOWS_BACKGROUND)
            black_inside(&changed[i]);
        if (view->mirrored)
            urs_image_flip(&changed[i]);
        pictures[i] = &changed[i];
    }
    return URS_OK;
}

static size_t select_tree(size_t *items, size_t n, const urs_chips *chips, int32_t tree)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (tree < 0 || chips->items[items[i]].tree == tree)
            items[kept++] = items[i];
    return kept;
}

urs_status urs_embedded_part_make(urs_embedded_part *out, const urs_chips *chips, urs_part part, int32_t tree, const urs_chip_view *view, const urs_network *network, urs_pool *pool,
                                  urs_error *err)
{
    static const urs_chip_view as_it_is = {0};
    urs_embedded_part p = {.dim = COLOURS};
    int32_t *labels = NULL;
    const urs_image **pictures = NULL;
    urs_image *copies = NULL;
    urs_embedder *embedder = NULL;
    urs_status status;
    view = view ? view : &as_it_is;
    status = urs_chips_part(&p.item, &labels, NULL, &p.count, chips, part, err);
    if (status == URS_OK)
        p.count = select_tree(p.item, p.count, chips, tree);
    if (status == URS_OK && p.count < 2)
        status = urs_fail(err, URS_EINVAL, "there are %zu chips in this part: too few", p.count);
    if (status == URS_OK && network)
        status = urs_embedder_new(&embedder, network, &(urs_embedder_options){.pool = pool, .no_flip = view->one_picture}, err);
    if (status == URS_OK && embedder)
        p.dim = urs_embedder_dim(embedder);
    if (status == URS_OK) {
        p.embedding = urs_array_new(p.count, (size_t)p.dim * sizeof *p.embedding);
        p.identity = urs_array_new(p.count, sizeof *p.identity);
        pictures = urs_array_new(p.count, sizeof *pictures);
        copies = urs_array_new(p.count, sizeof *copies);
        if (!p.embedding || !p.identity || !pictures || !copies)
            status = urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", p.count);
    }
    for (size_t i = 0; status == URS_OK && i < p.count; i++) {
        pictures[i] = &chips->cache.images[p.item[i]];
        p.identity[i] = chips->items[p.item[i]].individual;
    }
    if (status == URS_OK && (view->shows != URS_SHOWS_ALL || view->mirrored))
        status = change_pictures(copies, pictures, p.count, view, err);
    for (size_t i = 0; status == URS_OK && !network && i < p.count; i++)
        colour_histogram(p.embedding + i * COLOURS, pictures[i]);
    if (status == URS_OK && network)
        status = urs_embedder_pictures(embedder, p.embedding, pictures, p.count, err);
    for (size_t i = 0; copies && i < p.count; i++)
        urs_image_release(&copies[i]);
    urs_free(copies);
    urs_embedder_free(embedder);
    urs_free(labels);
    urs_free((void *)pictures);
    if (status == URS_OK)
        *out = p;
    else
        urs_embedded_part_release(&p);
    return status;
}

urs_status urs_embedded_part_write(const char *path, const urs_chips *chips, const urs_embedded_part *part, urs_error *err)
{
    static const char *const parts[] = {"train", "val", "test", ""};
    const size_t n = strlen(path), stem = urs_path_has_extension(path, "npy") ? n - 4 : n;
    urs_text csv = {0}, name = {0};
    urs_status status;
    urs_text_append(&name, path, stem);
    urs_text_add(&name, ".csv");
    urs_text_add(&csv, "row,path,individual,split\n");
    for (size_t i = 0; i < part->count; i++) {
        const urs_chip *chip = &chips->items[part->item[i]];
        urs_text_format(&csv, "%zu,", i);
        urs_text_csv(&csv, chip->path);
        urs_text_add(&csv, ",");
        urs_text_csv(&csv, urs_name_table_get(&chips->dataset.individuals, chip->individual));
        urs_text_format(&csv, ",%s\n", parts[chip->part]);
    }
    status = urs_text_ok(&csv) && urs_text_ok(&name) ? urs_npy_write(path, part->embedding, part->count, (size_t)part->dim, err) : urs_fail(err, URS_ENOMEM, "no memory for %zu rows", part->count);
    if (status == URS_OK)
        status = urs_file_write(urs_text_string(&name), urs_text_string(&csv), csv.length, err);
    urs_text_release(&csv);
    urs_text_release(&name);
    return status;
}
