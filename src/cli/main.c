/* The program: hands over to the command table. */
#include "cli/command.h"

int main(int argc, char **argv)
{
    return urs_cli_main(argc, argv);
}
