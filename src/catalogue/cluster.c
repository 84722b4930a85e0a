/* Clustering by nearest-neighbour chains; see cluster.h.
 *
 * similarity[j*(j-1)/2 + i], i < j, is the mean (or highest, or lowest) cosine between two groups, -infinity where a frame holds a head of both. Joining a and b keeps the
 * number of b and marks a as gone. Mean, highest and lowest (and "never") are reducible, so that a chain never has to be built again. */
#include "catalogue/cluster.h"

#include "base/disjoint.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdbool.h>

typedef struct clustering {
    size_t n;
    urs_linkage linkage;
    float *similarity; /* owned [n*(n-1)/2] */
    size_t *size;      /* owned [n]: chips in the group, 0: gone */
    size_t *chain;     /* owned [n] */
    size_t *parent;    /* owned [n]: union-find over chips, for joins at or above the threshold */
} clustering;

static float *between(clustering *k, size_t a, size_t b)
{
    return a < b ? &k->similarity[b * (b - 1) / 2 + a] : &k->similarity[a * (a - 1) / 2 + b];
}

static void fill(clustering *k, const float *embeddings, int32_t dim, const int64_t *frame)
{
    for (size_t j = 1; j < k->n; j++) {
        float *row = &k->similarity[j * (j - 1) / 2];
        urs_dot_rows(embeddings, j, dim, embeddings + j * (size_t)dim, row);
        for (size_t i = 0; frame && i < j; i++)
            if (frame[i] >= 0 && frame[i] == frame[j])
                row[i] = -INFINITY;
    }
}

/* Nearest live group of `a`; the chain's previous element wins ties, which is what makes the method end. */
static size_t nearest(clustering *k, size_t a, size_t previous, float *similarity)
{
    size_t best = previous;
    float top = previous < k->n ? *between(k, a, previous) : -INFINITY;
    for (size_t j = 0; j < k->n; j++) {
        if (j == a || !k->size[j])
            continue;
        const float s = *between(k, a, j);
        if (best >= k->n || s > top) {
            top = s;
            best = j;
        }
    }
    *similarity = top;
    return best;
}

static void join(clustering *k, size_t a, size_t b)
{
    const double na = (double)k->size[a], nb = (double)k->size[b];
    for (size_t j = 0; j < k->n; j++) {
        if (j == a || j == b || !k->size[j])
            continue;
        const double sa = (double)*between(k, a, j), sb = (double)*between(k, b, j);
        if (isinf(sa) || isinf(sb))
            *between(k, b, j) = -INFINITY;
        else
            *between(k, b, j) = (float)(k->linkage == URS_LINKAGE_SINGLE ? fmax(sa, sb) : k->linkage == URS_LINKAGE_COMPLETE ? fmin(sa, sb) : (na * sa + nb * sb) / (na + nb));
    }
    k->size[b] += k->size[a];
    k->size[a] = 0;
}

/* Joins everything that is at or above the threshold. A group whose nearest neighbour is below it can never grow again (similarities only fall), so it is set aside. */
static void run(clustering *k, const urs_calibration *cal, double threshold)
{
    size_t length = 0;
    size_t next = 0;
    for (;;) {
        float similarity;
        size_t top, near;
        if (length == 0) {
            while (next < k->n && !k->size[next])
                next++;
            if (next >= k->n)
                return;
            k->chain[length++] = next;
        }
        top = k->chain[length - 1];
        near = nearest(k, top, length > 1 ? k->chain[length - 2] : k->n, &similarity);
        if (near >= k->n)
            return; /* one group is left */
        if (isinf(similarity) || urs_calibration_probability(cal, (double)similarity) < threshold) {
            k->size[top] = 0; /* finished; its chips stay together through `parent` */
            length = 0;
        } else if (length > 1 && near == k->chain[length - 2]) {
            urs_disjoint_join(k->parent, top, near);
            join(k, top, near);
            length -= 2;
        } else {
            k->chain[length++] = near;
        }
    }
}

urs_status urs_cluster_chips(size_t *label, size_t *groups, const float *embeddings, size_t n, int32_t dim, const urs_calibration *cal,
                             const urs_cluster_options *options, urs_error *err)
{
    static const urs_calibration none = {0};
    const double threshold = options && options->threshold != 0 ? options->threshold : 0.5;
    clustering k = {.n = n, .linkage = options ? options->linkage : URS_LINKAGE_AVERAGE};
    size_t count = 0;
    urs_status status = URS_OK;

    if (n > URS_CLUSTER_CHIPS_MAX)
        return urs_fail(err, URS_ELIMIT, "%zu chips are too many to group at once (at most %d)", n, URS_CLUSTER_CHIPS_MAX);
    if (n == 0) {
        *groups = 0;
        return URS_OK;
    }
    k.similarity = urs_array_new(n * (n - 1) / 2, sizeof *k.similarity);
    k.size = urs_array_new(n, sizeof *k.size);
    k.chain = urs_array_new(n, sizeof *k.chain);
    k.parent = urs_array_new(n, sizeof *k.parent);
    if (!k.similarity || !k.size || !k.chain || !k.parent) {
        status = urs_fail(err, URS_ENOMEM, "no memory to group %zu chips", n);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        k.size[i] = 1;
        k.parent[i] = i;
    }
    fill(&k, embeddings, dim, options ? options->frame : NULL);
    run(&k, cal ? cal : &none, threshold);
    for (size_t i = 0; i < n; i++)
        label[i] = n; /* not numbered */
    for (size_t i = 0; i < n; i++)
        k.chain[i] = n; /* number of the group with this root */
    for (size_t i = 0; i < n; i++) {
        const size_t root = urs_disjoint_root(k.parent, i);
        if (k.chain[root] == n)
            k.chain[root] = count++;
        label[i] = k.chain[root];
    }
    *groups = count;
done:
    urs_free(k.similarity);
    urs_free(k.size);
    urs_free(k.chain);
    urs_free(k.parent);
    return status;
}
