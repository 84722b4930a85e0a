urs_test(golden golden_find)
