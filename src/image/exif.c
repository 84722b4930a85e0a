/* EXIF through libexif: orientation, time, zone, camera. See codec.h.
 *
 * Cameras write nonsense into these fields often (zeros, spaces, dates without a clock set); a field that does not read as what it should be is left out. */
#include "base/memory.h"
#include "image/codec.h"

#include <libexif/exif-data.h>
#include <string.h>

#define EXIF_SIZE_MAX 65536 /* an APP1 segment cannot be longer */
#define FIELD_MAX 64

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

/* Text of a field in out, zero-terminated; false if it is absent or not text. */
static bool field(char out[FIELD_MAX], ExifData *data, ExifIfd ifd, ExifTag tag)
{
    const ExifEntry *e = exif_content_get_entry(data->ifd[ifd], tag);
    size_t n;
    if (!e || e->format != EXIF_FORMAT_ASCII || !e->data || e->size == 0)
        return false;
    n = e->size < FIELD_MAX - 1 ? e->size : FIELD_MAX - 1;
    memcpy(out, e->data, n);
    out[n] = '\0';
    return true;
}

static void read_time(urs_exif *out, ExifData *data, ExifIfd ifd, ExifTag time_tag, ExifTag zone_tag)
{
    char time[FIELD_MAX], zone[FIELD_MAX];
    if (!out->has_time && field(time, data, ifd, time_tag))
        urs_exif_set_time(out, time, field(zone, data, EXIF_IFD_EXIF, zone_tag) ? zone : NULL);
}

void urs_exif_parse(urs_exif *out, const uint8_t *data, size_t size)
{
    ExifData *exif;
    const ExifEntry *orientation;
    char make[FIELD_MAX], model[FIELD_MAX];
    bool has_make, has_model;
    uint8_t *block;
    const bool marked = size >= sizeof exif_mark && memcmp(data, exif_mark, sizeof exif_mark) == 0;
    const size_t lead = marked ? 0 : sizeof exif_mark;

    if (size < 8 || size > EXIF_SIZE_MAX)
        return;
    block = urs_array_new(size + lead, 1); /* libexif wants the mark in front, which PNG leaves out */
    exif = exif_data_new();
    if (!exif || !block)
        goto done;
    memcpy(block, exif_mark, lead);
    memcpy(block + lead, data, size);
    exif_data_unset_option(exif, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION); /* do not invent fields that are missing */
    exif_data_load_data(exif, block, (unsigned int)(size + lead));

    orientation = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    if (orientation && orientation->format == EXIF_FORMAT_SHORT && orientation->size >= 2 && orientation->data) {
        const int32_t value = exif_get_short(orientation->data, exif_data_get_byte_order(exif));
        if (value >= 1 && value <= 8)
            out->orientation = value;
    }
    read_time(out, exif, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, EXIF_TAG_OFFSET_TIME_ORIGINAL);
    read_time(out, exif, EXIF_IFD_0, EXIF_TAG_DATE_TIME, EXIF_TAG_OFFSET_TIME);
    has_make = field(make, exif, EXIF_IFD_0, EXIF_TAG_MAKE);
    has_model = field(model, exif, EXIF_IFD_0, EXIF_TAG_MODEL);
    if (has_make || has_model)
        urs_exif_set_camera(out, has_make ? make : NULL, has_model ? model : NULL);
done:
    if (exif)
        exif_data_unref(exif);
    urs_free(block);
}
