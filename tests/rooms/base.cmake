urs_test(unit toml)
urs_fuzz(toml)
