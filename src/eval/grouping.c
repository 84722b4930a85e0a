/* Agreement of a grouping with the truth; see grouping.h. */
#include "eval/grouping.h"

#include <math.h>
#include <stdbool.h>

urs_grouping_score urs_grouping_evaluate(const size_t *label, const int64_t *identity, size_t n)
{
    urs_grouping_score s = {.items = n};
    double pairs = 0, expected, most;
    for (size_t j = 0; j < n; j++) {
        bool new_group = true, new_identity = true;
        for (size_t i = 0; i < j; i++) {
            const bool joined = label[i] == label[j], same = identity[i] == identity[j];
            s.joined += joined;
            s.same += same;
            s.right += joined && same;
            new_group = new_group && !joined;
            new_identity = new_identity && !same;
        }
        pairs += (double)j;
        s.groups += new_group;
        s.identities += new_identity;
    }
    expected = pairs > 0 ? (double)s.joined * (double)s.same / pairs : 0;
    most = 0.5 * ((double)s.joined + (double)s.same);
    s.rand = most > expected ? ((double)s.right - expected) / (most - expected) : 1; /* all alone or all together on both sides */
    s.precision = s.joined ? (double)s.right / (double)s.joined : NAN;
    s.recall = s.same ? (double)s.right / (double)s.same : NAN;
    return s;
}
