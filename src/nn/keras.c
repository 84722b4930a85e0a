/* Names and orders of Keras' weights; see keras.h. */
#include "nn/keras.h"

#include "base/memory.h"
#include "nn/hdf5.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE 512

/* ---- names ---- */

/* "layers/conv2d/vars/0": the variable by its number; NULL: not of that kind. */
static const char *numbered(const urs_hdf5_dataset *d, const char *last)
{
    static const char *const norm[] = {"gamma", "beta", "moving_mean", "moving_variance"}, *const layer[] = {"kernel", "bias"};
    if (strlen(last) != 1 || *last < '0' || *last > '3')
        return NULL;
    if (d->members == 4)
        return norm[*last - '0'];
    return *last < '2' && d->members <= 2 ? layer[*last - '0'] : NULL;
}

/* Appends a layer's name in the one spelling. */
static void spell(char out[NAME_SIZE], const char *layer, size_t n)
{
    static const char batch_norm[] = "batchnorm";
    size_t k = 0;
    for (size_t i = 0; i < n && k + 1 < NAME_SIZE; i++)
        out[k++] = layer[i] == '/' ? '_' : (char)tolower((unsigned char)layer[i]);
    if (k >= sizeof batch_norm - 1 && strncmp(out + k - (sizeof batch_norm - 1), batch_norm, sizeof batch_norm - 1) == 0) {
        k -= sizeof batch_norm - 1;
        out[k++] = 'b';
        out[k++] = 'n';
    }
    out[k] = '\0';
}

/* Name in the collection; false: no weight of a layer (optimiser state, counters). */
static bool name_of(char out[NAME_SIZE], const urs_hdf5_dataset *d)
{
    static const char model_weights[] = "model_weights/", vars[] = "/vars/";
    const char *path = d->path, *last = strrchr(path, '/'), *variable;
    char layer[NAME_SIZE];
    size_t n;
    if (!last || strncmp(path, "optimizer", 9) == 0)
        return false;
    variable = last + 1;
    if ((size_t)(last - path) > sizeof vars && strncmp(last - (sizeof vars - 2), vars, sizeof vars - 1) == 0) {
        const char *end = last - (sizeof vars - 2), *begin = end;
        variable = numbered(d, variable);
        while (begin > path && begin[-1] != '/')
            begin--;
        if (!variable)
            return false;
        if (d->group_name[0])
            spell(layer, d->group_name, strlen(d->group_name));
        else
            spell(layer, begin, (size_t)(end - begin));
        return snprintf(out, NAME_SIZE, "%s/%s", layer, variable) < NAME_SIZE;
    }
    if (strncmp(path, model_weights, sizeof model_weights - 1) == 0)
        path += sizeof model_weights - 1;
    if (path >= last)
        return false;
    n = (size_t)(last - path);
    if (n % 2 == 1 && path[n / 2] == '/' && strncmp(path, path + n / 2 + 1, n / 2) == 0) /* the layer's group, and the layer again in its weight's name */
        n /= 2;
    spell(layer, path, n);
    n = strcspn(variable, ":");
    if (n == 16 && strncmp(variable, "depthwise_kernel", n) == 0) {
        variable += 10;
        n = 6;
    }
    return snprintf(out, NAME_SIZE, "%s/%.*s", layer, (int)n, variable) < NAME_SIZE;
}

/* ---- values ---- */

/* out[o][i][h][w] = in[h][w][i][o]; for depthwise kernels o and i together are the channels. rank 2: a transpose. */
static void reorder(float *out, const float *in, int64_t area, int64_t inner, int64_t outer)
{
    for (int64_t k = 0; k < area; k++)
        for (int64_t i = 0; i < inner; i++)
            for (int64_t o = 0; o < outer; o++)
                out[(o * inner + i) * area + k] = in[(k * inner + i) * outer + o];
}

/* Shape of a kernel in our order; false: it stays as it is. */
static bool turned(int64_t shape[4], const char *name, const urs_hdf5_dataset *d)
{
    const size_t n = strlen(name);
    const int64_t *s = d->shape;
    if (n <= 7 || strcmp(name + n - 7, "/kernel") != 0 || (d->rank != 2 && d->rank != 4))
        return false;
    if (d->rank == 2) {
        shape[0] = s[1], shape[1] = s[0];
    } else if (strstr(name, "depthwise")) {
        shape[0] = s[2] * s[3], shape[1] = 1, shape[2] = s[0], shape[3] = s[1];
    } else {
        shape[0] = s[3], shape[1] = s[2], shape[2] = s[0], shape[3] = s[1];
    }
    return true;
}

static urs_status add_dataset(void *context, const urs_hdf5_dataset *d, urs_error *err)
{
    const urs_weight_type type = d->bits == 16 ? URS_WEIGHT_F16 : d->bits == 32 ? URS_WEIGHT_F32 : URS_WEIGHT_F64;
    char name[NAME_SIZE];
    int64_t shape[4] = {0};
    float *data, *copy;
    const urs_weight *t;
    urs_status status;
    if (!name_of(name, d))
        return URS_OK;
    if (!turned(shape, name, d))
        return urs_weights_add_raw(context, name, type, d->rank, d->shape, d->data, err);
    status = urs_weights_add_raw(context, name, type, d->rank, shape, d->data, err); /* converted, but still in the file's order */
    if (status != URS_OK)
        return status;
    t = urs_weights_find(context, name);
    data = urs_weights_data(context, name);
    copy = urs_array_new(t->count, sizeof *copy);
    if (!copy)
        return urs_fail(err, URS_ENOMEM, "no memory for '%s'", name);
    if (t->count > 0) {
        memcpy(copy, data, t->count * sizeof *copy);
        reorder(data, copy, d->rank == 4 ? shape[2] * shape[3] : 1, shape[1], shape[0]);
    }
    urs_free(copy);
    return URS_OK;
}

urs_status urs_keras_read_h5(urs_weights **out, const void *data, size_t size, urs_error *err)
{
    urs_weights *w = NULL;
    urs_status status = urs_weights_new(&w, err);
    if (status == URS_OK)
        status = urs_hdf5_visit(data, size, add_dataset, w, err);
    if (status == URS_OK && urs_weights_count(w) == 0)
        status = urs_fail(err, URS_EFORMAT, "an HDF5 file without weights of Keras' layers");
    if (status == URS_OK)
        *out = w;
    else
        urs_weights_free(w);
    return status;
}
