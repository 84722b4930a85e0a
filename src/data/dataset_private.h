/* What the readers of src/data share; not for other rooms. */
#ifndef URS_DATA_DATASET_PRIVATE_H
#define URS_DATA_DATASET_PRIVATE_H

#include "data/dataset.h"

/* Appends a copy of head (its polygon moves to the sample). `name` is for messages. */
urs_status urs_data_add_head(urs_sample *sample, const urs_head *head, const char *name, urs_error *err) URS_CHECKED;
/* Index of prefix + name in the table of individuals. */
urs_status urs_data_individual(urs_dataset *dataset, const char *prefix, const char *name, int32_t *index, urs_error *err) URS_CHECKED;
/* train, val, valid, validation, test, in any case; URS_PART_NONE for other words. */
urs_part urs_data_part_of(const char *name);

urs_status urs_data_read_folders(urs_dataset *out, const char *path, const char *prefix, urs_error *err) URS_CHECKED;
urs_status urs_data_read_yolo(urs_dataset *out, const char *path, urs_error *err) URS_CHECKED;
urs_status urs_data_read_heads(urs_dataset *out, const char *path, urs_error *err) URS_CHECKED;

#endif
