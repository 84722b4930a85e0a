urs_test(unit quant)
