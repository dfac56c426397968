// One connection that repeats one request, as fast as it is answered: the load of bench.py, which signs it and counts.
//
//   bench PORT HEAD BODY-LENGTH TIMES
//
// HEAD is a file with the request up to its empty line. The body is BODY-LENGTH bytes. Prints the length of the
// answer's body and the nanoseconds of each request, from its first byte out to its answer's last byte in. Any answer
// but 200 ends it with 1.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
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

// Reads one answer and returns the length of its body.
size_t receive(int socket_fd, std::vector<char> &buffer) {
  size_t have = 0, end = std::string::npos;
  while (end == std::string::npos) {
    const ssize_t got = recv(socket_fd, buffer.data() + have, buffer.size() - have, 0);
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
    const ssize_t got = recv(socket_fd, buffer.data(), buffer.size() < left ? buffer.size() : left, 0);
    if (got <= 0) fail("half an answer");
    left -= static_cast<size_t>(got);
  }
  return length;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  std::ifstream file(argv[2], std::ios::binary);
  const std::string head{std::istreambuf_iterator<char>(file), {}};
  const std::string body(std::strtoull(argv[3], nullptr, 10), 'x');
  std::vector<long long> times(std::strtoull(argv[4], nullptr, 10));
  std::vector<char> buffer(1 << 20);
  const int socket_fd = connected(std::atoi(argv[1]));
  size_t length = 0;
  for (long long &time : times) {
    const auto start = std::chrono::steady_clock::now();
    send_all(socket_fd, head.data(), head.size());
    send_all(socket_fd, body.data(), body.size());
    length = receive(socket_fd, buffer);
    time = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
  }
  close(socket_fd);
  std::printf("%zu\n", length);
  for (const long long time : times) std::printf("%lld\n", time);
}
