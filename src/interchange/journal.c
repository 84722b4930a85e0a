/* The journal of a run; see journal.h. */
#include "interchange/journal.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "interchange/json_text.h"
#include "interchange/megadetector.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)64 << 20)
#define SYNC_SECONDS 1.0

typedef struct entry {
    char *file;   /* owned */
    off_t offset; /* of its line */
    size_t length; /* without the newline */
} entry;

struct urs_journal {
    char *result_path, *path; /* owned */
    int fd;
    off_t end;
    entry *entries; /* owned, in the order of the lines */
    size_t count, capacity;
    size_t *slots;  /* owned, hash table of entry number + 1, 0 = free; slot_count is a power of two */
    size_t slot_count;
    double synced;
};

/* ---- names ---- */

static size_t hash_name(const char *s)
{
    uint64_t h = 1469598103934665603ull; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211ull;
    return (size_t)(h ^ h >> 29);
}

static size_t find_slot(const urs_journal *j, const char *file)
{
    size_t slot = hash_name(file) & (j->slot_count - 1);
    while (j->slots[slot] && strcmp(j->entries[j->slots[slot] - 1].file, file) != 0)
        slot = (slot + 1) & (j->slot_count - 1);
    return slot;
}

static bool grow_slots(urs_journal *j)
{
    const size_t wanted = j->slot_count ? j->slot_count * 2 : 1024;
    size_t *slots;
    if (j->slot_count && j->count * 2 < j->slot_count)
        return true;
    slots = urs_array_new(wanted, sizeof *slots);
    if (!slots)
        return false;
    urs_free(j->slots);
    j->slots = slots;
    j->slot_count = wanted;
    for (size_t i = 0; i < j->count; i++)
        j->slots[find_slot(j, j->entries[i].file)] = i + 1;
    return true;
}

/* A later line of a file takes the place of the one before. */
static urs_status remember(urs_journal *j, const char *file, off_t offset, size_t length, urs_error *err)
{
    char *copy;
    if (urs_journal_has(j, file)) {
        entry *e = &j->entries[j->slots[find_slot(j, file)] - 1];
        e->offset = offset;
        e->length = length;
        return URS_OK;
    }
    copy = urs_strdup(file);
    if (!copy || !grow_slots(j) || !urs_array_reserve((void **)&j->entries, &j->capacity, j->count, sizeof *j->entries)) {
        urs_free(copy);
        return urs_fail(err, URS_ENOMEM, "no memory for the journal '%s'", j->path);
    }
    j->slots[find_slot(j, file)] = j->count + 1;
    j->entries[j->count++] = (entry){copy, offset, length};
    return URS_OK;
}

bool urs_journal_has(const urs_journal *j, const char *file)
{
    return j->slot_count && j->slots[find_slot(j, file)] != 0;
}

size_t urs_journal_count(const urs_journal *j)
{
    return j->count;
}

/* ---- the file ---- */

static urs_status write_at_end(urs_journal *j, const char *data, size_t size, urs_error *err)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t n = pwrite(j->fd, data + done, size - done, j->end + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            const int why = errno;
            if (ftruncate(j->fd, j->end) != 0) /* half a line must not stay; if it does, opening cuts it off */
                return urs_fail(err, URS_EIO, "cannot write to '%s': %s; half a line was left", j->path, strerror(why));
            return urs_fail(err, URS_EIO, "cannot write to '%s': %s", j->path, strerror(why));
        }
        done += (size_t)n;
    }
    j->end += (off_t)size;
    return URS_OK;
}

static void add_header(urs_text *out, const char *key)
{
    urs_text_add(out, "{\"ursid_journal\": 1, \"key\": ");
    urs_json_add_string(out, key);
    urs_text_add(out, "}\n");
}

static urs_status start_fresh(urs_journal *j, const char *key, urs_error *err)
{
    urs_text header = {0};
    urs_status status;
    j->end = 0;
    if (ftruncate(j->fd, 0) != 0)
        return urs_fail(err, URS_EIO, "cannot empty '%s': %s", j->path, strerror(errno));
    add_header(&header, key);
    status = urs_text_ok(&header) ? write_at_end(j, header.data, header.length, err) : urs_fail(err, URS_ENOMEM, "no memory for the journal '%s'", j->path);
    urs_text_release(&header);
    return status;
}

/* Takes in one complete line; what does not parse counts as the torn end. */
static urs_status take_line(urs_journal *j, const char *line, size_t length, off_t offset, bool *torn, urs_error *err)
{
    urs_result_image image = {0};
    urs_error why = {0};
    urs_status status = urs_results_parse_image(&image, line, length, j->path, &why);
    if (status == URS_ENOMEM)
        return urs_fail(err, URS_ENOMEM, "%s", why.message);
    if (status != URS_OK) {
        *torn = true;
        return URS_OK;
    }
    status = remember(j, image.file, offset, length, err);
    urs_result_image_release(&image);
    return status;
}

/* The next line with its newline into *line (grown; zero-terminated), at most LINE_MAX_BYTES: a longer one ends there, without newline. 0 at the end; -1: no memory. */
static ssize_t next_line(char **line, size_t *capacity, FILE *in)
{
    size_t n = 0;
    int c = 0;
    while (c != '\n' && n < LINE_MAX_BYTES && (c = getc_unlocked(in)) != EOF) {
        if (n + 1 >= *capacity) {
            const size_t wanted = *capacity ? *capacity * 2 : 4096;
            if (!urs_array_resize((void **)line, wanted, 1))
                return -1;
            *capacity = wanted;
        }
        (*line)[n++] = (char)c;
    }
    if (n > 0)
        (*line)[n] = '\0';
    return (ssize_t)n;
}

/* Reads the header and every line, and cuts off a torn end. */
static urs_status replay(urs_journal *j, const char *key, urs_error *err)
{
    urs_text header = {0};
    FILE *in = fdopen(dup(j->fd), "r");
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    bool first = true, torn = false;
    urs_status status = URS_OK;
    add_header(&header, key);
    if (!in || !urs_text_ok(&header)) {
        status = urs_fail(err, URS_EIO, "cannot read '%s': %s", j->path, strerror(errno));
        goto done;
    }
    rewind(in);
    while (status == URS_OK && !torn && (n = next_line(&line, &capacity, in)) != 0) {
        if (n < 0) {
            status = urs_fail(err, URS_ENOMEM, "no memory for a line of '%s'", j->path);
        } else if (line[n - 1] != '\n') {
            torn = true;
        } else if (first) {
            if (strcmp(line, urs_text_string(&header)) != 0)
                status = urs_fail(err, URS_EMISMATCH, "'%s' is from a run with other settings or weights; finish that one, or start afresh", j->path);
            first = false;
            j->end += n;
        } else {
            status = take_line(j, line, (size_t)n - 1, j->end, &torn, err);
            if (!torn)
                j->end += n;
        }
    }
    if (status == URS_OK && ftruncate(j->fd, j->end) != 0)
        status = urs_fail(err, URS_EIO, "cannot cut the torn end of '%s': %s", j->path, strerror(errno));
    if (status == URS_OK && first) /* the crash came before the header was whole */
        status = start_fresh(j, key, err);
done:
    urs_free(line);
    if (in)
        (void)fclose(in);
    urs_text_release(&header);
    return status;
}

urs_status urs_journal_open(urs_journal **out, const char *result_path, const char *key, bool fresh, urs_error *err)
{
    urs_journal *j = urs_array_new(1, sizeof *j);
    urs_text path = {0};
    struct stat st, there;
    urs_status status;
    if (!j)
        return urs_fail(err, URS_ENOMEM, "no memory for a journal");
    j->fd = -1;
    urs_text_format(&path, "%s.journal", result_path);
    j->path = urs_text_take(&path);
    j->result_path = urs_strdup(result_path);
    if (!j->path || !j->result_path) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a journal");
        goto done;
    }
    j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (j->fd < 0) {
        status = urs_fail(err, errno == ENOENT ? URS_ENOTFOUND : URS_EIO, "cannot open '%s': %s", j->path, strerror(errno));
        goto done;
    }
    if (flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
        status = urs_fail(err, URS_EBUSY, "'%s' is in use by another run", j->path);
        goto done;
    }
    if (fstat(j->fd, &st) != 0 || stat(j->path, &there) != 0 || st.st_ino != there.st_ino || st.st_dev != there.st_dev)
        status = urs_fail(err, URS_EBUSY, "'%s' has just been finished by another run", j->path); /* ours is the removed one */
    else if (!S_ISREG(st.st_mode))
        status = urs_fail(err, URS_EIO, "'%s' is not a regular file", j->path);
    else if (fresh || st.st_size == 0)
        status = start_fresh(j, key, err);
    else
        status = replay(j, key, err);
done:
    if (status == URS_OK)
        *out = j;
    else
        urs_journal_close(j);
    return status;
}

static urs_status write_line(urs_journal *j, const urs_result_image *image, urs_error *err)
{
    urs_text line = {0};
    const off_t offset = j->end;
    urs_status status;
    urs_results_format_image(&line, image);
    urs_text_add(&line, "\n");
    status = urs_text_ok(&line) ? write_at_end(j, line.data, line.length, err) : urs_fail(err, URS_ENOMEM, "no memory for the result of '%s'", image->file);
    if (status == URS_OK)
        status = remember(j, image->file, offset, line.length - 1, err);
    urs_text_release(&line);
    if (status == URS_OK && urs_clock() - j->synced > SYNC_SECONDS) {
        if (fdatasync(j->fd) != 0)
            status = urs_fail(err, URS_EIO, "cannot write '%s' to disk: %s", j->path, strerror(errno));
        j->synced = urs_clock();
    }
    return status;
}

urs_status urs_journal_add(urs_journal *j, const urs_result_image *image, urs_error *err)
{
    if (!image->file || !*image->file || urs_journal_has(j, image->file))
        return urs_fail(err, URS_EINVAL, "'%s' is in the journal already, or has no name", image->file ? image->file : "");
    return write_line(j, image, err);
}

urs_status urs_journal_replace(urs_journal *j, const urs_result_image *image, urs_error *err)
{
    if (!image->file || !urs_journal_has(j, image->file))
        return urs_fail(err, URS_ENOTFOUND, "'%s' is not in the journal", image->file ? image->file : "");
    return write_line(j, image, err);
}

/* ---- reading back ---- */

static int compare_entries(const void *a, const void *b)
{
    return strcmp((*(const entry *const *)a)->file, (*(const entry *const *)b)->file);
}

/* The entries in the order of their names; owned. */
static const entry **sorted_entries(const urs_journal *j)
{
    const entry **order = urs_array_new(j->count, sizeof *order);
    for (size_t i = 0; order && i < j->count; i++)
        order[i] = &j->entries[i];
    if (order && j->count > 1)
        qsort(order, j->count, sizeof *order, compare_entries);
    return order;
}

static urs_status read_line(const urs_journal *j, const entry *e, char **buffer, size_t *capacity, urs_error *err)
{
    size_t have = 0;
    if (e->length + 1 > *capacity) {
        if (!urs_array_resize((void **)buffer, e->length + 1, 1))
            return urs_fail(err, URS_ENOMEM, "no memory for the result of '%s'", e->file);
        *capacity = e->length + 1;
    }
    while (have < e->length) {
        const ssize_t n = pread(j->fd, *buffer + have, e->length - have, e->offset + (off_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return urs_fail(err, URS_EIO, "cannot read '%s': %s", j->path, n < 0 ? strerror(errno) : "it became shorter");
        have += (size_t)n;
    }
    (*buffer)[have] = '\0';
    return URS_OK;
}

urs_status urs_journal_read(urs_journal *j, urs_result_image *out, const char *file, urs_error *err)
{
    urs_result_image image = {0};
    char *buffer = NULL;
    size_t capacity = 0;
    urs_status status;
    if (!urs_journal_has(j, file))
        return urs_fail(err, URS_ENOTFOUND, "'%s' is not in the journal", file);
    const entry *e = &j->entries[j->slots[find_slot(j, file)] - 1];
    status = read_line(j, e, &buffer, &capacity, err);
    if (status == URS_OK)
        status = urs_results_parse_image(&image, buffer, e->length, j->path, err);
    urs_free(buffer);
    if (status == URS_OK)
        *out = image;
    else
        urs_result_image_release(&image);
    return status;
}

urs_status urs_journal_visit(urs_journal *j, urs_result_visitor *visit, void *context, urs_error *err)
{
    const entry **order = sorted_entries(j);
    char *buffer = NULL;
    size_t capacity = 0;
    urs_status status = order ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the journal '%s'", j->path);
    for (size_t i = 0; status == URS_OK && i < j->count; i++) {
        urs_result_image image = {0};
        status = read_line(j, order[i], &buffer, &capacity, err);
        if (status == URS_OK)
            status = urs_results_parse_image(&image, buffer, order[i]->length, j->path, err);
        if (status == URS_OK)
            status = visit(context, &image, err);
        urs_result_image_release(&image);
    }
    urs_free(buffer);
    urs_free(order);
    return status;
}

static bool put(FILE *out, const urs_text *text)
{
    return urs_text_ok(text) && fwrite(text->data, 1, text->length, out) == text->length;
}

static urs_status write_result(urs_journal *j, FILE *out, const urs_result_info *info, urs_error *err)
{
    const entry **order = sorted_entries(j);
    urs_text text = {0};
    char *buffer = NULL;
    size_t capacity = 0;
    urs_status status = order ? URS_OK : urs_fail(err, URS_ENOMEM, "no memory for the journal '%s'", j->path);
    urs_results_format_head(&text, info);
    if (status == URS_OK && !put(out, &text))
        status = urs_fail(err, URS_EIO, "cannot write '%s': %s", j->result_path, strerror(errno));
    for (size_t i = 0; status == URS_OK && i < j->count; i++) {
        status = read_line(j, order[i], &buffer, &capacity, err);
        if (status == URS_OK && (fputs(i ? ",\n  " : "\n  ", out) < 0 || fwrite(buffer, 1, order[i]->length, out) != order[i]->length))
            status = urs_fail(err, URS_EIO, "cannot write '%s': %s", j->result_path, strerror(errno));
    }
    urs_text_release(&text);
    urs_results_format_tail(&text);
    if (status == URS_OK && !put(out, &text))
        status = urs_fail(err, URS_EIO, "cannot write '%s': %s", j->result_path, strerror(errno));
    urs_text_release(&text);
    urs_free(buffer);
    urs_free(order);
    return status;
}

urs_status urs_journal_finish(urs_journal *j, const urs_result_info *info, urs_error *err)
{
    urs_text path = {0};
    FILE *out = NULL;
    urs_status status;
    urs_text_format(&path, "%s.%ld.tmp", j->result_path, (long)getpid());
    out = urs_text_ok(&path) ? fopen(path.data, "wb") : NULL;
    if (!out) {
        status = urs_fail(err, URS_EIO, "cannot create '%s': %s", urs_text_string(&path), strerror(errno));
        goto done;
    }
    status = write_result(j, out, info, err);
    if (status == URS_OK && (fflush(out) != 0 || fsync(fileno(out)) != 0))
        status = urs_fail(err, URS_EIO, "cannot write '%s' to disk: %s", j->result_path, strerror(errno));
    if (fclose(out) != 0 && status == URS_OK)
        status = urs_fail(err, URS_EIO, "cannot write '%s': %s", j->result_path, strerror(errno));
    if (status == URS_OK && rename(path.data, j->result_path) != 0)
        status = urs_fail(err, URS_EIO, "cannot replace '%s': %s", j->result_path, strerror(errno));
    if (status != URS_OK)
        (void)unlink(path.data);
    else if (unlink(j->path) != 0)
        status = urs_fail(err, URS_EIO, "cannot remove '%s': %s", j->path, strerror(errno));
done:
    urs_text_release(&path);
    return status;
}

void urs_journal_close(urs_journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0) {
        (void)fdatasync(j->fd); /* nothing can be told any more; add has told of errors before */
        (void)close(j->fd);
    }
    for (size_t i = 0; i < j->count; i++)
        urs_free(j->entries[i].file);
    urs_free(j->entries);
    urs_free(j->slots);
    urs_free(j->path);
    urs_free(j->result_path);
    urs_free(j);
}
