urs_test(unit image_geometry)
urs_test(unit image_resize)
urs_test(unit image_tensor)
