// HTTP by libmicrohttpd: requests with bodies that stream in, responses that stream out. Nothing here knows OSS.
#pragma once

#include "error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ossd {

struct Request {
    std::string method;
    std::string path; // as it came, percent-encoded, without the query
    Headers query;    // decoded, in its order; a name without `=` has an empty value
    Headers headers;  // names in lower case, values without the white space around them
    std::string id;   // for the answer and for logs
    std::optional<uint64_t> content_length;

    // The first of that name; empty if there is none.
    const std::string &header(std::string_view name) const;
    bool has_header(std::string_view name) const;
    const std::string &parameter(std::string_view name) const;
    bool has_parameter(std::string_view name) const;
};

// The body of a response. One thread at a time.
class Source {
  public:
    virtual ~Source() = default;
    // How many bytes there are.
    virtual uint64_t size() const = 0;
    // Gives the next bytes: at least one, at most `n`. Called until all were given. What it throws ends the connection,
    // so that the client sees that bytes are missing.
    virtual size_t read(char *p, size_t n) = 0;
};

struct Response {
    int status = 200;
    Headers headers;
    std::string body;
    std::unique_ptr<Source> source; // instead of `body`
};

// The body of a request, as it comes. One thread at a time.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void write(std::string_view piece) = 0;
    // The body has ended: what to answer.
    virtual Response finish() = 0;
};

// Either is set.
struct Begun {
    std::unique_ptr<Sink> sink;
    std::optional<Response> response;
};

// A body that is a short document: taken whole, refused with 400 beyond `limit` bytes.
std::unique_ptr<Sink> take_document(size_t limit, std::function<Response(std::string document)> use);

class Handler {
  public:
    virtual ~Handler() = default;
    // The headers have come. Any thread; what it throws is answered by `refuse`.
    virtual Begun begin(const Request &request) = 0;
    virtual Response refuse(const Request &request, const Refused &why) = 0;
    // Headers that every response has.
    virtual Headers common(const Request &request) = 0;
};

class HttpServer {
  public:
    // Serves at once. `address` is IPv4, `connections` how many are served at a time. Throws std::runtime_error.
    HttpServer(Handler &handler, const std::string &address, uint16_t port, unsigned connections);
    // Ends: breaks off what is under way.
    ~HttpServer();
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;

    uint16_t port() const;

  private:
    struct Daemon;
    std::unique_ptr<Daemon> daemon_;
};

} // namespace ossd
