/* `ursid energy`: what an event costs on a board, and how long a battery lasts. */
#include "cli/option.h"
#include "edge/energy.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const urs_command urs_cmd_energy;

static const char *const wait_names[URS_WAITS] = {"suspended", "off"};
static const char *const engine_names[URS_ENERGY_ENGINES] = {"npu", "cpu"};

typedef struct energy_request {
    const urs_board *board;
    const char *profile;
    urs_energy_engine engine;
    bool json;
} energy_request;

/* The numbers of both ways to wait; `has` tells which the board has. */
typedef struct energy_answer {
    urs_energy of[URS_WAITS];
    double break_even;
} energy_answer;

static void print_row(const energy_request *r, const energy_answer *a, const char *label, double (*value)(const urs_energy *), int digits, const char *unit)
{
    (void)printf("%-22s", label);
    for (int w = 0; w < URS_WAITS; w++)
        if (r->board->has_wait[w])
            (void)printf("  %12.*f %-4s", digits, value(&a->of[w]), unit);
    (void)printf("\n");
}

static double event_of(const urs_energy *e) { return e->event; }
static double events_of(const urs_energy *e) { return e->day_events; }
static double waiting_of(const urs_energy *e) { return e->part[URS_ENERGY_WAITING]; }
static double day_of(const urs_energy *e) { return e->day; }
static double days_of(const urs_energy *e) { return e->days; }

static void print_text(const energy_request *r, const energy_answer *a)
{
    const urs_board *b = r->board;
    (void)printf("%s (%s), networks on the %s, %g events a day, %g%% with an animal, %g%% with a bear\n\n", b->name, r->profile, engine_names[r->engine], b->events, 100 * b->animal,
                 100 * b->bear);
    (void)printf("%-22s", "between events:");
    for (int w = 0; w < URS_WAITS; w++)
        if (b->has_wait[w])
            (void)printf("  %12s %-4s", wait_names[w], "");
    (void)printf("\n");
    for (int i = 0; i < URS_ENERGY_WAITING; i++) {
        (void)printf("  %-20s", urs_energy_part_name((urs_energy_part)i));
        for (int w = 0; w < URS_WAITS; w++)
            if (b->has_wait[w])
                (void)printf("  %12.4f %-4s", a->of[w].part[i], "J");
        (void)printf("\n");
    }
    print_row(r, a, "an event", event_of, 3, "J");
    print_row(r, a, "a day: events", events_of, 1, "J");
    print_row(r, a, "       waiting", waiting_of, 1, "J");
    print_row(r, a, "       together", day_of, 1, "J");
    print_row(r, a, "on the battery", days_of, 1, "days");
    (void)printf("%-22s", "largest part of a day");
    for (int w = 0; w < URS_WAITS; w++)
        if (b->has_wait[w]) {
            char text[32];
            (void)snprintf(text, sizeof text, "%s %.0f%%", urs_energy_part_name(a->of[w].largest), 100 * a->of[w].largest_share);
            (void)printf("  %12s %-4s", text, "");
        }
    (void)printf("\n");
    if (b->has_wait[URS_WAIT_SUSPENDED] && b->has_wait[URS_WAIT_OFF])
        (void)printf(isinf(a->break_even) ? "\nBeing off between events costs less, however many there are.\n"
                                          : "\nSuspending costs less than being off from %.0f events a day on.\n", a->break_even);
}

static int print_json(const energy_request *r, const energy_answer *a)
{
    const urs_board *b = r->board;
    json_t *root = json_pack("{s:s, s:s, s:s, s:f, s:f, s:f}", "board", b->name, "profile", r->profile, "engine", engine_names[r->engine], "events_a_day", b->events, "animal", b->animal,
                             "bear", b->bear);
    char *text;
    for (int w = 0; w < URS_WAITS; w++) {
        const urs_energy *e = &a->of[w];
        json_t *parts, *one;
        if (!b->has_wait[w])
            continue;
        parts = json_object();
        for (int i = 0; i < URS_ENERGY_WAITING; i++)
            (void)json_object_set_new(parts, urs_energy_part_name((urs_energy_part)i), json_real(e->part[i]));
        one = json_pack("{s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:f}", "event_parts_joules", parts, "event_joules", e->event, "awake_seconds", e->awake, "day_events_joules", e->day_events,
                        "day_waiting_joules", e->part[URS_ENERGY_WAITING], "day_joules", e->day, "days", e->days, "largest", urs_energy_part_name(e->largest), "largest_share", e->largest_share);
        (void)json_object_set_new(root, wait_names[w], one);
    }
    if (isfinite(a->break_even))
        (void)json_object_set_new(root, "break_even_events_a_day", json_real(a->break_even));
    text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!text) {
        (void)fprintf(stderr, "ursid energy: no memory\n");
        return URS_EXIT_FAILED;
    }
    (void)puts(text);
    free(text);
    return URS_EXIT_OK;
}

static urs_status compute(energy_answer *a, const energy_request *r, urs_error *err)
{
    urs_status status = URS_OK;
    for (int w = 0; w < URS_WAITS && status == URS_OK; w++)
        if (r->board->has_wait[w])
            status = urs_energy_of(&a->of[w], r->board, (urs_energy_wait)w, r->engine, err);
    a->break_even = urs_energy_break_even(r->board);
    return status;
}

static int run(int argc, char **argv)
{
    const char *profile = NULL, *engine = NULL;
    double events = -1, animal = -1, bear = -1, battery = -1, sift = -1, find = -1, embed = -1;
    bool json = false;
    const urs_option options[] = {
        URS_OPTION_TEXT_REQUIRED("profile", "BOARD.toml", &profile, "the board: powers, times, events, battery (profiles/ has some)"),
        URS_OPTION_CHOICE("engine", "npu|cpu", &engine, "what runs the networks; default: the NPU where the profile has one"),
        URS_OPTION_DOUBLE("events", "N", &events, -1, 1e6, "events a day, for the profile's; -1: the profile's, as for all options below"),
        URS_OPTION_DOUBLE("animal", "P", &animal, -1, 1, "share of frames that are not empty"),
        URS_OPTION_DOUBLE("bear", "P", &bear, -1, 1, "share of frames with a bear"),
        URS_OPTION_DOUBLE("battery", "WH", &battery, -1, 1e6, "watt hours of the battery"),
        URS_OPTION_DOUBLE("sift-ms", "T", &sift, -1, 1e6, "milliseconds of a sift, as measured"),
        URS_OPTION_DOUBLE("find-ms", "T", &find, -1, 1e6, "milliseconds of a find"),
        URS_OPTION_DOUBLE("embed-ms", "T", &embed, -1, 1e6, "milliseconds of an embed"),
        URS_OPTION_FLAG("json", &json, "print JSON"),
    };
    urs_board board = {0};
    energy_request request = {.board = &board};
    energy_answer answer = {0};
    urs_error err = {0};
    urs_status status;
    int code;

    if (!urs_options_parse(&urs_cmd_energy, options, URS_COUNT(options), argc, argv, &code))
        return code;
    status = urs_board_read(&board, profile, &err);
    if (status != URS_OK)
        return urs_command_error(&urs_cmd_energy, &err);
    request.profile = profile;
    request.json = json;
    request.engine = engine ? (strcmp(engine, "cpu") == 0 ? URS_ENERGY_CPU : URS_ENERGY_NPU) : board.has_engine[URS_ENERGY_NPU] ? URS_ENERGY_NPU : URS_ENERGY_CPU;
    if (events >= 0)
        board.events = events;
    if (animal >= 0)
        board.animal = animal;
    if (bear >= 0)
        board.bear = bear;
    if (battery >= 0)
        board.battery = battery;
    if (sift >= 0)
        board.sift[request.engine] = sift / 1000;
    if (find >= 0)
        board.find[request.engine] = find / 1000;
    if (embed >= 0)
        board.embed[request.engine] = embed / 1000;
    status = compute(&answer, &request, &err);
    if (status != URS_OK)
        return urs_command_error(&urs_cmd_energy, &err);
    if (request.json)
        return print_json(&request, &answer);
    print_text(&request, &answer);
    return URS_EXIT_OK;
}

const urs_command urs_cmd_energy = {
    .name = "energy",
    .summary = "joules of an event on a board, and days on its battery",
    .help = "Adds up what the cascade costs on a board: waking, capturing, decoding, the networks with the share of frames\n"
            "that reach them, the infra-red lamp, and waiting. All numbers come from the profile or the options; nothing is\n"
            "measured here. A board that can be suspended or off between events gets both columns.\n"
            "\n"
            "Examples:\n"
            "  ursid energy --profile profiles/imx93.toml\n"
            "  ursid energy --profile profiles/imx93.toml --engine cpu --events 200\n",
    .run = run,
};
