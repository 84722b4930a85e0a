/* Board profiles: any bytes, then the sums over what was read. */
#include "edge/energy.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    urs_board b = {0};
    urs_energy e = {0};
    urs_error err = {0};
    if (urs_board_parse(&b, (const char *)data, size, "fuzz", &err) != URS_OK)
        return 0;
    for (int w = 0; w < URS_WAITS; w++)
        for (int k = 0; k < URS_ENERGY_ENGINES; k++)
            if (urs_energy_of(&e, &b, (urs_energy_wait)w, (urs_energy_engine)k, &err) == URS_OK && !(isfinite(e.day) && e.day >= 0 && e.days >= 0))
                abort();
    return 0;
}
