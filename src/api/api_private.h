/* Inside the public API only: include/ursid.h over the rooms. Names that start with ursid_ are public, those with urs_ are ours. */
#ifndef URS_API_API_PRIVATE_H
#define URS_API_API_PRIVATE_H

#include "catalogue/head_facts.h"
#include "catalogue/identify.h"
#include "stages/chain.h"

#include <ursid.h>

struct ursid_chain {
    urs_chain *chain;             /* owned */
    urs_catalogue_model model;    /* borrowed from the chain; fingerprint "" without embed */
    urs_calibration calibration;  /* owned */
    urs_verdict_options verdict;
};

/* Copies an error out and returns its code. err may be NULL. */
ursid_status urs_api_fail(ursid_error *err, const urs_error *why);
/* Sets it. */
ursid_status urs_api_refuse(ursid_error *err, ursid_status code, const char *format, ...) URS_PRINTF(3, 4);

#endif
