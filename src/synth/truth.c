/* Ground truth on disk; see truth.h. */
#include "synth/truth.h"

#include "base/file.h"
#include "image/decode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EYES_Y 0.48
#define EYES_X 0.38
#define CHIP_TURN_MAX 0.7 /* radians; eyes further out of level than this are those of a head in profile */

void urs_truth_individual(char name[24], int individual)
{
    (void)snprintf(name, 24, "bear_%02d", individual + 1);
}

const char *urs_truth_label(const urs_synth_frame *frame)
{
    return frame->bears ? "bear" : frame->others ? "animal" : "empty";
}

static void add_point(urs_text *t, const char *key, bool seen, urs_point p)
{
    if (seen)
        urs_text_format(t, ", \"%s\": [%.1f, %.1f]", key, (double)p.x, (double)p.y);
}

static urs_status write_text(const urs_truth_name *name, const char *sub, const char *extension, urs_text *text, urs_error *err)
{
    urs_text path = {0};
    urs_status status;
    urs_text_format(&path, "%s/%s/%s.%s", name->folder, sub, name->stem, extension);
    if (urs_text_ok(&path) && urs_text_ok(text))
        status = urs_file_write(urs_text_string(&path), urs_text_string(text), text->length, err);
    else
        status = urs_fail(err, URS_ENOMEM, "no memory for the labels of %s", name->stem);
    urs_text_release(&path);
    return status;
}

static urs_status write_map(const urs_truth_name *name, const char *sub, const urs_image *map, urs_error *err)
{
    urs_text path = {0};
    urs_bytes png = {0};
    urs_status status = urs_png_encode(&png, map, err);
    urs_text_format(&path, "%s/%s/%s.png", name->folder, sub, name->stem);
    if (status == URS_OK && !urs_text_ok(&path))
        status = urs_fail(err, URS_ENOMEM, "no memory for a path");
    if (status == URS_OK)
        status = urs_file_write(urs_text_string(&path), png.data, png.size, err);
    urs_bytes_release(&png);
    urs_text_release(&path);
    return status;
}

urs_status urs_truth_write(const urs_truth_name *name, const urs_synth_frame *frame, urs_error *err)
{
    urs_text json = {0}, yolo = {0};
    const double w = frame->picture.width, h = frame->picture.height;
    urs_status status;
    urs_text_format(&json, "{\"file\": \"images/%s.jpg\", \"width\": %d, \"height\": %d, \"heads\": [", name->stem, (int)frame->picture.width, (int)frame->picture.height);
    for (int i = 0; i < frame->head_count; i++) {
        const urs_synth_head *head = &frame->head[i];
        char individual[24];
        urs_truth_individual(individual, head->individual);
        urs_text_format(&json, "%s{\"box\": [%.1f, %.1f, %.1f, %.1f], \"mask\": %d", i ? ", " : "", (double)head->box.x1, (double)head->box.y1, (double)head->box.x2,
                        (double)head->box.y2, i + 1);
        add_point(&json, "left_eye", head->eye_seen[0], head->eye[0]);
        add_point(&json, "right_eye", head->eye_seen[1], head->eye[1]);
        add_point(&json, "nose", head->nose_seen, head->nose);
        urs_text_format(&json, ", \"individual\": \"%s\"}", individual);
        urs_text_format(&yolo, "0 %.6f %.6f %.6f %.6f\n", (double)(head->box.x1 + head->box.x2) / 2 / w, (double)(head->box.y1 + head->box.y2) / 2 / h,
                        (double)(head->box.x2 - head->box.x1) / w, (double)(head->box.y2 - head->box.y1) / h);
    }
    urs_text_add(&json, "]}\n");
    status = write_text(name, "labels", "json", &json, err);
    if (status == URS_OK && frame->head_count)
        status = write_text(name, "labels", "txt", &yolo, err);
    if (status == URS_OK && frame->head_count)
        status = write_map(name, "masks", &frame->heads, err);
    if (status == URS_OK && frame->bears)
        status = write_map(name, "bodies", &frame->bodies, err);
    urs_text_release(&json);
    urs_text_release(&yolo);
    return status;
}

void urs_truth_row(urs_text *manifest, const urs_truth_name *name, const urs_synth_frame *frame, const urs_event *event, int frame_number)
{
    const urs_civil_time t = urs_civil_from_seconds(event->start + frame_number);
    char individual[24] = "";
    if (frame->bears == 1)
        for (int i = 0; i < event->actor_count; i++)
            if (event->actors[i].species == URS_SPECIES_BEAR && (event->actor_count == 1 || (frame->head_count == 1 && frame->head[0].individual == event->actors[i].individual)))
                urs_truth_individual(individual, event->actors[i].individual);
    urs_text_format(manifest, "images/%s.jpg,%s,%s,%d,%04d-%02d-%02d,%02d:%02d:%02d,%s_%04d,%s\n", name->stem, urs_truth_label(frame), name->camera, event->infrared, t.year, t.month,
                    t.day, t.hour, t.minute, t.second, name->camera, event->number, individual);
}

urs_status urs_truth_chip(urs_image *out, const urs_synth_frame *frame, int head, int32_t side, urs_error *err)
{
    const urs_synth_head *h = &frame->head[head];
    const double dx = (double)(h->eye[1].x - h->eye[0].x), dy = (double)(h->eye[1].y - h->eye[0].y), apart = sqrt(dx * dx + dy * dy);
    const double box_side = fmax((double)(h->box.x2 - h->box.x1), (double)(h->box.y2 - h->box.y1));
    urs_image cut = {0};
    double m[6];
    urs_status status = urs_image_copy(&cut, &frame->picture, err);
    if (status != URS_OK)
        return status;
    for (size_t i = 0; i < (size_t)cut.width * (size_t)cut.height; i++)
        if (frame->heads.data[i] != head + 1)
            memset(cut.data + i * 3, 0, 3);
    if (h->eye_seen[0] && h->eye_seen[1] && apart > 0.18 * box_side && fabs(atan2(dy, dx)) < CHIP_TURN_MAX) {
        const double scale = apart / ((1.0 - 2.0 * EYES_X) * side), c = dx / apart * scale, s = dy / apart * scale;
        m[0] = c, m[1] = -s, m[3] = s, m[4] = c;
        m[2] = (double)(h->eye[0].x + h->eye[1].x) / 2 - c * 0.5 * side + s * EYES_Y * side;
        m[5] = (double)(h->eye[0].y + h->eye[1].y) / 2 - s * 0.5 * side - c * EYES_Y * side;
    } else {
        const double scale = box_side / side;
        m[0] = scale, m[1] = 0.0, m[3] = 0.0, m[4] = scale;
        m[2] = (double)(h->box.x1 + h->box.x2) / 2 - 0.5 * box_side;
        m[5] = (double)(h->box.y1 + h->box.y2) / 2 - 0.5 * box_side;
    }
    status = urs_image_warp(out, &cut, side, side, m, 0, err);
    urs_image_release(&cut);
    return status;
}
