/* EXIF: orientation, time, zone, camera. See codec.h.
 *
 * The block is a small TIFF file; its numbers are in the order that its first two bytes name, and its offsets count from there:
 *
 *      "II" or "MM", 42 as u16, u32 offset of folder 0 ----+
 *                                                          v
 *      folder:  u16 n | n entries of 12 bytes | ...        0: make 010F, model 0110, orientation 0112, time 0132, u32 offset of the EXIF folder 8769
 *      entry:   u16 tag | u16 type | u32 count | value     EXIF folder: original time 9003, zone 9010, zone of the original time 9011
 *                                                |
 *                                                +-- the value itself if it fits into 4 bytes, else the u32 offset of it
 *
 * Seven fields of two folders do not need a library, and a board need not carry one (docs/decisions/0010-edge-build.md). Cameras write nonsense into these fields often (zeros, spaces, dates
 * without a clock set); a field that does not read as what it should be is left out. */
#include "image/codec.h"

#include <string.h>

#define EXIF_SIZE_MAX 65536 /* an APP1 segment cannot be longer */
#define FIELD_MAX 64
#define ENTRY_SIZE 12

enum { TYPE_ASCII = 2, TYPE_SHORT = 3, TYPE_LONG = 4 };
enum {
    TAG_MAKE = 0x010F,
    TAG_MODEL = 0x0110,
    TAG_ORIENTATION = 0x0112,
    TAG_TIME = 0x0132,
    TAG_EXIF_FOLDER = 0x8769,
    TAG_TIME_ORIGINAL = 0x9003,
    TAG_ZONE = 0x9010,
    TAG_ZONE_ORIGINAL = 0x9011
};

static const char exif_mark[6] = {'E', 'x', 'i', 'f', 0, 0};

static bool two_digits(const char *s, int low, int high, int *out)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *out = (s[0] - '0') * 10 + (s[1] - '0');
    return *out >= low && *out <= high;
}

/* "YYYY:MM:DD HH:MM:SS", the year not zero; some programs write dashes in the date or a T between date and time. */
static bool time_valid(const char *s)
{
    int v, century;
    if (strnlen(s, 19) < 19)
        return false;
    if (!two_digits(s, 10, 99, &century) || !two_digits(s + 2, 0, 99, &v))
        return false;
    if ((s[4] != ':' && s[4] != '-') || s[7] != s[4] || (s[10] != ' ' && s[10] != 'T') || s[13] != ':' || s[16] != ':')
        return false;
    return two_digits(s + 5, 1, 12, &v) && two_digits(s + 8, 1, 31, &v) && two_digits(s + 11, 0, 23, &v) && two_digits(s + 14, 0, 59, &v) &&
           two_digits(s + 17, 0, 60, &v);
}

/* "+HH:MM", "-HH:MM" or "Z". */
static bool zone_minutes(const char *s, int32_t *out)
{
    int hours, minutes;
    if (s[0] == 'Z' && s[1] == '\0') {
        *out = 0;
        return true;
    }
    if (strnlen(s, 6) < 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' || !two_digits(s + 1, 0, 15, &hours) || !two_digits(s + 4, 0, 59, &minutes))
        return false;
    *out = (s[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

void urs_exif_set_time(urs_exif *out, const char *time, const char *zone)
{
    if (!time || !time_valid(time))
        return;
    memcpy(out->time, time, 19);
    out->time[19] = '\0';
    out->time[4] = out->time[7] = ':';
    out->time[10] = ' ';
    out->has_time = true;
    out->has_zone = zone && zone_minutes(zone, &out->zone_minutes);
}

/* Printable ASCII of s without blanks at the ends; other bytes become '?' (the result goes into JSON and CSV). */
static void clean(char out[FIELD_MAX], const char *s)
{
    size_t n = 0;
    while (*s == ' ')
        s++;
    for (; *s && n + 1 < FIELD_MAX; s++)
        out[n++] = *s >= ' ' && *s <= '~' ? *s : '?';
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

void urs_exif_set_camera(urs_exif *out, const char *make, const char *model)
{
    char a[FIELD_MAX] = "", b[FIELD_MAX] = "";
    size_t n;
    if (make)
        clean(a, make);
    if (model)
        clean(b, model);
    n = strlen(a);
    memset(out->camera, 0, sizeof out->camera);
    if (n > 0 && strncmp(a, b, n) != 0) { /* many models repeat the make: say it once */
        memcpy(out->camera, a, n);
        if (b[0] != '\0' && n + 1 < sizeof out->camera)
            out->camera[n++] = ' ';
    } else {
        n = 0;
    }
    for (size_t i = 0; b[i] != '\0' && n + 1 < sizeof out->camera; i++)
        out->camera[n++] = b[i];
}

/* A TIFF structure of at most EXIF_SIZE_MAX bytes; every access is checked against `size`. */
typedef struct tiff_view {
    const uint8_t *data; /* borrowed */
    size_t size;
    bool big_endian;
} tiff_view;

typedef struct entry {
    uint32_t type, count;
    const uint8_t *value; /* borrowed; `bytes` of it are inside the block */
    size_t bytes;
} entry;

/* 0 where there are no such bytes: no field that is read has the meaning 0. */
static uint32_t number(const tiff_view *t, size_t at, size_t bytes)
{
    uint32_t v = 0;
    if (at > t->size || bytes > t->size - at)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint32_t)t->data[at + i] << 8 * (t->big_endian ? bytes - 1 - i : i);
    return v;
}

/* The entry of `tag` in the folder at `folder` (0: there is no such folder), with its value inside the block. */
static bool find_entry(entry *out, const tiff_view *t, size_t folder, uint32_t tag)
{
    static const uint8_t width_of[] = {0, 1, 1, 2, 4, 8};
    const uint32_t n = folder ? number(t, folder, 2) : 0;
    for (uint32_t i = 0; i < n; i++) {
        const size_t at = folder + 2 + (size_t)i * ENTRY_SIZE;
        size_t from = at + 8, bytes;
        if (at + ENTRY_SIZE > t->size)
            return false;
        if (number(t, at, 2) != tag)
            continue;
        *out = (entry){.type = number(t, at + 2, 2), .count = number(t, at + 4, 4)};
        if (out->type == 0 || out->type >= sizeof width_of || out->count > EXIF_SIZE_MAX)
            return false;
        bytes = out->count * (size_t)width_of[out->type];
        if (bytes > 4)
            from = number(t, at + 8, 4);
        if (from > t->size || bytes > t->size - from)
            return false;
        out->value = t->data + from;
        out->bytes = bytes;
        return true;
    }
    return false;
}

/* Text of a field in out, zero-terminated; false if it is absent or not text. */
static bool field(char out[FIELD_MAX], const tiff_view *t, size_t folder, uint32_t tag)
{
    entry e;
    size_t n;
    if (!find_entry(&e, t, folder, tag) || e.type != TYPE_ASCII || e.bytes == 0)
        return false;
    n = e.bytes < FIELD_MAX - 1 ? e.bytes : FIELD_MAX - 1;
    memcpy(out, e.value, n);
    out[n] = '\0';
    return true;
}

static void read_time(urs_exif *out, const tiff_view *t, size_t folder, uint32_t time_tag, size_t zone_folder, uint32_t zone_tag)
{
    char time[FIELD_MAX], zone[FIELD_MAX];
    if (!out->has_time && field(time, t, folder, time_tag))
        urs_exif_set_time(out, time, field(zone, t, zone_folder, zone_tag) ? zone : NULL);
}

void urs_exif_parse(urs_exif *out, const uint8_t *data, size_t size)
{
    char make[FIELD_MAX], model[FIELD_MAX];
    bool has_make, has_model;
    size_t main_folder, exif_folder = 0;
    tiff_view t;
    entry e;

    if (size > EXIF_SIZE_MAX)
        return;
    if (size >= sizeof exif_mark && memcmp(data, exif_mark, sizeof exif_mark) == 0) { /* PNG leaves the mark out */
        data += sizeof exif_mark;
        size -= sizeof exif_mark;
    }
    if (size < 8 || (memcmp(data, "II", 2) != 0 && memcmp(data, "MM", 2) != 0))
        return;
    t = (tiff_view){.data = data, .size = size, .big_endian = data[0] == 'M'};
    if (number(&t, 2, 2) != 42)
        return;
    main_folder = number(&t, 4, 4);
    if (find_entry(&e, &t, main_folder, TAG_EXIF_FOLDER) && e.type == TYPE_LONG && e.count == 1)
        exif_folder = number(&t, (size_t)(e.value - data), 4);

    if (find_entry(&e, &t, main_folder, TAG_ORIENTATION) && e.type == TYPE_SHORT && e.count >= 1) {
        const uint32_t value = number(&t, (size_t)(e.value - data), 2);
        if (value >= 1 && value <= 8)
            out->orientation = (int32_t)value;
    }
    read_time(out, &t, exif_folder, TAG_TIME_ORIGINAL, exif_folder, TAG_ZONE_ORIGINAL);
    read_time(out, &t, main_folder, TAG_TIME, exif_folder, TAG_ZONE);
    has_make = field(make, &t, main_folder, TAG_MAKE);
    has_model = field(model, &t, main_folder, TAG_MODEL);
    if (has_make || has_model)
        urs_exif_set_camera(out, has_make ? make : NULL, has_model ? model : NULL);
}
