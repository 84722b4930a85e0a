/* Finding the shipped weights; see model_path.h. */
#include "stages/model_path.h"

#include "base/file.h"
#include "base/memory.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 4096

/* Owned; NULL when the system does not say. */
static char *program_folder(void)
{
    char path[PATH_SIZE];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    return urs_path_folder(path);
}

/* Folder of the shared library that this function is in; owned; NULL when it is in a program, or nobody knows. */
static char *library_folder(void)
{
    static const char here = 0;
    Dl_info info;
    if (!dladdr(&here, &info) || !info.dli_fname || !strstr(urs_path_base(info.dli_fname), ".so"))
        return NULL;
    return urs_path_folder(info.dli_fname);
}

/* Owned path of the weights in `folder/below`, or NULL when there are none (or no memory: then the search ends with the same sentence). */
static char *try_folder(const char *folder, const char *below, const char *name)
{
    char *models = urs_path_join(folder, below), *path = models ? urs_path_join(models, name) : NULL;
    urs_free(models);
    if (path && urs_file_exists(path))
        return path;
    urs_free(path);
    return NULL;
}

urs_status urs_model_path(char **out, const char *stage, const char *given, urs_error *err)
{
    static const char *const places[] = {"models", "../share/ursid/models", "../../models"};
    static const char *const library_places[] = {"../share/ursid/models", "../../share/ursid/models", "../../models"};
    const char *chosen = getenv("URSID_MODELS");
    char name[64], *path = NULL, *program, *library;

    if (given) {
        path = urs_strdup(given);
        if (!path)
            return urs_fail(err, URS_ENOMEM, "no memory for a path");
        *out = path;
        return URS_OK;
    }
    (void)snprintf(name, sizeof name, "%s%s", stage, strchr(stage, '.') ? "" : ".safetensors");
    if (chosen && *chosen) {
        path = try_folder(chosen, ".", name);
        if (!path)
            return urs_fail(err, URS_ENOTFOUND, "there is no '%s' in '%s' (URSID_MODELS); name the weights of %s yourself", name, chosen, stage);
        *out = path;
        return URS_OK;
    }
    program = program_folder();
    for (size_t i = 0; program && !path && i < sizeof places / sizeof places[0]; i++)
        path = try_folder(program, places[i], name);
    library = library_folder();
    for (size_t i = 0; library && !path && i < sizeof library_places / sizeof library_places[0]; i++)
        path = try_folder(library, library_places[i], name);
    urs_free(library);
    if (!path) {
        const urs_status status = urs_fail(err, URS_ENOTFOUND,
                                           "the weights of %s are not found: '%s' is in none of models, ../share/ursid/models and ../../models beside the program (%s); "
                                           "set URSID_MODELS to their folder, or name them yourself",
                                           stage, name, program ? program : "?");
        urs_free(program);
        return status;
    }
    urs_free(program);
    *out = path;
    return URS_OK;
}
