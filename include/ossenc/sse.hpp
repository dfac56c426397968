// Server-side encryption, as clients of OSS and S3 speak it: what a request means, what to answer, a bucket's rule, and
// errors. Pure; any number of threads. Which keys exist it does not ask.
#ifndef OSSENC_SSE_HPP
#define OSSENC_SSE_HPP

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "keystore.hpp"
#include "object.hpp"

namespace ossenc::sse {

enum class Dialect : std::uint32_t { Oss = OSSENC_SSE_OSS, S3 = OSSENC_SSE_S3 };

// What a client wants to do: see OSSENC_SSE_PUT_OBJECT and so on.
enum class Operation : std::uint32_t {
  PutObject = OSSENC_SSE_PUT_OBJECT,
  PostObject = OSSENC_SSE_POST_OBJECT,
  CopyObject = OSSENC_SSE_COPY_OBJECT,
  InitiateUpload = OSSENC_SSE_INITIATE_UPLOAD,
  UploadPart = OSSENC_SSE_UPLOAD_PART,
  UploadPartCopy = OSSENC_SSE_UPLOAD_PART_COPY,
  CompleteUpload = OSSENC_SSE_COMPLETE_UPLOAD,
  AppendFirst = OSSENC_SSE_APPEND_FIRST,
  AppendLater = OSSENC_SSE_APPEND_LATER,
  GetObject = OSSENC_SSE_GET_OBJECT,
  HeadObject = OSSENC_SSE_HEAD_OBJECT,
  ListParts = OSSENC_SSE_LIST_PARTS,
  PutBucket = OSSENC_SSE_PUT_BUCKET,
  PutBucketEncryption = OSSENC_SSE_PUT_BUCKET_ENCRYPTION,
  GetBucketEncryption = OSSENC_SSE_GET_BUCKET_ENCRYPTION,
  DeleteBucketEncryption = OSSENC_SSE_DELETE_BUCKET_ENCRYPTION,
  GetBucketInfo = OSSENC_SSE_GET_BUCKET_INFO,
  Other = OSSENC_SSE_OTHER,
};

// What is to be done: see OSSENC_SSE_NOTHING and so on.
enum class What : std::uint32_t {
  Nothing = OSSENC_SSE_NOTHING,
  Begin = OSSENC_SSE_BEGIN,
  GoOn = OSSENC_SSE_GO_ON,
  MakeBucket = OSSENC_SSE_MAKE_BUCKET,
};

// The forms of a bucket's rule: see OSSENC_SSE_RULE_....
enum class RuleForm : std::uint32_t {
  Oss = OSSENC_SSE_RULE_OSS,
  S3 = OSSENC_SSE_RULE_S3,
  BucketInfo = OSSENC_SSE_RULE_BUCKET_INFO,
};

// How to answer a request that is refused: an ossenc_sse_error, and the status of the call. It holds nothing of the
// request.
class Refusal {
 public:
  Refusal(Status status, const ossenc_sse_error &c) noexcept : status_(status), c_(c) {}
  // Status::Expect for a request that is refused. From failure(), the status that it explains. Anything else is about
  // the arguments of the call, and http() is 0.
  [[nodiscard]] Status status() const noexcept { return status_; }
  // The HTTP status; 0 if no request was refused.
  [[nodiscard]] int http() const noexcept { return static_cast<int>(c_.http); }
  // The error's code, as the dialect has it; terminated, lives as long as this.
  [[nodiscard]] const char *code() const noexcept { return c_.code; }
  // A sentence for people, terminated; lives as long as this.
  [[nodiscard]] const char *message() const noexcept { return c_.message[0] ? c_.message : describe(status_); }

 private:
  Status status_;
  ossenc_sse_error c_;
};

// All that counts of a request.
struct Request {
  Dialect dialect = Dialect::Oss;
  Operation operation = Operation::Other;
  // The method of the object or upload that the operation goes on with or reads.
  Method recorded = Method::None;
  // For copies, the method of the source.
  Method source = Method::None;
  // All headers of the request, or fields of the form, as they came.
  List<Pair> headers;
  // The bucket's rule, a document of this dialect; empty for none. For copies that of the target's bucket. Operations
  // that neither make an object nor ask for the rule ignore it.
  Bytes rule;
};

// What a request means, with the memory for it: what it gives is borrowed from it, and customers' keys are wiped with it.
class Decision : public detail::Handle<const ossenc_sse_resolved, &ossenc_sse_resolved_free> {
 public:
  // An empty one, made so or moved from, decides Nothing.
  Decision() noexcept = default;
  Decision(Decision &&other) noexcept
      : Handle(std::move(other)), c_(std::exchange(other.c_, detail::sized<ossenc_sse_decision>())) {}
  Decision &operator=(Decision &&other) noexcept {
    if (this != &other) {
      Handle::operator=(std::move(other));
      c_ = std::exchange(other.c_, detail::sized<ossenc_sse_decision>());
    }
    return *this;
  }

  // ossenc_sse_resolve: the object's header before the bucket's rule before nothing.
  static Result<Decision, Refusal> resolve(const Request &request) noexcept {
    auto c = detail::sized<ossenc_sse_request>();
    c.dialect = static_cast<std::uint32_t>(request.dialect);
    c.operation = static_cast<std::uint32_t>(request.operation);
    c.recorded = static_cast<std::uint32_t>(request.recorded);
    c.source = static_cast<std::uint32_t>(request.source);
    c.headers = detail::raw(request.headers);
    c.n = request.headers.size();
    c.rule = request.rule;
    auto error = detail::sized<ossenc_sse_error>();
    const ossenc_sse_resolved *resolved = nullptr;
    ossenc_status status = ossenc_sse_resolve(&c, &resolved, &error);
    Decision decision(resolved);
    if (status == OSSENC_OK) status = ossenc_sse_resolved_read(resolved, &decision.c_);
    if (status != OSSENC_OK) return Refusal(static_cast<Status>(status), error);
    return decision;
  }

  [[nodiscard]] What what() const noexcept { return static_cast<What>(c_.what); }
  // Begin: how the object or upload is to be encrypted; Method::None for not at all.
  [[nodiscard]] Method method() const noexcept { return static_cast<Method>(c_.method); }
  // SSE-KMS: whether no key was named, so that the default one serves: create it if there is none of that alias.
  [[nodiscard]] bool default_key() const noexcept { return c_.default_key != 0; }
  // SSE-KMS: whether a bucket key shall spare calls to the key service.
  [[nodiscard]] bool bucket_key() const noexcept { return c_.bucket_key != 0; }
  // SSE-KMS: the id or alias to use. Empty for other methods: the service knows its own key.
  [[nodiscard]] std::string_view key_id() const noexcept { return Bytes(c_.key_id).text(); }
  // SSE-KMS: the client's encryption context, for Context::user; and as JSON, to be kept: opening needs it.
  [[nodiscard]] List<Pair> context() const noexcept { return detail::pairs(c_.context, c_.contexts); }
  [[nodiscard]] std::string_view context_json() const noexcept { return Bytes(c_.context_json).text(); }
  // Begin, GoOn: the customer's key, 32 bytes, for an object under SSE-C; else empty. And its MD5 in base64.
  [[nodiscard]] Bytes customer_key() const noexcept { return Bytes(c_.customer_key); }
  [[nodiscard]] std::string_view customer_key_md5() const noexcept { return Bytes(c_.customer_key_md5).text(); }
  // For copies, the customer's key of the source.
  [[nodiscard]] Bytes source_key() const noexcept { return Bytes(c_.source_key); }
  // MakeBucket: the rule, a document of the dialect; empty for none.
  [[nodiscard]] std::string_view rule() const noexcept { return Bytes(c_.rule).text(); }

 private:
  explicit Decision(const ossenc_sse_resolved *resolved) noexcept : Handle(resolved) {}
  using Handle::release;

  ossenc_sse_decision c_ = detail::sized<ossenc_sse_decision>();
};

// Response headers: a range of pairs of name and value, which are borrowed from it.
//
//   for (auto [name, value] : *headers) ...
class Headers {
 public:
  // Lines `name: value`, each ended by CR LF.
  explicit Headers(std::string lines) noexcept : lines_(std::move(lines)) {}

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::pair<std::string_view, std::string_view>;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type *;
    using reference = value_type;

    Iterator() noexcept = default;
    explicit Iterator(std::string_view rest) noexcept : rest_(rest) {}
    value_type operator*() const noexcept {
      const std::string_view line = rest_.substr(0, rest_.find("\r\n"));
      const std::size_t colon = line.find(": ");
      return {line.substr(0, colon), line.substr(colon + 2)};
    }
    Iterator &operator++() noexcept {
      rest_.remove_prefix(rest_.find("\r\n") + 2);
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator &a, const Iterator &b) noexcept { return a.rest_.size() == b.rest_.size(); }
    friend bool operator!=(const Iterator &a, const Iterator &b) noexcept { return !(a == b); }

   private:
    std::string_view rest_;
  };

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(lines_); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(); }
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
  // All of them, as they go over the wire.
  [[nodiscard]] const std::string &lines() const noexcept { return lines_; }

 private:
  std::string lines_;
};

// What is recorded of an object's or upload's encryption.
struct Recorded {
  // Its envelope, once it has opened; empty for what is not encrypted, or under a customer's key whose MD5 is given.
  Bytes envelope;
  // SSE-KMS: Decision::context_json, as it was kept.
  Bytes context_json;
  // SSE-C: Decision::customer_key_md5 of this request.
  Bytes customer_key_md5;
};

// ossenc_sse_answer: the response headers that tell how an object is encrypted; none for what is not.
[[nodiscard]] inline Result<Headers> answer(Dialect dialect, Operation operation, const Recorded &recorded) {
  auto c = detail::sized<ossenc_sse_recorded>();
  c.envelope = recorded.envelope;
  c.context_json = recorded.context_json;
  c.customer_key_md5 = recorded.customer_key_md5;
  Result<std::string> lines = detail::gather<std::string>(
      [&](ossenc_out *out) {
        return detail::done(
            ossenc_sse_answer(static_cast<std::uint32_t>(dialect), static_cast<std::uint32_t>(operation), &c, out));
      },
      200);  // but for long key ids and contexts
  if (!lines) return std::move(lines).error();
  return Headers(*std::move(lines));
}

// ossenc_sse_rule: reads a rule's document of any client (at most 65,536 bytes), and writes it anew, as it is to be
// stored and answered. An empty document: the bucket has no rule.
[[nodiscard]] inline Result<std::string, Refusal> rule(Dialect dialect, Bytes document, RuleForm form) {
  auto error = detail::sized<ossenc_sse_error>();
  std::string written;
  for (;;) {
    ossenc_out out{written.data(), written.size(), 0};
    const ossenc_status status =
        ossenc_sse_rule(static_cast<std::uint32_t>(dialect), document, static_cast<std::uint32_t>(form), &out, &error);
    if (status != OSSENC_OK && status != OSSENC_E_BUFFER) return Refusal(static_cast<Status>(status), error);
    written.resize(out.n);
    if (status == OSSENC_OK) return written;
  }
}

// ossenc_sse_failure: how to answer a request whose object could not be created, opened or rewrapped, for `status`.
// `method` is that of the object, `key_id` the key or alias that was used; `key` is what the keystore says of that key, NULL
// for a key of a key service. What is neither the client's nor the key's fault is 500.
[[nodiscard]] inline Refusal failure(Dialect dialect, Status status, Method method, Bytes key_id = {},
                                     const KeyInfo *key = nullptr) noexcept {
  auto error = detail::sized<ossenc_sse_error>();
  const ossenc_status called =
      ossenc_sse_failure(static_cast<std::uint32_t>(dialect), static_cast<ossenc_status>(status),
                         static_cast<std::uint32_t>(method), key_id, key == nullptr ? nullptr : &key->c(), &error);
  return {called == OSSENC_OK ? status : static_cast<Status>(called), error};
}

// What the body of an error tells of the request: an ossenc_sse_request_info.
struct RequestInfo {
  Bytes request_id;
  // OSS: the host that the client used. S3: an id of the server.
  Bytes host_id;
  // OSS: the number of the error's page; optional.
  Bytes ec;
  // S3: the path; optional.
  Bytes resource;
};

// ossenc_sse_error_body: the body of an error's response, the element <Error> of the dialect; any UTF-8 is escaped. With
// `head`, which is for OSS, the value of the header `x-oss-err` of the response to a HEAD.
[[nodiscard]] inline Result<std::string> error_body(Dialect dialect, Bytes code, Bytes message, const RequestInfo &info,
                                                    bool head = false) {
  auto c = detail::sized<ossenc_sse_request_info>();
  c.request_id = info.request_id;
  c.host_id = info.host_id;
  c.ec = info.ec;
  c.resource = info.resource;
  return detail::gather<std::string>([&](ossenc_out *body) {
    return detail::done(ossenc_sse_error_body(static_cast<std::uint32_t>(dialect), code, message, &c, head, body));
  });
}

}  // namespace ossenc::sse

#endif
