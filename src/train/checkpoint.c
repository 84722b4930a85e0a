/* Checkpoints; see checkpoint.h for the content.
 *
 *      u64 length | header, JSON, `length` bytes | params | optimiser.0 | [optimiser.1] | [average]
 *
 * The blocks are written from and read into the trainer's own memory: a copy of everything would double what a training needs. */
#include "train/checkpoint_private.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_LIMIT ((size_t)1 << 20)

/* ---- fingerprint ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t mix_bytes(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3u; /* FNV-1a */
    return h;
}

static uint64_t mix_number(uint64_t h, int64_t x)
{
    return urs_random_mix(h ^ (uint64_t)x);
}

static uint64_t mix_float(uint64_t h, float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return mix_number(h, (int64_t)bits);
}

uint64_t urs_graph_fingerprint(const urs_graph *graph)
{
    const urs_node *nodes;
    const urs_param *params;
    const int32_t n_nodes = urs_graph_nodes(graph, &nodes), n_params = urs_graph_params(graph, &params);
    uint64_t h = 0xCBF29CE484222325u;

    for (int32_t i = 0; i < n_nodes; i++) {
        const urs_op_attr *a = &nodes[i].attr;
        const int32_t numbers[] = {a->kernel_h,   a->kernel_w, a->stride_h,     a->stride_w,        a->pad_top,  a->pad_left, a->pad_bottom,
                                   a->pad_right,  a->groups,   a->out_channels, (int32_t)a->has_bias, (int32_t)a->activation, a->begin,
                                   a->count,      (int32_t)a->resize, a->out_h, a->out_w};

        h = mix_number(h, (int64_t)nodes[i].op);
        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
            h = mix_number(h, numbers[k]);
        h = mix_float(mix_float(mix_float(h, a->eps), a->momentum), a->p);
        for (int32_t k = 0; k < nodes[i].n_in; k++)
            h = mix_number(h, nodes[i].in[k]);
        h = mix_number(mix_number(mix_number(h, nodes[i].dims.c), nodes[i].dims.h), nodes[i].dims.w);
    }
    for (int32_t i = 0; i < n_params; i++) {
        h = mix_bytes(h, params[i].name, strlen(params[i].name) + 1);
        for (int32_t k = 0; k < params[i].rank; k++)
            h = mix_number(h, params[i].shape[k]);
        h = mix_number(h, (int64_t)params[i].offset);
    }
    return h;
}

/* ---- what belongs in a checkpoint of this trainer ------------------------------------------------------------------------------------------ */

static size_t list_blocks(urs_trainer *trainer, urs_checkpoint_block blocks[URS_CHECKPOINT_BLOCKS_MAX])
{
    static const char *const names[] = {"optimiser.0", "optimiser.1"};
    urs_optimiser *o = urs_trainer_optimiser(trainer);
    size_t n = 0;

    blocks[n++] = (urs_checkpoint_block){"params", urs_trainer_params(trainer)};
    for (int i = 0; i < urs_optimiser_blocks(o) && i < 2; i++)
        blocks[n++] = (urs_checkpoint_block){names[i], urs_optimiser_block(o, i)};
    if (urs_trainer_average(trainer))
        blocks[n++] = (urs_checkpoint_block){"average", urs_trainer_average(trainer)};
    return n;
}

static const char *optimiser_name(urs_trainer *trainer)
{
    return urs_optimiser_blocks(urs_trainer_optimiser(trainer)) == 2 ? "adamw" : "sgd";
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------------------ */

static urs_status write_all(int fd, const void *data, size_t size, const char *path, urs_error *err)
{
    const char *p = data;

    while (size > 0) {
        const ssize_t n = write(fd, p, size < ((size_t)1 << 30) ? size : (size_t)1 << 30);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return urs_fail(err, URS_EIO, "cannot write '%s': %s", path, n < 0 ? strerror(errno) : "nothing was written");
        p += n;
        size -= (size_t)n;
    }
    return URS_OK;
}

static void sync_folder(const char *path)
{
    char *folder = urs_path_folder(path);
    const int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        (void)fsync(fd); /* the file itself is safe; without this only its new name might not survive a power cut */
        (void)close(fd);
    }
    urs_free(folder);
}

urs_status urs_checkpoint_save(const char *path, urs_trainer *trainer, const char *options, const urs_checkpoint *state, urs_error *err)
{
    urs_checkpoint_block blocks[URS_CHECKPOINT_BLOCKS_MAX];
    const size_t n = list_blocks(trainer, blocks), bytes = urs_trainer_elements(trainer) * sizeof(float);
    const urs_checkpoint_header header = {.graph = urs_graph_fingerprint(urs_trainer_graph(trainer)),
                                          .optimiser = optimiser_name(trainer),
                                          .options = options,
                                          .elements = urs_trainer_elements(trainer),
                                          .steps = urs_trainer_steps(trainer),
                                          .batches = urs_trainer_batches(trainer),
                                          .state = *state};
    urs_text name = {0};
    char *text = NULL;
    uint8_t length[8];
    size_t text_length = 0;
    int fd = -1;
    urs_status status = urs_checkpoint_header_write(&text, &text_length, &header, blocks, n, err);

    if (status != URS_OK)
        goto done;
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)text_length >> (8 * i));
    urs_text_format(&name, "%s.part", path);
    if (!urs_text_ok(&name)) {
        status = urs_fail(err, URS_ENOMEM, "no memory to write '%s'", path);
        goto done;
    }
    fd = open(urs_text_string(&name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        status = urs_fail(err, URS_EIO, "cannot create '%s': %s", urs_text_string(&name), strerror(errno));
        goto done;
    }
    status = write_all(fd, length, sizeof(length), path, err);
    if (status == URS_OK)
        status = write_all(fd, text, text_length, path, err);
    for (size_t i = 0; i < n && status == URS_OK; i++)
        status = write_all(fd, blocks[i].data, bytes, path, err);
    if (status == URS_OK && fsync(fd) != 0)
        status = urs_fail(err, URS_EIO, "cannot write '%s': %s", path, strerror(errno));
    if (close(fd) != 0 && status == URS_OK)
        status = urs_fail(err, URS_EIO, "cannot write '%s': %s", path, strerror(errno));
    if (status == URS_OK && rename(urs_text_string(&name), path) != 0)
        status = urs_fail(err, URS_EIO, "cannot write '%s': %s", path, strerror(errno));
    if (status == URS_OK)
        sync_folder(path);
    else
        (void)unlink(urs_text_string(&name));
done:
    urs_free(text);
    urs_text_release(&name);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------------------ */

static urs_status read_all(int fd, void *data, size_t size, const char *path, urs_error *err)
{
    char *p = data;

    while (size > 0) {
        const ssize_t n = read(fd, p, size < ((size_t)1 << 30) ? size : (size_t)1 << 30);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return urs_fail(err, n < 0 ? URS_EIO : URS_EFORMAT, "cannot read '%s': %s", path, n < 0 ? strerror(errno) : "it ends too early");
        p += n;
        size -= (size_t)n;
    }
    return URS_OK;
}

/* Names the place where two option texts part, with a few words of each. */
static urs_status other_options(const char *path, const char *theirs, const char *ours, urs_error *err)
{
    size_t at = 0, begin;

    while (theirs[at] && theirs[at] == ours[at])
        at++;
    for (begin = at; begin > 0 && theirs[begin - 1] != ' ' && theirs[begin - 1] != '\n' && at - begin < 60;)
        begin--;
    return urs_fail(err, URS_EMISMATCH, "'%s' was trained with other options: there \"%.80s\", here \"%.80s\"", path, theirs + begin, ours + begin);
}

static urs_status check(const char *path, const urs_checkpoint_header *header, urs_trainer *trainer, const char *options, urs_error *err)
{
    if (header->graph != urs_graph_fingerprint(urs_trainer_graph(trainer)))
        return urs_fail(err, URS_EMISMATCH, "'%s' is a checkpoint of another network", path);
    if (strcmp(header->optimiser, optimiser_name(trainer)) != 0)
        return urs_fail(err, URS_EMISMATCH, "'%s' was trained with the optimiser %s, not %s", path, header->optimiser, optimiser_name(trainer));
    if (strcmp(header->options, options) != 0)
        return other_options(path, header->options, options, err);
    if (header->elements != urs_trainer_elements(trainer))
        return urs_fail(err, URS_EMISMATCH, "'%s' holds %zu numbers a block, but this training has %zu", path, header->elements,
                        urs_trainer_elements(trainer));
    return URS_OK;
}

urs_status urs_checkpoint_load(const char *path, urs_trainer *trainer, const char *options, urs_checkpoint *state, urs_error *err)
{
    urs_checkpoint_block blocks[URS_CHECKPOINT_BLOCKS_MAX];
    const size_t n = list_blocks(trainer, blocks), bytes = urs_trainer_elements(trainer) * sizeof(float);
    urs_checkpoint_header header = {0};
    char *text = NULL, *memory = NULL;
    uint8_t length_bytes[8];
    uint64_t length = 0;
    struct stat st;
    urs_status status;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return urs_fail(err, errno == ENOENT ? URS_ENOTFOUND : URS_EIO, "cannot open '%s': %s", path, strerror(errno));
    status = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read_all(fd, length_bytes, 8, path, err) : urs_fail(err, URS_EIO, "cannot read '%s'", path);
    if (status != URS_OK)
        goto done;
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)length_bytes[i] << (8 * i);
    if (length > HEADER_LIMIT) {
        status = urs_fail(err, URS_EFORMAT, "'%s' is not a checkpoint: its header would have %" PRIu64 " bytes", path, length);
        goto done;
    }
    text = urs_array_new((size_t)length + 1, 1);
    if (!text) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the header of '%s'", path);
        goto done;
    }
    status = read_all(fd, text, (size_t)length, path, err);
    if (status == URS_OK) {
        status = urs_checkpoint_header_read(&header, &memory, text, (size_t)length, err);
        urs_error_prefix(status == URS_OK ? NULL : err, "'%s'", path);
    }
    if (status == URS_OK)
        status = check(path, &header, trainer, options, err);
    /* The blocks' names and order follow from trainer and format; with the size right nothing but a disk error can go wrong any more. */
    if (status == URS_OK && (header.n_blocks != n || (uint64_t)st.st_size != 8 + length + n * bytes))
        status = urs_fail(err, URS_EFORMAT, "'%s' is incomplete, or was written with another setting of the average", path);
    for (size_t i = 0; i < n && status == URS_OK; i++)
        status = read_all(fd, blocks[i].data, bytes, path, err);
    if (status == URS_OK) {
        urs_trainer_set_progress(trainer, header.steps, header.batches);
        urs_trainer_refresh(trainer);
        *state = header.state;
    }
done:
    (void)close(fd);
    urs_free(text);
    urs_free(memory);
    return status;
}
