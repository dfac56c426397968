// Connections that repeat one request, as fast as it is answered: the load of bench.py, which signs it and counts.
//
//   bench BODY-LENGTH CONNECTIONS TIMES asleep|awake PORT HEAD [PORT HEAD]...
//
// HEAD is a file with the request up to its empty line. The body is BODY-LENGTH bytes. Each connection repeats it TIMES
// times, and waits for the answer in the kernel or, awake, by asking for it all the time. With several ports it is a
// connection to each, and their requests take turns, so that whatever else happens to the machine happens to all alike.
// Prints the nanoseconds that all took together, and then a line for each port: the length of its answers' bodies, and
// the nanoseconds of each of its requests, from the first byte out to the answer's last byte in. Any answer but 200
// ends it with 1.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

[[noreturn]] void fail(const char *what) {
    std::perror(what);
    std::exit(1);
}

int connected(int port) {
    const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    if (socket_fd < 0 || connect(socket_fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0)
        fail("connect");
    setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket_fd;
}

void send_all(int socket_fd, const char *data, size_t length) {
    while (length > 0) {
        const ssize_t sent = send(socket_fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0) fail("send");
        data += sent;
        length -= static_cast<size_t>(sent);
    }
}

ssize_t receive_some(int socket_fd, char *buffer, size_t length, bool awake) {
    for (;;) {
        const ssize_t got = recv(socket_fd, buffer, length, awake ? MSG_DONTWAIT : 0);
        if (got >= 0 || errno != EAGAIN) return got;
    }
}

// Reads one answer and returns the length of its body.
size_t receive(int socket_fd, std::vector<char> &buffer, bool awake) {
    size_t have = 0, end = std::string::npos;
    while (end == std::string::npos) {
        const ssize_t got = receive_some(socket_fd, buffer.data() + have, buffer.size() - have, awake);
        if (got <= 0) fail("no answer");
        have += static_cast<size_t>(got);
        end = std::string_view(buffer.data(), have).find("\r\n\r\n");
    }
    const std::string head(buffer.data(), end + 2);
    const size_t length_at = head.find("\r\nContent-Length: ");
    if (head.compare(0, 13, "HTTP/1.1 200 ") != 0 || length_at == std::string::npos) {
        std::fprintf(stderr, "%.*s\n", static_cast<int>(have), buffer.data());
        std::exit(1);
    }
    const size_t length = std::strtoull(head.c_str() + length_at + 18, nullptr, 10);
    for (size_t left = length - (have - end - 4); left > 0;) {
        const ssize_t got = receive_some(socket_fd, buffer.data(), std::min(buffer.size(), left), awake);
        if (got <= 0) fail("half an answer");
        left -= static_cast<size_t>(got);
    }
    return length;
}

using Clock = std::chrono::steady_clock;

long long nanoseconds_since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

// A daemon and the request for it.
struct Target {
    int port;
    std::string head;
};

// What one connection saw of a target.
struct Seen {
    size_t length = 0; // of an answer's body
    std::vector<long long> times;
};

struct Load {
    std::vector<Target> targets;
    std::string body;
    size_t times;
    bool awake;
};

// Of each target in turn, one request at a time.
std::vector<Seen> repeat(const Load &load) {
    std::vector<char> buffer(1 << 20);
    std::vector<Seen> seen(load.targets.size());
    std::vector<int> sockets;
    for (const Target &target : load.targets) sockets.push_back(connected(target.port));
    for (size_t time = 0; time < load.times; time++) {
        for (size_t i = 0; i < sockets.size(); i++) {
            const auto start = Clock::now();
            send_all(sockets[i], load.targets[i].head.data(), load.targets[i].head.size());
            send_all(sockets[i], load.body.data(), load.body.size());
            seen[i].length = receive(sockets[i], buffer, load.awake);
            seen[i].times.push_back(nanoseconds_since(start));
        }
    }
    for (const int socket_fd : sockets) close(socket_fd);
    return seen;
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 7 || argc % 2 == 0) return 2;
    const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
    Load load{{}, std::string(number(1), 'x'), number(3), std::string_view(argv[4]) == "awake"};
    for (int i = 5; i < argc; i += 2) {
        std::ifstream file(argv[i + 1], std::ios::binary);
        load.targets.push_back({static_cast<int>(number(i)), std::string{std::istreambuf_iterator<char>(file), {}}});
    }
    std::vector<std::vector<Seen>> seen(number(2));
    std::vector<std::thread> connections;
    const auto start = Clock::now();
    for (auto &own : seen) connections.emplace_back([&] { own = repeat(load); });
    for (std::thread &connection : connections) connection.join();
    std::printf("%lld\n", nanoseconds_since(start));
    for (size_t i = 0; i < load.targets.size(); i++) {
        size_t length = seen[0][i].length;
        for (const auto &own : seen) length = std::min(length, own[i].length);
        std::printf("%zu", length);
        for (const auto &own : seen)
            for (const long long time : own[i].times) std::printf(" %lld", time);
        std::printf("\n");
    }
}
