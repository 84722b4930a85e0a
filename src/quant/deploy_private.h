/* Private to src/quant: what deploy.c and deploy_build.c share. */
#ifndef URS_QUANT_DEPLOY_PRIVATE_H
#define URS_QUANT_DEPLOY_PRIVATE_H

#include "nn/op.h"
#include "quant/deploy.h"

/* Walks the source and makes d->graph with all lists, or (afterwards) d->watched. The lists have room already. */
urs_status urs_deploy_build_graph(urs_deploy *d, bool watched, urs_error *err) URS_CHECKED;

#endif
