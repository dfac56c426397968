/*
 * ossenc_file: files, encrypted at rest, with keys that rotate. An example of libossenc: everything that a storage
 * daemon does with one object in one file, on the C header alone.
 *
 *   keys.c       keystore file, root key, rotation
 *   seal.c       sealing a stream
 *   open.c       opening it, and ranges of it
 *   rewrap.c     the envelope, under the newest key
 *   verify.c     looking for damage
 *   container.c  where the envelope lies, and how it is replaced at any moment of a crash
 *   files.c      durable files
 *   report.c     exit codes and messages
 *   this file    the command line
 */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "report.h"

unsigned char plain_window[WINDOW];
unsigned char stored_window[STORED_WINDOW];

ossenc_error new_error(void)
{
    ossenc_error error;
    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    return error;
}

static void usage(FILE *to)
{
    fputs("usage: ossenc_file [options] command\n"
          "\n"
          "  init [KEYSTORE ROOTKEYFILE]    makes what is missing of root key file, keystore and master key\n"
          "  seal FILE SEALED               encrypts FILE into SEALED\n"
          "  open SEALED FILE               decrypts SEALED into FILE\n"
          "  cat [--range RANGE] SEALED     decrypts to standard output; RANGE is A-B (both included), A-, or -N\n"
          "  rotate                         makes a new version of the master key, which wraps from now on\n"
          "  rewrap SEALED...               wraps under the newest version; takes the same time for every length\n"
          "  retire VERSION                 takes a version out of use: files that are still under it do not open\n"
          "  verify SEALED...               checks every byte, and lists all damage\n"
          "  info SEALED...                 what can be read without a key\n"
          "  help                           this text\n"
          "\n"
          "  --keystore PATH                ./ossenc.keystore if not given\n"
          "  --root-key PATH                ./ossenc.rootkey if not given\n"
          "  --key ID                       the master key; main if not given\n"
          "  --min-generation N             refuse an older keystore\n"
          "\n"
          "  Where the file belongs; a file opens only with what it was sealed with:\n"
          "  --tenant NAME  --bucket NAME  --object NAME  --version-id NAME  --pair KEY=VALUE (repeatable)\n"
          "\n"
          "exit codes (of several files: that of the first that failed):\n",
          to);
    if (to == stdout)
        print_exit_codes();
    else
        fputs("  see `ossenc_file help`\n", to);
}

static int bad_usage(const char *about, const char *message)
{
    fprintf(stderr, "ossenc_file: %s: %s\n\n", about, message);
    usage(stderr);
    return RC_USAGE;
}

/* Digits only: strtoull alone would take signs and blanks. */
static int parse_number(const char *p, char **end, uint64_t *value)
{
    if (!isdigit((unsigned char)*p))
        return 0;
    errno = 0;
    *value = strtoull(p, end, 10);
    return errno == 0;
}

static int parse_range(const char *p, struct range *range)
{
    char *end;
    range->from = 0;
    range->to = UINT64_MAX;
    if (*p == '-') {
        range->kind = SUFFIX;
        return parse_number(p + 1, &end, &range->to) && *end == '\0' && range->to > 0;
    }
    range->kind = FROM_TO;
    if (!parse_number(p, &end, &range->from) || *end++ != '-')
        return 0;
    if (*end == '\0')
        return 1;
    return parse_number(end, &end, &range->to) && *end == '\0' && range->from <= range->to;
}

enum { PAIRS = 64 };

struct arguments {
    struct settings settings;
    struct range range;
    int has_range;
    ossenc_pair pairs[PAIRS];
    char **words; /* the command and its operands */
    int n;
};

static int parse_option(struct arguments *a, const char *name, const char *value)
{
    struct settings *s = &a->settings;
    char *end;
    if (strcmp(name, "--keystore") == 0) {
        s->keystore = value;
    } else if (strcmp(name, "--root-key") == 0) {
        s->root_key = value;
    } else if (strcmp(name, "--key") == 0) {
        s->key_id = value;
    } else if (strcmp(name, "--tenant") == 0) {
        s->context.tenant = text(value);
    } else if (strcmp(name, "--bucket") == 0) {
        s->context.bucket_id = text(value);
    } else if (strcmp(name, "--object") == 0) {
        s->context.object = text(value);
    } else if (strcmp(name, "--version-id") == 0) {
        s->context.version_id = text(value);
    } else if (strcmp(name, "--min-generation") == 0) {
        if (!parse_number(value, &end, &s->min_generation) || *end != '\0')
            return bad_usage(value, "not a generation");
    } else if (strcmp(name, "--range") == 0) {
        a->has_range = 1;
        if (!parse_range(value, &a->range))
            return bad_usage(value, "not a range");
    } else if (strcmp(name, "--pair") == 0) {
        const char *equals = strchr(value, '=');
        ossenc_pair *pair = &a->pairs[s->context.users];
        if (!equals || s->context.users == PAIRS)
            return bad_usage(value, "not a pair KEY=VALUE, or too many");
        pair->key.p = value;
        pair->key.n = (size_t)(equals - value);
        pair->value = text(equals + 1);
        s->context.users++;
    } else {
        return bad_usage(name, "no such option");
    }
    return RC_OK;
}

/* Options stand anywhere; `--` ends them. */
static int parse(struct arguments *a, int argc, char **argv)
{
    int options = 1;
    memset(a, 0, sizeof *a);
    a->settings.keystore = "ossenc.keystore";
    a->settings.root_key = "ossenc.rootkey";
    a->settings.key_id = "main";
    a->settings.context.size = sizeof a->settings.context;
    a->settings.context.user = a->pairs;
    a->range.to = UINT64_MAX;
    a->words = argv; /* never overtakes the reading */
    for (int i = 1; i < argc; i++) {
        int code;
        if (!options || strncmp(argv[i], "--", 2) != 0) {
            a->words[a->n++] = argv[i];
        } else if (argv[i][2] == '\0') {
            options = 0;
        } else if (i + 1 == argc) {
            return bad_usage(argv[i], "no such option, or its value is missing");
        } else {
            code = parse_option(a, argv[i], argv[i + 1]);
            if (code != RC_OK)
                return code;
            i++;
        }
    }
    return RC_OK;
}

/* Each operand in turn; a failure does not keep the others from their turn. */
static int for_each(const struct arguments *a, const struct keys *keys, const char *command)
{
    int first = RC_OK;
    for (int i = 1; i < a->n; i++) {
        int code = strcmp(command, "rewrap") == 0   ? command_rewrap(keys, &a->settings, a->words[i])
                   : strcmp(command, "verify") == 0 ? command_verify(keys, &a->settings, a->words[i])
                                                    : command_info(a->words[i]);
        if (first == RC_OK)
            first = code;
    }
    return first;
}

static int run(struct arguments *a, struct keys *keys)
{
    static const struct {
        const char *name;
        int least, most; /* operands */
        int needs_keys;
    } COMMANDS[] = {
        {"help", 0, 0, 0},   {"init", 0, 2, 0},   {"seal", 2, 2, 1},         {"open", 2, 2, 1},
        {"cat", 1, 1, 1},    {"rotate", 0, 0, 1}, {"rewrap", 1, 1 << 20, 1}, {"retire", 1, 1, 1},
        {"verify", 1, 1 << 20, 1}, {"info", 1, 1 << 20, 0},
    };
    const char *command = a->n > 0 ? a->words[0] : "";
    int operands = a->n - 1, code = RC_OK;
    size_t i = 0, count = sizeof COMMANDS / sizeof COMMANDS[0];
    while (i < count && strcmp(command, COMMANDS[i].name) != 0)
        i++;
    if (i == count)
        return bad_usage(command, "no such command");
    if (operands < COMMANDS[i].least || operands > COMMANDS[i].most)
        return bad_usage(command, "too few or too many operands");
    if (a->has_range && strcmp(command, "cat") != 0)
        return bad_usage(command, "takes no --range");
    if (COMMANDS[i].needs_keys)
        code = keys_open(keys, &a->settings);
    if (code != RC_OK)
        return code;
    if (strcmp(command, "help") == 0) {
        usage(stdout);
        return RC_OK;
    }
    if (strcmp(command, "init") == 0) {
        if (operands == 1)
            return bad_usage(command, "takes both files, or none");
        a->settings.keystore = operands ? a->words[1] : a->settings.keystore;
        a->settings.root_key = operands ? a->words[2] : a->settings.root_key;
        return keys_init(keys, &a->settings);
    }
    if (strcmp(command, "seal") == 0)
        return command_seal(keys, &a->settings, a->words[1], a->words[2]);
    if (strcmp(command, "open") == 0)
        return command_open(keys, &a->settings, a->words[1], a->words[2]);
    if (strcmp(command, "cat") == 0)
        return command_cat(keys, &a->settings, a->words[1], &a->range);
    if (strcmp(command, "rotate") == 0)
        return keys_rotate(keys, &a->settings);
    if (strcmp(command, "retire") == 0)
        return keys_retire(keys, &a->settings, a->words[1]);
    return for_each(a, keys, command);
}

/* Who starts this program with a closed standard output must not have messages written into the sealed file that gets
 * its number: what is closed is opened so that writing fails. */
static int occupy_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= 2);
    if (fd < 0)
        return fail_io("/dev/null", "open");
    close(fd);
    return RC_OK;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct keys keys = {NULL, NULL, NULL};
    int code = occupy_standard_files();
    if (code == RC_OK)
        code = parse(&arguments, argc, argv);
    if (code == RC_OK)
        code = run(&arguments, &keys);
    keys_close(&keys);
    wipe(plain_window, sizeof plain_window);
    if (fflush(stdout) != 0 && code == RC_OK)
        code = fail_io("standard output", "write");
    return code;
}
