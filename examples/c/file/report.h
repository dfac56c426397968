/* How this program ends, and what it says on the way: one exit code for each class of failure, and for each a sentence
 * about what to do next. Every function that returns an `int` in this program returns one of these codes. */
#ifndef REPORT_H
#define REPORT_H

#include "ossenc.h"

enum {
    RC_OK = 0,
    RC_DEFECT = 1,     /* the library, the CPU or the system's randomness failed: nothing was written */
    RC_USAGE = 2,      /* the command line, or a file that it names, makes no sense */
    RC_IO = 3,         /* the file system refused */
    RC_FORMAT = 4,     /* not a sealed file, or not a keystore */
    RC_TOONEW = 5,     /* written by a later version */
    RC_DAMAGED = 6,    /* the data is damaged, at the offset that the message tells */
    RC_TRUNCATED = 7,  /* the file's length is not that of a whole object */
    RC_COMMIT = 8,     /* wrong root key, wrong context, or an envelope that belongs elsewhere */
    RC_STALE = 9,      /* the keystore does not know the key version: it is older than the file */
    RC_KEYSTATE = 10,  /* the key version is known, but retired or disabled */
    RC_EXPECT = 11,    /* well-formed, but not allowed by --key or --min-generation */
    RC_CONFLICT = 12   /* other writers of the keystore were always first */
};

/* Prints the list above. */
void print_exit_codes(void);

/* Each prints to stderr and returns the code. `path` says which file it is about. */
int fail(int code, const char *path, const char *message);
int fail_io(const char *path, const char *doing);
int fail_status(const char *path, ossenc_status status, const ossenc_error *error);

#endif
