#include "crypto.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace ossd {

namespace {

using namespace ossenc;

constexpr auto OSS = sse::Dialect::Oss;
constexpr size_t STORED_BLOCK = 64 * OSSENC_STORED_CHUNK + 2 * 4096;

// The client's encryption context, as it was recorded. Its order does not matter to the library.
class UserPairs {
  public:
    explicit UserPairs(const std::string &json) {
        if (json.empty()) return;
        auto parsed = nlohmann::json::parse(json);
        for (const auto &[key, value] : parsed.items()) texts_.emplace_back(key, value.get<std::string>());
        for (const auto &[key, value] : texts_) pairs_.emplace_back(key, value);
    }
    List<Pair> list() const { return pairs_; }

  private:
    ossd::Headers texts_;
    std::vector<Pair> pairs_;
};

Context context_of(const Place &place, List<Pair> user) {
    Context context;
    context.bucket_id = place.bucket_id;
    context.object = place.name;
    context.user = user;
    return context;
}

std::string text_of(const Buffer &buffer) { return {buffer.begin(), buffer.end()}; }

[[noreturn]] void refuse(const sse::Refusal &why) {
    if (why.http() == 0) throw std::runtime_error(describe(why.status()));
    throw Refused(why.http(), why.code(), why.message());
}

} // namespace

void Crypto::refuse(Status status, Method method, std::string_view key_id) const {
    auto keystore = keys_.snapshot();
    auto key = keystore->key(Bytes(key_id));
    ossd::refuse(sse::failure(OSS, status, method, key_id, key ? &*key : nullptr));
}

sse::Decision Crypto::resolve(Operation operation, const Request &request, const std::string &rule, uint32_t recorded,
                              uint32_t source) const {
    if (!enabled_) return {};
    std::vector<Pair> headers;
    for (const auto &[name, value] : request.headers) headers.emplace_back(name, value);
    sse::Request asked;
    asked.dialect = OSS;
    asked.operation = operation;
    asked.recorded = static_cast<Method>(recorded);
    asked.source = static_cast<Method>(source);
    asked.headers = headers;
    asked.rule = rule;
    auto decision = sse::Decision::resolve(asked);
    if (!decision) ossd::refuse(decision.error());
    return *std::move(decision);
}

Crypto::Created Crypto::create(const sse::Decision &decision, const User &user, const Place &place, Shape shape,
                               bool large) {
    if (decision.method() == Method::None) return {};
    auto key_id = keys_.choose(decision, user);
    if (!key_id) refuse(key_id.status(), decision.method(), decision.key_id());
    Choice choice;
    choice.method = decision.method();
    choice.key_id = *key_id;
    std::shared_lock making(making_);
    auto made = keys_.keyring().create(choice, context_of(place, decision.context()), shape);
    if (!made) refuse(made.status(), decision.method(), *key_id);
    Protection protection;
    protection.method = static_cast<uint32_t>(decision.method());
    protection.layout = static_cast<uint32_t>(layout_.value_or(large ? Layout::Paged : Layout::Inline));
    protection.envelope = text_of(made->envelope);
    protection.context = decision.context_json();
    auto pending = list(protection.envelope);
    return {std::make_shared<const Object>(std::move(made->object)), std::move(protection), std::move(pending)};
}

std::shared_ptr<const void> Crypto::list(const std::string &envelope) {
    std::lock_guard lock(mutex_);
    auto listed = pending_.insert(envelope);
    return {nullptr, [this, listed](const void *) {
                std::lock_guard lock(mutex_);
                pending_.erase(listed);
            }};
}

std::vector<std::string> Crypto::pending() {
    std::unique_lock making(making_);
    std::lock_guard lock(mutex_);
    return {pending_.begin(), pending_.end()};
}

ObjectKey Crypto::open(const Protection &protection, const User *user, const Place &place) const {
    if (protection.method == 0) return nullptr;
    auto method = static_cast<Method>(protection.method);
    auto info = EnvelopeInfo::read(protection.envelope);
    if (!info) refuse(info.status(), method, "");
    // The envelope only says which key to ask for; whether that is allowed the record's method and the user decide.
    Status permitted = keys_.permits(user, method, info->key_id());
    if (permitted != Status::Ok) refuse(permitted, method, info->key_id());
    Bytes key_ids[] = {info->key_id()};
    Expect expect;
    expect.methods = allow(method);
    expect.key_ids = key_ids;
    UserPairs pairs(protection.context);
    auto object = keys_.keyring().open(protection.envelope, context_of(place, pairs.list()), expect);
    if (!object) refuse(object.status(), method, info->key_id());
    return std::make_shared<const Object>(*std::move(object));
}

bool Crypto::lags(const Protection &protection) const {
    return protection.method != 0 && or_throw(keys_.keyring().needs_rewrap(protection.envelope)) != 0;
}

std::optional<Protection> Crypto::rewrap(const Protection &protection, const Place &place) const {
    if (!lags(protection)) return std::nullopt;
    auto method = static_cast<Method>(protection.method);
    auto info = or_throw(EnvelopeInfo::read(protection.envelope));
    Status permitted = keys_.permits(nullptr, method, info.key_id());
    if (permitted != Status::Ok) refuse(permitted, method, info.key_id());
    Bytes key_ids[] = {info.key_id()};
    Expect expect;
    expect.methods = allow(method);
    expect.key_ids = key_ids;
    UserPairs pairs(protection.context);
    auto envelope = keys_.keyring().rewrap(protection.envelope, context_of(place, pairs.list()), expect);
    if (!envelope) refuse(envelope.status(), method, info.key_id());
    Protection anew = protection;
    anew.envelope = text_of(*envelope);
    return anew;
}

Headers Crypto::answer(Operation operation, const Protection &protection) const {
    sse::Recorded recorded;
    recorded.envelope = protection.envelope;
    recorded.context_json = protection.context;
    auto lines = or_throw(sse::answer(OSS, operation, recorded));
    ossd::Headers headers;
    for (auto [name, value] : lines) headers.emplace_back(name, value);
    return headers;
}

std::string Crypto::rule(const std::string &document, sse::RuleForm form) const {
    auto written = sse::rule(OSS, document, form);
    if (!written) ossd::refuse(written.error());
    return *std::move(written);
}

std::string seal_value(const ObjectKey &key, const std::string &name, const std::string &value) {
    return key ? text_of(or_throw(key->seal_attribute(name, value))) : value;
}

std::string open_value(const ObjectKey &key, const std::string &name, const std::string &value) {
    return key ? text_of(or_throw(key->open_attribute(name, value))) : value;
}

std::string begin_upload(const ObjectKey &key) { return key ? text_of(or_throw(key->begin_upload())) : std::string(); }

void check_upload(const ObjectKey &key, const std::string &record) {
    if (key) or_throw(key->check_upload(record));
}

std::string encode_receipt(const Receipt &receipt) {
    auto encoded = or_throw(receipt.encode());
    return {encoded.begin(), encoded.end()};
}

Receipt decode_receipt(const std::string &encoded) { return or_throw(Receipt::decode(encoded)); }

std::string seal_manifest(const ObjectKey &key, const std::vector<Receipt> &receipts) {
    return text_of(or_throw(key->seal_manifest(1, receipts)));
}

std::string append_manifest(const ObjectKey &key, const std::string &old, const Receipt &receipt, bool replace) {
    return text_of(or_throw(key->append_manifest(old, List<Receipt>(&receipt, 1), replace)));
}

SegmentSealer::SegmentSealer(const Object &object, uint32_t part, Layout layout)
    : sealer_(or_throw(object.sealer(part, layout))), layout_(layout), stored_(STORED_BLOCK) {}

void SegmentSealer::write(std::string_view piece, Fd &file) {
    Piece pieces[] = {ossenc::piece(Bytes(rest_)), ossenc::piece(Bytes(piece))};
    for (;;) {
        Moved moved = or_throw(sealer_.next(pieces, stored_));
        if (moved.consumed == 0 && moved.written == 0) break;
        file.write(stored_.data(), moved.written);
        for (Piece &part : pieces) {
            size_t taken = std::min(part.n, moved.consumed);
            part.p = static_cast<char *>(part.p) + taken;
            part.n -= taken;
            moved.consumed -= taken;
        }
    }
    std::string rest(static_cast<const char *>(pieces[0].p), pieces[0].n);
    rest.append(static_cast<const char *>(pieces[1].p), pieces[1].n);
    rest_ = std::move(rest);
}

Receipt SegmentSealer::finish(Fd &file) {
    Sealed sealed = or_throw(sealer_.finish(rest_, stored_));
    file.write(stored_.data(), sealed.body);
    return sealed.receipt;
}

SealedReader::SealedReader(RecordPtr record, ObjectKey key) : record_(std::move(record)), key_(std::move(key)) {
    auto layout = static_cast<Layout>(record_->protection.layout);
    if (!record_->manifest.empty()) {
        map_ = or_throw(key_->map(record_->manifest, record_->generation, layout));
    } else {
        file_ = record_->segments.at(0).file->open();
        map_ = or_throw(Map::single(layout, file_.size(), record_->size, record_->head));
    }
    if (map_.segments() != record_->segments.size() || map_.plain() != record_->size)
        throw std::runtime_error("a record and its manifest differ");
}

void SealedReader::open_segment(uint32_t index) {
    if (index_ == index) return;
    // Of a single segment the file is open already.
    if (index_ || !file_) file_ = record_->segments.at(index).file->open();
    opener_ = or_throw(key_->opener(map_, index));
    index_ = index;
}

void SealedReader::read(uint64_t offset, char *p, size_t n) {
    auto plan = or_throw(map_.plan(offset, n));
    for (const Extent &extent : plan) {
        open_segment(extent.segment);
        // Ciphertext without tags in it, of whole chunks that are wanted, is opened where it is read to.
        bool in_place = extent.side > 0 && extent.take == extent.body;
        size_t room = extent.side + (in_place ? 0 : extent.body);
        if (room > room_) aside_.reset(new char[room_ = room]);
        char *tags = aside_.get(), *body = in_place ? p : tags + extent.side;
        file_.read_at(extent.side_off, tags, extent.side);
        file_.read_at(extent.body_off, body, extent.body);
        or_throw(
            opener_.open(extent, Bytes(body, extent.body), Bytes(tags, extent.side), MutableBytes(p, extent.take)));
        p += extent.take;
        n -= extent.take;
    }
    if (n != 0 || plan.status() != Status::Ok) throw std::runtime_error("a plan does not give what was asked for");
}

} // namespace ossd
