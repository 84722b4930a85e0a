/* Interruption by the user: the first SIGINT or SIGTERM asks the run to stop after the file it is at, the second ends the process at once.
 *
 *      running --SIGINT/SIGTERM--> asked to stop --SIGINT/SIGTERM--> killed by the signal (default action)
 *
 * The flag is the one writable variable of the program that belongs to no object: a signal handler has nothing else that it may touch. */
#ifndef URS_CLI_CANCEL_H
#define URS_CLI_CANCEL_H

#include <stdbool.h>

/* Installs the handlers; called once by a command that can be resumed, before its threads start. */
void urs_cancel_install(void);

/* True from the first signal on. May be asked from any thread. */
bool urs_cancel_asked(void);

#endif
