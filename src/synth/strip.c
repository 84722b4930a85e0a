/* The information strip that trap cameras print into the picture, in a few makes; see frame.h. */
#include "synth/frame.h"

#include <stdio.h>
#include <string.h>

static void fill(urs_image *picture, int32_t top, int32_t bottom, uint8_t grey)
{
    for (int32_t y = top < 0 ? 0 : top; y < bottom && y < picture->height; y++)
        memset(urs_image_at(picture, 0, y), grey, (size_t)picture->width * 3);
}

/* Lit part of the moon as a disc with a dark one over it; phase 0 new .. 0.5 full .. 1 new. */
static void draw_moon(urs_image *picture, float x, float y, float radius, int64_t seconds, uint8_t paper)
{
    const double month = 29.530588 * 86400.0, age = (double)seconds - 592500.0; /* a new moon: 1970-01-07 20:35 */
    const double phase = age / month - (double)(int64_t)(age / month);
    const float shift = (float)(phase < 0.5 ? -phase : 1.0 - phase) * 4.0f * radius;
    const urs_colour light = {235, 235, 225}, dark = {paper, paper, paper};
    urs_draw_disc(picture, x, y, radius, light);
    if (phase < 0.47 || phase > 0.53)
        urs_draw_disc(picture, x + shift, y, radius, dark);
}

static void outlined(urs_image *picture, int32_t x, int32_t y, const char *text, int32_t scale)
{
    const urs_colour black = {0, 0, 0}, white = {255, 255, 255};
    for (int32_t d = -1; d <= 1; d += 2) {
        (void)urs_draw_text(picture, x + d, y, text, black, scale);
        (void)urs_draw_text(picture, x, y + d, text, black, scale);
    }
    (void)urs_draw_text(picture, x, y, text, white, scale);
}

static int32_t letter_scale(int32_t width)
{
    return width >= 560 ? width / 560 : 1;
}

void urs_strip_rows(const urs_event *event, int32_t width, int32_t height, int32_t *top, int32_t *bottom)
{
    const int make = event->camera % 4;
    const int32_t bar = 15 * letter_scale(width);
    *top = make == 3 ? bar : 0;
    *bottom = make == 1 ? height : height - bar;
}

void urs_strip_draw(urs_image *picture, const urs_event *event, int frame)
{
    const urs_civil_time t = urs_civil_from_seconds(event->start + frame);
    const int32_t scale = letter_scale(picture->width), letter = 7 * scale, bar = letter + 8 * scale, w = picture->width, h = picture->height;
    const urs_colour white = {240, 240, 240}, yellow = {240, 220, 90}, black = {20, 20, 20};
    const int fahrenheit = event->temperature * 9 / 5 + 32;
    char left[96], middle[48], name[24];
    (void)snprintf(name, sizeof name, "CAM%02d", event->camera + 1);
    switch (event->camera % 4) {
    case 0: /* black bar below */
        fill(picture, h - bar, h, 8);
        (void)snprintf(left, sizeof left, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour, t.minute, t.second);
        (void)snprintf(middle, sizeof middle, "%dC %dF", event->temperature, fahrenheit);
        (void)urs_draw_text(picture, 4 * scale, h - bar + 4 * scale, left, white, scale);
        (void)urs_draw_text(picture, w / 2 - 10 * scale, h - bar + 4 * scale, middle, white, scale);
        draw_moon(picture, 0.72f * (float)w, (float)h - 0.5f * (float)bar, 3.6f * (float)scale, event->start, 8);
        (void)urs_draw_text(picture, w - 42 * scale, h - bar + 4 * scale, name, yellow, scale);
        break;
    case 1: /* letters on the picture */
        (void)snprintf(left, sizeof left, "%02d/%02d/%04d  %02d:%02d:%02d   %dF  %s", t.month, t.day, t.year, t.hour, t.minute, t.second, fahrenheit, name);
        outlined(picture, 5 * scale, h - letter - 5 * scale, left, scale);
        break;
    case 2: /* light bar below */
        fill(picture, h - bar, h, 205);
        (void)snprintf(left, sizeof left, "%s   %02d.%02d.%04d   %02d:%02d:%02d", name, t.day, t.month, t.year, t.hour, t.minute, t.second);
        (void)snprintf(middle, sizeof middle, "%d/%d   %dC", frame + 1, event->frames, event->temperature);
        (void)urs_draw_text(picture, 5 * scale, h - bar + 4 * scale, left, black, scale);
        (void)urs_draw_text(picture, w - 80 * scale, h - bar + 4 * scale, middle, black, scale);
        break;
    default: /* black bars above and below */
        fill(picture, 0, bar, 5);
        fill(picture, h - bar, h, 5);
        (void)snprintf(left, sizeof left, "%04d/%02d/%02d %02d:%02d:%02d M %d/%d", t.year, t.month, t.day, t.hour, t.minute, t.second, frame + 1, event->frames);
        (void)snprintf(middle, sizeof middle, "%dC", event->temperature);
        (void)urs_draw_text(picture, 4 * scale, 4 * scale, left, white, scale);
        (void)urs_draw_text(picture, w - 30 * scale, 4 * scale, middle, white, scale);
        (void)urs_draw_text(picture, 4 * scale, h - bar + 4 * scale, name, white, scale);
        draw_moon(picture, (float)w - 10.0f * (float)scale, (float)h - 0.5f * (float)bar, 3.6f * (float)scale, event->start, 5);
        break;
    }
}
