/* Runs a command and says how much memory it needed at most.
 *
 *   peak_memory REPORT COMMAND [ARGUMENTS]      REPORT: file that gets one line "peak_kib seconds exit_code"
 *
 * The number is the largest resident set as the kernel counted it, so no peak is missed between two looks. Exit code: that of the command. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec begin, end;
    struct rusage use = {0};
    FILE *report;
    pid_t child;
    int state = 0, code;

    if (argc < 3) {
        (void)fprintf(stderr, "usage: peak_memory REPORT COMMAND [ARGUMENTS]\n");
        return 2;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    child = fork();
    if (child == 0) {
        (void)execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &state, 0, &use) < 0) {
        perror("peak_memory");
        return 1;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    report = fopen(argv[1], "w");
    if (!report || fprintf(report, "%ld %.2f %d\n", use.ru_maxrss, (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec), code) < 0) {
        perror(argv[1]);
        code = 1;
    }
    if (report && fclose(report) != 0)
        code = 1;
    return code;
}
