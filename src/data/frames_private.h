/* Between the building of the frame list and the making of its pictures; not for other rooms. */
#ifndef URS_DATA_FRAMES_PRIVATE_H
#define URS_DATA_FRAMES_PRIVATE_H

#include "data/frames.h"

/* The largest of the four strips of the picture (left, right, above, below) that hold nothing of the animals or their heads; false if all are smaller than
 * a fifth of the picture's side. */
bool urs_frames_free_strip(urs_box *out, const urs_scene *scene, urs_random *random);

/* Picture of a generated item (crops, paste, mix, decoy). */
urs_status urs_frames_generate(urs_image *out, const urs_frames *frames, urs_frame_source source, urs_random *random, urs_error *err) URS_CHECKED;

#endif
