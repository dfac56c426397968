#include "http.hpp"

#include "digest.hpp"
#include "text.hpp"

#include <arpa/inet.h>
#include <microhttpd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace ossd {

namespace {

// A connection's memory: half of it is the most of a body that comes in one piece. All of it is cleared for each
// request, which of 1 MiB takes about as long as a small request, and empties the caches.
constexpr size_t CONNECTION_MEMORY = 256 << 10;
// What of a response is read ahead, and then at a time.
constexpr size_t BLOCK = 256 << 10;
// What is read of a body that is not wanted, so that the client sees the answer and not a reset.
constexpr uint64_t DRAIN = 64 << 20;
constexpr unsigned IDLE_SECONDS = 25;
constexpr unsigned BACKLOG = 511;

const std::string EMPTY;

const std::string *find(const Headers &headers, std::string_view name) {
    for (const auto &[key, value] : headers)
        if (key == name) return &value;
    return nullptr;
}

// A request and what has become of it.
struct Exchange {
    std::string address;
    Request request;
    bool begun = false;
    uint64_t drained = 0;
    Begun result;
};

class Document : public Sink {
  public:
    Document(size_t limit, std::function<Response(std::string)> use) : limit_(limit), use_(std::move(use)) {}

    void write(std::string_view piece) override {
        if (piece.size() > limit_ - text_.size()) refuse_argument("The request's document is too long.");
        text_.append(piece);
    }

    Response finish() override { return use_(std::move(text_)); }

  private:
    size_t limit_;
    std::function<Response(std::string)> use_;
    std::string text_;
};

// As forms and Python's clients write it: a space may be a `+`.
std::optional<std::string> decode_query(std::string_view text) {
    std::string spaced(text);
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return percent_decode(spaced);
}

void parse_query(std::string_view query, Headers &into) {
    while (!query.empty()) {
        std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.empty()) continue;
        size_t equals = std::min(pair.find('='), pair.size());
        auto name = decode_query(pair.substr(0, equals));
        auto value = decode_query(pair.substr(std::min(equals + 1, pair.size())));
        if (!name || !value) refuse_argument("The query is not well encoded.");
        into.emplace_back(std::move(*name), std::move(*value));
    }
}

MHD_Result take_header(void *to, MHD_ValueKind, const char *name, size_t name_size, const char *value,
                       size_t value_size) {
    static_cast<Headers *>(to)->emplace_back(lower({name, name_size}),
                                             value ? std::string(trim({value, value_size})) : std::string());
    return MHD_YES;
}

// Fills `exchange.request`; what it throws is the client's fault.
void read_request(MHD_Connection *connection, const char *method, Exchange &exchange) {
    Request &request = exchange.request;
    request.method = method;
    request.id = to_hex(random_bytes(12), true);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, &request.headers);
    std::string_view address = exchange.address;
    size_t mark = std::min(address.find('?'), address.size());
    request.path = std::string(address.substr(0, mark));
    if (const std::string *length = find(request.headers, "content-length")) {
        request.content_length = parse_number(*length);
        if (!request.content_length) refuse_argument("Content-Length is no number.");
    }
    parse_query(address.substr(std::min(mark + 1, address.size())), request.query);
}

ssize_t read_source(void *source, uint64_t, char *p, size_t n) {
    try {
        return static_cast<ssize_t>(static_cast<Source *>(source)->read(p, n));
    } catch (const std::exception &why) {
        fprintf(stderr, "ossd: a body is broken off: %s\n", why.what());
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

void free_source(void *source) { delete static_cast<Source *>(source); }

// A source of which the first bytes were read already: so a body that cannot be read is an error, not a broken 200.
class ReadAhead : public Source {
  public:
    ReadAhead(std::string first, std::unique_ptr<Source> rest) : first_(std::move(first)), rest_(std::move(rest)) {}

    uint64_t size() const override { return rest_->size(); }

    size_t read(char *p, size_t n) override {
        if (given_ == first_.size()) return rest_->read(p, n);
        n = std::min(n, first_.size() - given_);
        memcpy(p, first_.data() + given_, n);
        given_ += n;
        if (given_ == first_.size()) first_ = std::string(), given_ = 0;
        return n;
    }

  private:
    std::string first_;
    size_t given_ = 0;
    std::unique_ptr<Source> rest_;
};

std::string read_ahead(Source &source) {
    std::string first(static_cast<size_t>(std::min<uint64_t>(source.size(), BLOCK)), '\0');
    for (size_t n = 0; n < first.size();) n += source.read(first.data() + n, first.size() - n);
    return first;
}

} // namespace

struct HttpServer::Daemon {
    Handler &handler;
    MHD_Daemon *mhd = nullptr;

    explicit Daemon(Handler &handler) : handler(handler) {}

    // Runs a step of a request, and has what it throws answered.
    template <typename Step> void guard(Exchange &exchange, Step step) {
        try {
            step();
            return;
        } catch (const Refused &why) { refuse(exchange, why); } catch (const std::exception &why) {
            fprintf(stderr, "ossd: %s: %s\n", exchange.request.id.c_str(), why.what());
            refuse(exchange, Refused(500, "InternalError", "Internal error."));
        }
    }

    // What cannot even be refused in words is refused without.
    void refuse(Exchange &exchange, const Refused &why) {
        try {
            exchange.result = {nullptr, handler.refuse(exchange.request, why)};
        } catch (const std::exception &again) {
            fprintf(stderr, "ossd: %s: %s\n", exchange.request.id.c_str(), again.what());
            Response bare;
            bare.status = why.status;
            exchange.result = {nullptr, std::move(bare)};
        }
    }

    // The same for a step that may take long. While we work the client is not idle; setting the time anew begins it
    // anew.
    template <typename Step> void work(MHD_Connection *connection, Exchange &exchange, Step step) {
        MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
        guard(exchange, step);
        MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, IDLE_SECONDS);
    }

    MHD_Response *make(Exchange &exchange, Response &answer) {
        bool head = exchange.request.method == "HEAD";
        if (answer.source && !head && answer.source->size() > 0) {
            std::string first = read_ahead(*answer.source);
            if (first.size() == answer.source->size()) {
                answer.source.reset();
                answer.body = std::move(first);
            } else {
                answer.source = std::make_unique<ReadAhead>(std::move(first), std::move(answer.source));
            }
        }
        if (!answer.source) {
            auto *kept = new std::string(std::move(answer.body));
            return MHD_create_response_from_buffer_with_free_callback_cls(
                kept->size(), kept->data(), [](void *p) { delete static_cast<std::string *>(p); }, kept);
        }
        uint64_t size = answer.source->size();
        return MHD_create_response_from_callback(size, static_cast<size_t>(std::clamp<uint64_t>(size, 1, BLOCK)),
                                                 read_source, answer.source.release(), free_source);
    }

    MHD_Result queue(MHD_Connection *connection, Exchange &exchange) {
        MHD_Response *response = nullptr;
        // Reading ahead may fail: then the answer is another one, which cannot.
        guard(exchange, [&] { response = make(exchange, *exchange.result.response); });
        if (!response) response = make(exchange, *exchange.result.response);
        if (!response) return MHD_NO;
        Headers headers = handler.common(exchange.request);
        for (auto &header : exchange.result.response->headers) headers.push_back(std::move(header));
        for (const auto &[name, value] : headers) {
            // Refuses line ends, which would let a value become a header.
            MHD_add_response_header(response, name.c_str(), value.c_str());
        }
        MHD_Result queued =
            MHD_queue_response(connection, static_cast<unsigned>(exchange.result.response->status), response);
        MHD_destroy_response(response);
        return queued;
    }

    MHD_Result serve(MHD_Connection *connection, const char *method, const char *data, size_t *n, Exchange &exchange) {
        if (!exchange.begun) {
            exchange.begun = true;
            work(connection, exchange, [&] {
                read_request(connection, method, exchange);
                exchange.result = handler.begin(exchange.request);
            });
            // An answer before the body ends the connection: only where the client still waits with its body is that
            // well.
            bool waits = lower(exchange.request.header("expect")) == "100-continue";
            return exchange.result.response && waits ? queue(connection, exchange) : MHD_YES;
        }
        if (*n > 0) {
            if (exchange.result.sink) {
                guard(exchange, [&] { exchange.result.sink->write({data, *n}); });
            } else if ((exchange.drained += *n) > DRAIN) {
                return MHD_NO;
            }
            *n = 0;
            return MHD_YES;
        }
        if (exchange.result.sink)
            work(connection, exchange, [&] { exchange.result = {nullptr, exchange.result.sink->finish()}; });
        return queue(connection, exchange);
    }
};

namespace {

void *log_address(void *, const char *address, MHD_Connection *) {
    auto *exchange = new (std::nothrow) Exchange;
    if (exchange) exchange->address = address;
    return exchange;
}

size_t leave_encoded(void *, MHD_Connection *, char *text) { return strlen(text); }

void end(void *, MHD_Connection *, void **exchange, MHD_RequestTerminationCode) {
    delete static_cast<Exchange *>(*exchange);
    *exchange = nullptr;
}

} // namespace

const std::string &Request::header(std::string_view name) const {
    const std::string *value = find(headers, name);
    return value ? *value : EMPTY;
}

bool Request::has_header(std::string_view name) const { return find(headers, name) != nullptr; }

const std::string &Request::parameter(std::string_view name) const {
    const std::string *value = find(query, name);
    return value ? *value : EMPTY;
}

bool Request::has_parameter(std::string_view name) const { return find(query, name) != nullptr; }

std::unique_ptr<Sink> take_document(size_t limit, std::function<Response(std::string)> use) {
    return std::make_unique<Document>(limit, std::move(use));
}

HttpServer::HttpServer(Handler &handler, const std::string &address, uint16_t port, unsigned connections)
    : daemon_(std::make_unique<Daemon>(handler)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    if (inet_pton(AF_INET, address.c_str(), &at.sin_addr) != 1)
        throw std::runtime_error(address + " is no IPv4 address");
    auto serve = [](void *self, MHD_Connection *connection, const char *, const char *method, const char *,
                    const char *data, size_t *n, void **exchange) -> MHD_Result {
        if (!*exchange) return MHD_NO;
        try {
            return static_cast<Daemon *>(self)->serve(connection, method, data, n, *static_cast<Exchange *>(*exchange));
        } catch (const std::exception &why) {
            // Nothing may pass through the library's frames, which are C. There is no memory, as a rule.
            fprintf(stderr, "ossd: a connection is broken off: %s\n", why.what());
            return MHD_NO;
        }
    };
    daemon_->mhd =
        MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, port, nullptr,
                         nullptr, serve, daemon_.get(), MHD_OPTION_SOCK_ADDR, reinterpret_cast<sockaddr *>(&at),
                         MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_LISTEN_BACKLOG_SIZE, BACKLOG,
                         MHD_OPTION_URI_LOG_CALLBACK, log_address, nullptr, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded,
                         nullptr, MHD_OPTION_NOTIFY_COMPLETED, end, nullptr, MHD_OPTION_END);
    if (!daemon_->mhd) throw std::runtime_error("cannot listen on " + address + ":" + std::to_string(port));
}

HttpServer::~HttpServer() { MHD_stop_daemon(daemon_->mhd); }

uint16_t HttpServer::port() const {
    const MHD_DaemonInfo *info = MHD_get_daemon_info(daemon_->mhd, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

} // namespace ossd
