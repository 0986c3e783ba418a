/* viz/pdf.c - see the header. */
#include "viz/pdf.h"

#include <cairo-pdf.h>
#include <errno.h>

#include "viz/rsvg.h"

static const double POINTS_A_PIXEL = 0.75;

htrail_status htrail__pdf_write(const char *svg, size_t len, FILE *stream, char *message, size_t message_cap)
{
    RsvgHandle *handle = NULL;
    cairo_surface_t *surface = NULL;
    cairo_t *canvas = NULL;
    double width = 0, height = 0;
    htrail_status status = htrail__rsvg_open(&handle, svg, len, &width, &height, message, message_cap);

    if (status != HTRAIL_OK)
        goto done;
    width *= POINTS_A_PIXEL;
    height *= POINTS_A_PIXEL;
    surface = cairo_pdf_surface_create_for_stream(htrail__rsvg_write, stream, width, height);
    /* Else it is the time of writing. */
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
    canvas = cairo_create(surface);
    if ((status = htrail__rsvg_draw(handle, canvas, width, height, message, message_cap)) != HTRAIL_OK)
        goto done;
    cairo_show_page(canvas);
    errno = 0;
    cairo_status_t drawn = cairo_status(canvas);
    cairo_surface_finish(surface);
    if (drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_status(surface);
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
