/* Interruption; see cancel.h. */
#include "cli/cancel.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t asked;

static void on_signal(int number)
{
    static const char words[] = "\nstopping after the current file; once more to stop at once\n";
    (void)number; /* SA_RESETHAND has put the default action back: the next signal kills */
    asked = 1;
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
        return; /* nobody reads stderr; the flag is set all the same */
}

void urs_cancel_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; /* no SA_RESTART: a blocking read gives way */
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool urs_cancel_asked(void)
{
    return asked != 0;
}
