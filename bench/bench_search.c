/* Speed of a catalogue query beside the memory it has to read.
 *
 *   bench_search [ROWS DIM QUERIES ROUNDS]      defaults: 262144 embeddings of 512 numbers (512 MiB), 3 queries a round, 3 rounds; one thread
 *
 *      round:  read a buffer of the same size once | queries          a query reads every row once, so its floor is rows * dim * 4 bytes at the speed of reading
 *
 * Prints one line of JSON: {"rows":..,"dim":..,"bytes":..,"bears":..,"read":{wall,cpu},"bears_query":{wall,cpu},"chips_query":{wall,cpu}}; a sample is one pass or one query. The buffer is the
 * smaller of the matrix and 256 MiB; its times are scaled to the matrix. */
#include "measure.h"

#include "base/memory.h"
#include "base/random.h"
#include "catalogue/search.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MAX ((size_t)256 << 20)
#define CHIPS_A_BEAR 8
#define NEAREST 10
#define PATTERN 8191 /* prime, so that shifted rows differ */

typedef uint64_t lane_block __attribute__((vector_size(64)));

typedef struct search_bench {
    urs_search *index;
    float *query, *pattern; /* pattern: [PATTERN + dim] random numbers, row i starts somewhere in it */
    lane_block *buffer;     /* owned, aligned */
    size_t buffer_bytes;
    volatile uint64_t sink; /* so that reading is not optimised away */
} search_bench;

static urs_status read_buffer(void *context, urs_error *err)
{
    search_bench *b = context;
    const size_t n = b->buffer_bytes / sizeof *b->buffer;
    lane_block sum[4] = {{0}, {0}, {0}, {0}};
    (void)err;
    for (size_t i = 0; i + 4 <= n; i += 4) {
        sum[0] ^= b->buffer[i];
        sum[1] ^= b->buffer[i + 1];
        sum[2] ^= b->buffer[i + 2];
        sum[3] ^= b->buffer[i + 3];
    }
    sum[0] ^= sum[1] ^ sum[2] ^ sum[3];
    for (int i = 0; i < 8; i++)
        b->sink ^= sum[0][i];
    return URS_OK;
}

static urs_status query_bears(void *context, urs_error *err)
{
    const search_bench *b = context;
    urs_search_hit hits[NEAREST];
    size_t count;
    return urs_search_bears(b->index, b->query, NEAREST, NULL, hits, &count, err);
}

static urs_status query_chips(void *context, urs_error *err)
{
    const search_bench *b = context;
    urs_search_hit hits[NEAREST];
    size_t count;
    return urs_search_chips(b->index, b->query, NEAREST, NULL, hits, &count, err);
}

static urs_status open_bench(search_bench *b, size_t rows, int32_t dim, urs_error *err)
{
    urs_random r;
    urs_status status = urs_search_new(&b->index, dim, err);
    if (status != URS_OK)
        return status;
    b->buffer_bytes = rows * (size_t)dim * sizeof(float) < BUFFER_MAX ? rows * (size_t)dim * sizeof(float) : BUFFER_MAX;
    b->pattern = urs_array_new(PATTERN + (size_t)dim, sizeof(float));
    b->query = urs_array_new((size_t)dim, sizeof(float));
    b->buffer = urs_aligned_new(b->buffer_bytes);
    if (!b->pattern || !b->query || !b->buffer)
        return urs_fail(err, URS_ENOMEM, "no memory for %zu embeddings", rows);
    memset(b->buffer, 1, b->buffer_bytes); /* untouched pages would all be the one page of zeros */
    urs_random_init(&r, 3);
    for (size_t i = 0; i < PATTERN + (size_t)dim; i++)
        b->pattern[i] = (float)urs_random_range(&r, -1, 1);
    for (int32_t i = 0; i < dim; i++)
        b->query[i] = (float)urs_random_range(&r, -1, 1);
    for (size_t i = 0; status == URS_OK && i < rows; i++)
        status = urs_search_add(b->index, (int64_t)i + 1, (int64_t)(i / CHIPS_A_BEAR) + 1, b->pattern + i % PATTERN, err);
    return status;
}

static void close_bench(search_bench *b)
{
    urs_search_free(b->index);
    urs_free(b->pattern);
    urs_free(b->query);
    urs_aligned_free(b->buffer);
}

static void print_samples(const char *name, urs_samples *s, double scale)
{
    for (size_t i = 0; i < s->count; i++) {
        s->wall[i] *= scale;
        s->cpu[i] *= scale;
    }
    (void)printf(",\"%s\":", name);
    urs_samples_print(stdout, s);
}

int main(int argc, char **argv)
{
    const long long rows = argc > 1 ? atoll(argv[1]) : 262144;
    const int dim = argc > 2 ? atoi(argv[2]) : 512, queries = argc > 3 ? atoi(argv[3]) : 3, rounds = argc > 4 ? atoi(argv[4]) : 3;
    search_bench b = {0};
    urs_samples *s = urs_array_new(3, sizeof *s);
    urs_error err = {0};
    urs_status status;
    int code = 0;

    if (rows < 1 || rows > 1 << 24 || dim < 16 || dim > 4096 || queries < 1 || rounds < 1) {
        (void)fprintf(stderr, "usage: bench_search [ROWS DIM QUERIES ROUNDS]\n");
        urs_free(s);
        return 2;
    }
    status = s ? open_bench(&b, (size_t)rows, dim, &err) : urs_fail(&err, URS_ENOMEM, "no memory for samples");
    for (int round = 0; status == URS_OK && round < rounds; round++) {
        status = urs_measure(&s[0], read_buffer, &b, 0, (size_t)queries, round == 0, &err);
        if (status == URS_OK)
            status = urs_measure(&s[1], query_bears, &b, 0, (size_t)queries, round == 0, &err);
        if (status == URS_OK)
            status = urs_measure(&s[2], query_chips, &b, 0, (size_t)queries, round == 0, &err);
    }
    if (status == URS_OK) {
        const size_t bytes = (size_t)rows * (size_t)dim * sizeof(float);
        (void)printf("{\"rows\":%lld,\"dim\":%d,\"bytes\":%zu,\"bears\":%zu", rows, dim, bytes, urs_search_bear_count(b.index));
        print_samples("read", &s[0], (double)bytes / (double)b.buffer_bytes);
        print_samples("bears_query", &s[1], 1);
        print_samples("chips_query", &s[2], 1);
        (void)printf("}\n");
    } else {
        code = urs_bench_fail(&err);
    }
    close_bench(&b);
    urs_free(s);
    return code;
}
