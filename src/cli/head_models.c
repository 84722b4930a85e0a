/* Networks of the commands that deal in heads; see head_models.h. */
#include "cli/head_models.h"

#include "base/memory.h"

urs_status urs_head_models_open(urs_head_models *out, const urs_head_arguments *a, const urs_chain_options *base, urs_error *err)
{
    urs_head_models m = {0};
    urs_chain_options options = *base;
    urs_status status = URS_OK;
    if (!a->chips_in && !a->no_sift)
        status = urs_engine_model_path(&m.sift, "sift", a->sift, &a->engine, err);
    if (status == URS_OK && !a->chips_in)
        status = urs_engine_model_path(&m.find, "find", a->find, &a->engine, err);
    if (status == URS_OK)
        status = urs_engine_model_path(&m.embed, "embed", a->embed, &a->engine, err);
    if (status == URS_OK) {
        options.sift = m.sift;
        options.find = m.find;
        options.embed = m.embed;
        options.chips_in = a->chips_in;
        urs_engine_choose(&options, &a->engine);
        options.find_options.score = (float)a->score;
        status = urs_chain_open(&m.chain, &options, err);
    }
    if (status == URS_OK) {
        const urs_network *network = urs_chain_network(m.chain, "embed");
        m.model = (urs_catalogue_model){.fingerprint = network->fingerprint, .name = network->options.arch, .dim = urs_chain_dim(m.chain)};
        status = urs_head_calibration(&m.calibration, &m.verdict, &m.calibrated, network, err);
    }
    if (status == URS_OK)
        *out = m;
    else
        urs_head_models_close(&m);
    return status;
}

void urs_head_models_close(urs_head_models *m)
{
    urs_chain_free(m->chain);
    urs_calibration_release(&m->calibration);
    urs_free(m->sift);
    urs_free(m->find);
    urs_free(m->embed);
    *m = (urs_head_models){0};
}

void urs_head_models_describe(const urs_head_models *m, urs_text *out)
{
    static const char *const stages[] = {"sift", "find", "embed"};
    const char *const paths[] = {m->sift, m->find, m->embed};
    const char *between = "";
    for (size_t i = 0; i < URS_COUNT(stages); i++) {
        const urs_network *network = urs_chain_network(m->chain, stages[i]);
        if (!network || !paths[i])
            continue;
        urs_text_format(out, "%s%s %.12s (%s)", between, stages[i], network->fingerprint, urs_path_base(paths[i]));
        between = ", ";
    }
}
