#include "digest.hpp"

#include <lzma.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace ossd {

namespace {

std::string hmac(const EVP_MD *algorithm, std::string_view key, std::string_view bytes) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (!HMAC(algorithm, key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size(), out, &n))
        throw std::runtime_error("libcrypto has no HMAC");
    return std::string(reinterpret_cast<char *>(out), n);
}

} // namespace

std::string sha256(std::string_view bytes) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), out, &n, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("libcrypto has no SHA-256");
    return std::string(reinterpret_cast<char *>(out), n);
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) { return hmac(EVP_sha1(), key, bytes); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) { return hmac(EVP_sha256(), key, bytes); }

bool equal_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string random_bytes(size_t n) {
    std::string bytes(n, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char *>(bytes.data()), static_cast<int>(n)) != 1)
        throw std::runtime_error("no random bytes");
    return bytes;
}

uint64_t crc64(uint64_t crc, const void *p, size_t n) { return lzma_crc64(static_cast<const uint8_t *>(p), n, crc); }

Md5::Md5() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr) != 1)
        throw std::runtime_error("libcrypto has no MD5");
}

void Md5::update(const void *p, size_t n) {
    if (EVP_DigestUpdate(context_.get(), p, n) != 1) throw std::runtime_error("MD5 failed");
}

std::string Md5::finish() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (EVP_DigestFinal_ex(context_.get(), out, &n) != 1) throw std::runtime_error("MD5 failed");
    return std::string(reinterpret_cast<char *>(out), n);
}

std::string md5(std::string_view bytes) {
    Md5 digest;
    digest.update(bytes.data(), bytes.size());
    return digest.finish();
}

} // namespace ossd
