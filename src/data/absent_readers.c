/* What the readers of data sets say that this program was built without. Each #ifndef belongs to one line of the table of options in CMakeLists.txt. */
#include "data/dataset_private.h"

#ifndef URS_HAVE_EXPAT
urs_status urs_dataset_parse_imglab(urs_dataset *out, const char *data, size_t size, const char *name, const char *folder, const char *prefix, urs_error *err)
{
    (void)out, (void)data, (void)size, (void)folder, (void)prefix;
    return urs_fail(err, URS_EUNSUPPORTED, "'%s' is an imglab file, and this program was built without expat, which reads XML", name);
}
#endif

#ifndef URS_HAVE_YAML
urs_status urs_yolo_config_parse(urs_yolo_config *out, const char *data, size_t size, const char *name, urs_error *err)
{
    (void)out, (void)data, (void)size;
    return urs_fail(err, URS_EUNSUPPORTED, "'%s' describes a YOLO data set, and this program was built without libyaml", name);
}

void urs_yolo_config_release(urs_yolo_config *config)
{
    *config = (urs_yolo_config){0};
}

urs_status urs_yolo_labels_parse(urs_sample *sample, const char *data, size_t size, int32_t class_count, const char *name, urs_error *err)
{
    (void)sample, (void)data, (void)size, (void)class_count;
    return urs_fail(err, URS_EUNSUPPORTED, "'%s' belongs to a YOLO data set, and this program was built without libyaml", name);
}

urs_status urs_data_read_yolo(urs_dataset *out, const char *path, urs_error *err)
{
    (void)out;
    return urs_fail(err, URS_EUNSUPPORTED, "'%s' is a YOLO data set, and this program was built without libyaml", path);
}
#endif
