#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    const char *meaning;
    const char *next;
} CODES[] = {
    {RC_OK, "done", ""},
    {RC_DEFECT, "a failure of the library, the CPU or the system's randomness",
     "nothing was written; try again, and report it if it stays"},
    {RC_USAGE, "the command line, or a file it names, makes no sense", "see `ossenc_file help`"},
    {RC_IO, "the file system refused", "look at free space, permissions and the disk; the old files are as they were"},
    {RC_FORMAT, "not a sealed file, or not a keystore, or damaged beyond recognition",
     "check the path; if it is the right one, restore the file from a backup"},
    {RC_TOONEW, "written by a later version", "use a newer version of this program"},
    {RC_DAMAGED, "damaged data", "`verify` lists all damage; restore the file from a replica or a backup"},
    {RC_TRUNCATED, "truncated", "`verify` checks what is left; restore the file from a replica or a backup"},
    {RC_COMMIT, "wrong root key, wrong context, or a part that belongs elsewhere or is damaged",
     "check --root-key, --object, --tenant, --bucket, --version-id and --pair: they are the same as at sealing"},
    {RC_STALE, "the keystore has no such key or version", "use the newest keystore, and check --key"},
    {RC_KEYSTATE, "the state of the key forbids this use",
     "this version was retired or disabled: rewrap files before retiring what they are wrapped under"},
    {RC_EXPECT, "not what --key or --min-generation allow",
     "use the newest keystore, and the --key with which the file was sealed"},
    {RC_CONFLICT, "other writers changed the keystore each time", "try again"},
};

enum { CODES_N = sizeof CODES / sizeof CODES[0] };

void print_exit_codes(void)
{
    for (size_t i = 0; i < CODES_N; i++)
        printf("  %2d  %s\n", CODES[i].code, CODES[i].meaning);
}

int fail(int code, const char *path, const char *message)
{
    fprintf(stderr, "ossenc_file: %s: %s\n", path, message);
    for (size_t i = 0; i < CODES_N; i++) {
        if (CODES[i].code == code)
            fprintf(stderr, "  next: %s\n", CODES[i].next);
    }
    return code;
}

int fail_io(const char *path, const char *doing)
{
    char message[256];
    snprintf(message, sizeof message, "cannot %s: %s", doing, strerror(errno));
    return fail(RC_IO, path, message);
}

/* From the library's statuses to exit codes. */
int fail_status(const char *path, ossenc_status status, const ossenc_error *error)
{
    const char *text = error && error->status == status && error->text[0] ? error->text : ossenc_strerror(status);
    char message[256];
    switch (status) {
    case OSSENC_E_CHUNK:
        snprintf(message, sizeof message, "damaged at plaintext offset %" PRIu64 " (%s)", error ? error->offset : 0,
                 text);
        return fail(RC_DAMAGED, path, message);
    case OSSENC_E_ARG:
    case OSSENC_E_STATE:
        return fail(RC_USAGE, path, text);
    case OSSENC_E_IO:
        return fail(RC_IO, path, text);
    case OSSENC_E_FORMAT:
        return fail(RC_FORMAT, path, text);
    case OSSENC_E_TOONEW:
        return fail(RC_TOONEW, path, text);
    case OSSENC_E_TRUNCATED:
        return fail(RC_TRUNCATED, path, text);
    case OSSENC_E_COMMIT:
        return fail(RC_COMMIT, path, text);
    case OSSENC_E_NOVERSION:
        return fail(RC_STALE, path, text);
    case OSSENC_E_KEYSTATE:
        return fail(RC_KEYSTATE, path, text);
    case OSSENC_E_EXPECT:
        return fail(RC_EXPECT, path, text);
    case OSSENC_E_CONFLICT:
        return fail(RC_CONFLICT, path, text);
    default: /* statuses of later versions as well */
        return fail(RC_DEFECT, path, text);
    }
}
