/* The cost of events: the worked example of the energy model by hand, what each number does, profiles that are wrong, and the command. */
#include "program_run.h"

#include "edge/energy.h"

/* The example: 1.5 W awake, resume 1 s, capture 0.5 s, decode 0.1 s, networks 3, 15 and 30 ms, 10 mW asleep, or boot 5 s and 5 mW; every frame goes through all stages; 12 AA cells. */
static const char example[] = "name = \"example\" # of the model\n[power]\nactive = 1.5\n[suspended]\npower = 0.010\nresume = 1.0\n[off]\npower = 0.005\nboot = 5\n"
                              "[frame]\ncapture = 0.5\ndecode = 0.1\n[npu]\nsift = 0.003\nfind = 0.015\nembed = 0.030\n[cpu]\nsift=0.038\nfind=1.5\nembed=0.1\n"
                              "[event]\nframes = 1\na_day = 50\nanimal = 1\nbear = 1\n[battery]\nwatt_hours = 28.8\n";

static bool parse(urs_test *t, urs_board *b, const char *text)
{
    urs_error err = {0};
    if (urs_board_parse(b, text, strlen(text), "test.toml", &err) == URS_OK)
        return true;
    urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
    return false;
}

/* 1.5 W * 1.648 s = 2.472 J an event, of which the networks 1.5 * 0.048 = 0.072 J (3 %); 50 of them 123.6 J; asleep 0.010 * 86400 = 864 J; 28.8 Wh = 103,680 J last 104.98 days. From off: 1.5 * 5.648 =
 * 8.472 J, 423.6 + 432 = 855.6 J a day. They meet where 432 J = n * 1.5 * 4 J: at 72 events. */
static void worked_example(urs_test *t)
{
    urs_board b;
    urs_energy e;
    urs_error err = {0};
    URS_REQUIRE(t, parse(t, &b, example));
    URS_CHECK_TEXT(t, b.name, "example");
    URS_REQUIRE_OK(t, urs_energy_of(&e, &b, URS_WAIT_SUSPENDED, URS_ENERGY_NPU, &err), err);
    URS_CHECK_NEAR(t, e.event, 2.472, 1e-12);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_SIFT] + e.part[URS_ENERGY_FIND] + e.part[URS_ENERGY_EMBED], 0.072, 1e-12);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_WAKE], 1.5, 1e-12);
    URS_CHECK_NEAR(t, e.awake, 1.648, 1e-12);
    URS_CHECK_NEAR(t, e.day_events, 123.6, 1e-9);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_WAITING], 864, 1e-9);
    URS_CHECK_NEAR(t, e.day, 987.6, 1e-9);
    URS_CHECK_NEAR(t, e.days, 103680 / 987.6, 1e-9);
    URS_CHECK_INT(t, e.largest, URS_ENERGY_WAITING);
    URS_CHECK_NEAR(t, e.largest_share, 864 / 987.6, 1e-9);
    URS_REQUIRE_OK(t, urs_energy_of(&e, &b, URS_WAIT_OFF, URS_ENERGY_NPU, &err), err);
    URS_CHECK_NEAR(t, e.event, 8.472, 1e-12);
    URS_CHECK_NEAR(t, e.day, 855.6, 1e-9);
    URS_CHECK_NEAR(t, urs_energy_break_even(&b), 72, 1e-9);
    URS_REQUIRE_OK(t, urs_energy_of(&e, &b, URS_WAIT_SUSPENDED, URS_ENERGY_CPU, &err), err);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_FIND], 2.25, 1e-12); /* doubles the event */
}

/* At the break-even both ways cost the same. */
static void break_even(urs_test *t)
{
    urs_board b;
    urs_energy suspended, off;
    urs_error err = {0};
    URS_REQUIRE(t, parse(t, &b, example));
    b.events = urs_energy_break_even(&b);
    URS_REQUIRE_OK(t, urs_energy_of(&suspended, &b, URS_WAIT_SUSPENDED, URS_ENERGY_NPU, &err), err);
    URS_REQUIRE_OK(t, urs_energy_of(&off, &b, URS_WAIT_OFF, URS_ENERGY_NPU, &err), err);
    URS_CHECK_NEAR(t, suspended.day, off.day, 1e-9);
    b.wake[URS_WAIT_OFF] = b.wake[URS_WAIT_SUSPENDED]; /* off wakes as fast and costs less: suspending never wins */
    URS_CHECK(t, isinf(urs_energy_break_even(&b)));
    URS_REQUIRE(t, parse(t, &b, example));
    b.waiting[URS_WAIT_SUSPENDED] = 0; /* suspending costs less in both: it always wins */
    URS_CHECK_NEAR(t, urs_energy_break_even(&b), 0, 0);
}

/* Shares of frames, frames of an event, the lamp at night, the NPU's own power. */
static void every_number_counts(urs_test *t)
{
    urs_board b;
    urs_energy e;
    urs_error err = {0};
    URS_REQUIRE(t, parse(t, &b, example));
    b.frames = 3;
    b.animal = 0.25;
    b.bear = 0.1;
    b.npu = 0.5;
    b.night = 0.5;
    b.flash_watts = 2;
    b.flash_seconds = 0.1;
    b.usable = 0.5;
    URS_REQUIRE_OK(t, urs_energy_of(&e, &b, URS_WAIT_SUSPENDED, URS_ENERGY_NPU, &err), err);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_SIFT], 2.0 * 3 * 0.003, 1e-12);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_FIND], 2.0 * 3 * 0.25 * 0.015, 1e-12);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_EMBED], 2.0 * 3 * 0.1 * 0.030, 1e-12);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_FLASH], 3 * 0.5 * 2 * 0.1, 1e-12);
    URS_CHECK_NEAR(t, e.part[URS_ENERGY_CAPTURE], 1.5 * 3 * 0.5, 1e-12);
    URS_CHECK_NEAR(t, e.days, 103680 * 0.5 / e.day, 1e-9);
    b.events = 60000;
    URS_CHECK_INT(t, urs_energy_of(&e, &b, URS_WAIT_SUSPENDED, URS_ENERGY_NPU, &err), URS_ELIMIT);
    b.has_wait[URS_WAIT_OFF] = false;
    URS_CHECK_INT(t, urs_energy_of(&e, &b, URS_WAIT_OFF, URS_ENERGY_NPU, &err), URS_EINVAL);
    URS_CHECK(t, isinf(urs_energy_break_even(&b)));
}

static void wrong_profiles(urs_test *t)
{
    static const struct {
        const char *find, *replace, *says;
    } rows[] = {
        {"active = 1.5", "active = 1.5 W", "line 3: this is no number"},
        {"active = 1.5", "active = -1", "line 3: active is -1, outside of 0"},
        {"active = 1.5", "active = nan", "line 3: this is no number"},
        {"active = 1.5", "activ = 1.5", "line 3: [power] has no key 'activ'"},
        {"active = 1.5", "active = 1\nactive = 2", "line 4: this key stands twice"},
        {"active = 1.5", "", "[power] lacks 'active'"},
        {"[off]", "[of]", "line 7: there is no section 'of'"},
        {"[off]", "[suspended]", "line 7: this section stands twice"},
        {"[off]", "[off", "line 7: a section has no ']'"},
        {"[battery]\nwatt_hours = 28.8", "", "there is no section [battery]"},
        {"name = \"example\"", "name = example", "line 1: this is no number"},
        {"name = \"example\"", "name = 3", "line 1: a name is a short text in quotes"},
        {"name = \"example\"", "nome = \"example\"", "line 1: in front of the first section"},
        {"bear = 1\n", "bear = 1\nbear\n", "neither a [section] nor a key"},
        {"animal = 1\n", "animal = 0.5\n", "more bears (1) than animals (0.5)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        const char *at = strstr(example, rows[i].find);
        urs_board b;
        urs_error err = {0};
        URS_REQUIRE(t, at);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - example), example, rows[i].replace, at + strlen(rows[i].find));
        if (urs_board_parse(&b, text, strlen(text), "test.toml", &err) != URS_EFORMAT || !strstr(err.message, rows[i].says))
            urs_test_fail(t, __FILE__, __LINE__, "'%s' for '%s' gives: %s", rows[i].replace, rows[i].find, err.message);
    }
}

static void limits(urs_test *t)
{
    static char text[70000];
    urs_board b;
    urs_error err = {0};
    memset(text, '#', sizeof text);
    URS_CHECK_INT(t, urs_board_parse(&b, text, sizeof text, "long.toml", &err), URS_ELIMIT);
    URS_CHECK_INT(t, urs_board_parse(&b, "a\0b", 3, "zero.toml", &err), URS_EFORMAT);
    URS_CHECK_INT(t, urs_board_parse(&b, "", 0, "empty.toml", &err), URS_EFORMAT);
    URS_CHECK_INT(t, urs_board_read(&b, "/nowhere/board.toml", &err), URS_ENOTFOUND);
}

/* Every profile that ships is read, and gives a life between an hour and ten years. */
static void shipped_profiles(urs_test *t)
{
    urs_names list = {0};
    urs_error err = {0};
    URS_REQUIRE_OK(t, urs_folder_list(&list, URS_SOURCE_DIR "/profiles", NULL, &err), err);
    URS_CHECK(t, list.count >= 3);
    for (size_t i = 0; i < list.count; i++) {
        urs_board b;
        urs_energy e;
        if (urs_board_read(&b, list.items[i], &err) != URS_OK) {
            urs_test_fail(t, __FILE__, __LINE__, "%s", err.message);
            continue;
        }
        for (int w = 0; w < URS_WAITS; w++)
            for (int k = 0; k < URS_ENERGY_ENGINES; k++)
                if (b.has_wait[w] && b.has_engine[k]) {
                    URS_CHECK_INT(t, urs_energy_of(&e, &b, (urs_energy_wait)w, (urs_energy_engine)k, &err), URS_OK);
                    URS_CHECK(t, e.days > 1.0 / 24 && e.days < 3650);
                }
    }
    urs_names_release(&list);
}

#define RUN(...) program_finish(program_start(out, errors, (const char *const[]){"ursid", __VA_ARGS__, NULL}))

static void command(urs_test *t)
{
    char *folder = urs_test_folder("energy"), *out = urs_path_join(folder, "out"), *errors = urs_path_join(folder, "err"), *profile = urs_path_join(folder, "board.toml");
    urs_error err = {0};
    json_t *root;
    URS_REQUIRE_OK(t, urs_file_write(profile, example, strlen(example), &err), err);
    URS_CHECK_INT(t, RUN("energy", "--profile", profile), 0);
    URS_CHECK(t, file_says(out, "105.0 days"));
    URS_CHECK(t, file_says(out, "waiting 87%"));
    URS_CHECK(t, file_says(out, "from 72 events a day on"));
    URS_CHECK_INT(t, RUN("energy", "--profile", profile, "--json", "--engine", "cpu", "--events", "100", "--find-ms", "2000"), 0);
    root = json_load_file(out, 0, NULL);
    URS_CHECK_NEAR(t, json_real_value(json_object_get(json_object_get(json_object_get(root, "suspended"), "event_parts_joules"), "find")), 3.0, 1e-9);
    URS_CHECK_NEAR(t, json_real_value(json_object_get(root, "events_a_day")), 100, 0);
    json_decref(root);
    URS_CHECK_INT(t, RUN("energy"), 2);
    URS_CHECK_INT(t, RUN("energy", "--profile", "/nowhere.toml"), 1);
    URS_CHECK(t, file_says(errors, "/nowhere.toml"));
    urs_free(profile);
    urs_free(errors);
    urs_free(out);
    urs_free(folder);
}

int main(void)
{
    static const urs_case cases[] = {
        {"worked example", worked_example}, {"break-even", break_even},   {"every number counts", every_number_counts}, {"wrong profiles", wrong_profiles},
        {"limits", limits},                 {"shipped profiles", shipped_profiles}, {"the command", command},
    };
    return urs_run_cases(cases, sizeof cases / sizeof cases[0]);
}
