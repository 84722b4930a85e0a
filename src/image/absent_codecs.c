/* What the codecs say that this program was built without. Each #ifndef belongs to one line of the table of options in CMakeLists.txt. */
#include "image/codec.h"

#if !defined(URS_HAVE_PNG) || !defined(URS_HAVE_TIFF) || !defined(URS_HAVE_WEBP)
static urs_status absent(const urs_codec_input *in, const char *kind, urs_error *err)
{
    return urs_fail(err, URS_EUNSUPPORTED, "'%s' is a %s picture, and this program was built without %s", in->name, kind, kind);
}
#endif

#ifndef URS_HAVE_PNG
urs_status urs_png_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err)
{
    (void)out;
    return absent(in, "PNG", err);
}

urs_status urs_png_encode(urs_bytes *out, const urs_image *in, urs_error *err)
{
    (void)out;
    (void)in;
    return urs_fail(err, URS_EUNSUPPORTED, "PNG pictures cannot be written: this program was built without PNG");
}
#endif

#ifndef URS_HAVE_TIFF
urs_status urs_tiff_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err)
{
    (void)out;
    return absent(in, "TIFF", err);
}
#endif

#ifndef URS_HAVE_WEBP
urs_status urs_webp_decode(urs_raw_photo *out, const urs_codec_input *in, urs_error *err)
{
    (void)out;
    return absent(in, "WebP", err);
}
#endif
