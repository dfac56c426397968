// Who may ask: the file of users.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ossd {

struct User {
    std::string access_key;
    std::string secret;
    bool all_cmks = false;         // may use every customer master key
    std::vector<std::string> cmks; // ids and aliases of those that the user may use
};

class Users {
  public:
    // Reads lines `ACCESS_KEY SECRET [cmk=ID_OR_ALIAS|*|none ...]`; `#` begins a comment. The first is the
    // administrator. Throws std::runtime_error for a file that cannot be read, a line that is none, and no user at all.
    explicit Users(const std::string &path);

    // NULL if there is none.
    const User *find(const std::string &access_key) const;

  private:
    std::map<std::string, User> users_;
};

} // namespace ossd
