// ossd: the command line, start and end.
#include "console.hpp"
#include "maintenance.hpp"
#include "service.hpp"
#include "text.hpp"

#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>

namespace {

using namespace ossd;

const char USAGE[] =
    "usage: ossd --store DIR --users FILE [--listen 127.0.0.1:0] [--layout inline|paged] [--threads N] [--no-kms]\n"
    "            [--no-encryption]\n"
    "\n"
    "  --store DIR       where everything is kept; made if it is absent\n"
    "  --users FILE      lines `ACCESS_KEY SECRET [cmk=ID_OR_ALIAS|*|none ...]`; the first is the administrator\n"
    "  --listen A:P      IPv4 address and port; port 0 takes a free one\n"
    "  --layout L        how encrypted bodies lie on disk; else paged from 1 MiB on and for uploads in parts\n"
    "  --threads N       how many connections are served at once\n"
    "  --no-kms          without a key service: SSE-KMS is refused\n"
    "  --no-encryption   stores everything in clear, whatever is asked for: to measure what encryption costs, only\n";

constexpr int KEPT_MEMORY = 8 << 20;

struct Options {
    std::string store, users, address = "127.0.0.1";
    uint16_t port = 0;
    unsigned threads = 256;
    std::optional<ossenc::Layout> layout;
    bool kms = true, encryption = true;
};

[[noreturn]] void fail_usage(const std::string &what) {
    fprintf(stderr, "ossd: %s\n%s", what.c_str(), USAGE);
    exit(2);
}

Options read_options(int argc, char **argv) {
    Options options;
    for (int i = 1; i < argc; i++) {
        std::string name = argv[i];
        auto value = [&]() -> std::string {
            if (i + 1 == argc) fail_usage(name + " needs a value");
            return argv[++i];
        };
        if (name == "--help") {
            fputs(USAGE, stdout);
            exit(0);
        } else if (name == "--store") {
            options.store = value();
        } else if (name == "--users") {
            options.users = value();
        } else if (name == "--listen") {
            std::string listen = value();
            size_t colon = listen.rfind(':');
            auto port =
                colon == std::string::npos ? std::nullopt : parse_number(std::string_view(listen).substr(colon + 1));
            if (!port || *port > 65535) fail_usage("--listen takes ADDRESS:PORT");
            options.address = listen.substr(0, colon);
            options.port = static_cast<uint16_t>(*port);
        } else if (name == "--threads") {
            auto threads = parse_number(value());
            if (!threads || *threads == 0 || *threads > 10000) fail_usage("--threads takes 1 to 10000");
            options.threads = static_cast<unsigned>(*threads);
        } else if (name == "--layout") {
            std::string layout = value();
            if (layout != "inline" && layout != "paged") fail_usage("--layout is inline or paged");
            options.layout = layout == "paged" ? ossenc::Layout::Paged : ossenc::Layout::Inline;
        } else if (name == "--no-kms") {
            options.kms = false;
        } else if (name == "--no-encryption") {
            options.encryption = false;
        } else {
            fail_usage("unknown option " + name);
        }
    }
    if (options.store.empty() || options.users.empty()) fail_usage("--store and --users are needed");
    return options;
}

// A connection holds a socket and, while it is served, a few files and folders. Where they run out in the middle of a
// change, only ending is safe: so there are enough.
void allow_descriptors(rlim_t connections) {
    constexpr rlim_t EACH = 8, OTHERS = 64;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("cannot read the limit of open files");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("cannot raise the limit of open files");
    if (limit.rlim_cur < connections * EACH + OTHERS)
        throw std::runtime_error("the limit of open files allows fewer --threads");
}

void run(const Options &options, const sigset_t &ends) {
    allow_descriptors(options.threads);
    make_folder(options.store);
    Fd lock = lock_folder(options.store);
    Users users(options.users);
    Keys keys(options.store, options.kms);
    Store store(options.store);
    Crypto crypto(keys, options.layout, options.encryption);
    Daemon daemon{store, keys, crypto, users};
    Console console(daemon);
    Service service(daemon, console);
    Rotator rotator(keys);
    HttpServer server(service, options.address, options.port, options.threads);
    std::string address = "http://" + options.address + ":" + std::to_string(server.port());
    if (!options.encryption) fprintf(stderr, "ossd: ENCRYPTION IS OFF: everything is stored in clear\n");
    printf("listening on %s\nconsole %s/-/console?token=%s\n", address.c_str(), address.c_str(),
           console.token().c_str());
    fflush(stdout);
    int signal = 0;
    sigwait(&ends, &signal);
}

} // namespace

int main(int argc, char **argv) {
    Options options = read_options(argc, argv);
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    // Every request takes some blocks of this size and gives them back: a page fault for each of their pages costs more
    // than encrypting them.
    mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY);
    mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
    // Blocked before any thread starts, so that none but this one takes them.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    try {
        run(options, ends);
    } catch (const std::exception &why) {
        fprintf(stderr, "ossd: %s\n", why.what());
        return 1;
    }
    return 0;
}
