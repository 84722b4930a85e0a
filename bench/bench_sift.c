/* Speed of sift on 12-megapixel JPEGs beside libjpeg-turbo alone.
 *
 *   bench_sift FOLDER [FRAMES SECONDS ROUNDS THREADS]     defaults: 4 frames, 1 s a measurement, 3 rounds, 1 and 2 threads; 0 rounds: only draw the frames, so that the memory of
 *                                                         drawing does not count as that of sifting
 *
 *      round:  floor, 1 thread | chain, 1 thread | floor, 2 threads | chain, 2 threads         so that what disturbs one disturbs its neighbour
 *
 * `chain` is what `ursid sift` runs: read the file, decode at the reduced size, resize, network, classes, results in order; every thread takes whole files, so one decodes while another infers.
 * Prints one line of JSON: {"arch":"..","width":..,"height":..,"bytes":..,"reduction":..,"frames":..,"threads":[{"threads":1,"floor":{wall,cpu},"sift":{wall,cpu}}, ..],"parts":{...}}; a sample is one
 * pass over `frames` files. parts: seconds of one frame on one thread, best of several: reading, decoding, preparing the input, the network. */
#include "jpeg_floor.h"
#include "measure.h"
#include "sift_frames.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/pool.h"
#include "stages/chain.h"

#include <stdlib.h>
#include <string.h>

#define PASS_FRAMES 8 /* at least: both threads get enough to do */
#define THREADS_MAX 16

typedef struct sift_bench {
    urs_names files;       /* distinct frames */
    urs_bytes *content;    /* [files.count] */
    const char **pass;     /* [pass_count] borrowed paths, frames repeated */
    size_t pass_count;
    char *weights;
    char arch[32];
    int reduction, full_width, full_height;
    urs_jpeg_floor *floor[THREADS_MAX];
    urs_pool *pool;        /* of the floor that runs now */
    urs_chain *chain;      /* of the sift that runs now */
    size_t delivered;
} sift_bench;

/* ---- the floor ---- */

static urs_status floor_frame(void *context, size_t item, int worker, urs_error *err)
{
    const sift_bench *b = context;
    const urs_bytes *content = &b->content[item % b->files.count];
    int width, height;
    return urs_jpeg_floor_run(b->floor[worker], content->data, content->size, b->reduction, &width, &height, err);
}

static urs_status floor_pass(void *context, urs_error *err)
{
    sift_bench *b = context;
    return urs_pool_run(b->pool, b->pass_count, floor_frame, b, err);
}

/* ---- sift ---- */

static urs_status deliver(void *context, urs_chain_result *result, urs_error *err)
{
    sift_bench *b = context;
    b->delivered++;
    if (result->error.code != URS_OK)
        return urs_fail(err, result->error.code, "%s", result->error.message);
    return URS_OK;
}

static urs_status sift_pass(void *context, urs_error *err)
{
    sift_bench *b = context;
    const urs_chain_calls calls = {.context = b, .deliver = deliver};
    return urs_chain_run(b->chain, b->pass, b->pass_count, &calls, err);
}

/* ---- the parts of one frame ---- */

typedef struct frame_parts {
    const sift_bench *bench;
    const urs_network *network;
    urs_plan *plan;
    urs_photo photo;
} frame_parts;

static urs_status read_part(void *context, urs_error *err)
{
    const frame_parts *p = context;
    urs_bytes bytes = {0};
    const urs_status status = urs_file_read(&bytes, p->bench->files.items[0], 0, err);
    urs_bytes_release(&bytes);
    return status;
}

static urs_status decode_part(void *context, urs_error *err)
{
    frame_parts *p = context;
    const urs_decode_options options = urs_input_decode_options(&p->network->input);
    urs_photo photo = {0};
    const urs_status status = urs_photo_decode(&photo, p->bench->content[0].data, p->bench->content[0].size, "frame", &options, err);
    if (status == URS_OK) {
        urs_photo_release(&p->photo);
        p->photo = photo;
    }
    return status;
}

static urs_status tensor_part(void *context, urs_error *err)
{
    const frame_parts *p = context;
    return urs_image_to_tensor(urs_plan_input(p->plan, 0), &p->photo.image, &p->network->input, NULL, err);
}

static urs_status network_part(void *context, urs_error *err)
{
    const frame_parts *p = context;
    return urs_plan_forward(p->plan, err);
}

static urs_status measure_parts(sift_bench *b, double best[4], double seconds, urs_error *err)
{
    static urs_work *const work[4] = {read_part, decode_part, tensor_part, network_part};
    urs_samples *samples = urs_array_new(1, sizeof *samples);
    urs_network *network = NULL;
    frame_parts p = {.bench = b};
    urs_status status = samples ? urs_network_read(&network, b->weights, "sift", err) : urs_fail(err, URS_ENOMEM, "no memory for samples");
    if (status == URS_OK)
        status = urs_plan_new(&p.plan, network->graph, network->params, NULL, err);
    p.network = network;
    for (int i = 0; status == URS_OK && i < 4; i++) {
        samples->count = 0;
        status = urs_measure(samples, work[i], &p, seconds / 4, 3, 1, err);
        best[i] = urs_samples_best(samples);
    }
    if (status == URS_OK) {
        memcpy(b->arch, network->options.arch, sizeof b->arch);
        b->reduction = p.photo.reduction;
        b->full_width = p.photo.full_width;
        b->full_height = p.photo.full_height;
    }
    urs_photo_release(&p.photo);
    urs_plan_free(p.plan);
    urs_network_free(network);
    urs_free(samples);
    return status;
}

/* ---- all of it ---- */

static urs_status open_bench(sift_bench *b, const char *folder, int frames, urs_error *err)
{
    urs_status status = urs_sift_weights(&b->weights, folder, err);
    if (status == URS_OK)
        status = urs_sift_frames(&b->files, folder, frames, err);
    if (status != URS_OK)
        return status;
    b->pass_count = b->files.count * ((PASS_FRAMES + b->files.count - 1) / b->files.count);
    b->content = urs_array_new(b->files.count, sizeof *b->content);
    b->pass = urs_array_new(b->pass_count, sizeof *b->pass);
    if (!b->content || !b->pass)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu frames", b->files.count);
    for (size_t i = 0; i < b->pass_count; i++)
        b->pass[i] = b->files.items[i % b->files.count];
    for (size_t i = 0; status == URS_OK && i < b->files.count; i++)
        status = urs_file_read(&b->content[i], b->files.items[i], 0, err);
    return status;
}

static void close_bench(sift_bench *b)
{
    for (size_t i = 0; b->content && i < b->files.count; i++)
        urs_bytes_release(&b->content[i]);
    for (int i = 0; i < THREADS_MAX; i++)
        urs_jpeg_floor_free(b->floor[i]);
    urs_free(b->content);
    urs_free(b->pass);
    urs_free(b->weights);
    urs_names_release(&b->files);
}

/* One round of one number of threads. Pools and plans are made outside of what is measured. */
static urs_status measure_threads(sift_bench *b, int threads, double seconds, urs_samples *floor_samples, urs_samples *sift_samples, urs_error *err)
{
    const urs_chain_options options = {.sift = b->weights, .threads = threads};
    urs_status status = urs_pool_new(&b->pool, threads, err);
    for (int i = 0; status == URS_OK && i < threads; i++)
        if (!b->floor[i] && !(b->floor[i] = urs_jpeg_floor_new()))
            status = urs_fail(err, URS_ENOMEM, "no memory for libjpeg");
    if (status == URS_OK)
        status = urs_chain_open(&b->chain, &options, err);
    if (status == URS_OK)
        status = urs_measure(floor_samples, floor_pass, b, seconds, 1, 1, err);
    if (status == URS_OK)
        status = urs_measure(sift_samples, sift_pass, b, seconds, 1, 1, err);
    urs_chain_free(b->chain);
    urs_pool_free(b->pool);
    b->chain = NULL;
    b->pool = NULL;
    return status;
}

static size_t mean_bytes(const sift_bench *b)
{
    size_t sum = 0;
    for (size_t i = 0; i < b->files.count; i++)
        sum += b->content[i].size;
    return sum / b->files.count;
}

static void print_results(const sift_bench *b, const urs_samples *samples, int threads, const double parts[4])
{
    (void)printf("{\"arch\":\"%s\",\"width\":%d,\"height\":%d,\"bytes\":%zu,\"reduction\":%d,\"frames\":%zu,\"threads\":[", b->arch, b->full_width, b->full_height, mean_bytes(b), b->reduction, b->pass_count);
    for (int t = 1; t <= threads; t++) {
        (void)printf("%s{\"threads\":%d,\"floor\":", t > 1 ? "," : "", t);
        urs_samples_print(stdout, &samples[2 * (t - 1)]);
        (void)printf(",\"sift\":");
        urs_samples_print(stdout, &samples[2 * (t - 1) + 1]);
        (void)printf("}");
    }
    (void)printf("],\"parts\":{\"read\":%.6g,\"decode\":%.6g,\"prepare\":%.6g,\"network\":%.6g},\"peak_resident\":%zu}\n", parts[0], parts[1], parts[2], parts[3], urs_peak_resident());
}

int main(int argc, char **argv)
{
    const int frames = argc > 2 ? atoi(argv[2]) : 4, rounds = argc > 4 ? atoi(argv[4]) : 3, threads = argc > 5 ? atoi(argv[5]) : 2;
    const double seconds = argc > 3 ? atof(argv[3]) : 1;
    sift_bench b = {0};
    urs_samples *samples = NULL; /* [threads][floor, sift] */
    double parts[4] = {0};
    urs_error err = {0};
    urs_status status;
    int code = 0;

    if (argc < 2 || frames < 1 || rounds < 0 || threads < 1 || threads > THREADS_MAX) {
        (void)fprintf(stderr, "usage: bench_sift FOLDER [FRAMES SECONDS ROUNDS THREADS]\n");
        return 2;
    }
    samples = urs_array_new((size_t)threads * 2, sizeof *samples);
    status = samples ? open_bench(&b, argv[1], frames, &err) : urs_fail(&err, URS_ENOMEM, "no memory for samples");
    if (status == URS_OK && rounds == 0)
        goto done;
    if (status == URS_OK)
        status = measure_parts(&b, parts, seconds, &err);
    for (int round = 0; status == URS_OK && round < rounds; round++)
        for (int t = 1; status == URS_OK && t <= threads; t++)
            status = measure_threads(&b, t, seconds, &samples[2 * (t - 1)], &samples[2 * (t - 1) + 1], &err);
    if (status == URS_OK)
        print_results(&b, samples, threads, parts);
    else
        code = urs_bench_fail(&err);
done:
    close_bench(&b);
    urs_free(samples);
    return code;
}
