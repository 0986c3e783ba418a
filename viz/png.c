/* viz/png.c - an SVG as a PNG. */
#include "viz/png.h"

#include <errno.h>

#include "viz/rsvg.h"

static const double SCALE = 2, SIDE_MAX_PIXELS = 16000;

htrail_status htrail__png_write(const char *svg, size_t len, FILE *stream, char *message, size_t message_cap)
{
    RsvgHandle *handle = NULL;
    cairo_surface_t *surface = NULL;
    cairo_t *canvas = NULL;
    double width = 0, height = 0, scale = SCALE;
    htrail_status status = htrail__rsvg_open(&handle, svg, len, &width, &height, message, message_cap);

    if (status != HTRAIL_OK)
        goto done;
    if (width * scale > SIDE_MAX_PIXELS || height * scale > SIDE_MAX_PIXELS)
        scale = SIDE_MAX_PIXELS / (width > height ? width : height);
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(width * scale), (int)(height * scale));
    canvas = cairo_create(surface);
    if ((status = htrail__rsvg_draw(handle, canvas, width * scale, height * scale, message, message_cap)) != HTRAIL_OK)
        goto done;
    errno = 0;
    cairo_status_t drawn = cairo_status(canvas);
    if (drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_write_to_png_stream(surface, htrail__rsvg_write, stream);
    status = htrail__rsvg_status(drawn, message, message_cap);
done:
    if (canvas != NULL)
        cairo_destroy(canvas);
    if (surface != NULL)
        cairo_surface_destroy(surface);
    if (handle != NULL)
        g_object_unref(handle);
    return status;
}
