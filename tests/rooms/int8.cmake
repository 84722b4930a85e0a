urs_test(unit int8_graph)
