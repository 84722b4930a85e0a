/* who: names the bears in photographs, with nothing but the installed library.
 *
 *      who CATALOGUE PHOTO...                who could it be?
 *      who CATALOGUE --enrol BEAR PHOTO...   the surest head of each photograph is this bear
 *
 * Build: cc who.c $(pkg-config --cflags --libs ursid) -o who        (it is C++ too) */
#include <ursid.h>

#include <stdio.h>
#include <string.h>

#define CANDIDATES 3

typedef struct work {
    ursid_catalogue *catalogue;
    const ursid_chain *chain;
    const char *bear; /* to be enrolled; NULL: ask */
    int failures;
} work;

static bool complain(work *w, const ursid_error *err)
{
    fprintf(stderr, "who: %s\n", err->message);
    w->failures++;
    return true; /* go on with the next photograph */
}

static bool enrol(work *w, const ursid_frame *frame)
{
    ursid_error err;
    bool added = false;
    if (frame->head_count == 0)
        return true;
    if (ursid_catalogue_enrol(w->catalogue, w->chain, w->bear, frame, 0, &added, &err) != URSID_OK)
        return complain(w, &err);
    printf("  %s as %s\n", added ? "enrolled" : "was there already", w->bear);
    return true;
}

static bool ask(work *w, const ursid_head *head)
{
    ursid_identification *who = NULL;
    ursid_error err;
    size_t i;
    if (ursid_catalogue_identify(&who, w->catalogue, w->chain, head->embedding, CANDIDATES, &err) != URSID_OK)
        return complain(w, &err);
    printf("  head at %.0f,%.0f (%.2f): %s", (double)head->box.x1, (double)head->box.y1, (double)head->score, ursid_verdict_name(who->verdict));
    for (i = 0; i < who->count; i++)
        printf("%s %s %.2f (cosine %.3f)", i ? "," : ";", who->candidates[i].bear, who->candidates[i].probability, who->candidates[i].cosine);
    printf("\n");
    ursid_identification_free(who);
    return true;
}

static bool look(void *context, const ursid_frame *frame)
{
    work *w = (work *)context;
    size_t i;
    if (frame->status != URSID_OK) {
        fprintf(stderr, "who: %s\n", frame->message);
        w->failures++;
        return true;
    }
    printf("%s: %d x %d, %zu heads\n", frame->name, (int)frame->width, (int)frame->height, frame->head_count);
    if (w->bear)
        return enrol(w, frame);
    for (i = 0; i < frame->head_count; i++)
        ask(w, &frame->heads[i]);
    return true;
}

int main(int argc, char **argv)
{
    const bool enrolling = argc > 4 && strcmp(argv[2], "--enrol") == 0;
    char **photos = argv + (enrolling ? 4 : 2);
    const int n = argc - (enrolling ? 4 : 2);
    ursid_chain_options options;
    ursid_catalogue_options how;
    ursid_chain *chain = NULL;
    ursid_error err;
    work w;
    int code = 1;

    if (argc < 3) {
        fprintf(stderr, "usage: who CATALOGUE [--enrol BEAR] PHOTO...\n");
        return 2;
    }
    memset(&w, 0, sizeof w);
    memset(&options, 0, sizeof options); /* all defaults, but: */
    memset(&how, 0, sizeof how);
    options.no_sift = true; /* the user says that there are bears */
    how.create = true;
    if (ursid_chain_open(&chain, &options, &err) != URSID_OK)
        goto done;
    if (ursid_catalogue_open(&w.catalogue, argv[1], &how, &err) != URSID_OK)
        goto done;
    w.chain = chain;
    w.bear = enrolling ? argv[3] : NULL;
    if (ursid_chain_files(chain, (const char *const *)photos, (size_t)n, look, &w, &err) != URSID_OK)
        goto done;
    code = w.failures ? 3 : 0;
done:
    if (code == 1)
        fprintf(stderr, "who: %s\n", err.message);
    ursid_catalogue_close(w.catalogue);
    ursid_chain_free(chain);
    return code;
}
