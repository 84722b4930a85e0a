urs_test(unit quant)
urs_test(unit npu_stem)
