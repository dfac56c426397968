// Server-side encryption: decisions, answers, rules, refusals.
#include <algorithm>
#include <utility>

#include "check.hpp"

using namespace ossenc;

static const char KMS_RULE[] =
    "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>KMS</SSEAlgorithm>"
    "<KMSMasterKeyID>key-1</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>";

static sse::Request put(List<Pair> headers = {}) {
  sse::Request request;
  request.operation = sse::Operation::PutObject;
  request.headers = headers;
  return request;
}

TEST(a_header_before_the_rule_before_nothing) {
  sse::Request request = put();
  CHECK(TAKE(sse::Decision::resolve(request)).method() == Method::None);
  request.rule = KMS_RULE;
  sse::Decision decision = TAKE(sse::Decision::resolve(request));
  CHECK(decision.what() == sse::What::Begin && decision.method() == Method::SseKms && decision.key_id() == "key-1");
  CHECK(!decision.default_key() && !decision.bucket_key() && decision.context().size() == 0);
  const Pair headers[] = {{"Content-Type", "text/plain"}, {"x-oss-server-side-encryption", "KMS"}};
  request.headers = headers;
  request.rule = {};
  sse::Decision by_default = TAKE(sse::Decision::resolve(request));
  CHECK(by_default.default_key() && by_default.key_id() == "alias/acs/oss");

  sse::Decision moved = std::move(decision);
  CHECK(moved.key_id() == "key-1");
  CHECK(!decision && decision.what() == sse::What::Nothing && decision.key_id().empty());
  moved = std::move(by_default);
  CHECK(moved.default_key() && !by_default.default_key());
}

TEST(a_customers_key_and_a_context) {
  const Pair customer[] = {
      {"x-amz-server-side-encryption-customer-algorithm", "AES256"},
      {"x-amz-server-side-encryption-customer-key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY="},
      {"x-amz-server-side-encryption-customer-key-MD5", "V5euSAsQOO0sIBHETfEa4w=="}};
  sse::Request request = put(customer);
  request.dialect = sse::Dialect::S3;
  sse::Decision decision = TAKE(sse::Decision::resolve(request));
  CHECK(decision.method() == Method::SseC && decision.customer_key().text() == root_key &&
        decision.source_key().empty());
  CHECK(decision.customer_key_md5() == "V5euSAsQOO0sIBHETfEa4w==");

  const Pair kms[] = {{"x-amz-server-side-encryption", "aws:kms"},
                      {"x-amz-server-side-encryption-aws-kms-key-id", "key-1"},
                      {"x-amz-server-side-encryption-context", "eyJiIjoiMiIsImEiOiIxIn0="}};
  request.headers = kms;
  sse::Decision with_context = TAKE(sse::Decision::resolve(request));
  CHECK(with_context.context().size() == 2 && with_context.context_json() == "{\"a\":\"1\",\"b\":\"2\"}");
  for (const Pair &pair : with_context.context()) CHECK(pair.key() == (pair.value() == "1" ? "a" : "b"));

  World world;
  world.change(Change::create("key-1"));
  Context place = place_of("a");
  place.user = with_context.context();
  Choice choice = under(with_context.key_id());
  choice.method = with_context.method();
  OK(world.keyring.create(choice, place, Shape::Single));
}

TEST(a_bucket_is_made_with_a_rule) {
  const Pair headers[] = {{"x-oss-server-side-encryption", "AES256"}};
  sse::Request request = put(headers);
  request.operation = sse::Operation::PutBucket;
  sse::Decision decision = TAKE(sse::Decision::resolve(request));
  CHECK(decision.what() == sse::What::MakeBucket && decision.rule().find("AES256") != std::string_view::npos);
  std::string rule = TAKE(sse::rule(sse::Dialect::Oss, decision.rule(), sse::RuleForm::Oss));
  CHECK(rule.find("<SSEAlgorithm>AES256</SSEAlgorithm>") != std::string::npos);
  CHECK(TAKE(sse::rule(sse::Dialect::Oss, {}, sse::RuleForm::BucketInfo)).find("None") != std::string::npos);
  Result<std::string, sse::Refusal> none = sse::rule(sse::Dialect::Oss, {}, sse::RuleForm::Oss);
  CHECK(!none && none.error().http() == 404);
  CHECK(none.error().code() == std::string_view("NoSuchServerSideEncryptionRule"));
}

TEST(answers_are_headers) {
  World world;
  Choice choice = under("k1");
  choice.method = Method::SseKms;
  Created made = TAKE(world.keyring.create(choice, place_of("a"), Shape::Single));
  sse::Recorded recorded;
  recorded.envelope = made.envelope;
  sse::Headers headers = TAKE(sse::answer(sse::Dialect::Oss, sse::Operation::HeadObject, recorded));
  std::string seen;
  for (auto [name, value] : headers) seen.append(name).append("=").append(value).append(";");
  CHECK(seen == "x-oss-server-side-encryption=KMS;x-oss-server-side-encryption-key-id=k1;");
  CHECK(!headers.empty() && headers.lines().find("\r\n") != std::string::npos);
  CHECK(TAKE(sse::answer(sse::Dialect::Oss, sse::Operation::HeadObject, {})).empty());
  const std::string context = "{\"a\":\"" + std::string(999, 'b') + "\"}";
  recorded.context_json = context;
  sse::Headers long_ones = TAKE(sse::answer(sse::Dialect::S3, sse::Operation::PutObject, recorded));
  std::size_t longest = 0;
  for (auto [name, value] : long_ones) longest = std::max(longest, value.size());
  CHECK(longest == (context.size() + 2) / 3 * 4);
  recorded.envelope = "nonsense";
  FAILS(Format, sse::answer(sse::Dialect::Oss, sse::Operation::HeadObject, recorded));
}

TEST(refusals_say_how_to_answer) {
  const Pair headers[] = {{"x-oss-server-side-encryption", "DES"}};
  Result<sse::Decision, sse::Refusal> refused = sse::Decision::resolve(put(headers));
  FAILS(Expect, refused);
  CHECK(refused.error().http() == 400 && refused.error().code() == std::string_view("InvalidEncryptionAlgorithmError"));
  std::string body =
      TAKE(sse::error_body(sse::Dialect::Oss, refused.error().code(), refused.error().message(), {"id-1", "host<", "1", {}}));
  CHECK(body.find("<Code>InvalidEncryptionAlgorithmError</Code>") != std::string::npos);
  CHECK(body.find("host&lt;") != std::string::npos && body.find("<EC>1</EC>") != std::string::npos);
  CHECK(TAKE(sse::error_body(sse::Dialect::Oss, "A", "b", {"c", "d", {}, {}}, true)).find('<') == std::string::npos);

  sse::Request broken = put();
  broken.dialect = static_cast<sse::Dialect>(77);
  Result<sse::Decision, sse::Refusal> argument = sse::Decision::resolve(broken);
  FAILS(Argument, argument);
  CHECK(argument.error().http() == 0 && argument.error().message()[0] != 0);

  CHECK(sse::failure(sse::Dialect::Oss, Status::Denied, Method::SseKms, "k1").http() == 403);
  CHECK(sse::failure(sse::Dialect::Oss, Status::KmsRetry, Method::SseKms).http() == 503);
  ossenc_key_info waiting{};
  waiting.size = sizeof waiting;
  waiting.state = OSSENC_KEY_PENDING_IMPORT;
  const KeyInfo key(waiting);
  auto code = [](const sse::Refusal &refusal) { return std::string_view(refusal.code()); };
  CHECK(code(sse::failure(sse::Dialect::Oss, Status::KeyState, Method::SseKms, "k1")) == "KeyDisabled");
  CHECK(code(sse::failure(sse::Dialect::Oss, Status::KeyState, Method::SseKms, "k1", &key)) == "KeyPendingImport");
  CHECK(sse::failure(sse::Dialect::Oss, Status::Chunk, Method::SseOss).http() == 500);
  CHECK(sse::failure(sse::Dialect::Oss, Status::Ok, Method::SseOss).http() == 0);
}
