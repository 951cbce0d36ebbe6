/* The resident memory of a process that mostly waits. */
#pragma once

/* Keeps small what glibc lets grow for the sake of many threads. Call once, at the start of a process. */
void memory_frugal(void);

/*
 * Gives back what a start, a TLS handshake or a burst left behind: free heap, and pages of code and constants, which
 * are read again from their files where they are needed. Nothing that was ever written is touched. Cheap enough for
 * once a minute.
 */
void memory_trim(void);
