#include "compute/kernel.h"

#include <string.h>

#ifndef URS_HAVE_ONEDNN
const urs_backend *urs_backend_onednn(void)
{
    return NULL;
}
#endif

urs_status urs_backend_find(const urs_backend **out, const char *name, urs_error *err)
{
    const urs_backend *onednn = urs_backend_onednn();
    if (!name || !*name)
        *out = onednn ? onednn : urs_backend_ref();
    else if (strcmp(name, "ref") == 0)
        *out = urs_backend_ref();
    else if (strcmp(name, "onednn") != 0)
        return urs_fail(err, URS_ENOTFOUND, "there is no backend \"%s\": it is ref or onednn", name);
    else if (!onednn)
        return urs_fail(err, URS_EUNSUPPORTED, "this program was built without the backend onednn");
    else
        *out = onednn;
    return URS_OK;
}
