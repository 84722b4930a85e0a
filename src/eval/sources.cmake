target_sources(ursid_lib PRIVATE
    src/eval/calibration_curve.c
    src/eval/chain_score.c
    src/eval/chain_score_text.c
    src/eval/class_measure.c
    src/eval/classification.c
    src/eval/detection_ap.c
    src/eval/enrol_split.c
    src/eval/grouping.c
    src/eval/interval.c
    src/eval/openset.c
    src/eval/pairs.c
    src/eval/plots.c
    src/eval/ranking.c
    src/eval/rerank.c
    src/eval/retrieval.c
    src/eval/risk.c
    src/eval/table.c)
