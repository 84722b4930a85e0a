target_sources(ursid_lib PRIVATE
    src/interchange/coco_rle.c
    src/interchange/html_page.c
    src/interchange/journal.c
    src/interchange/json_text.c
    src/interchange/megadetector_check.c
    src/interchange/megadetector_read.c
    src/interchange/megadetector_write.c
    src/interchange/npy.c
    src/interchange/report_frame.c
    src/interchange/report_html.c
    src/interchange/result.c
    src/interchange/result_csv.c)
