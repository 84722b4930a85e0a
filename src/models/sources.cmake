target_sources(ursid_lib PRIVATE
    src/models/convnext.c
    src/models/efficientnet_lite.c
    src/models/mobilenet_v3.c
    src/models/options_json.c
    src/models/parts.c
    src/models/registry.c
    src/models/yolov8.c)
