urs_test(unit terminal)
