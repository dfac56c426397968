// Digests of OpenSSL, and the CRC-64 of liblzma, which is OSS's.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ossd {

std::string sha256(std::string_view bytes);
std::string hmac_sha1(std::string_view key, std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// In a time that depends on the lengths alone.
bool equal_secret(std::string_view a, std::string_view b);

// Of bytes from the system's source.
std::string random_bytes(size_t n);

// CRC-64/XZ, going on from `crc`; that of nothing is 0.
uint64_t crc64(uint64_t crc, const void *p, size_t n);

// MD5, which ETags and Content-MD5 are made of: it protects nothing here.
class Md5 {
  public:
    Md5();
    void update(const void *p, size_t n);
    std::string finish(); // 16 bytes

  private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string md5(std::string_view bytes);

} // namespace ossd
