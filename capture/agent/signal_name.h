/* capture/agent/signal_name.h - a signal by name or number, where a program may be asked to
 * take it: not those that report a fault, stop a process, or that the C library keeps. */
#ifndef HTRAIL_CAPTURE_AGENT_SIGNAL_NAME_H
#define HTRAIL_CAPTURE_AGENT_SIGNAL_NAME_H

/* "USR2", "SIGUSR2", "12", "RTMIN+1"; 0: no signal for us. */
int htrail__signal_number(const char *text);

#endif
