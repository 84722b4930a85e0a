/* --engine; see engine_option.h. */
#include "cli/engine_option.h"

#include "base/memory.h"
#include "stages/model_path.h"

#include <stdio.h>

static void on_say(void *context, bool warning, const char *text)
{
    const urs_engine_choice *c = context;
    if (warning || (c->command && !c->quiet))
        (void)fprintf(stderr, "ursid%s%s: %s%s\n", c->command ? " " : "", c->command ? c->command : "", warning ? "warning: " : "", text);
}

static urs_engine engine_of(const urs_engine_choice *c)
{
    urs_engine engine = URS_ENGINE_AUTO;
    (void)urs_engine_find(&engine, c->word); /* the option's table knows no other words */
    return engine;
}

static urs_status on_opened(void *context, urs_network *network, const char *path, urs_error *err)
{
    const urs_engine_options o = {.engine = engine_of(context), .say = on_say, .context = context};
    return urs_engine_attach(network, path, &o, err);
}

void urs_engine_choose(urs_chain_options *options, const urs_engine_choice *choice)
{
    options->opened = on_opened;
    options->opened_context = (void *)(uintptr_t)choice; /* only read */
}

static bool prefers_int8(urs_engine engine)
{
#ifdef URS_HAVE_ONEDNN
    return engine == URS_ENGINE_AUTO && urs_engine_npu_is_here();
#else
    return engine == URS_ENGINE_AUTO;
#endif
}

urs_status urs_engine_model_path(char **out, const char *stage, const char *given, const urs_engine_choice *choice, urs_error *err)
{
    const urs_engine engine = engine_of(choice);
    char name[32];
    (void)snprintf(name, sizeof name, "%s.tflite", stage);
    if (given || engine == URS_ENGINE_FLOAT)
        return urs_model_path(out, stage, given, err);
    if (prefers_int8(engine))
        return urs_model_path(out, name, NULL, NULL) == URS_OK ? URS_OK : urs_model_path(out, stage, NULL, err);
    return urs_model_path(out, engine == URS_ENGINE_AUTO ? stage : name, NULL, err);
}
