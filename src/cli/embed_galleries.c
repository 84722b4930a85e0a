/* Galleries of validation bears; see embed_galleries.h. */
#include "cli/embed_galleries.h"

#include "base/memory.h"
#include "cli/eval_embed.h"

#include <string.h>

/* A gallery more: few chips of each bear. */
static urs_status add_gallery(urs_galleries *g, const urs_embedded_part *part, const urs_chips *chips, urs_error *err)
{
    const size_t dim = (size_t)part->dim, most = g->count + part->count;
    size_t elements, *taken = urs_array_new(urs_name_table_count(&chips->dataset.individuals) + 1, sizeof *taken);
    urs_status status = URS_OK;
    if (!taken || !urs_mul_size(&elements, most, dim) || !urs_array_resize((void **)&g->embedding, elements, sizeof *g->embedding) ||
        !urs_array_resize((void **)&g->identity, most, sizeof *g->identity) || !urs_array_resize((void **)&g->group, most, sizeof *g->group))
        status = urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", most);
    for (size_t i = 0; status == URS_OK && i < part->count; i++) {
        if (taken[part->identity[i]]++ >= URS_GALLERY_CHIPS)
            continue;
        memcpy(g->embedding + g->count * dim, part->embedding + i * dim, dim * sizeof *g->embedding);
        g->identity[g->count] = part->identity[i];
        g->group[g->count++] = g->groups;
    }
    g->groups++;
    urs_free(taken);
    return status;
}

urs_status urs_galleries_add(urs_galleries *g, const urs_network *network, const char *path, const urs_chips *chips, urs_pool *pool, urs_error *err)
{
    static const urs_chip_view views[URS_GALLERY_VIEWS] = {{.shows = URS_SHOWS_ALL}, {.shows = URS_SHOWS_HEAD}};
    urs_status status = URS_OK;
    for (size_t v = 0; status == URS_OK && v < URS_GALLERY_VIEWS; v++) {
        urs_embedded_part part = {0};
        status = urs_embedded_part_make(&part, chips, URS_PART_VALIDATION, 0, &views[v], network, pool, err);
        g->dim = status == URS_OK && g->count == 0 ? part.dim : g->dim;
        if (status == URS_OK && g->dim != part.dim)
            status = urs_fail(err, URS_EMISMATCH, "'%s' has vectors of %d numbers, those before of %d", path, (int)part.dim, (int)g->dim);
        if (status == URS_OK)
            status = add_gallery(g, &part, chips, err);
        urs_embedded_part_release(&part);
    }
    return status;
}

void urs_galleries_release(urs_galleries *g)
{
    urs_free(g->embedding);
    urs_free(g->identity);
    urs_free(g->group);
    *g = (urs_galleries){0};
}
