/* Deterministic numbers shared with tools/golden/formula.py; see formula.h. */
#include "formula.h"

#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

uint64_t urs_formula_hash(const char *name)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001B3u;
    return h;
}

double urs_formula_unit(uint64_t hash, uint64_t index)
{
    return (double)(urs_random_mix(hash + index) >> 11) * 0x1p-53;
}

void urs_formula_fill(float *out, size_t count, const char *name, double low, double high)
{
    const uint64_t hash = urs_formula_hash(name);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(low + (high - low) * urs_formula_unit(hash, i));
}

void urs_formula_fill_f64(double *out, size_t count, const char *name, double low, double high)
{
    const uint64_t hash = urs_formula_hash(name);
    for (size_t i = 0; i < count; i++)
        out[i] = (double)(float)(low + (high - low) * urs_formula_unit(hash, i));
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

void urs_formula_params(const urs_graph *graph, float *block)
{
    const urs_param *params;
    const int32_t n = urs_graph_params(graph, &params);
    for (int32_t i = 0; i < n; i++) {
        const urs_param *p = &params[i];
        double low = -0.1, high = 0.1;
        if (ends_with(p->name, "layer_scale")) {
            low = 0.2;
            high = 0.6;
        } else if (ends_with(p->name, "relative_position_bias_table")) {
            low = -1;
            high = 1;
        } else if (ends_with(p->name, ".bn3.weight")) {
            low = 0.05;
            high = 0.15;
        } else if (ends_with(p->name, ".running_var") || (ends_with(p->name, ".weight") && p->rank == 1)) {
            low = 0.5;
            high = 1.5;
        } else if (ends_with(p->name, ".weight")) {
            high = sqrt(6.0 / (double)(p->count / (size_t)p->shape[0]));
            low = -high;
        }
        urs_formula_fill(block + p->offset, p->count, p->name, low, high);
    }
}

size_t urs_formula_sample(const char *name, uint64_t sample, size_t count)
{
    char with_mark[160];
    (void)snprintf(with_mark, sizeof with_mark, "%s#", name);
    return (size_t)(urs_random_mix(urs_formula_hash(with_mark) + sample) % count);
}
