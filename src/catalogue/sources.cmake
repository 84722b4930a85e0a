target_sources(ursid_lib PRIVATE
    src/catalogue/calibration.c
    src/catalogue/catalogue.c
    src/catalogue/cluster.c
    src/catalogue/decide.c
    src/catalogue/event_heads.c
    src/catalogue/events.c
    src/catalogue/group_fit.c
    src/catalogue/head_facts.c
    src/catalogue/head_store.c
    src/catalogue/identify.c
    src/catalogue/identify_fit.c
    src/catalogue/listing.c
    src/catalogue/schema.c
    src/catalogue/search.c
    src/catalogue/store.c
    src/catalogue/verdict.c)
