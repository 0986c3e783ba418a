/* viz/rsvg.c - see the header. */
#include "viz/rsvg.h"

#include <errno.h>
#include <string.h>

static htrail_status fail(GError *error, char *message, size_t message_cap)
{
    snprintf(message, message_cap, "%s", error != NULL ? error->message : "unknown error of librsvg");
    if (error != NULL)
        g_error_free(error);
    return HTRAIL_E_UNSUPPORTED;
}

htrail_status htrail__rsvg_open(RsvgHandle **out, const char *svg, size_t len, double *width, double *height, char *message, size_t message_cap)
{
    GError *error = NULL;
    RsvgHandle *handle = rsvg_handle_new_from_data((const guint8 *)svg, len, &error);
    *out = NULL;
    if (handle == NULL)
        return fail(error, message, message_cap);
    if (!rsvg_handle_get_intrinsic_size_in_pixels(handle, width, height) || *width < 1 || *height < 1) {
        snprintf(message, message_cap, "the picture has no size");
        g_object_unref(handle);
        return HTRAIL_E_UNSUPPORTED;
    }
    *out = handle;
    return HTRAIL_OK;
}

htrail_status htrail__rsvg_draw(RsvgHandle *handle, cairo_t *canvas, double width, double height, char *message, size_t message_cap)
{
    GError *error = NULL;
    RsvgRectangle all = {0, 0, width, height};
    if (cairo_status(canvas) == CAIRO_STATUS_SUCCESS && !rsvg_handle_render_document(handle, canvas, &all, &error))
        return fail(error, message, message_cap);
    return HTRAIL_OK;
}

cairo_status_t htrail__rsvg_write(void *arg, const unsigned char *data, unsigned len)
{
    return fwrite(data, 1, len, arg) == len ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

htrail_status htrail__rsvg_status(cairo_status_t drawn, char *message, size_t message_cap)
{
    if (drawn == CAIRO_STATUS_SUCCESS)
        return HTRAIL_OK;
    snprintf(message, message_cap, "%s", errno != 0 ? strerror(errno) : cairo_status_to_string(drawn));
    return drawn == CAIRO_STATUS_WRITE_ERROR ? HTRAIL_E_IO : HTRAIL_E_NOMEM;
}
