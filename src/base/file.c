/* Files and folders; see file.h. */
#include "base/file.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT_DEFAULT ((size_t)1 << 30)
#define FOLDER_DEPTH_MAX 64

urs_status urs_file_read(urs_bytes *out, const char *path, size_t limit, urs_error *err)
{
    urs_status status = URS_OK;
    struct stat st;
    uint8_t *data = NULL;
    size_t size, have = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (limit == 0)
        limit = FILE_LIMIT_DEFAULT;
    if (fd < 0)
        return urs_fail(err, errno == ENOENT ? URS_ENOTFOUND : URS_EIO, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        status = urs_fail(err, URS_EIO, "'%s' is not a regular file", path);
        goto done;
    }
    if (st.st_size < 0 || (uintmax_t)st.st_size > limit) {
        status = urs_fail(err, URS_ELIMIT, "'%s' has %lld bytes, more than the %zu accepted", path, (long long)st.st_size, limit);
        goto done;
    }
    size = (size_t)st.st_size;
    data = urs_array_new(size + 1, 1);
    if (!data) {
        status = urs_fail(err, URS_ENOMEM, "no memory for the %zu bytes of '%s'", size, path);
        goto done;
    }
    while (have < size) {
        const ssize_t n = read(fd, data + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            status = urs_fail(err, URS_EIO, "cannot read '%s': %s", path, strerror(errno));
            goto done;
        }
        if (n == 0)
            break; /* it shrank while we read: what is there is the file */
        have += (size_t)n;
    }
    data[have] = 0;
    out->data = data;
    out->size = have;
    data = NULL;
done:
    urs_free(data);
    (void)close(fd);
    return status;
}

void urs_bytes_release(urs_bytes *bytes)
{
    urs_free(bytes->data);
    bytes->data = NULL;
    bytes->size = 0;
}

static urs_status write_all(int fd, const uint8_t *data, size_t size, const char *path, urs_error *err)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t n = write(fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return urs_fail(err, URS_EIO, "cannot write '%s': %s", path, strerror(errno));
        done += (size_t)n;
    }
    return URS_OK;
}

urs_status urs_file_check_output(const char *path, urs_error *err)
{
    char *folder = urs_path_folder(path);
    urs_text temporary = {0};
    struct stat st;
    urs_status status = URS_OK;
    int fd;

    urs_text_format(&temporary, "%s.%ld.tmp", path, (long)getpid());
    if (!folder || !urs_text_ok(&temporary)) {
        status = urs_fail(err, URS_ENOMEM, "no memory for a path");
    } else if (!*urs_path_base(path) || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
        status = urs_fail(err, URS_EINVAL, "cannot write '%s': that is no name of a file", path);
    } else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) { /* it would be replaced by a file, /dev/null too */
        status = urs_fail(err, URS_EINVAL, "cannot write '%s': it is not a regular file", path);
    } else if (!urs_folder_exists(folder)) {
        status = urs_fail(err, URS_ENOTFOUND, "cannot write '%s': there is no folder '%s'", path, folder);
    } else {
        fd = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(temporary.data);
        } else if (errno != EEXIST) {
            status = urs_fail(err, URS_EIO, "cannot write '%s': %s", path, strerror(errno));
        }
    }
    urs_free(folder);
    urs_text_release(&temporary);
    return status;
}

urs_status urs_file_write(const char *path, const void *data, size_t size, urs_error *err)
{
    urs_status status;
    urs_text temporary = {0};
    int fd;

    urs_text_format(&temporary, "%s.%ld.tmp", path, (long)getpid());
    if (!urs_text_ok(&temporary)) {
        urs_text_release(&temporary);
        return urs_fail(err, URS_ENOMEM, "no memory to write '%s'", path);
    }
    fd = open(temporary.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        status = urs_fail(err, errno == ENOENT ? URS_ENOTFOUND : URS_EIO, "cannot create '%s': %s", path, strerror(errno));
        urs_text_release(&temporary);
        return status;
    }
    status = write_all(fd, data, size, path, err);
    if (status == URS_OK && fsync(fd) != 0)
        status = urs_fail(err, URS_EIO, "cannot write '%s' to disk: %s", path, strerror(errno));
    if (close(fd) != 0 && status == URS_OK)
        status = urs_fail(err, URS_EIO, "cannot write '%s': %s", path, strerror(errno));
    if (status == URS_OK && rename(temporary.data, path) != 0)
        status = urs_fail(err, URS_EIO, "cannot replace '%s': %s", path, strerror(errno));
    if (status != URS_OK)
        (void)unlink(temporary.data);
    urs_text_release(&temporary);
    return status;
}

urs_status urs_folder_create(const char *path, urs_error *err)
{
    urs_status status = URS_OK;
    char *copy = urs_strdup(path);
    if (!copy)
        return urs_fail(err, URS_ENOMEM, "no memory");
    for (char *p = copy + 1; *copy; p++) {
        const char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            status = urs_fail(err, URS_EIO, "cannot create the folder '%s': %s", copy, strerror(errno));
            break;
        }
        if (c == '\0')
            break;
        *p = c;
    }
    urs_free(copy);
    if (status == URS_OK && !urs_folder_exists(path))
        status = urs_fail(err, URS_EIO, "'%s' is not a folder", path);
    return status;
}

bool urs_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool urs_folder_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder that cannot be read: the whole fails, or, below the first one and with a list of them, a sentence more in it. */
static urs_status pass_over(urs_names *skipped, int depth, const urs_error *why, urs_error *err)
{
    if (!skipped || depth == 0)
        return urs_fail(err, why->code, "%s", why->message);
    return urs_names_add(skipped, why->message, err);
}

static urs_status list_below(urs_names *out, urs_names *skipped, const char *path, urs_path_filter *accept, int depth, urs_error *err)
{
    urs_error why = {0};
    urs_status status = URS_OK;
    struct dirent *entry;
    DIR *dir;

    if (depth > FOLDER_DEPTH_MAX) {
        (void)urs_fail(&why, URS_ELIMIT, "'%s' is nested deeper than %d folders", path, FOLDER_DEPTH_MAX);
        return pass_over(skipped, depth, &why, err);
    }
    dir = opendir(path);
    if (!dir) {
        (void)urs_fail(&why, URS_EIO, "cannot read the folder '%s': %s", path, strerror(errno));
        return pass_over(skipped, depth, &why, err);
    }
    while (status == URS_OK && (entry = readdir(dir)) != NULL) {
        struct stat st;
        char *full;
        if (entry->d_name[0] == '.')
            continue;
        full = urs_path_join(path, entry->d_name);
        if (!full) {
            status = urs_fail(err, URS_ENOMEM, "no memory to list '%s'", path);
            break;
        }
        if (lstat(full, &st) == 0) {
            if (S_ISDIR(st.st_mode))
                status = list_below(out, skipped, full, accept, depth + 1, err);
            else if (urs_file_exists(full) && (!accept || accept(full)))
                status = urs_names_add(out, full, err);
        }
        urs_free(full);
    }
    (void)closedir(dir);
    return status;
}

urs_status urs_folder_list(urs_names *out, const char *path, urs_path_filter *accept, urs_error *err)
{
    return urs_folder_list_readable(out, NULL, path, accept, err);
}

urs_status urs_folder_list_readable(urs_names *out, urs_names *skipped, const char *path, urs_path_filter *accept, urs_error *err)
{
    urs_names found = {0};
    urs_status status = URS_OK;

    if (urs_file_exists(path))
        status = urs_names_add(&found, path, err);
    else if (urs_folder_exists(path))
        status = list_below(&found, skipped, path, accept, 0, err);
    else
        status = urs_fail(err, URS_ENOTFOUND, "there is no file or folder '%s'", path);
    urs_names_sort(&found);
    for (size_t i = 0; status == URS_OK && i < found.count; i++)
        status = urs_names_add(out, found.items[i], err);
    urs_names_release(&found);
    return status;
}

urs_status urs_folder_children(urs_names *out, const char *path, urs_error *err)
{
    urs_status status = URS_OK;
    struct dirent *entry;
    DIR *dir = opendir(path);
    if (!dir)
        return urs_fail(err, errno == ENOENT ? URS_ENOTFOUND : URS_EIO, "cannot read the folder '%s': %s", path, strerror(errno));
    while (status == URS_OK && (entry = readdir(dir)) != NULL) {
        char *full;
        if (entry->d_name[0] == '.')
            continue;
        full = urs_path_join(path, entry->d_name);
        if (!full)
            status = urs_fail(err, URS_ENOMEM, "no memory to list '%s'", path);
        else if (urs_folder_exists(full))
            status = urs_names_add(out, entry->d_name, err);
        urs_free(full);
    }
    (void)closedir(dir);
    urs_names_sort(out);
    return status;
}

char *urs_path_join(const char *folder, const char *name)
{
    urs_text t = {0};
    const size_t n = strlen(folder);
    if (name[0] == '/' || n == 0)
        return urs_strdup(name);
    urs_text_add(&t, folder);
    if (folder[n - 1] != '/')
        urs_text_add(&t, "/");
    urs_text_add(&t, name);
    return urs_text_take(&t);
}

const char *urs_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *urs_path_stem(const char *path)
{
    char *stem = urs_strdup(urs_path_base(path));
    char *dot = stem ? strrchr(stem, '.') : NULL;
    if (dot && dot != stem)
        *dot = '\0';
    return stem;
}

char *urs_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *copy;
    if (!slash)
        return urs_strdup(".");
    if (slash == path)
        return urs_strdup("/");
    copy = urs_strdup(path);
    if (copy)
        copy[slash - path] = '\0';
    return copy;
}

bool urs_path_has_extension(const char *path, const char *extension)
{
    const char *dot = strrchr(urs_path_base(path), '.');
    return dot && strcasecmp(dot + 1, extension) == 0;
}
