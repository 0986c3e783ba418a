/* viz/png.c - an SVG as a PNG. librsvg draws what svg.c wrote and fetches nothing: it was
 * given no base address. */
#include "viz/png.h"

#include <errno.h>
#include <librsvg/rsvg.h>
#include <string.h>

static const double SCALE = 2, SIDE_MAX_PIXELS = 16000;

static cairo_status_t write_png(void *arg, const unsigned char *data, unsigned len)
{
    return fwrite(data, 1, len, arg) == len ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

htrail_status htrail__png_write(const char *svg, size_t len, FILE *stream, char *message, size_t message_cap)
{
    htrail_status status = HTRAIL_E_UNSUPPORTED;
    GError *error = NULL;
    cairo_surface_t *surface = NULL;
    cairo_t *canvas = NULL;
    RsvgHandle *handle = rsvg_handle_new_from_data((const guint8 *)svg, len, &error);
    double width = 0, height = 0, scale = SCALE;
    cairo_status_t drawn;

    if (handle == NULL)
        goto failed;
    if (!rsvg_handle_get_intrinsic_size_in_pixels(handle, &width, &height) || width < 1 || height < 1) {
        snprintf(message, message_cap, "the picture has no size");
        goto done;
    }
    if (width * scale > SIDE_MAX_PIXELS || height * scale > SIDE_MAX_PIXELS)
        scale = SIDE_MAX_PIXELS / (width > height ? width : height);
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(width * scale), (int)(height * scale));
    canvas = cairo_create(surface);
    RsvgRectangle all = {0, 0, width * scale, height * scale};
    if (cairo_status(canvas) == CAIRO_STATUS_SUCCESS && !rsvg_handle_render_document(handle, canvas, &all, &error))
        goto failed;
    errno = 0;
    drawn = cairo_status(canvas);
    if (drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_write_to_png_stream(surface, write_png, stream);
    if (drawn != CAIRO_STATUS_SUCCESS) {
        status = drawn == CAIRO_STATUS_WRITE_ERROR ? HTRAIL_E_IO : HTRAIL_E_NOMEM;
        snprintf(message, message_cap, "%s", errno != 0 ? strerror(errno) : cairo_status_to_string(drawn));
        goto done;
    }
    status = HTRAIL_OK;
    goto done;
failed:
    snprintf(message, message_cap, "%s", error != NULL ? error->message : "unknown error of librsvg");
done:
    if (error != NULL)
        g_error_free(error);
    if (canvas != NULL)
        cairo_destroy(canvas);
    if (surface != NULL)
        cairo_surface_destroy(surface);
    if (handle != NULL)
        g_object_unref(handle);
    return status;
}
