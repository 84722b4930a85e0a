target_sources(ursid_lib PRIVATE
    src/models/convnext.c
    src/models/efficientnet_lite.c
    src/models/efficientnet_v2.c
    src/models/import.c
    src/models/import_norm.c
    src/models/import_tflite.c
    src/models/import_keras.c
    src/models/import_timm.c
    src/models/mobilenet_v3.c
    src/models/options_json.c
    src/models/parts.c
    src/models/registry.c
    src/models/resnet.c
    src/models/swin.c
    src/models/yolov8.c)
