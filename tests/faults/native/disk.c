/* A disk that is full while the file named by FULL_DISK exists: nothing that would make a database's file longer succeeds.
   With FULL_DISK_WAL set, its log is on that disk too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int full(int file, off_t end) {
    const char *marker = getenv("FULL_DISK");
    char link[64], path[512];
    struct stat now;
    if (!marker || access(marker, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strstr(path, "/pg_wal/")) return getenv("FULL_DISK_WAL") != NULL;
    return strstr(path, "/base/") && fstat(file, &now) == 0 && end > now.st_size;
}

static ssize_t total(const struct iovec *parts, int count) {
    ssize_t bytes = 0;
    for (int at = 0; at < count; at++) bytes += parts[at].iov_len;
    return bytes;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define REFUSED (errno = ENOSPC, -1)

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    REAL(pwrite64);
    return full(file, at + count) ? REFUSED : real(file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) {
    REAL(pwritev64);
    return full(file, at + total(parts, count)) ? REFUSED : real(file, parts, count, at);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) { return pwritev64(file, parts, count, at); }

int posix_fallocate64(int file, off64_t at, off64_t length) {
    REAL(posix_fallocate64);
    return full(file, at + length) ? ENOSPC : real(file, at, length);
}

int posix_fallocate(int file, off_t at, off_t length) { return posix_fallocate64(file, at, length); }
