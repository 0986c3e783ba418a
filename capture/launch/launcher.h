/* capture/launch/launcher.h - how the agent learns that the launcher loads it, and what it is
 * asked to do: by looking up this name in the process. */
#ifndef HTRAIL_CAPTURE_LAUNCH_LAUNCHER_H
#define HTRAIL_CAPTURE_LAUNCH_LAUNCHER_H

#define HTRAIL__LAUNCHER_SETTINGS "htrail_launcher_settings"

extern const char *htrail_launcher_settings; /* NULL but while the agent is loaded */

#endif
