#include "users.hpp"

#include "text.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace ossd {

Users::Users(const std::string &path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        number++;
        std::istringstream words(line.substr(0, line.find('#')));
        std::string word;
        User user;
        if (!(words >> user.access_key)) continue;
        bool valid =
            static_cast<bool>(words >> user.secret) && user.access_key.find_first_of("/:,") == std::string::npos;
        while (valid && words >> word) {
            valid = starts_with(word, "cmk=") && word.size() > 4;
            std::string cmk = word.substr(std::min<size_t>(4, word.size()));
            if (cmk == "*")
                user.all_cmks = true;
            else if (cmk != "none")
                user.cmks.push_back(cmk);
        }
        if (!valid || users_.count(user.access_key))
            throw std::runtime_error(
                path + ": line " + std::to_string(number) +
                " is not `ACCESS_KEY SECRET [cmk=ID_OR_ALIAS|*|none ...]`, or its key comes twice");
        user.all_cmks = user.all_cmks || users_.empty();
        users_.emplace(user.access_key, user);
    }
    if (users_.empty()) throw std::runtime_error(path + " has no user");
}

const User *Users::find(const std::string &access_key) const {
    auto found = users_.find(access_key);
    return found == users_.end() ? nullptr : &found->second;
}

} // namespace ossd
