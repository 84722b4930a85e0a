urs_test(unit chain)
urs_test(unit chip)
urs_test(unit sift)
urs_test(golden golden_find)
