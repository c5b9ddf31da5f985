/*
 * appliance/devices/glyphs.h - how characters look: Shift_JIS by iconv, drawings by FreeType.
 *
 * Decides: which font a line is drawn with, and that a number fills its height and fits its paper. Decides not:
 * what a ticket says (paper.h). Not for several threads at once.
 *
 * Fonts are files of Debian packages (docs/DEPENDENCIES.md). One that is missing is left out: a line that no
 * font can draw is left out of the ticket, and the number is then printed by the printer's own font.
 */
#ifndef APPLIANCE_DEVICES_GLYPHS_H
#define APPLIANCE_DEVICES_GLYPHS_H

#include "appliance/devices/paper/paper.h"

struct glyphs;

/* dir: looked for fonts in, as Debian lays them out; NULL: /usr/share/fonts. 0 or negative errno. */
int glyphs_create(const char *dir, struct glyphs **ret_glyphs);
void glyphs_destroy(struct glyphs *glyphs);
/* How many of the fonts are there: for the journal. */
unsigned glyphs_font_count(const struct glyphs *glyphs);
struct paper_glyphs glyphs_for_paper(struct glyphs *glyphs);

#endif
