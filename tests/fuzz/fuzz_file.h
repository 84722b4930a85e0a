/* For targets whose parser wants a file: one private path a process, in memory where the system has /dev/shm. */
#ifndef URS_TESTS_FUZZ_FILE_H
#define URS_TESTS_FUZZ_FILE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "/dev/shm/ursid-fuzz-PID" and the tail, or below /tmp. */
static inline void fuzz_path(char *out, size_t size, const char *tail)
{
    (void)snprintf(out, size, "%s/ursid-fuzz-%ld%s", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid(), tail);
}

static inline void fuzz_write(const char *path, const uint8_t *data, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort(); /* no room: not the parser's fault, but nothing is tested */
    (void)close(fd);
}

#endif
