// Connections that repeat one request, as fast as it is answered: the load of bench.py, which signs it and counts.
//
//   bench PORT HEAD BODY-LENGTH CONNECTIONS TIMES asleep|awake
//
// HEAD is a file with the request up to its empty line. The body is BODY-LENGTH bytes. Each connection repeats it TIMES
// times, and waits for the answer in the kernel or, awake, by asking for it all the time. Prints the length of the
// answers' bodies, the nanoseconds that all took together, and those of each request, from its first byte out to its
// answer's last byte in. Any answer but 200 ends it with 1.

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
  if (socket_fd < 0 || connect(socket_fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) fail("connect");
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

struct Load {
  int port;
  std::string head, body;
  bool awake;
};

// Fills `times`, and returns the length of the answers' bodies.
size_t repeat(const Load &load, std::vector<long long> &times) {
  std::vector<char> buffer(1 << 20);
  const int socket_fd = connected(load.port);
  size_t length = 0;
  for (long long &time : times) {
    const auto start = Clock::now();
    send_all(socket_fd, load.head.data(), load.head.size());
    send_all(socket_fd, load.body.data(), load.body.size());
    length = receive(socket_fd, buffer, load.awake);
    time = nanoseconds_since(start);
  }
  close(socket_fd);
  return length;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  std::ifstream file(argv[2], std::ios::binary);
  const Load load{static_cast<int>(number(1)), std::string{std::istreambuf_iterator<char>(file), {}},
                  std::string(number(3), 'x'), std::string_view(argv[6]) == "awake"};
  std::vector<std::vector<long long>> times(number(4), std::vector<long long>(number(5)));
  std::vector<size_t> lengths(times.size());
  std::vector<std::thread> connections;
  const auto start = Clock::now();
  for (size_t i = 0; i < times.size(); i++)
    connections.emplace_back([&, i] { lengths[i] = repeat(load, times[i]); });
  for (std::thread &connection : connections) connection.join();
  const long long all = nanoseconds_since(start);
  std::printf("%zu\n%lld\n", *std::min_element(lengths.begin(), lengths.end()), all);
  for (const auto &each : times)
    for (const long long time : each) std::printf("%lld\n", time);
}
