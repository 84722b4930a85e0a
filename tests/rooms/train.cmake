urs_test(unit loss_yolo)
urs_test(unit losses)
urs_test(unit optimiser)
urs_test(unit schedule)
